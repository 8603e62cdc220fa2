#include "convolution.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace trikd {
namespace {

// Memory that vectors are aligned in. Ends with its scope.
class Floats {
 public:
  explicit Floats(size_t count) : data_(static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64 + 64))) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  ~Floats() { std::free(data_); }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  float* get() const { return data_; }

 private:
  float* const data_;
};

int Least(int one, int other) { return one < other ? one : other; }
int Most(int one, int other) { return one > other ? one : other; }

}  // namespace

PackedFilter::PackedFilter(size_t floats)
    : data_(static_cast<float*>(std::aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64 + 64))) {
  if (data_ == nullptr) throw std::bad_alloc();
}
PackedFilter::PackedFilter(PackedFilter&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
PackedFilter::~PackedFilter() { std::free(data_); }

#ifndef __x86_64__

bool HasConvolutions() { return false; }
PackedFilter PackedFilter::Forward(const Convolution&, const float*) { std::abort(); }
PackedFilter PackedFilter::Backward(const Convolution&, const float*) { std::abort(); }
void ForwardConvolution(const Convolution&, const float*, const PackedFilter&, float*, int, int, const Written&) { std::abort(); }
void InputGradient(const Convolution&, const float*, const PackedFilter&, float*, int, int) { std::abort(); }
void FilterGradient(const Convolution&, const float*, const float*, float*, int, int) { std::abort(); }

#else

bool HasConvolutions() { return __builtin_cpu_supports("avx512f"); }

namespace {

#define TRIKD_AVX512 __attribute__((target("avx512f")))
#define TRIKD_INLINE TRIKD_AVX512 __attribute__((always_inline)) inline

// Pixels of a row that one tile computes at most. Its sums stay in registers: 16 of 32.
constexpr int kTile = 16;
// Pixels that a filter gradient sums in registers before it adds them to memory. Few enough that float32 loses little.
constexpr int kChunk = 256;
// Taps of a filter at most.
constexpr int kMostTaps = 121;

TRIKD_AVX512 void Copy(const float* from, ptrdiff_t count, float* to) {
  ptrdiff_t i = 0;
  for (; i + kLanes <= count; i += kLanes) _mm512_storeu_ps(to + i, _mm512_loadu_ps(from + i));
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
  const Floats floats_;
};

// Memory that is soon read or written: it is fetched into the second-level cache in small parts, meanwhile.
class Ahead {
 public:
  // `parts`: the calls of Next that fetch all of it, at most.
  Ahead(const float* from, ptrdiff_t floats, int parts)
      : at_(reinterpret_cast<const char*>(from)),
        end_(at_ + floats * ptrdiff_t{sizeof(float)}),
        step_(((end_ - at_) / parts / kLine + 1) * kLine) {}
  void Next() {
    const char* stop = end_ - at_ < step_ ? end_ : at_ + step_;
    for (; at_ < stop; at_ += kLine) __builtin_prefetch(at_, 0, 2);
  }

 private:
  static constexpr ptrdiff_t kLine = 64;
  const char* at_;
  const char* const end_;
  const ptrdiff_t step_;
};

// The next images, or rows of them, of both operands.
struct Both {
  Ahead one, other;
  void Next() {
    one.Next();
    other.Next();
  }
};

// The parts of an input that a tile reads for one output pixel: the weights of each are [channels][kLanes].
struct Taps {
  int count;
  ptrdiff_t offsets[kMostTaps];
};

// Strides of a tile, in floats.
struct Steps {
  ptrdiff_t in_row, in_pixel, out_row, out_pixel;
};

// kRows x kPixels output pixels of one vector of filters.
template <int kRows, int kPixels>
TRIKD_AVX512 void Tile(const Taps& taps, const Steps& steps, int channels, const float* in, const float* weights, float* out) {
  __m512 sums[kRows][kPixels];
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) sums[r][p] = _mm512_setzero_ps();
  }
  for (int t = 0; t < taps.count; t++) {
    const float* from = in + taps.offsets[t];
    for (int c = 0; c < channels; c++, weights += kLanes) {
      const __m512 weight = _mm512_load_ps(weights);
#pragma GCC unroll 2
      for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; p++) {
          sums[r][p] = _mm512_fmadd_ps(_mm512_set1_ps(from[r * steps.in_row + p * steps.in_pixel + c]), weight, sums[r][p]);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) _mm512_storeu_ps(out + r * steps.out_row + p * steps.out_pixel, sums[r][p]);
  }
}

