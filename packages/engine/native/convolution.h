// Convolutions of NHWC images in float32, for processors with AVX-512, or with AVX2 and FMA.
#pragma once
#include <cstddef>
#include <functional>

#include "aligned_floats.h"

namespace trikd {

// Images [images, height, width, channels], a filter [kernel_height, kernel_width, channels, filters] in HWIO order, and an output
// [images, out_height, out_width, filters]. Output (i, j) reads the input from (i * stride - top, j * stride - left) on; outside of the
// image are zeros.
struct Convolution {
  int images, height, width, channels;
  int kernel_height, kernel_width, filters;
  int out_height, out_width;
  int stride, top, left;
};

// Filters (and channels, for the input gradient) must be a multiple of it: the floats of the widest vector.
constexpr int kLanes = 16;
// Channels that a filter gradient takes at a time: channels must be a multiple of it.
constexpr int kChannelBlock = 8;

// Whether this processor can compute them.
bool HasConvolutions();

// A filter in the order that its kernel reads it. Made once for each op, then read by all of its threads.
class PackedFilter {
 public:
  // For the output.
  static PackedFilter Forward(const Convolution& shape, const float* filter);
  // For the input gradient.
  static PackedFilter Backward(const Convolution& shape, const float* filter);
  const float* data() const { return floats_.get(); }

 private:
  explicit PackedFilter(size_t floats) : floats_(floats) {}
  AlignedFloats floats_;
};

// What is done with an image when it has been written, while caches hold it.
using Written = std::function<void(int image)>;

// Images first..last-1 of the output. What is computed for an image does not depend on the others.
void ForwardConvolution(const Convolution& shape, const float* images, const PackedFilter& filter, float* output, int first, int last,
                        const Written& written = {});

// Images first..last-1 of the gradient by the input.
void InputGradient(const Convolution& shape, const float* upstream, const PackedFilter& filter, float* gradient, int first, int last);

// The gradient by the filter, summed over images first..last-1.
void FilterGradient(const Convolution& shape, const float* images, const float* upstream, float* gradient, int first, int last);

}  // namespace trikd
