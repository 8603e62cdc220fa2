// What kernels of ops of our own share: the tensors and threads of a call, and the failures that TensorFlow is told.
#pragma once
#include <tensorflow/c/c_api.h>
#include <tensorflow/c/kernels.h>
#include <tensorflow/c/ops.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <new>
#include <string>
#include <vector>

#include "failure.h"

namespace trikd {

// The threads of the ops of a session, asked for once for each node.
class SessionThreads {
 public:
  int Of(TF_OpKernelContext* context);

 private:
  std::atomic<int> threads_{0};  // 0: not known yet
};

// A tensor of a call, owned. @throws Failure
class OpTensor {
 public:
  static OpTensor Input(TF_OpKernelContext* context, int index);
  // A new output. `type`: that of what is read of it.
  static OpTensor Output(TF_OpKernelContext* context, int index, TF_DataType type, const std::vector<int64_t>& dimensions);
  // An output of floats, in the memory of one of these inputs where nothing else reads it.
  static OpTensor OutputInPlaceOf(TF_OpKernelContext* context, std::initializer_list<int> inputs, int index,
                                  const std::vector<int64_t>& dimensions);
  OpTensor(OpTensor&& other) noexcept : tensor_(other.tensor_) { other.tensor_ = nullptr; }
  ~OpTensor() {
    if (tensor_ != nullptr) TF_DeleteTensor(tensor_);
  }

  std::vector<int64_t> dimensions() const;
  // @throws Failure if it has not four dimensions, or one that an int does not hold
  void CheckImages() const;
  int dimension(int index) const { return static_cast<int>(TF_Dim(tensor_, index)); }
  float* floats() const { return static_cast<float*>(TF_TensorData(tensor_)); }
  uint16_t* bits() const { return static_cast<uint16_t*>(TF_TensorData(tensor_)); }

 private:
  explicit OpTensor(TF_Tensor* tensor) : tensor_(tensor) {}
  TF_Tensor* tensor_;
};

// The attributes of a node that is being made. One that is out of range fails it.
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction) {}
  void Read(const char* name, int32_t least, int32_t most, int32_t* value);
  void Read(const char* name, float* value);

 private:
  void Check(const Status& status) {
    if (!status.ok()) TF_OpKernelConstruction_Failure(construction_, status.get());
  }
  TF_OpKernelConstruction* const construction_;
};

// Runs `compute` and hands its failure to TensorFlow. `what`: what it computes, in a sentence about memory.
template <typename Compute>
void Guarded(TF_OpKernelContext* context, const char* what, Compute compute) {
  Status status;
  try {
    compute();
    return;
  } catch (const Failure& failure) {
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, failure.message.c_str());
  } catch (const std::bad_alloc&) {
    TF_SetStatus(status.get(), TF_RESOURCE_EXHAUSTED, (std::string("no memory for ") + what).c_str());
  } catch (const std::exception& failure) {
    TF_SetStatus(status.get(), TF_INTERNAL, failure.what());
  }
  TF_OpKernelContext_Failure(context, status.get());
}

// An op, in the notation of TensorFlow.
struct OpDefinition {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*shapes)(TF_ShapeInferenceContext*, TF_Status*);
};

// Registers an op with its kernel for CPUs. @throws Failure
void RegisterOp(const OpDefinition& definition, void (*destroy)(void*));

// Tells that an output has the shape of an input, or, if `channels`, of the last dimension of it.
void CopyShape(TF_ShapeInferenceContext* context, int input, bool channels, int output, TF_Status* status);

}  // namespace trikd
