#include "batch_norm.h"

#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "convolution.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace trikd {

void Moments::Join(const Moments& other) {
  if (other.count == 0) return;
  const double all = count + other.count, share = other.count / all, weight = count * share;
  for (size_t c = 0; c < mean.size(); c++) {
    const double apart = other.mean[c] - mean[c];
    mean[c] += apart * share;
    squares[c] += other.squares[c] + apart * apart * weight;
  }
  count = all;
}

void GradientSums::Add(const GradientSums& other) {
  for (size_t c = 0; c < upstream.size(); c++) {
    upstream[c] += other.upstream[c];
    product[c] += other.product[c];
  }
}

#ifndef __x86_64__

void AddMoments(int, const float*, Pixels, Moments*) { std::abort(); }
void Normalise(const Normalisation&, bool, const float*, const float*, float*, uint16_t*, Pixels) { std::abort(); }
GradientSums GradientSumsOf(int, const float*, const Upstream&, const float*, float*, Pixels) { std::abort(); }
void NormalisationGradient(const GradientTerms&, const Upstream&, const float*, float*, Pixels) { std::abort(); }

#else

namespace {

#define TRIKD_AVX512 __attribute__((target("avx512f")))
#define TRIKD_INLINE TRIKD_AVX512 __attribute__((always_inline)) inline

// Vectors of a pixel that are computed together, at most: what they need of each channel stays in registers.
constexpr int kMostVectors = 4;

// Pixels of a chunk: sums in float32 begin anew with each, and the first-level cache holds it while it is read twice.
ptrdiff_t ChunkOf(int channels) { return std::clamp<ptrdiff_t>(4096 / channels, 32, 256); }

// Calls body.Run<kVectors>(c) for all channels: so many vectors from c on at a time.
template <typename Body>
void ForChannels(int channels, const Body& body) {
  int c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) body.template Run<4>(c);
  if (c + 2 * kLanes <= channels) {
    body.template Run<2>(c);
    c += 2 * kLanes;
  }
  if (c < channels) body.template Run<1>(c);
}

// Adds 16 floats to as many doubles.
TRIKD_INLINE void AddTo(double* to, __m512 values) {
  alignas(64) float floats[kLanes];
  _mm512_store_ps(floats, values);
  for (int i = 0; i < kLanes; i += 8) {
    _mm512_storeu_pd(to + i, _mm512_add_pd(_mm512_loadu_pd(to + i), _mm512_maskz_cvtps_pd(0xff, _mm256_load_ps(floats + i))));
  }
}

// The sums of kVectors vectors over pixels. Several of each, so that one addition need not wait for the one before it.
template <int kVectors>
struct Sums {
  static constexpr int kEach = kMostVectors / kVectors;
  __m512 of[kEach][kVectors];

  TRIKD_INLINE void Clear() {
#pragma GCC unroll 4
    for (int e = 0; e < kEach; e++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) of[e][v] = _mm512_setzero_ps();
    }
  }
  TRIKD_INLINE __m512 All(int v) const {
    __m512 all = of[0][v];
#pragma GCC unroll 4
    for (int e = 1; e < kEach; e++) all = _mm512_add_ps(all, of[e][v]);
    return all;
  }
};

struct MomentsOfChunk {
  int channels;
  const float* input;
  ptrdiff_t pixels;
  Moments* moments;

