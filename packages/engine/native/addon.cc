// The border between JavaScript and TensorFlow's C API: graphs, sessions, runs. N-API only, so one binary serves every
// supported version of Node.
#include <node_api.h>
#include <tensorflow/c/c_api.h>

#include "batch_norm_ops.h"
#include "compact_logits_calls.h"
#include "convolution_ops.h"
#include "environment.h"
#include "failure.h"
#include "graph.h"
#include "kernel_set.h"
#include "session.h"
#include "values.h"

namespace trikd {
namespace {

// The name of the ops of convolution_ops.h and batch_norm_ops.h in a record of what computed a run. Whatever changes their bits, or what they
// take, changes the name too, here and in native.ts.
constexpr const char kKernels[] = "trikd_kernels_4";

napi_value KernelsName(napi_env env, std::vector<napi_value>&) { return MakeString(env, kKernels); }

napi_value Version(napi_env env, std::vector<napi_value>&) { return MakeString(env, TF_Version()); }

// Whether the ops of convolution_ops.h and batch_norm_ops.h exist.
napi_value HasConvolutionOps(napi_env env, std::vector<napi_value>&) {
  RegisterBatchNorms();
  napi_value value;
  napi_get_boolean(env, RegisterConvolutions(), &value);
  return value;
}

napi_value InstructionSets(napi_env env, std::vector<napi_value>&) {
  napi_value names;
  napi_create_array(env, &names);
  uint32_t count = 0;
  for (const KernelSet* set : KernelSets()) napi_set_element(env, names, count++, MakeString(env, set->name));
  return names;
}

napi_value TakeInstructionSet(napi_env env, std::vector<napi_value>& arguments) {
  TakeKernels(ReadString(env, arguments[0], "instruction set"));
  return nullptr;
}

struct Function {
  const char* name;
  size_t arity;
  napi_value (*body)(napi_env, std::vector<napi_value>&);
};

const Function kFunctions[] = {
    {"version", 0, Version},           {"createGraph", 0, CreateGraph}, {"addOperation", 6, AddOperation},
    {"closeGraph", 1, CloseGraph},     {"createSession", 2, CreateSession}, {"run", 5, RunSession},
    {"devices", 1, ListDevices},       {"closeSession", 1, CloseSession}, {"hasConvolutions", 0, HasConvolutionOps},
    {"kernels", 0, KernelsName},       {"toFloat16", 2, CompactNumbers}, {"fromFloat16", 2, WidenNumbers},
    {"largestLogits", 4, CompactRows}, {"instructionSets", 0, InstructionSets}, {"takeInstructionSet", 1, TakeInstructionSet},
};

napi_value Invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 0;
  napi_get_cb_info(env, info, &count, nullptr, nullptr, &data);
  const auto* function = static_cast<const Function*>(data);
  // Missing arguments arrive as undefined and are refused where they are read.
  std::vector<napi_value> arguments(count > function->arity ? count : function->arity);
  count = arguments.size();
  napi_get_cb_info(env, info, &count, arguments.data(), nullptr, nullptr);
  try {
    return function->body(env, arguments);
  } catch (const Failure& failure) {
    napi_throw(env, ToError(env, failure));
  } catch (const std::exception& failure) {
    napi_throw(env, ToError(env, {"INTERNAL", failure.what(), function->name}));
  }
  return nullptr;
}

}  // namespace
}  // namespace trikd

NAPI_MODULE_INIT() {
  try {
    trikd::Environment::Install(env);
  } catch (const trikd::Failure& failure) {
    napi_throw(env, trikd::ToError(env, failure));
    return nullptr;
  }
  for (const trikd::Function& entry : trikd::kFunctions) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, trikd::Invoke, const_cast<trikd::Function*>(&entry), &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
  return exports;
}
