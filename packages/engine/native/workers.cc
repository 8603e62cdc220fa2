#include "workers.h"

#include <thread>

#include "failure.h"

namespace trikd {
namespace {
constexpr int kMaxThreads = 256;

struct Delivery {
  std::shared_ptr<Workers> workers;
  std::unique_ptr<Job> job;
};
}  // namespace

std::shared_ptr<Workers> Workers::Create(napi_env env) {
  auto workers = std::make_shared<Workers>();
  napi_value name;
  napi_create_string_utf8(env, "trikd", NAPI_AUTO_LENGTH, &name);
  const napi_status made = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr,
                                                           Deliver, &workers->deliver_);
  if (made != napi_ok) throw Failure{"INTERNAL", "no thread-safe function can be made", ""};
  // Only pending work keeps the process alive.
  napi_unref_threadsafe_function(env, workers->deliver_);
  return workers;
}

void Workers::Submit(napi_env env, std::unique_ptr<Job> job, Limit limit) {
  std::unique_lock lock(mutex_);
  if (stopped_) RefuseState("the process is shutting down");
  if (idle_ <= static_cast<int>(waiting_.size())) {
    if (limit == Limit::kKeep && threads_ >= kMaxThreads) {
      throw Failure{"RESOURCE_EXHAUSTED", std::to_string(kMaxThreads) + " calls are already waiting", ""};
    }
    std::thread([self = shared_from_this()] { self->Loop(); }).detach();
    threads_++;
  }
  waiting_.push_back(std::move(job));
  if (pending_++ == 0) napi_ref_threadsafe_function(env, deliver_);
  wake_.notify_one();
}

void Workers::Stop() {
  std::unique_lock lock(mutex_);
  if (stopped_) return;
  stopped_ = true;
  waiting_.clear();
  wake_.notify_all();
  napi_release_threadsafe_function(deliver_, napi_tsfn_abort);
}

bool Workers::AwaitEnd(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, patience, [this] { return threads_ == 0; });
}

void Workers::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    idle_++;
    wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    idle_--;
    if (stopped_) break;
    std::unique_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job->work();
    auto* delivery = new Delivery{shared_from_this(), std::move(job)};
    lock.lock();
    // Stop has released the thread-safe function: the result is dropped.
    if (stopped_ || napi_call_threadsafe_function(deliver_, delivery, napi_tsfn_blocking) != napi_ok) delete delivery;
  }
  if (--threads_ == 0) ended_.notify_all();
}

void Workers::Deliver(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Delivery> delivery(static_cast<Delivery*>(data));
  if (env == nullptr) return;
  Workers& workers = *delivery->workers;
  if (--workers.pending_ == 0) napi_unref_threadsafe_function(env, workers.deliver_);
  delivery->job->done(env);
}

}  // namespace trikd
