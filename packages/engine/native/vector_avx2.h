// Vectors of AVX2 and FMA, for the kernels of convolution_kernels.h and batch_norm_kernels.h. vector_avx512.h has the same names.
#pragma once
#include <immintrin.h>

#include <cstdint>

#define TRIKD_TARGET __attribute__((target("avx2,fma")))
#define TRIKD_INLINE TRIKD_TARGET __attribute__((always_inline)) inline

namespace trikd::avx2 {

// Floats of a vector.
constexpr int kWidth = 8;
// Sums of a convolution that stay in registers, of 16. The others hold three weights and a pixel.
constexpr int kTileSums = 12;
// Vectors of filters that a tile computes together, unless its pixels share what they read. With one vector each sum would wait for a pixel
// of its own: there are as many loads in a cycle as multiplications.
constexpr int kTileVectors = 2;
// What a filter gradient sums in registers of three neighbouring taps that share pixels: so many channels of one vector of filters.
constexpr int kSharedChannels = 4;
// And of so many taps that do not: channels, and vectors of filters.
constexpr int EachChannels(int taps) { return taps == 1 ? 4 : 2; }
constexpr int kEachVectors = 2;
// Whether such a gradient first copies the upstream of some filters: 1.2 to 1.6 times faster. Its sums are so few that it is read often.
constexpr bool kPacksUpstream = true;

using Vector = __m256;
TRIKD_INLINE Vector Zero() { return _mm256_setzero_ps(); }
TRIKD_INLINE Vector Broadcast(float value) { return _mm256_set1_ps(value); }
TRIKD_INLINE Vector Load(const float* from) { return _mm256_loadu_ps(from); }
TRIKD_INLINE Vector LoadAligned(const float* from) { return _mm256_load_ps(from); }
TRIKD_INLINE void Store(float* to, Vector values) { _mm256_storeu_ps(to, values); }
TRIKD_INLINE Vector Add(Vector one, Vector other) { return _mm256_add_ps(one, other); }
TRIKD_INLINE Vector Subtract(Vector one, Vector other) { return _mm256_sub_ps(one, other); }
TRIKD_INLINE Vector Multiply(Vector one, Vector other) { return _mm256_mul_ps(one, other); }
// one * other + sum, rounded once.
TRIKD_INLINE Vector MultiplyAdd(Vector one, Vector other, Vector sum) { return _mm256_fmadd_ps(one, other, sum); }

// A bit for each float. Two of them make one of AVX-512: the lower byte comes first in memory.
using Mask = uint8_t;
TRIKD_INLINE Mask IsPositive(Vector values) {
  return static_cast<Mask>(_mm256_movemask_ps(_mm256_cmp_ps(values, _mm256_setzero_ps(), _CMP_GT_OQ)));
}
// Of two operands one of which is not a number, max is the second.
TRIKD_INLINE Vector Relu(Vector values) { return _mm256_max_ps(_mm256_setzero_ps(), values); }
TRIKD_INLINE Vector Where(Mask mask, Vector values) {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(mask), bits), bits);
  return _mm256_and_ps(_mm256_castsi256_ps(set), values);
}
// Zero where the mask is.
TRIKD_INLINE Vector LoadWhere(Mask mask, const float* from) { return Where(mask, Load(from)); }
TRIKD_INLINE Vector AddWhere(Mask mask, Vector one, Vector other) { return Where(mask, Add(one, other)); }

constexpr int kDoubles = 4;
using Doubles = __m256d;
TRIKD_INLINE Doubles BroadcastDouble(double value) { return _mm256_set1_pd(value); }
TRIKD_INLINE Doubles LoadDoubles(const double* from) { return _mm256_loadu_pd(from); }
TRIKD_INLINE Doubles LoadAligned(const double* from) { return _mm256_load_pd(from); }
TRIKD_INLINE Doubles Widened(const float* from) { return _mm256_cvtps_pd(_mm_load_ps(from)); }
TRIKD_INLINE void Store(double* to, Doubles values) { _mm256_storeu_pd(to, values); }
TRIKD_INLINE Doubles Add(Doubles one, Doubles other) { return _mm256_add_pd(one, other); }
TRIKD_INLINE Doubles Subtract(Doubles one, Doubles other) { return _mm256_sub_pd(one, other); }
TRIKD_INLINE Doubles Multiply(Doubles one, Doubles other) { return _mm256_mul_pd(one, other); }
TRIKD_INLINE Doubles MultiplyAdd(Doubles one, Doubles other, Doubles sum) { return _mm256_fmadd_pd(one, other, sum); }
// sum - one * other, rounded once.
TRIKD_INLINE Doubles MultiplySubtract(Doubles one, Doubles other, Doubles sum) { return _mm256_fnmadd_pd(one, other, sum); }

}  // namespace trikd::avx2
