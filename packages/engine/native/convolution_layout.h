// How a convolution is laid out for its kernels: what a tile reads for one output pixel, and where.
#pragma once
#include <cstddef>

#include "convolution.h"

namespace trikd {

inline int Least(int one, int other) { return one < other ? one : other; }
inline int Most(int one, int other) { return one > other ? one : other; }

// Taps of a filter at most.
constexpr int kMostTaps = 121;

// The parts of an input that a tile reads for one output pixel: the weights of each are [channels][kLanes].
struct Taps {
  int count;
  ptrdiff_t offsets[kMostTaps];
};

// Strides of a tile, in floats.
struct Steps {
  ptrdiff_t in_row, in_pixel, out_row, out_pixel;
};

inline bool IsShared(int kernel_height, int kernel_width, int stride) { return kernel_height == 3 && kernel_width == 3 && stride == 1; }

// Output of images that are padded already: one tap for each row of a 3x3 filter at stride 1, otherwise one for each of its elements.
inline Taps TapsOf(int kernel_height, int kernel_width, bool shared, ptrdiff_t row, ptrdiff_t pixel) {
  Taps taps{};
  for (int h = 0; h < kernel_height; h++) {
    for (int w = 0; w < (shared ? 1 : kernel_width); w++) taps.offsets[taps.count++] = h * row + w * pixel;
  }
  return taps;
}

// The input gradient at stride 1 is a convolution too: with the filter turned round.
inline Convolution Turned(const Convolution& shape) {
  return {shape.images, shape.out_height, shape.out_width, shape.filters, shape.kernel_height, shape.kernel_width, shape.channels,
          shape.height, shape.width, 1, shape.kernel_height - 1 - shape.top, shape.kernel_width - 1 - shape.left};
}

// Input rows (or columns) i * stride + phase read output i + offset through tap k, for these taps.
struct Phase {
  int count = 0;
  int taps[11];
  int offsets[11];
};

inline Phase PhaseOf(int phase, int stride, int padding, int kernel) {
  Phase found;
  for (int k = 0; k < kernel; k++) {
    const int distance = phase + padding - k;
    if (((distance % stride) + stride) % stride != 0) continue;
    found.taps[found.count] = k;
    found.offsets[found.count++] = (distance >= 0 ? distance : distance - (stride - 1)) / stride;
  }
  return found;
}

}  // namespace trikd
