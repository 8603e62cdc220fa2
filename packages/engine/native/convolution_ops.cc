#include "convolution_ops.h"

#include <tensorflow/c/ops.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "convolution.h"
#include "op_kernel.h"
#include "parallel.h"

namespace trikd {
namespace {

// Sides of a filter, at most.
constexpr int kMostTaps = 11;
// Pixels of a side, padding, and strides at most: their products stay far from the end of an int.
constexpr int kMostPixels = 1 << 15;

// A node of the graph, in one session.
struct Node {
  int32_t stride, top, left, height, width;
  SessionThreads threads;
};

void* CreateNode(TF_OpKernelConstruction* construction) {
  auto* node = new Node();
  const struct {
    const char* name;
    int32_t* value;
    int32_t least, most;
  } attributes[] = {{"stride", &node->stride, 1, kMostTaps},
                    {"top", &node->top, 0, kMostTaps - 1},
                    {"left", &node->left, 0, kMostTaps - 1},
                    {"height", &node->height, 1, kMostPixels},
                    {"width", &node->width, 1, kMostPixels}};
  for (const auto& [name, value, least, most] : attributes) {
    Status status;
    TF_OpKernelConstruction_GetAttrInt32(construction, name, value, status.get());
    if (status.ok() && (*value < least || *value > most)) {
      TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, (std::string(name) + " is out of range").c_str());
    }
    if (!status.ok()) TF_OpKernelConstruction_Failure(construction, status.get());
  }
  return node;
}

void DeleteNode(void* node) { delete static_cast<Node*>(node); }

OpTensor Operand(TF_OpKernelContext* context, int index) {
  OpTensor tensor = OpTensor::Input(context, index);
  tensor.CheckImages();
  return tensor;
}

void Check(const Convolution& shape) {
  const auto& [images, height, width, channels, kernel_height, kernel_width, filters, out_height, out_width, stride, top, left] = shape;
  if (kernel_height < 1 || kernel_height > kMostTaps || kernel_width < 1 || kernel_width > kMostTaps) Refuse("the filter is too large");
  if (height < 1 || width < 1 || out_height < 1 || out_width < 1 || channels < 1 || filters < 1) Refuse("a dimension is 0");
  if (height > kMostPixels || width > kMostPixels || out_height > kMostPixels || out_width > kMostPixels) Refuse("the images are too large");
  if (top >= kernel_height || left >= kernel_width) Refuse("the padding is larger than the filter");
  // The last output pixel reads the image: behind it there is no more than a filter of zeros.
  if ((out_height - 1) * stride - top >= height || (out_width - 1) * stride - left >= width) {
    Refuse("the output does not fit the images");
  }
}

// Parts of a batch for each thread: a thread that other work holds up leaves some of its parts to the others. Sums have fewer: each of their
// parts needs memory of its own.
constexpr int kPartsOfThread = 4, kSumsOfThread = 2;

int PartsOf(int images, int threads, int each) {
  const int64_t parts = threads == 1 ? 1 : int64_t{threads} * each;
  return static_cast<int>(std::min<int64_t>(parts, images));
}

// Calls body(part, first, last) for the images of each part.
template <typename Body>
void ForImages(int images, int threads, int parts, Body body) {
  InParallel(threads, parts, [&](int part) {
    const int64_t count = images;
    body(part, static_cast<int>(count * part / parts), static_cast<int>(count * (part + 1) / parts));
  });
}

void ComputeForward(void* state, TF_OpKernelContext* context) {
  Guarded(context, "a convolution", [&] {
    Node& node = *static_cast<Node*>(state);
    const OpTensor images = Operand(context, 0), filter = Operand(context, 1);
    const Convolution shape = {images.dimension(0), images.dimension(1), images.dimension(2), images.dimension(3),
                               filter.dimension(0), filter.dimension(1), filter.dimension(3), node.height,
                               node.width, node.stride, node.top, node.left};
    if (filter.dimension(2) != shape.channels) Refuse("the filter is for other channels");
    if (shape.filters % kLanes != 0) Refuse("the number of filters must be a multiple of 16");
    Check(shape);
    const OpTensor output = OpTensor::Output(context, 0, TF_FLOAT, {shape.images, shape.out_height, shape.out_width, shape.filters});
    if (shape.images == 0) return;
    const PackedFilter packed = PackedFilter::Forward(shape, filter.floats());
    const int threads = node.threads.Of(context);
    ForImages(shape.images, threads, PartsOf(shape.images, threads, kPartsOfThread), [&](int, int first, int last) {
      ForwardConvolution(shape, images.floats(), packed, output.floats(), first, last);
    });
  });
}

void ComputeInputGradient(void* state, TF_OpKernelContext* context) {
  Guarded(context, "a convolution", [&] {
    Node& node = *static_cast<Node*>(state);
    const OpTensor filter = Operand(context, 0), upstream = Operand(context, 1);
    const Convolution shape = {upstream.dimension(0), node.height, node.width, filter.dimension(2),
                               filter.dimension(0), filter.dimension(1), filter.dimension(3), upstream.dimension(1),
                               upstream.dimension(2), node.stride, node.top, node.left};
    if (upstream.dimension(3) != shape.filters) Refuse("the gradient is for other filters");
    if (shape.channels % kLanes != 0) Refuse("the number of channels must be a multiple of 16");
    Check(shape);
    const OpTensor gradient = OpTensor::Output(context, 0, TF_FLOAT, {shape.images, shape.height, shape.width, shape.channels});
    if (shape.images == 0) return;
    const PackedFilter packed = PackedFilter::Backward(shape, filter.floats());
    const int threads = node.threads.Of(context);
    ForImages(shape.images, threads, PartsOf(shape.images, threads, kPartsOfThread), [&](int, int first, int last) {
      InputGradient(shape, upstream.floats(), packed, gradient.floats(), first, last);
    });
  });
}

void ComputeFilterGradient(void* state, TF_OpKernelContext* context) {
  Guarded(context, "a convolution", [&] {
    Node& node = *static_cast<Node*>(state);
    const OpTensor images = Operand(context, 0), upstream = Operand(context, 1);
    const Convolution shape = {images.dimension(0), images.dimension(1), images.dimension(2), images.dimension(3),
                               node.height, node.width, upstream.dimension(3), upstream.dimension(1),
                               upstream.dimension(2), node.stride, node.top, node.left};
    if (upstream.dimension(0) != shape.images) Refuse("the gradient is for another batch");
    if (shape.filters % kLanes != 0 || shape.channels % kChannelBlock != 0) Refuse("channels must be a multiple of 8, filters of 16");
    Check(shape);
    const OpTensor gradient = OpTensor::Output(context, 0, TF_FLOAT, {shape.kernel_height, shape.kernel_width, shape.channels, shape.filters});
    const size_t size = size_t(shape.kernel_height) * shape.kernel_width * shape.channels * shape.filters;
    if (shape.images == 0) {
      std::fill_n(gradient.floats(), size, 0.f);
      return;
    }
    // The first part writes into the output, the others into sums of their own, which are added in order.
    const int threads = node.threads.Of(context), parts = PartsOf(shape.images, threads, kSumsOfThread);
    std::vector<std::vector<float>> sums(parts);
    ForImages(shape.images, threads, parts, [&](int part, int first, int last) {
      if (part > 0) sums[part].resize(size);
      FilterGradient(shape, images.floats(), upstream.floats(), part == 0 ? gradient.floats() : sums[part].data(), first, last);
    });
    for (const std::vector<float>& part : sums) {
      for (size_t i = 0; i < part.size(); i++) gradient.floats()[i] += part[i];
    }
  });
}

void UnknownShape(TF_ShapeInferenceContext* context, TF_Status* status) { TF_ShapeInferenceContextSetUnknownShape(context, status); }

void Register(const char* op, const char* inputs[2], void (*compute)(void*, TF_OpKernelContext*)) {
  Status status;
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(op);
  for (int i = 0; i < 2; i++) TF_OpDefinitionBuilderAddInput(definition, (std::string(inputs[i]) + ": float").c_str());
  TF_OpDefinitionBuilderAddOutput(definition, "output: float");
  for (const char* attribute : {"stride: int", "top: int", "left: int", "height: int", "width: int"}) {
    TF_OpDefinitionBuilderAddAttr(definition, attribute);
  }
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, UnknownShape);
  TF_RegisterOpDefinition(definition, status.get());
  status.check(op);
  TF_RegisterKernelBuilder(op, TF_NewKernelBuilder(op, "CPU", CreateNode, compute, DeleteNode), status.get());
  status.check(op);
}

}  // namespace

bool RegisterConvolutions() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (!HasConvolutions()) return;
    const char* forward[] = {"input", "filter"};
    const char* input[] = {"filter", "out_backprop"};
    const char* filter[] = {"input", "out_backprop"};
    Register("TrikdConv2D", forward, ComputeForward);
    Register("TrikdConv2DBackpropInput", input, ComputeInputGradient);
    Register("TrikdConv2DBackpropFilter", filter, ComputeFilterGradient);
  });
  return HasConvolutions();
}

}  // namespace trikd