// The same for filters of 3x3 at stride 1: three neighbouring pixels share what is read of the input. Weights are [row][channels][3][kLanes].
template <int kRows, int kPixels, int kStep>
TRIKD_AVX512 void Tile3Of(const Taps& rows, const Steps& steps, int channels, const float* in, const float* weights, float* out) {
  const ptrdiff_t pixel = kStep > 0 ? kStep : steps.in_pixel;
  __m512 sums[kRows][kPixels];
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) sums[r][p] = _mm512_setzero_ps();
  }
  for (int t = 0; t < rows.count; t++) {
    const float* from = in + rows.offsets[t];
    for (int c = 0; c < channels; c++, weights += 3 * kLanes) {
      const __m512 left = _mm512_load_ps(weights), middle = _mm512_load_ps(weights + kLanes), right = _mm512_load_ps(weights + 2 * kLanes);
#pragma GCC unroll 2
      for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 18
        for (int q = 0; q < kPixels + 2; q++) {
          const __m512 value = _mm512_set1_ps(from[r * steps.in_row + q * pixel + c]);
          if (q < kPixels) sums[r][q < kPixels ? q : 0] = _mm512_fmadd_ps(value, left, sums[r][q < kPixels ? q : 0]);
          if (q >= 1 && q <= kPixels) sums[r][q >= 1 ? q - 1 : 0] = _mm512_fmadd_ps(value, middle, sums[r][q >= 1 ? q - 1 : 0]);
          if (q >= 2) sums[r][q >= 2 ? q - 2 : 0] = _mm512_fmadd_ps(value, right, sums[r][q >= 2 ? q - 2 : 0]);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) _mm512_storeu_ps(out + r * steps.out_row + p * steps.out_pixel, sums[r][p]);
  }
}

// Pixels that the compiler knows the distance of take fewer instructions to find.
template <int kRows, int kPixels>
TRIKD_AVX512 void Tile3(const Taps& rows, const Steps& steps, int channels, const float* in, const float* weights, float* out) {
  switch (channels) {
    case 16: return Tile3Of<kRows, kPixels, 16>(rows, steps, channels, in, weights, out);
    case 32: return Tile3Of<kRows, kPixels, 32>(rows, steps, channels, in, weights, out);
    default: return Tile3Of<kRows, kPixels, 0>(rows, steps, channels, in, weights, out);
  }
}

using TileFunction = void (*)(const Taps&, const Steps&, int, const float*, const float*, float*);

#define TRIKD_TILES(tile, rows, first) \
  tile<rows, first>, tile<rows, first + 1>, tile<rows, first + 2>, tile<rows, first + 3>, tile<rows, first + 4>, tile<rows, first + 5>, \
      tile<rows, first + 6>, tile<rows, first + 7>

// By pixels - 1.
const TileFunction kOneRow[2][kTile] = {{TRIKD_TILES(Tile, 1, 1), TRIKD_TILES(Tile, 1, 9)},
                                        {TRIKD_TILES(Tile3, 1, 1), TRIKD_TILES(Tile3, 1, 9)}};
const TileFunction kTwoRows[2][kTile / 2] = {{TRIKD_TILES(Tile, 2, 1)}, {TRIKD_TILES(Tile3, 2, 1)}};

