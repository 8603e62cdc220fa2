// The output of a convolution and its input gradient, for the vectors of TRIKD_SET. Included once for each instruction set.
//
// Each number of the output is one sum: over the rows of the filter, then, for 3x3 at stride 1, over channels and in each over the three taps of
// the row, otherwise over the taps of the row and in each over channels. It begins with 0, and every product is added with one rounding. So it has
// the same bits for vectors of any width.
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "ahead.h"
#include "aligned_floats.h"
#include "convolution.h"
#include "convolution_layout.h"

namespace trikd::TRIKD_SET {
namespace {

TRIKD_TARGET void Copy(const float* from, ptrdiff_t count, float* to) {
  ptrdiff_t i = 0;
  for (; i + kWidth <= count; i += kWidth) Store(to + i, Load(from + i));
  for (; i < count; i++) to[i] = from[i];
}

// Images with zeros around them, of the size that a kernel reads: no tile has to look for the edge. Rows and columns that do not fit are left
// out.
class Padded {
 public:
  Padded(int images, int height, int width, int channels, int top, int left, int padded_height, int padded_width)
      : rows_(Least(height, padded_height - top)),
        row_(ptrdiff_t{width} * channels),
        copied_(ptrdiff_t{Least(width, padded_width - left)} * channels),
        padded_row_(ptrdiff_t{padded_width} * channels),
        first_((ptrdiff_t{top} * padded_width + left) * channels),
        size_(padded_height * padded_row_),
        floats_(images * size_) {
    std::memset(floats_.get(), 0, images * size_ * sizeof(float));
  }
  // Replaces one of the images.
  void Set(int index, const float* image) {
    float* to = floats_.get() + index * size_ + first_;
    for (int h = 0; h < rows_; h++) Copy(image + h * row_, copied_, to + h * padded_row_);
  }
  const float* get() const { return floats_.get(); }

 private:
  const int rows_;
  const ptrdiff_t row_, copied_, padded_row_, first_, size_;
  const AlignedFloats floats_;
};

// kRows x kPixels output pixels of kTileVectors vectors of filters. Weights are [tap][channels][kLanes].
template <int kRows, int kPixels>
TRIKD_TARGET void Tile(const Taps& taps, const Steps& steps, int channels, const float* in, const float* weights, float* out) {
  Vector sums[kRows][kPixels][kTileVectors];
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) {
#pragma GCC unroll 2
      for (int v = 0; v < kTileVectors; v++) sums[r][p][v] = Zero();
    }
  }
  for (int t = 0; t < taps.count; t++) {
    const float* from = in + taps.offsets[t];
    for (int c = 0; c < channels; c++, weights += kLanes) {
      Vector weight[kTileVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kTileVectors; v++) weight[v] = LoadAligned(weights + v * kWidth);
#pragma GCC unroll 2
      for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; p++) {
          const Vector value = Broadcast(from[r * steps.in_row + p * steps.in_pixel + c]);
#pragma GCC unroll 2
          for (int v = 0; v < kTileVectors; v++) sums[r][p][v] = MultiplyAdd(value, weight[v], sums[r][p][v]);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) {
#pragma GCC unroll 2
      for (int v = 0; v < kTileVectors; v++) Store(out + r * steps.out_row + p * steps.out_pixel + v * kWidth, sums[r][p][v]);
    }
  }
}

// The same of one vector, for filters of 3x3 at stride 1: three neighbouring pixels share what is read of the input. Weights are [row][channels][3][kWidth].
template <int kRows, int kPixels, int kStep>
TRIKD_TARGET void Tile3Of(const Taps& rows, const Steps& steps, int channels, const float* in, const float* weights, float* out) {
  const ptrdiff_t pixel = kStep > 0 ? kStep : steps.in_pixel;
  Vector sums[kRows][kPixels];
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) sums[r][p] = Zero();
  }
  for (int t = 0; t < rows.count; t++) {
    const float* from = in + rows.offsets[t];
    for (int c = 0; c < channels; c++, weights += 3 * kWidth) {
      const Vector left = LoadAligned(weights), middle = LoadAligned(weights + kWidth), right = LoadAligned(weights + 2 * kWidth);
#pragma GCC unroll 2
      for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 18
        for (int q = 0; q < kPixels + 2; q++) {
          const Vector value = Broadcast(from[r * steps.in_row + q * pixel + c]);
          if (q < kPixels) sums[r][q < kPixels ? q : 0] = MultiplyAdd(value, left, sums[r][q < kPixels ? q : 0]);
          if (q >= 1 && q <= kPixels) sums[r][q >= 1 ? q - 1 : 0] = MultiplyAdd(value, middle, sums[r][q >= 1 ? q - 1 : 0]);
          if (q >= 2) sums[r][q >= 2 ? q - 2 : 0] = MultiplyAdd(value, right, sums[r][q >= 2 ? q - 2 : 0]);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) Store(out + r * steps.out_row + p * steps.out_pixel, sums[r][p]);
  }
}

