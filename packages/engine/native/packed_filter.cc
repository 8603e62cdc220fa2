#include <cstring>

#include "convolution.h"
#include "convolution_layout.h"
#include "kernel_set.h"

namespace trikd {

PackedFilter PackedFilter::Forward(const Convolution& shape, const float* filter) {
  const auto& [images, height, width, channels, kernel_height, kernel_width, filters, out_height, out_width, stride, top, left] = shape;
  PackedFilter packed(size_t(kernel_height) * kernel_width * channels * filters);
  float* to = packed.floats_.get();
  const bool shared = IsShared(kernel_height, kernel_width, stride);
  const int together = shared ? Kernels().width : kLanes;
  const auto copy = [&](int h, int w, int c, int f) {
    std::memcpy(to, filter + ((ptrdiff_t{h} * kernel_width + w) * channels + c) * filters + f, together * sizeof(float));
    to += together;
  };
  for (int f = 0; f < filters; f += together) {
    for (int h = 0; h < kernel_height; h++) {
      if (shared) {
        for (int c = 0; c < channels; c++) {
          for (int w = 0; w < kernel_width; w++) copy(h, w, c, f);
        }
      } else {
        for (int w = 0; w < kernel_width; w++) {
          for (int c = 0; c < channels; c++) copy(h, w, c, f);
        }
      }
    }
  }
  return packed;
}

PackedFilter PackedFilter::Backward(const Convolution& shape, const float* filter) {
  const auto& [images, height, width, channels, kernel_height, kernel_width, filters, out_height, out_width, stride, top, left] = shape;
  const size_t floats = size_t(kernel_height) * kernel_width * channels * filters;
  // Transposed: [kernel_height, kernel_width, filters, channels], turned round at stride 1.
  const AlignedFloats transposed(floats);
  for (int h = 0; h < kernel_height; h++) {
    for (int w = 0; w < kernel_width; w++) {
      const int from = stride == 1 ? (kernel_height - 1 - h) * kernel_width + kernel_width - 1 - w : h * kernel_width + w;
      for (int f = 0; f < filters; f++) {
        for (int c = 0; c < channels; c++) {
          transposed.get()[((ptrdiff_t{h} * kernel_width + w) * filters + f) * channels + c] =
              filter[(ptrdiff_t{from} * channels + c) * filters + f];
        }
      }
    }
  }
  Convolution turned = Turned(shape);
  turned.stride = stride;
  return Forward(turned, transposed.get());
}

}  // namespace trikd