// A rectangle of output pixels of one vector of filters, tile by tile. Where tiles do not divide it, the last ones overlap: they compute the
// same bits again.
void Rectangle(bool shared, const Taps& taps, const Steps& steps, int channels, int height, int width, const float* in,
               const float* weights, float* out, Both& ahead) {
  if (height <= 0 || width <= 0) return;
  const int columns = (width + kTile - 1) / kTile;
  const int pixels = (width + columns - 1) / columns;
  const int rows = pixels <= kTile / 2 && height >= 2 ? 2 : 1;
  const TileFunction tile = rows == 2 ? kTwoRows[shared][pixels - 1] : kOneRow[shared][pixels - 1];
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

bool IsShared(int kernel_height, int kernel_width, int stride) { return kernel_height == 3 && kernel_width == 3 && stride == 1; }

// Output of images that are padded already: one tap for each row of a 3x3 filter at stride 1, otherwise one for each of its elements.
Taps TapsOf(int kernel_height, int kernel_width, bool shared, ptrdiff_t row, ptrdiff_t pixel) {
  Taps taps{};
  for (int h = 0; h < kernel_height; h++) {
    for (int w = 0; w < (shared ? 1 : kernel_width); w++) taps.offsets[taps.count++] = h * row + w * pixel;
  }
  return taps;
}

// A convolution with stride 1 or more from `from` images into `to` channels; weights as PackedFilter orders them.
void Correlate(const Convolution& shape, const float* images, const float* weights, float* output, int first, int last, const Written& written) {
  const auto& [count, height, width, channels, kernel_height, kernel_width, filters, out_height, out_width, stride, top, left] = shape;
  (void)count;
  const bool shared = IsShared(kernel_height, kernel_width, stride);
  const int padded_height = (out_height - 1) * stride + kernel_height, padded_width = (out_width - 1) * stride + kernel_width;
  const bool as_is = top == 0 && left == 0 && padded_height <= height && padded_width <= width;
  Padded padded(as_is ? 0 : 1, height, width, channels, top, left, padded_height, padded_width);
  const ptrdiff_t row = ptrdiff_t{as_is ? width : padded_width} * channels;
  const Taps taps = TapsOf(kernel_height, kernel_width, shared, row, channels);
  const Steps steps = {row * stride, ptrdiff_t{channels} * stride, ptrdiff_t{out_width} * filters, filters};
  const ptrdiff_t block = ptrdiff_t{kernel_height} * kernel_width * channels * kLanes;
  const ptrdiff_t in_size = ptrdiff_t{height} * width * channels, out_size = ptrdiff_t{out_height} * out_width * filters;
  for (int n = first; n < last; n++) {
    const float* image = images + n * in_size;
    if (!as_is) padded.Set(0, image);
    float* out = output + n * out_size;
    const bool more = n + 1 < last;
    const int parts = filters / kLanes * ((out_height + 1) / 2);
    Both ahead = {{image + in_size, more ? in_size : 0, parts}, {out + out_size, more ? out_size : 0, parts}};
    for (int f = 0; f < filters; f += kLanes) {
      Rectangle(shared, taps, steps, channels, out_height, out_width, as_is ? image : padded.get(), weights + f / kLanes * block, out + f,
                ahead);
    }
    if (written) written(n);
  }
}

// The input gradient at stride 1 is a convolution too: with the filter turned round.
Convolution Turned(const Convolution& shape) {
  return {shape.images, shape.out_height, shape.out_width, shape.filters, shape.kernel_height, shape.kernel_width, shape.channels,
          shape.height, shape.width, 1, shape.kernel_height - 1 - shape.top, shape.kernel_width - 1 - shape.left};
}

// Input rows (or columns) i * stride + phase read output i + offset through tap k, for these taps.
struct Phase {
  int count = 0;
  int taps[11];
  int offsets[11];
};

Phase PhaseOf(int phase, int stride, int padding, int kernel) {
  Phase found;
  for (int k = 0; k < kernel; k++) {
    const int distance = phase + padding - k;
    if (((distance % stride) + stride) % stride != 0) continue;
    found.taps[found.count] = k;
    found.offsets[found.count++] = (distance >= 0 ? distance : distance - (stride - 1)) / stride;
  }
  return found;
}

}  // namespace