// Pixels that the compiler knows the distance of take fewer instructions to find.
template <int kRows, int kPixels>
TRIKD_TARGET void Tile3(const Taps& rows, const Steps& steps, int channels, const float* in, const float* weights, float* out) {
  switch (channels) {
    case 16: return Tile3Of<kRows, kPixels, 16>(rows, steps, channels, in, weights, out);
    case 32: return Tile3Of<kRows, kPixels, 32>(rows, steps, channels, in, weights, out);
    default: return Tile3Of<kRows, kPixels, 0>(rows, steps, channels, in, weights, out);
  }
}

using TileFunction = void (*)(const Taps&, const Steps&, int, const float*, const float*, float*);

// Pixels of a tile of one row, at most.
constexpr int MostPixels(bool shared) { return shared ? kTileSums : kTileSums / kTileVectors; }

// The tiles of so many rows, by pixels - 1.
template <int kRows, int... kIndex>
constexpr std::array<TileFunction, sizeof...(kIndex)> TilesOf(std::integer_sequence<int, kIndex...>) {
  return {Tile<kRows, kIndex + 1>...};
}
template <int kRows, int... kIndex>
constexpr std::array<TileFunction, sizeof...(kIndex)> SharedTilesOf(std::integer_sequence<int, kIndex...>) {
  return {Tile3<kRows, kIndex + 1>...};
}
template <int kRows, bool kShared>
using TileIndices = std::make_integer_sequence<int, MostPixels(kShared) / kRows>;

constexpr auto kOneRow = TilesOf<1>(TileIndices<1, false>());
constexpr auto kTwoRows = TilesOf<2>(TileIndices<2, false>());
constexpr auto kOneSharedRow = SharedTilesOf<1>(TileIndices<1, true>());
constexpr auto kTwoSharedRows = SharedTilesOf<2>(TileIndices<2, true>());

// A rectangle of output pixels of the filters that a tile computes, tile by tile. Where tiles do not divide it, the last ones overlap: they compute the
// same bits again.
void Rectangle(bool shared, const Taps& taps, const Steps& steps, int channels, int height, int width, const float* in,
               const float* weights, float* out, Both& ahead) {
  if (height <= 0 || width <= 0) return;
  const int most = MostPixels(shared);
  const int columns = (width + most - 1) / most;
  const int pixels = (width + columns - 1) / columns;
  const int rows = pixels <= most / 2 && height >= 2 ? 2 : 1;
  const TileFunction tile = rows == 2 ? (shared ? kTwoSharedRows[pixels - 1] : kTwoRows[pixels - 1])
                                      : (shared ? kOneSharedRow[pixels - 1] : kOneRow[pixels - 1]);
  for (int h = 0; h < height; h += rows) {
    const ptrdiff_t top = Least(h, height - rows);
    ahead.Next();
    for (int w = 0; w < width; w += pixels) {
      const ptrdiff_t left = Least(w, width - pixels);
      tile(taps, steps, channels, in + top * steps.in_row + left * steps.in_pixel, weights,
           out + top * steps.out_row + left * steps.out_pixel);
    }
  }
}

// A convolution with stride 1 or more from `from` images into `to` channels; weights as PackedFilter orders them.
void Correlate(const Convolution& shape, const float* images, const float* weights, float* output, int first, int last, const Written& written) {
  const auto& [count, height, width, channels, kernel_height, kernel_width, filters, out_height, out_width, stride, top, left] = shape;
  (void)count;
  const bool shared = IsShared(kernel_height, kernel_width, stride);
  const int together = shared ? kWidth : kLanes;
  const int padded_height = (out_height - 1) * stride + kernel_height, padded_width = (out_width - 1) * stride + kernel_width;
  const bool as_is = top == 0 && left == 0 && padded_height <= height && padded_width <= width;
  Padded padded(as_is ? 0 : 1, height, width, channels, top, left, padded_height, padded_width);
  const ptrdiff_t row = ptrdiff_t{as_is ? width : padded_width} * channels;
  const Taps taps = TapsOf(kernel_height, kernel_width, shared, row, channels);
  const Steps steps = {row * stride, ptrdiff_t{channels} * stride, ptrdiff_t{out_width} * filters, filters};
  const ptrdiff_t block = ptrdiff_t{kernel_height} * kernel_width * channels * together;
  const ptrdiff_t in_size = ptrdiff_t{height} * width * channels, out_size = ptrdiff_t{out_height} * out_width * filters;
  for (int n = first; n < last; n++) {
    const float* image = images + n * in_size;
    if (!as_is) padded.Set(0, image);
    float* out = output + n * out_size;
    const bool more = n + 1 < last;
    const int parts = filters / together * ((out_height + 1) / 2);
    Both ahead = {{image + in_size, more ? in_size : 0, parts}, {out + out_size, more ? out_size : 0, parts}};
    for (int f = 0; f < filters; f += together) {
      Rectangle(shared, taps, steps, channels, out_height, out_width, as_is ? image : padded.get(), weights + f / together * block, out + f,
                ahead);
    }
    if (written) written(n);
  }
}

}  // namespace