  // The mean of the chunk first, then the distances from it: nothing cancels out.
  template <int kVectors>
  TRIKD_AVX512 void Run(int c) const {
    using All = Sums<kVectors>;
    constexpr int kEach = All::kEach;
    const ptrdiff_t step = channels;
    const ptrdiff_t even = pixels / kEach * kEach;
    const float* from = input + c;
    All sums;
    sums.Clear();
    for (ptrdiff_t p = 0; p < even; p += kEach) {
#pragma GCC unroll 4
      for (int e = 0; e < kEach; e++) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; v++) {
          sums.of[e][v] = _mm512_add_ps(sums.of[e][v], _mm512_loadu_ps(from + (p + e) * step + v * kLanes));
        }
      }
    }
    for (ptrdiff_t p = even; p < pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) sums.of[0][v] = _mm512_add_ps(sums.of[0][v], _mm512_loadu_ps(from + p * step + v * kLanes));
    }
    const __m512 share = _mm512_set1_ps(1.f / static_cast<float>(pixels));
    __m512 mean[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) mean[v] = _mm512_mul_ps(sums.All(v), share);
    All rest, squares;
    rest.Clear();
    squares.Clear();
    for (ptrdiff_t p = 0; p < even; p += kEach) {
#pragma GCC unroll 4
      for (int e = 0; e < kEach; e++) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; v++) {
          const __m512 apart = _mm512_sub_ps(_mm512_loadu_ps(from + (p + e) * step + v * kLanes), mean[v]);
          rest.of[e][v] = _mm512_add_ps(rest.of[e][v], apart);
          squares.of[e][v] = _mm512_fmadd_ps(apart, apart, squares.of[e][v]);
        }
      }
    }
    for (ptrdiff_t p = even; p < pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        const __m512 apart = _mm512_sub_ps(_mm512_loadu_ps(from + p * step + v * kLanes), mean[v]);
        rest.of[0][v] = _mm512_add_ps(rest.of[0][v], apart);
        squares.of[0][v] = _mm512_fmadd_ps(apart, apart, squares.of[0][v]);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) Join(c + v * kLanes, mean[v], rest.All(v), squares.All(v));
  }

  // As Moments::Join, for the channels of a vector. `rest`: the sum of the distances from the mean, which is not quite 0.
  TRIKD_INLINE void Join(int c, __m512 mean, __m512 rest, __m512 squares) const {
    alignas(64) double means[kLanes] = {}, rests[kLanes] = {};
    AddTo(means, mean);
    AddTo(rests, rest);
    AddTo(&moments->squares[c], squares);
    const double count = static_cast<double>(pixels), share = count / (moments->count + count);
    const __m512d shares = _mm512_set1_pd(share), weight = _mm512_set1_pd(moments->count * share), each = _mm512_set1_pd(1 / count);
    for (int i = 0; i < kLanes; i += 8) {
      double* const to = &moments->mean[c + i];
      double* const squared = &moments->squares[c + i];
      const __m512d left = _mm512_load_pd(rests + i), moved = _mm512_mul_pd(left, each);
      const __m512d apart = _mm512_sub_pd(_mm512_add_pd(_mm512_load_pd(means + i), moved), _mm512_loadu_pd(to));
      _mm512_storeu_pd(to, _mm512_fmadd_pd(apart, shares, _mm512_loadu_pd(to)));
      const __m512d known = _mm512_fnmadd_pd(left, moved, _mm512_loadu_pd(squared));
      _mm512_storeu_pd(squared, _mm512_fmadd_pd(_mm512_mul_pd(apart, apart), weight, known));
    }
  }
};

template <bool kOther, bool kRelu, bool kMask>
struct NormaliseChunk {
  const Normalisation& by;
  const float *input, *other;
  float* output;
  uint16_t* mask;
  ptrdiff_t pixels;

  template <int kVectors>
  TRIKD_AVX512 void Run(int c) const {
    __m512 mean[kVectors], scale[kVectors], beta[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      const int at = c + v * kLanes;
      mean[v] = _mm512_loadu_ps(by.mean + at);
      scale[v] = _mm512_mul_ps(_mm512_loadu_ps(by.gamma + at), _mm512_loadu_ps(by.inverse + at));
      beta[v] = _mm512_loadu_ps(by.beta + at);
    }
    const ptrdiff_t step = by.channels, masks = step / kLanes;
    for (ptrdiff_t p = 0; p < pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        const ptrdiff_t at = p * step + c + v * kLanes;
        __m512 value = _mm512_fmadd_ps(_mm512_sub_ps(_mm512_loadu_ps(input + at), mean[v]), scale[v], beta[v]);
        if (kOther) value = _mm512_add_ps(value, _mm512_loadu_ps(other + at));
        if (kMask) mask[p * masks + c / kLanes + v] = _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_GT_OQ);
        // Of two operands one of which is not a number, this is the second. (g++ warns of the form without a mask.)
        if (kRelu) value = _mm512_maskz_max_ps(0xffff, _mm512_setzero_ps(), value);
        _mm512_storeu_ps(output + at, value);
      }
    }
  }
};

// What arrives at a vector of the output.
template <bool kOther, bool kMask>
TRIKD_INLINE __m512 Arriving(const Upstream& upstream, ptrdiff_t at) {
  __m512 value;
  if (kMask) {
    const __mmask16 mask = upstream.mask[at / kLanes];
    value = _mm512_maskz_loadu_ps(mask, upstream.one + at);
    if (kOther) value = _mm512_maskz_add_ps(mask, value, _mm512_loadu_ps(upstream.other + at));
  } else {
    value = _mm512_loadu_ps(upstream.one + at);
    if (kOther) value = _mm512_add_ps(value, _mm512_loadu_ps(upstream.other + at));
  }
  return value;
}

template <bool kOther, bool kMask, bool kKept>
struct SumChunk {
  int channels;
  const float* mean;
  const Upstream& upstream;
  const float* input;
  float* kept;
  ptrdiff_t first, pixels;
  GradientSums* sums;

  template <int kVectors>
  TRIKD_AVX512 void Run(int c) const {
    using All = Sums<kVectors>;
    constexpr int kEach = All::kEach;
    __m512 means[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) means[v] = _mm512_loadu_ps(mean + c + v * kLanes);
    All arriving, product;
    arriving.Clear();
    product.Clear();
    const ptrdiff_t even = pixels / kEach * kEach;
    for (ptrdiff_t p = 0; p < even; p += kEach) {
#pragma GCC unroll 4
      for (int e = 0; e < kEach; e++) Pixel<kVectors>(first + p + e, c, means, arriving.of[e], product.of[e]);
    }
    for (ptrdiff_t p = even; p < pixels; p++) Pixel<kVectors>(first + p, c, means, arriving.of[0], product.of[0]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      AddTo(&sums->upstream[c + v * kLanes], arriving.All(v));
      AddTo(&sums->product[c + v * kLanes], product.All(v));
    }
  }

