#include "environment.h"

#include <cstdlib>
#include <mutex>

#include "failure.h"

namespace trikd {
namespace {

// TensorFlow gives all sessions of a process one intra-op pool, of the size that the first session asks for. With this variable, which
// it reads at the first session, each session has a pool of its own size. Not from JavaScript: `process.env` of a worker thread is a
// copy.
void GiveEachSessionItsPool() {
  static std::once_flag once;
  std::call_once(once, [] { setenv("TF_OVERRIDE_GLOBAL_THREADPOOL", "1", /*overwrite=*/1); });
}

}  // namespace

Environment* Environment::Of(napi_env env) {
  void* data = nullptr;
  if (napi_get_instance_data(env, &data) != napi_ok || data == nullptr) RefuseState("the process is shutting down");
  return static_cast<Environment*>(data);
}

void Environment::Install(napi_env env) {
  GiveEachSessionItsPool();
  auto* environment = new Environment();
  environment->workers = Workers::Create(env);
  // The cleanup hook ends the work; the instance data goes later, with the last handle.
  napi_set_instance_data(env, environment, [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); }, nullptr);
  napi_add_env_cleanup_hook(env, End, environment);
}

void Environment::Remember(const std::shared_ptr<Session>& session) {
  sessions_.remove_if([](const std::weak_ptr<Session>& other) { return other.expired(); });
  sessions_.push_back(session);
}

void Environment::End(void* data) {
  auto* environment = static_cast<Environment*>(data);
  for (const auto& weak : environment->sessions_) {
    if (const auto session = weak.lock()) session->Cancel();
  }
  environment->workers->Stop();
}

}  // namespace trikd
