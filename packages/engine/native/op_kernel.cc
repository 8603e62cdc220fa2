#include "op_kernel.h"

#include "parallel.h"

namespace trikd {
namespace {

// The field intra_op_parallelism_threads of a serialised ConfigProto; 1 if it has none.
int ThreadsIn(const uint8_t* bytes, size_t size) {
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0; at < size && shift < 64; shift += 7) {
      const uint8_t byte = bytes[at++];
      value |= uint64_t{byte & 127u} << shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < size) {
    const uint64_t key = varint();
    switch (key & 7) {
      case 0: {
        const uint64_t value = varint();
        if (key >> 3 == 2) return value >= 1 && value <= kMostThreads ? static_cast<int>(value) : 1;
        break;
      }
      case 1: at += 8; break;
      case 2: {
        const uint64_t length = varint();
        if (length > size - at) return 1;
        at += length;
        break;
      }
      case 5: at += 4; break;
      default: return 1;
    }
  }
  return 1;
}

size_t BytesOf(TF_DataType type, const std::vector<int64_t>& dimensions) {
  size_t bytes = TF_DataTypeSize(type);
  for (const int64_t dimension : dimensions) bytes *= dimension;
  return bytes;
}

}  // namespace

int SessionThreads::Of(TF_OpKernelContext* context) {
  if (threads_ == 0) {
    Status status;
    TF_Buffer* config = TF_NewBuffer();
    TF_GetSerializedConfigProto(context, config, status.get());
    threads_ = status.ok() ? ThreadsIn(static_cast<const uint8_t*>(config->data), config->length) : 1;
    TF_DeleteBuffer(config);
  }
  return threads_;
}

void Attributes::Read(const char* name, int32_t least, int32_t most, int32_t* value) {
  Status status;
  TF_OpKernelConstruction_GetAttrInt32(construction_, name, value, status.get());
  if (status.ok() && (*value < least || *value > most)) {
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, (std::string(name) + " is out of range").c_str());
  }
  Check(status);
}

void Attributes::Read(const char* name, float* value) {
  Status status;
  TF_OpKernelConstruction_GetAttrFloat(construction_, name, value, status.get());
  Check(status);
}

OpTensor OpTensor::Input(TF_OpKernelContext* context, int index) {
  Status status;
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context, index, &tensor, status.get());
  status.check();
  return OpTensor(tensor);
}

OpTensor OpTensor::Output(TF_OpKernelContext* context, int index, TF_DataType type, const std::vector<int64_t>& dimensions) {
  Status status;
  TF_Tensor* tensor = TF_AllocateOutput(context, index, type, dimensions.data(), static_cast<int>(dimensions.size()),
                                        BytesOf(type, dimensions), status.get());
  status.check();
  return OpTensor(tensor);
}

OpTensor OpTensor::OutputInPlaceOf(TF_OpKernelContext* context, std::initializer_list<int> inputs, int index,
                                   const std::vector<int64_t>& dimensions) {
  Status status;
  TF_Tensor* tensor =
      TF_ForwardInputOrAllocateOutput(context, inputs.begin(), static_cast<int>(inputs.size()), index, dimensions.data(),
                                      static_cast<int>(dimensions.size()), nullptr, status.get());
  status.check();
  return OpTensor(tensor);
}

std::vector<int64_t> OpTensor::dimensions() const {
  std::vector<int64_t> dimensions(TF_NumDims(tensor_));
  for (size_t i = 0; i < dimensions.size(); i++) dimensions[i] = TF_Dim(tensor_, static_cast<int>(i));
  return dimensions;
}

void OpTensor::CheckImages() const {
  if (TF_NumDims(tensor_) != 4) Refuse("expected four dimensions");
  for (int i = 0; i < 4; i++) {
    if (TF_Dim(tensor_, i) > INT32_MAX) Refuse("a dimension is too large");
  }
}

void RegisterOp(const OpDefinition& definition, void (*destroy)(void*)) {
  Status status;
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(definition.name);
  for (const char* attribute : definition.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  for (const char* input : definition.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : definition.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, definition.shapes);
  TF_RegisterOpDefinition(builder, status.get());
  status.check(definition.name);
  TF_RegisterKernelBuilder(definition.name,
                           TF_NewKernelBuilder(definition.name, "CPU", definition.create, definition.compute, destroy), status.get());
  status.check(definition.name);
}

void CopyShape(TF_ShapeInferenceContext* context, int input, bool channels, int output, TF_Status* status) {
  TF_ShapeHandle* const shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, input, shape, status);
  if (TF_GetCode(status) == TF_OK && channels && TF_ShapeInferenceContextRankKnown(context, shape)) {
    TF_ShapeInferenceContextSubshape(context, shape, -1, INT32_MAX, shape, status);
  }
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, output, shape, status);
  TF_DeleteShapeHandle(shape);
}

}  // namespace trikd