  template <int kVectors>
  TRIKD_INLINE void Pixel(ptrdiff_t pixel, int c, const __m512* means, __m512* arriving, __m512* product) const {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      const ptrdiff_t at = pixel * channels + c + v * kLanes;
      const __m512 value = Arriving<kOther, kMask>(upstream, at);
      if (kKept) _mm512_storeu_ps(kept + at, value);
      arriving[v] = _mm512_add_ps(arriving[v], value);
      product[v] = _mm512_fmadd_ps(value, _mm512_sub_ps(_mm512_loadu_ps(input + at), means[v]), product[v]);
    }
  }
};

template <bool kOther, bool kMask>
struct GradientOfChunk {
  const GradientTerms& by;
  const Upstream& upstream;
  const float* input;
  float* gradient;
  ptrdiff_t first, pixels;

  template <int kVectors>
  TRIKD_AVX512 void Run(int c) const {
    __m512 mean[kVectors], scale[kVectors], slope[kVectors], shift[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      mean[v] = _mm512_loadu_ps(by.mean + c + v * kLanes);
      scale[v] = _mm512_loadu_ps(by.scale + c + v * kLanes);
      slope[v] = _mm512_loadu_ps(by.slope + c + v * kLanes);
      shift[v] = _mm512_loadu_ps(by.shift + c + v * kLanes);
    }
    for (ptrdiff_t p = first; p < first + pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        const ptrdiff_t at = p * by.channels + c + v * kLanes;
        const __m512 apart = _mm512_sub_ps(_mm512_loadu_ps(input + at), mean[v]);
        const __m512 value = _mm512_fmadd_ps(apart, slope[v], shift[v]);
        _mm512_storeu_ps(gradient + at, _mm512_fmadd_ps(Arriving<kOther, kMask>(upstream, at), scale[v], value));
      }
    }
  }
};

// Calls body(first, pixels) for each chunk.
template <typename Body>
void ForChunks(int channels, Pixels pixels, Body body) {
  const ptrdiff_t chunk = ChunkOf(channels);
  for (ptrdiff_t first = pixels.first; first < pixels.last; first += chunk) body(first, std::min(chunk, pixels.last - first));
}

// Calls body with conditions that the compiler knows, as std::bool_constant.
template <bool... kKnown, typename Body>
void Known(Body body) {
  body(std::bool_constant<kKnown>{}...);
}
template <bool... kKnown, typename Body, typename... More>
void Known(Body body, bool next, More... more) {
  if (next) {
    Known<kKnown..., true>(body, more...);
  } else {
    Known<kKnown..., false>(body, more...);
  }
}

}  // namespace

void AddMoments(int channels, const float* input, Pixels pixels, Moments* moments) {
  ForChunks(channels, pixels, [&](ptrdiff_t first, ptrdiff_t count) {
    ForChannels(channels, MomentsOfChunk{channels, input + first * channels, count, moments});
    moments->count += static_cast<double>(count);
  });
}

void Normalise(const Normalisation& by, bool relu, const float* input, const float* other, float* output, uint16_t* mask, Pixels pixels) {
  const ptrdiff_t channels = by.channels;
  Known<>(
      [&](auto adds, auto rectifies, auto masks) {
        ForChunks(by.channels, pixels, [&](ptrdiff_t first, ptrdiff_t count) {
          const ptrdiff_t at = first * channels;
          ForChannels(by.channels, NormaliseChunk<adds.value, rectifies.value, masks.value>{
                                       by, input + at, adds.value ? other + at : nullptr, output + at,
                                       masks.value ? mask + at / kLanes : nullptr, count});
        });
      },
      other != nullptr, relu, mask != nullptr);
}

GradientSums GradientSumsOf(int channels, const float* mean, const Upstream& upstream, const float* input, float* kept, Pixels pixels) {
  GradientSums sums(channels);
  Known<>(
      [&](auto adds, auto masks, auto keeps) {
        ForChunks(channels, pixels, [&](ptrdiff_t first, ptrdiff_t count) {
          ForChannels(channels, SumChunk<adds.value, masks.value, keeps.value>{channels, mean, upstream, input, kept, first, count, &sums});
        });
      },
      upstream.other != nullptr, upstream.mask != nullptr, kept != nullptr);
  return sums;
}

void NormalisationGradient(const GradientTerms& by, const Upstream& upstream, const float* input, float* gradient, Pixels pixels) {
  Known<>(
      [&](auto adds, auto masks) {
        ForChunks(by.channels, pixels, [&](ptrdiff_t first, ptrdiff_t count) {
          ForChannels(by.channels, GradientOfChunk<adds.value, masks.value>{by, upstream, input, gradient, first, count});
        });
      },
      upstream.other != nullptr, upstream.mask != nullptr);
}

#endif

}  // namespace trikd