PackedFilter PackedFilter::Forward(const Convolution& shape, const float* filter) {
  const auto& [images, height, width, channels, kernel_height, kernel_width, filters, out_height, out_width, stride, top, left] = shape;
  PackedFilter packed(size_t(kernel_height) * kernel_width * channels * filters);
  float* to = packed.data_;
  const bool shared = IsShared(kernel_height, kernel_width, stride);
  const auto copy = [&](int h, int w, int c, int f) {
    std::memcpy(to, filter + ((ptrdiff_t{h} * kernel_width + w) * channels + c) * filters + f, kLanes * sizeof(float));
    to += kLanes;
  };
  for (int f = 0; f < filters; f += kLanes) {
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
  const Floats transposed(floats);
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
  const Floats weights(size_t(kernel_height) * kernel_width * filters * channels);
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

namespace {

// What a filter gradient sums over: rows of output pixels, and of the pixels that they read.
struct Rows {
  const float* in;
  const float* upstream;
  ptrdiff_t in_row, upstream_row;
};

// Three taps of a row, kChannelBlock channels and one vector of filters, at stride 1: three neighbouring pixels share what is read of the
// input. `in` points to the pixel under the middle tap; the upstream is zero outside of its row.
TRIKD_INLINE void SumShared(__m512 (&sums)[3][kChannelBlock], const Rows& from, int rows, int width, ptrdiff_t channels, ptrdiff_t filters,
                            Both& ahead) {
  for (int r = 0; r < rows; r++) {
    ahead.Next();
    const float* in = from.in + r * from.in_row;
    const float* upstream = from.upstream + r * from.upstream_row;
    __m512 before = _mm512_setzero_ps(), here = _mm512_loadu_ps(upstream);
    for (int p = 0; p < width; p++, in += channels) {
      upstream += filters;
      const __m512 after = p + 1 < width ? _mm512_loadu_ps(upstream) : _mm512_setzero_ps();
#pragma GCC unroll 8
      for (int c = 0; c < kChannelBlock; c++) {
        const __m512 value = _mm512_set1_ps(in[c]);
        sums[0][c] = _mm512_fmadd_ps(value, after, sums[0][c]);
        sums[1][c] = _mm512_fmadd_ps(value, here, sums[1][c]);
        sums[2][c] = _mm512_fmadd_ps(value, before, sums[2][c]);
      }
      before = here;
      here = after;
    }
  }
}

// kTaps neighbouring taps of a row at any stride. `in` points to the pixel under the first of them.
template <int kTaps>
TRIKD_INLINE void SumEach(__m512 (&sums)[kTaps][kChannelBlock], const Rows& from, int rows, int width, ptrdiff_t channels, ptrdiff_t step,
                          ptrdiff_t filters) {
  for (int r = 0; r < rows; r++) {
    const float* in = from.in + r * from.in_row;
    const float* upstream = from.upstream + r * from.upstream_row;
    for (int p = 0; p < width; p++, in += step, upstream += filters) {
      const __m512 own = _mm512_loadu_ps(upstream);
#pragma GCC unroll 3
      for (int t = 0; t < kTaps; t++) {
#pragma GCC unroll 8
        for (int c = 0; c < kChannelBlock; c++) sums[t][c] = _mm512_fmadd_ps(_mm512_set1_ps(in[t * channels + c]), own, sums[t][c]);
      }
    }
  }
}

template <int kTaps>
TRIKD_INLINE void Clear(__m512 (&sums)[kTaps][kChannelBlock]) {
#pragma GCC unroll 3
  for (int t = 0; t < kTaps; t++) {
#pragma GCC unroll 8
    for (int c = 0; c < kChannelBlock; c++) sums[t][c] = _mm512_setzero_ps();
  }
}

template <int kTaps>
TRIKD_INLINE void AddTo(float* gradient, ptrdiff_t tap, ptrdiff_t filters, const __m512 (&sums)[kTaps][kChannelBlock]) {
#pragma GCC unroll 3
  for (int t = 0; t < kTaps; t++) {
#pragma GCC unroll 8
    for (int c = 0; c < kChannelBlock; c++) {
      float* to = gradient + t * tap + c * filters;
      _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), sums[t][c]));
    }
  }
}

// A part of the batch that is summed in registers: some rows of one image, or all rows of some images.
struct Chunk {
  int first, last, top, bottom;
};

