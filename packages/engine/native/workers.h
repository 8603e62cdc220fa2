// A thread pool for calls that block. A step may wait minutes for a peer's logits: four such waits fill libuv's pool, and then no
// file is read in the whole process.
#pragma once
#include <node_api.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace trikd {

// One unit of work: `work` runs on a thread of the pool, then `done` on the JavaScript thread.
struct Job {
  std::function<void()> work;
  std::function<void(napi_env)> done;
};

// Whether a job may be refused because too many are waiting.
enum class Limit { kKeep, kIgnore };

// Adds a thread whenever all are busy, up to a limit far above what queue ports need.
class Workers : public std::enable_shared_from_this<Workers> {
 public:
  static std::shared_ptr<Workers> Create(napi_env env);
  // Refuses when too many jobs are waiting at once, unless the job ignores that limit.
  void Submit(napi_env env, std::unique_ptr<Job> job, Limit limit);
  // Ends idle threads at once, and busy ones after their job, without touching JavaScript. May be called again.
  void Stop();
  // Waits until every thread has ended. Returns false when one still works after `patience`.
  bool AwaitEnd(std::chrono::milliseconds patience);

 private:
  void Loop();
  static void Deliver(napi_env env, napi_value, void*, void* data);

  napi_threadsafe_function deliver_ = nullptr;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<std::unique_ptr<Job>> waiting_;
  int idle_ = 0;
  int threads_ = 0;
  int pending_ = 0;  // jobs not yet delivered; only the JavaScript thread uses it
  bool stopped_ = false;
};

}  // namespace trikd
