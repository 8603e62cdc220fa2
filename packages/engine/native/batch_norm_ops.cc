#include "batch_norm_ops.h"

#include <tensorflow/c/ops.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <string>
#include <vector>

#include "batch_norm.h"
#include "convolution.h"
#include "op_kernel.h"
#include "parallel.h"

namespace trikd {
namespace {

// Numbers of a part at least, and parts of a batch at most. They depend on nothing else, so sums have the same bits for any number of threads.
constexpr ptrdiff_t kLeastOfPart = 16384;
constexpr ptrdiff_t kMostParts = 32;

// A node of the graph, in one session. Each op has some of the attributes.
struct Node {
  float epsilon = 0;
  bool relu = false;
  int32_t others = 0, masks = 0, upstreams = 0, kept = 0;
  SessionThreads threads;
};

// Images as pixels.
struct Images {
  Images(TF_OpKernelContext* context, int index) {
    const OpTensor tensor = OpTensor::Input(context, index);
    tensor.CheckImages();
    dimensions = tensor.dimensions();
    channels = tensor.dimension(3);
    if (channels < 1 || channels % kLanes != 0) Refuse("the number of channels must be a multiple of 16");
    pixels = ptrdiff_t{tensor.dimension(0)} * tensor.dimension(1) * tensor.dimension(2);
    if (pixels > PTRDIFF_MAX / 8 / channels) Refuse("the images are too large");
    parts = static_cast<int>(std::clamp<ptrdiff_t>(pixels * channels / kLeastOfPart, 1, kMostParts));
  }
  std::vector<int64_t> dimensions;
  int channels, parts;
  ptrdiff_t pixels;

