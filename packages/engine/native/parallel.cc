#include "parallel.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace trikd {
namespace {

class FlushDenormals {
 public:
#ifdef __x86_64__
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZero); }
  ~FlushDenormals() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  const unsigned before_;
#endif
};

// The parts of one op. It lives on the stack of its caller, who waits for all of them.
struct Work {
  Work(int threads, int parts, const std::function<void(int)>& body) : body(body), threads(threads), parts(parts) {}
  const std::function<void(int)>& body;
  const int threads, parts;
  // What follows is guarded by the mutex of the helpers.
  int next = 0;
  int running = 0;  // parts
  int helpers = 0;  // that run one of them
  std::exception_ptr failure;
};

class Helpers {
 public:
  // Never destroyed: a helper may outlive the handlers that run at exit.
  static Helpers& All() {
    static auto* const helpers = new Helpers();
    return *helpers;
  }

  void Run(Work& work) {
    std::unique_lock lock(mutex_);
    for (; threads_ < work.threads - 1; threads_++) std::thread([this] { Help(); }).detach();
    open_.push_back(&work);
    if (work.threads == 2) {
      wake_.notify_one();
    } else {
      wake_.notify_all();
    }
    while (Part(work, /*helps=*/false, lock)) {
    }
    work_ended_.wait(lock, [&work] { return work.running == 0; });
  }

 private:
  // Runs the next part of a work, if it has one. The lock is released meanwhile.
  bool Part(Work& work, bool helps, std::unique_lock<std::mutex>& lock) {
    if (work.next == work.parts) return false;
    const int part = work.next++;
    if (work.next == work.parts) Close(work);
    work.running++;
    work.helpers += helps;
    lock.unlock();
    std::exception_ptr failure;
    try {
      const FlushDenormals flush;
      (void)flush;
      work.body(part);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) work.failure = failure;
    work.helpers -= helps;
    // The work may be gone after the last part.
    if (--work.running == 0 && work.next == work.parts) work_ended_.notify_all();
    return true;
  }

  void Close(const Work& work) {
    for (auto each = open_.begin(); each != open_.end(); ++each) {
      if (*each != &work) continue;
      open_.erase(each);
      return;
    }
  }

  // A work that may have one more thread, beside its caller's.
  Work* Open() const {
    for (Work* work : open_) {
      if (work->helpers < work->threads - 1) return work;
    }
    return nullptr;
  }

  void Help() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Work* work = nullptr;
      wake_.wait(lock, [&] { return (work = Open()) != nullptr; });
      Part(*work, /*helps=*/true, lock);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable work_ended_;
  std::deque<Work*> open_;  // those with parts that nobody has begun
  int threads_ = 0;
};

}  // namespace

void InParallel(int threads, int parts, const std::function<void(int)>& body) {
  if (parts <= 0) return;
  if (threads <= 1 || parts == 1) {
    const FlushDenormals flush;
    (void)flush;
    for (int part = 0; part < parts; part++) body(part);
    return;
  }
  Work work(threads, parts, body);
  Helpers::All().Run(work);
  if (work.failure) std::rethrow_exception(work.failure);
}

}  // namespace trikd