void ForwardConvolution(const Convolution& shape, const float* images, const PackedFilter& filter, float* output, int first, int last,
                        const Written& written) {
  Correlate(shape, images, filter.data(), output, first, last, written);
}

void InputGradient(const Convolution& shape, const float* upstream, const PackedFilter& filter, float* gradient, int first, int last) {
  const auto& [images, height, width, channels, kernel_height, kernel_width, filters, out_height, out_width, stride, top, left] = shape;
  if (stride == 1) return Correlate(Turned(shape), upstream, filter.data(), gradient, first, last, {});
  // Pixels at the same place modulo the stride are computed together: they read the same taps.
  const int before_h = (kernel_height + stride - 2) / stride, before_w = (kernel_width + stride - 2) / stride;
  const int padded_height = before_h + (height - 1) / stride + (stride - 1 + top) / stride + 1;
  const int padded_width = before_w + (width - 1) / stride + (stride - 1 + left) / stride + 1;
  Padded padded(1, out_height, out_width, filters, before_h, before_w, padded_height, padded_width);
  const ptrdiff_t row = ptrdiff_t{padded_width} * filters;
  const Steps steps = {row, filters, ptrdiff_t{width} * channels * stride, ptrdiff_t{channels} * stride};
  const ptrdiff_t tap_size = ptrdiff_t{filters} * kLanes, block = ptrdiff_t{kernel_height} * kernel_width * tap_size;
  // The taps of all phases are those of the filter, each once.
  const AlignedFloats weights(size_t(kernel_height) * kernel_width * filters * channels);
  std::vector<Taps> phases;
  float* to = weights.get();
  for (int a = 0; a < stride; a++) {
    for (int b = 0; b < stride; b++) {
      const Phase down = PhaseOf(a, stride, top, kernel_height), across = PhaseOf(b, stride, left, kernel_width);
      Taps taps{};
      for (int i = 0; i < down.count; i++) {
        for (int j = 0; j < across.count; j++) {
          taps.offsets[taps.count++] = (before_h + down.offsets[i]) * row + ptrdiff_t{before_w + across.offsets[j]} * filters;
        }
      }
      phases.push_back(taps);
      for (int c = 0; c < channels; c += kLanes) {
        for (int i = 0; i < down.count; i++) {
          for (int j = 0; j < across.count; j++, to += tap_size) {
            const int tap = down.taps[i] * kernel_width + across.taps[j];
            std::memcpy(to, filter.data() + c / kLanes * block + tap * tap_size, tap_size * sizeof(float));
          }
        }
      }
    }
  }
  for (int n = first; n < last; n++) {
    padded.Set(0, upstream + ptrdiff_t{n} * out_height * out_width * filters);
    const float* from = weights.get();
    const bool more = n + 1 < last;
    const ptrdiff_t out_size = ptrdiff_t{height} * width * channels, in_size = ptrdiff_t{out_height} * out_width * filters;
    const int parts = stride * channels / kLanes * (height / 2 + 1);
    Both ahead = {{upstream + (n + 1) * in_size, more ? in_size : 0, parts}, {gradient + (n + 1) * out_size, more ? out_size : 0, parts}};
    for (int phase = 0; phase < stride * stride; phase++) {
      const int a = phase / stride, b = phase % stride;
      const Taps& taps = phases[phase];
      float* out = gradient + ((ptrdiff_t{n} * height + a) * width + b) * channels;
      for (int c = 0; c < channels; c += kLanes, from += taps.count * tap_size) {
        Rectangle(false, taps, steps, filters, (height - a + stride - 1) / stride, (width - b + stride - 1) / stride, padded.get(), from,
                  out + c, ahead);
      }
    }
  }
}

}  // namespace trikd::TRIKD_SET