// `last`: the images of all chunks end before it.
TRIKD_AVX512 void AddShared(const Convolution& shape, const float* images, const float* upstream, const Chunk& chunk, int last,
                            float* gradient) {
  const ptrdiff_t channels = shape.channels, filters = shape.filters;
  const ptrdiff_t in_row = shape.width * channels, upstream_row = shape.out_width * filters;
  const int chunk_rows = (chunk.last - chunk.first) * (chunk.bottom - chunk.top);
  const ptrdiff_t next = ptrdiff_t{chunk.last - 1} * shape.height + chunk.bottom;
  const bool more = next + chunk_rows <= ptrdiff_t{last} * shape.height;
  // Rows at the edge of an image have fewer taps.
  const int parts = 3 * (shape.channels / kChannelBlock) * (shape.filters / kLanes) * chunk_rows * 3 / 4;
  Both ahead = {{images + next * in_row, more ? chunk_rows * in_row : 0, parts},
                {upstream + next * upstream_row, more ? chunk_rows * upstream_row : 0, parts}};
  for (int k = 0; k < 3; k++) {
    const int top = Most(chunk.top, 1 - k), bottom = Least(chunk.bottom, shape.height + 1 - k);
    for (int c = 0; c < shape.channels; c += kChannelBlock) {
      for (int f = 0; f < shape.filters; f += kLanes) {
        __m512 sums[3][kChannelBlock];
        Clear(sums);
        for (int n = chunk.first; n < chunk.last; n++) {
          const Rows rows = {images + (ptrdiff_t{n} * shape.height + top + k - 1) * in_row + c,
                             upstream + (ptrdiff_t{n} * shape.out_height + top) * upstream_row + f, in_row, upstream_row};
          SumShared(sums, rows, bottom - top, shape.out_width, channels, filters, ahead);
        }
        AddTo(gradient + (k * 3 * channels + c) * filters + f, channels * filters, filters, sums);
      }
    }
  }
}

// `padded` has the images of the chunk.
template <int kTaps>
TRIKD_AVX512 void AddEach(const Convolution& shape, const float* padded, int padded_height, int padded_width, const float* upstream,
                          const Chunk& chunk, float* gradient) {
  const ptrdiff_t channels = shape.channels, filters = shape.filters;
  const ptrdiff_t in_row = padded_width * channels, upstream_row = shape.out_width * filters;
  for (int k = 0; k < shape.kernel_height; k++) {
    for (int t = 0; t < shape.kernel_width; t += kTaps) {
      for (int c = 0; c < shape.channels; c += kChannelBlock) {
        for (int f = 0; f < shape.filters; f += kLanes) {
          __m512 sums[kTaps][kChannelBlock];
          Clear(sums);
          for (int n = chunk.first; n < chunk.last; n++) {
            const ptrdiff_t top = ptrdiff_t{n - chunk.first} * padded_height + chunk.top * shape.stride + k;
            const Rows rows = {padded + top * in_row + t * channels + c,
                               upstream + (ptrdiff_t{n} * shape.out_height + chunk.top) * upstream_row + f, in_row * shape.stride, upstream_row};
            SumEach<kTaps>(sums, rows, chunk.bottom - chunk.top, shape.out_width, channels, channels * shape.stride, filters);
          }
          AddTo(gradient + ((ptrdiff_t{k} * shape.kernel_width + t) * channels + c) * filters + f, channels * filters, filters, sums);
        }
      }
    }
  }
}

}  // namespace

void FilterGradient(const Convolution& shape, const float* images, const float* upstream, float* gradient, int first, int last) {
  const size_t size = size_t(shape.kernel_height) * shape.kernel_width * shape.channels * shape.filters;
  std::memset(gradient, 0, size * sizeof(float));
  const int rows = Most(1, kChunk / shape.out_width);
  const int together = Most(1, rows / shape.out_height);
  const bool shared = IsShared(shape.kernel_height, shape.kernel_width, shape.stride) && shape.top == 1 && shape.left == 1 &&
                      shape.out_height == shape.height && shape.out_width == shape.width;
  const int padded_height = (shape.out_height - 1) * shape.stride + shape.kernel_height;
  const int padded_width = (shape.out_width - 1) * shape.stride + shape.kernel_width;
  Padded padded(shared ? 0 : together, shape.height, shape.width, shape.channels, shape.top, shape.left, padded_height, padded_width);
  for (int n = first; n < last; n += together) {
    const int end = Least(n + together, last);
    for (int image = n; !shared && image < end; image++) {
      padded.Set(image - n, images + ptrdiff_t{image} * shape.height * shape.width * shape.channels);
    }
    for (int top = 0; top < shape.out_height; top += rows) {
      const Chunk chunk = {n, end, top, Least(top + rows, shape.out_height)};
      if (shared) {
        AddShared(shape, images, upstream, chunk, last, gradient);
      } else if (shape.kernel_width % 3 == 0) {
        AddEach<3>(shape, padded.get(), padded_height, padded_width, upstream, chunk, gradient);
      } else {
        AddEach<1>(shape, padded.get(), padded_height, padded_width, upstream, chunk, gradient);
      }
    }
  }
}

#endif

}  // namespace trikd
