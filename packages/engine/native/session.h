// A TensorFlow session: the state of one model (its resource variables and queues) and the threads that run its graph.
#pragma once
#include <node_api.h>
#include <tensorflow/c/c_api.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "graph.h"

namespace trikd {

struct Session {
  explicit Session(std::shared_ptr<Graph> on) : graph(std::move(on)) {}
  ~Session();
  // Cancels what runs, also runs that wait in a queue. Safe from any thread, and more than once.
  void Cancel();
  // Whether it computes on a GPU.
  bool HasGpu() const;
  // Counts the runs in flight, so that closing can wait for the last of them.
  void Begin();
  void End();
  void AwaitIdle();

  const std::shared_ptr<Graph> graph;
  TF_Session* session = nullptr;
  std::atomic<bool> closed{false};

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;
};

// createSession(graph, config) -> Promise<session>
napi_value CreateSession(napi_env env, std::vector<napi_value>& arguments);
// run(session, feeds, fetches, targets, traced) -> Promise<{values, metadata}>
napi_value RunSession(napi_env env, std::vector<napi_value>& arguments);
// devices(session) -> [{name, type, memory}]
napi_value ListDevices(napi_env env, std::vector<napi_value>& arguments);
// closeSession(session) -> Promise<void>, settled when nothing runs on it any more
napi_value CloseSession(napi_env env, std::vector<napi_value>& arguments);

}  // namespace trikd
