#include "environment.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mutex>

#include "failure.h"

namespace trikd {
namespace {

// Variables that TensorFlow reads at the first session. Not from JavaScript: `process.env` of a worker thread is a copy.
void SetVariables() {
  static std::once_flag once;
  std::call_once(once, [] {
    // TensorFlow gives all sessions of a process one intra-op pool, of the size that the first session asks for. With this variable
    // each session has a pool of its own size.
    setenv("TF_OVERRIDE_GLOBAL_THREADPOOL", "1", /*overwrite=*/1);
    // Tensors come from regions that TensorFlow keeps. From malloc, a step would fault its pages in anew, and scatter: glibc adds the
    // alignment to what it looks for, so that the block of a freed tensor does not fit the next one of its size.
    setenv("TF_CPU_ALLOCATOR_USE_BFC", "true", /*overwrite=*/0);
    // In MiB: above what a machine has, as malloc has no limit either. The default is 64 GiB.
    setenv("TF_CPU_BFC_MEM_LIMIT_IN_MB", "16777216", /*overwrite=*/0);
  });
}

// How long the end of a process waits for an op that is being computed; cancelling takes effect after it.
constexpr std::chrono::seconds kPatience{2};

// Ends the process before any other exit handler runs: those of TensorFlow destroy what a thread may still compute with.
void SkipExitHandlers() {
#ifdef __GLIBC__
  on_exit([](int status, void*) { _exit(status); }, nullptr);
#endif
}

void Check(napi_status status) {
  if (status != napi_ok) throw Failure{"INTERNAL", "the end of the process cannot be listened to", ""};
}

napi_value EndBeforeExit(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  static_cast<Environment*>(data)->End();
  return nullptr;
}

// process.on('exit', listener)
void OnExit(napi_env env, napi_callback listener, void* data) {
  napi_value global, process, on, function;
  Check(napi_get_global(env, &global));
  Check(napi_get_named_property(env, global, "process", &process));
  Check(napi_get_named_property(env, process, "on", &on));
  napi_value arguments[2];
  Check(napi_create_string_utf8(env, "exit", NAPI_AUTO_LENGTH, &arguments[0]));
  Check(napi_create_function(env, "endEngine", NAPI_AUTO_LENGTH, listener, data, &function));
  arguments[1] = function;
  Check(napi_call_function(env, process, on, 2, arguments, nullptr));
}

}  // namespace

Environment* Environment::Of(napi_env env) {
  void* data = nullptr;
  if (napi_get_instance_data(env, &data) != napi_ok || data == nullptr) RefuseState("the process is shutting down");
  return static_cast<Environment*>(data);
}

void Environment::Install(napi_env env) {
  SetVariables();
  auto* environment = new Environment();
  environment->workers = Workers::Create(env);
  // The cleanup hook ends the work; the instance data goes later, with the last handle.
  napi_set_instance_data(env, environment, [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); }, nullptr);
  napi_add_env_cleanup_hook(env, [](void* data) { static_cast<Environment*>(data)->End(); }, environment);
  // process.exit() runs the exit handlers of all libraries without any cleanup hook; the event comes before both.
  OnExit(env, EndBeforeExit, environment);
}

void Environment::Remember(const std::shared_ptr<Session>& session) {
  sessions_.remove_if([](const std::weak_ptr<Session>& other) { return other.expired(); });
  sessions_.push_back(session);
}

void Environment::End() {
  for (const auto& weak : sessions_) {
    if (const auto session = weak.lock()) session->Cancel();
  }
  workers->Stop();
  if (!workers->AwaitEnd(kPatience)) SkipExitHandlers();
}

}  // namespace trikd
