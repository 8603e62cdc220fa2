#include "session.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <optional>

#include "environment.h"
#include "failure.h"
#include "handle.h"
#include "values.h"

namespace trikd {
namespace {

constexpr napi_type_tag kSessionTag = {0x7472696b64736573, 0x73696f6e000000a2};

// Everything of one TF_SessionRun. Owns its tensors.
struct Run {
  std::shared_ptr<Session> session;
  std::vector<TF_Output> feeds, fetches;
  std::vector<TF_Tensor*> inputs, outputs;
  std::vector<const TF_Operation*> targets;
  bool traced = false;
  TF_Buffer* metadata = nullptr;
  std::optional<Failure> failure;

  ~Run() {
    for (TF_Tensor* tensor : inputs) TF_DeleteTensor(tensor);
    for (TF_Tensor* tensor : outputs) {
      if (tensor != nullptr) TF_DeleteTensor(tensor);
    }
    if (metadata != nullptr) TF_DeleteBuffer(metadata);
  }

  void Execute() {
    TF_Buffer* options = traced ? TraceOptions() : nullptr;
    if (traced) metadata = TF_NewBuffer();
    Status status;
    TF_SessionRun(session->session, options, feeds.data(), inputs.data(), static_cast<int>(inputs.size()), fetches.data(),
                  outputs.data(), static_cast<int>(outputs.size()), targets.data(), static_cast<int>(targets.size()), metadata,
                  status.get());
    if (options != nullptr) TF_DeleteBuffer(options);
    if (!status.ok()) failure = status.failure();
    session->End();
    // TensorFlow reports a run that Close cancelled with several codes; callers see one.
    if (failure && session->closed) failure = Failure{"CANCELLED", "the session was closed: " + failure->message, ""};
  }

  // RunOptions{trace_level}. FULL_TRACE has the kernels of GPUs, but TensorFlow allows one such run at a time in a process;
  // SOFTWARE_TRACE has all ops of CPUs.
  TF_Buffer* TraceOptions() const {
    static const char kSoftwareTrace[] = {0x08, 0x01}, kFullTrace[] = {0x08, 0x03};
    return session->HasGpu() ? TF_NewBufferFromString(kFullTrace, sizeof(kFullTrace))
                             : TF_NewBufferFromString(kSoftwareTrace, sizeof(kSoftwareTrace));
  }

  napi_value Result(napi_env env) const {
    napi_value result, values;
    napi_create_object(env, &result);
    napi_create_array_with_length(env, outputs.size(), &values);
    for (uint32_t i = 0; i < outputs.size(); i++) napi_set_element(env, values, i, MakeTypedArray(env, outputs[i]));
    napi_set_named_property(env, result, "values", values);
    if (metadata != nullptr) {
      napi_value bytes;
      napi_create_buffer_copy(env, metadata->length, metadata->data, nullptr, &bytes);
      napi_set_named_property(env, result, "metadata", bytes);
    }
    return result;
  }
};

// Runs `work` on a worker and settles a promise with what `result` makes of it.
template <typename Work, typename Result>
napi_value Promised(napi_env env, Work work, Result result, Limit limit = Limit::kKeep) {
  napi_deferred deferred;
  napi_value promise;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) throw Failure{"INTERNAL", "no promise can be made", ""};
  auto failure = std::make_shared<std::optional<Failure>>();
  auto job = std::make_unique<Job>();
  job->work = [work, failure] {
    try {
      work();
    } catch (const Failure& caught) {
      *failure = caught;
    }
  };
  job->done = [deferred, failure, result](napi_env on) {
    napi_handle_scope scope;
    napi_open_handle_scope(on, &scope);
    try {
      if (*failure) throw **failure;
      napi_resolve_deferred(on, deferred, result(on));
    } catch (const Failure& caught) {
      napi_reject_deferred(on, deferred, ToError(on, caught));
    }
    napi_close_handle_scope(on, scope);
  };
  Environment::Of(env)->workers->Submit(env, std::move(job), limit);
  return promise;
}

std::shared_ptr<Session> ReadSession(napi_env env, napi_value value) {
  std::shared_ptr<Session> session = ReadOpen<Session>(env, value, kSessionTag, "session");
  if (session->closed) RefuseState("the session is closed");
  return session;
}

// Returns malloc's free memory to the system. What a session has of it, such as its graphs, is spread among that of others: without this, a
// process that opens many sessions in turn keeps the memory of its peak. Tensors have memory of their own, see SetVariables.
void ReturnFreeMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

napi_value Undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

}  // namespace

Session::~Session() {
  if (session == nullptr) return;
  Cancel();
  Status ignored;
  TF_DeleteSession(session, ignored.get());
}

void Session::Cancel() {
  if (closed.exchange(true) || session == nullptr) return;
  Status ignored;
  TF_CloseSession(session, ignored.get());
}

