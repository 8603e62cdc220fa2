#include "convolution_ops.h"

#include <tensorflow/c/ops.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <vector>

#include "batch_norm_ops.h"
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
  // Of the op with moments.
  float epsilon = 0;
  SessionThreads threads;
};

Node* CreateNode(TF_OpKernelConstruction* construction) {
  auto* node = new Node();
  Attributes attributes(construction);
  attributes.Read("stride", 1, kMostTaps, &node->stride);
  attributes.Read("top", 0, kMostTaps - 1, &node->top);
  attributes.Read("left", 0, kMostTaps - 1, &node->left);
  attributes.Read("height", 1, kMostPixels, &node->height);
  attributes.Read("width", 1, kMostPixels, &node->width);
  return node;
}

void* CreatePlain(TF_OpKernelConstruction* construction) { return CreateNode(construction); }

void* CreateWithMoments(TF_OpKernelConstruction* construction) {
  Node* node = CreateNode(construction);
  Attributes(construction).Read("epsilon", &node->epsilon);
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

template <bool kMoments>
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
    const PackedFilter packed = PackedFilter::Forward(shape, filter.floats());
    const int threads = node.threads.Of(context), parts = PartsOf(shape.images, threads, kPartsOfThread);
    const ptrdiff_t pixels = ptrdiff_t{shape.out_height} * shape.out_width;
    std::vector<Moments> moments(kMoments ? std::max(parts, 1) : 0, Moments(shape.filters));
    ForImages(shape.images, threads, parts, [&](int part, int first, int last) {
      ForwardConvolution(shape, images.floats(), packed, output.floats(), first, last, [&](int image) {
        if (kMoments) AddMoments(shape.filters, output.floats(), {image * pixels, (image + 1) * pixels}, &moments[part]);
      });
    });
    if (!kMoments) return;
    for (int part = 1; part < parts; part++) moments[0].Join(moments[part]);
    OutputMoments(context, 1, moments[0], node.epsilon);
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

void MomentsShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  UnknownShape(context, status);
  for (int output = 1; output <= 3 && TF_GetCode(status) == TF_OK; output++) CopyShape(context, 1, true, output, status);
}

}  // namespace

bool RegisterConvolutions() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (!HasConvolutions()) return;
    const std::vector<const char*> attributes = {"stride: int", "top: int", "left: int", "height: int", "width: int"};
    std::vector<const char*> with_epsilon = attributes;
    with_epsilon.push_back("epsilon: float");
    const auto add = [](const OpDefinition& definition) { RegisterOp(definition, DeleteNode); };
    add({"TrikdConv2D", {"input: float", "filter: float"}, {"output: float"}, attributes, CreatePlain, ComputeForward<false>, UnknownShape});
    add({"TrikdConv2DMoments",
         {"input: float", "filter: float"},
         {"output: float", "mean: float", "variance: float", "inverse: float"},
         with_epsilon,
         CreateWithMoments,
         ComputeForward<true>,
         MomentsShapes});
    add({"TrikdConv2DBackpropInput",
         {"filter: float", "out_backprop: float"},
         {"output: float"},
         attributes,
         CreatePlain,
         ComputeInputGradient,
         UnknownShape});
    add({"TrikdConv2DBackpropFilter",
         {"input: float", "out_backprop: float"},
         {"output: float"},
         attributes,
         CreatePlain,
         ComputeFilterGradient,
         UnknownShape});
  });
  return HasConvolutions();
}

}  // namespace trikd