  Pixels Part(int part) const {
    return {pixels / parts * part + pixels % parts * part / parts, pixels / parts * (part + 1) + pixels % parts * (part + 1) / parts};
  }
  // Calls body(part, pixels) for each part.
  template <typename Body>
  void ForParts(int threads, Body body) const {
    InParallel(threads, parts, [&](int part) { body(part, Part(part)); });
  }
};

OpTensor SameImages(TF_OpKernelContext* context, int index, const Images& images) {
  OpTensor tensor = OpTensor::Input(context, index);
  if (tensor.dimensions() != images.dimensions) Refuse("the images have different shapes");
  return tensor;
}

OpTensor OfChannels(TF_OpKernelContext* context, int index, const Images& images) {
  OpTensor tensor = OpTensor::Input(context, index);
  if (tensor.dimensions() != std::vector<int64_t>{images.channels}) Refuse("expected a number for each channel");
  return tensor;
}

std::vector<int64_t> MaskDimensions(const Images& images) {
  std::vector<int64_t> dimensions = images.dimensions;
  dimensions[3] /= kLanes;
  return dimensions;
}

void ComputeMoments(void* state, TF_OpKernelContext* context) {
  Guarded(context, "moments", [&] {
    Node& node = *static_cast<Node*>(state);
    const Images images(context, 0);
    const OpTensor input = OpTensor::Input(context, 0);
    std::vector<Moments> parts(images.parts, Moments(images.channels));
    images.ForParts(node.threads.Of(context),
                    [&](int part, Pixels pixels) { AddMoments(images.channels, input.floats(), pixels, &parts[part]); });
    for (int part = 1; part < images.parts; part++) parts[0].Join(parts[part]);
    OutputMoments(context, 0, parts[0], node.epsilon);
  });
}

void ComputeNormalisation(void* state, TF_OpKernelContext* context) {
  Guarded(context, "a batch normalisation", [&] {
    Node& node = *static_cast<Node*>(state);
    const Images images(context, 0);
    // Before the inputs are taken: one that is held here has another reader.
    const OpTensor output = node.others > 0 ? OpTensor::OutputInPlaceOf(context, {0, 5}, 0, images.dimensions)
                                            : OpTensor::OutputInPlaceOf(context, {0}, 0, images.dimensions);
    const OpTensor input = OpTensor::Input(context, 0);
    const OpTensor mean = OfChannels(context, 1, images), inverse = OfChannels(context, 2, images);
    const OpTensor gamma = OfChannels(context, 3, images), beta = OfChannels(context, 4, images);
    std::vector<OpTensor> other, mask;
    if (node.others > 0) other.push_back(SameImages(context, 5, images));
    if (node.masks > 0) mask.push_back(OpTensor::Output(context, 1, TF_UINT16, MaskDimensions(images)));
    const Normalisation by = {images.channels, mean.floats(), inverse.floats(), gamma.floats(), beta.floats()};
    images.ForParts(node.threads.Of(context), [&](int, Pixels pixels) {
      Normalise(by, node.relu, input.floats(), other.empty() ? nullptr : other[0].floats(), output.floats(),
                mask.empty() ? nullptr : mask[0].bits(), pixels);
    });
  });
}

void ComputeGradient(void* state, TF_OpKernelContext* context) {
  Guarded(context, "the gradient of a batch normalisation", [&] {
    Node& node = *static_cast<Node*>(state);
    const int first = node.upstreams + node.masks;
    const Images images(context, first);
    std::vector<OpTensor> arriving, mask, kept;
    // Before the inputs are taken: one that is held here has another reader. What is kept is read again for the gradient; otherwise that may
    // take the place of what has arrived.
    if (node.kept > 0) kept.push_back(OpTensor::OutputInPlaceOf(context, {0}, 3, images.dimensions));
    const OpTensor gradient = node.kept > 0 ? OpTensor::Output(context, 0, TF_FLOAT, images.dimensions)
                                            : OpTensor::OutputInPlaceOf(context, {0}, 0, images.dimensions);
    const OpTensor input = OpTensor::Input(context, first);
    const OpTensor mean = OfChannels(context, first + 1, images), inverse = OfChannels(context, first + 2, images);
    const OpTensor gamma = OfChannels(context, first + 3, images);
    for (int i = 0; i < node.upstreams; i++) arriving.push_back(SameImages(context, i, images));
    if (node.masks > 0) mask.push_back(OpTensor::Input(context, node.upstreams));
    if (node.masks > 0 && mask[0].dimensions() != MaskDimensions(images)) Refuse("the mask is for other images");
    const OpTensor by_gamma = OpTensor::Output(context, 1, TF_FLOAT, {images.channels});
    const OpTensor by_beta = OpTensor::Output(context, 2, TF_FLOAT, {images.channels});

    const Upstream upstream = {arriving[0].floats(), node.upstreams > 1 ? arriving[1].floats() : nullptr,
                               mask.empty() ? nullptr : mask[0].bits()};
    const int threads = node.threads.Of(context);
    std::vector<GradientSums> parts(images.parts, GradientSums(0));
    images.ForParts(threads, [&](int part, Pixels pixels) {
      parts[part] = GradientSumsOf(images.channels, mean.floats(), upstream, input.floats(), kept.empty() ? nullptr : kept[0].floats(), pixels);
    });
    for (int part = 1; part < images.parts; part++) parts[0].Add(parts[part]);
    std::vector<float> terms(size_t{3} * images.channels);
    float* const scale = terms.data();
    float* const slope = scale + images.channels;
    float* const shift = slope + images.channels;
    const double count = static_cast<double>(std::max<ptrdiff_t>(images.pixels, 1));
    for (int c = 0; c < images.channels; c++) {
      const double sum = parts[0].upstream[c], product = parts[0].product[c], inverted = inverse.floats()[c];
      by_gamma.floats()[c] = static_cast<float>(product * inverted);
      by_beta.floats()[c] = static_cast<float>(sum);
      const double scaled = gamma.floats()[c] * inverted;
      scale[c] = static_cast<float>(scaled);
      slope[c] = static_cast<float>(-scaled * inverted * inverted * product / count);
      shift[c] = static_cast<float>(-scaled * sum / count);
    }
    const GradientTerms by = {images.channels, mean.floats(), scale, slope, shift};
    const Upstream passed = kept.empty() ? upstream : Upstream{kept[0].floats(), nullptr, nullptr};
    images.ForParts(threads, [&](int, Pixels pixels) { NormalisationGradient(by, passed, input.floats(), gradient.floats(), pixels); });
  });
}

void* CreateMoments(TF_OpKernelConstruction* construction) {
  auto* node = new Node();
  Attributes(construction).Read("epsilon", &node->epsilon);
  return node;
}

template <bool kRelu>
void* CreateNormalisation(TF_OpKernelConstruction* construction) {
  auto* node = new Node();
  node->relu = kRelu;
  Attributes attributes(construction);
  attributes.Read("others", 0, 1, &node->others);
  attributes.Read("masks", 0, 1, &node->masks);
  return node;
}

void* CreateGradient(TF_OpKernelConstruction* construction) {
  auto* node = new Node();
  Attributes attributes(construction);
  attributes.Read("upstreams", 1, 2, &node->upstreams);
  attributes.Read("masks", 0, 1, &node->masks);
  attributes.Read("kept", 0, 1, &node->kept);
  return node;
}

void DeleteNode(void* node) { delete static_cast<Node*>(node); }

void MomentsShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  for (int output = 0; output < 3 && TF_GetCode(status) == TF_OK; output++) CopyShape(context, 0, true, output, status);
}

void NormalisationShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
  if (TF_GetCode(status) == TF_OK) CopyShape(context, 0, false, 0, status);
}

void GradientShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
  if (TF_GetCode(status) == TF_OK) CopyShape(context, 0, false, 0, status);
  for (int output = 1; output < 3 && TF_GetCode(status) == TF_OK; output++) CopyShape(context, 0, true, output, status);
  // Refused where there is no such output.
  Status kept;
  if (TF_GetCode(status) == TF_OK) CopyShape(context, 0, false, 3, kept.get());
}

}  // namespace

void OutputMoments(TF_OpKernelContext* context, int first, const Moments& moments, float epsilon) {
  const int channels = static_cast<int>(moments.mean.size());
  const auto output = [&](int index) { return OpTensor::Output(context, index, TF_FLOAT, {channels}); };
  const OpTensor mean = output(first), variance = output(first + 1), inverse = output(first + 2);
  const double count = std::max(moments.count, 1.0);
  for (int c = 0; c < channels; c++) {
    const double squares = moments.squares[c];
    mean.floats()[c] = static_cast<float>(moments.mean[c]);
    variance.floats()[c] = static_cast<float>(squares / std::max(count - 1, 1.0));
    inverse.floats()[c] = static_cast<float>(1 / std::sqrt(squares / count + epsilon));
  }
}

void RegisterBatchNorms() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (!HasConvolutions()) return;
    const auto add = [](const OpDefinition& definition) { RegisterOp(definition, DeleteNode); };
    add({"TrikdBatchNormMoments",
              {"input: float"},
              {"mean: float", "variance: float", "inverse: float"},
              {"epsilon: float"},
              CreateMoments,
              ComputeMoments,
              MomentsShapes});
    const auto normalisation = [&](const char* name, void* (*create)(TF_OpKernelConstruction*)) {
      add({name,
                {"input: float", "mean: float", "inverse: float", "gamma: float", "beta: float", "other: others * float"},
                {"output: float", "mask: masks * uint16"},
                {"others: int >= 0", "masks: int >= 0"},
                create,
                ComputeNormalisation,
                NormalisationShapes});
    };
    normalisation("TrikdBatchNorm", CreateNormalisation<false>);
    normalisation("TrikdBatchNormRelu", CreateNormalisation<true>);
    add({"TrikdBatchNormGrad",
              {"upstream: upstreams * float", "mask: masks * uint16", "input: float", "mean: float", "inverse: float", "gamma: float"},
              {"input_backprop: float", "gamma_backprop: float", "beta_backprop: float", "passed: kept * float"},
              {"upstreams: int >= 1", "masks: int >= 0", "kept: int >= 0"},
              CreateGradient,
              ComputeGradient,
              GradientShapes});
  });
}

}  // namespace trikd