bool Session::HasGpu() const {
  Status status;
  TF_DeviceList* devices = TF_SessionListDevices(session, status.get());
  bool found = false;
  for (int i = 0, n = status.ok() ? TF_DeviceListCount(devices) : 0; i < n; i++) {
    const char* type = TF_DeviceListType(devices, i, status.get());
    found = found || (status.ok() && std::string(type) == "GPU");
  }
  TF_DeleteDeviceList(devices);
  return found;
}

void Session::Begin() {
  std::unique_lock lock(mutex_);
  running_++;
}

void Session::End() {
  std::unique_lock lock(mutex_);
  if (--running_ == 0) idle_.notify_all();
}

void Session::AwaitIdle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
}

napi_value CreateSession(napi_env env, std::vector<napi_value>& arguments) {
  auto session = std::make_shared<Session>(ReadGraph(env, arguments[0]));
  const Bytes bytes = ReadTypedArray(env, arguments[1], "the session config");
  const std::string config(static_cast<const char*>(bytes.data), bytes.size);
  const auto work = [session, config] {
    TF_SessionOptions* options = TF_NewSessionOptions();
    Status status;
    TF_SetConfig(options, config.data(), config.size(), status.get());
    if (status.ok()) session->session = TF_NewSession(session->graph->graph, options, status.get());
    TF_DeleteSessionOptions(options);
    status.check("session");
  };
  Environment* environment = Environment::Of(env);
  return Promised(env, work, [session, environment](napi_env on) {
    environment->Remember(session);
    return MakeHandle(on, session, kSessionTag);
  });
}

napi_value RunSession(napi_env env, std::vector<napi_value>& arguments) {
  auto run = std::make_shared<Run>();
  run->session = ReadSession(env, arguments[0]);
  const Graph& graph = *run->session->graph;
  for (uint32_t i = 0, n = Length(env, arguments[1], "feeds"); i < n; i++) {
    const napi_value feed = Element(env, arguments[1], i);
    const TF_Output output = graph.output(ReadInteger(env, Property(env, feed, "operation"), "a fed operation"), 0);
    const std::string name = TF_OperationName(output.oper);
    const TF_DataType dtype = ReadDataType(env, Property(env, feed, "dtype"));
    const auto shape = ReadShape(env, Property(env, feed, "shape"), Open::kNo, name);
    run->feeds.push_back(output);
    run->inputs.push_back(ReadTensor(env, Property(env, feed, "values"), dtype, shape, name));
  }
  for (uint32_t i = 0, n = Length(env, arguments[2], "fetches"); i < n; i++) {
    const napi_value fetch = Element(env, arguments[2], i);
    if (Length(env, fetch, "a fetch") != 2) Refuse("a fetch must be [operation, index]");
    run->fetches.push_back(graph.output(ReadInteger(env, Element(env, fetch, 0), "a fetched operation"),
                                        ReadInteger(env, Element(env, fetch, 1), "a fetched output")));
  }
  run->outputs.resize(run->fetches.size(), nullptr);
  for (const int64_t id : ReadIntegers(env, arguments[3], "targets")) run->targets.push_back(graph.operation(id));
  run->traced = ReadBoolean(env, arguments[4], "traced");
  run->session->Begin();
  try {
    return Promised(
        env, [run] { run->Execute(); },
        [run](napi_env on) {
          if (run->failure) throw *run->failure;
          return run->Result(on);
        });
  } catch (...) {
    run->session->End();
    throw;
  }
}

napi_value ListDevices(napi_env env, std::vector<napi_value>& arguments) {
  const std::shared_ptr<Session> session = ReadSession(env, arguments[0]);
  Status status;
  TF_DeviceList* list = TF_SessionListDevices(session->session, status.get());
  status.check("devices");
  napi_value devices;
  napi_create_array(env, &devices);
  for (int i = 0; i < TF_DeviceListCount(list); i++) {
    napi_value device;
    napi_create_object(env, &device);
    napi_set_named_property(env, device, "name", MakeString(env, TF_DeviceListName(list, i, status.get())));
    napi_set_named_property(env, device, "type", MakeString(env, TF_DeviceListType(list, i, status.get())));
    napi_set_named_property(env, device, "memory",
                            MakeNumber(env, static_cast<double>(TF_DeviceListMemoryBytes(list, i, status.get()))));
    napi_set_element(env, devices, i, device);
  }
  TF_DeleteDeviceList(list);
  return devices;
}

napi_value CloseSession(napi_env env, std::vector<napi_value>& arguments) {
  auto* handle = ReadHandle<Session>(env, arguments[0], kSessionTag, "session");
  auto session = std::make_shared<std::shared_ptr<Session>>(std::move(handle->object));
  handle->object.reset();
  return Promised(
      env,
      [session] {
        if (!*session) return;  // closed before
        (*session)->Cancel();
        (*session)->AwaitIdle();
        session->reset();
        ReturnFreeMemory();
      },
      [](napi_env on) { return Undefined(on); },
      // Closing is what ends the calls that wait: it must not queue behind them.
      Limit::kIgnore);
}

}  // namespace trikd
