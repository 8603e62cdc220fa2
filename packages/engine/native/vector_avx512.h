// Vectors of AVX-512, for the kernels of convolution_kernels.h and batch_norm_kernels.h. vector_avx2.h has the same names.
#pragma once
#include <immintrin.h>

#include <cstdint>

#define TRIKD_TARGET __attribute__((target("avx512f")))
#define TRIKD_INLINE TRIKD_TARGET __attribute__((always_inline)) inline

namespace trikd::avx512 {

// Floats of a vector.
constexpr int kWidth = 16;
// Sums of a convolution that stay in registers, of 32.
constexpr int kTileSums = 16;
// Vectors of filters that a tile computes together, unless its pixels share what they read.
constexpr int kTileVectors = 1;
// What a filter gradient sums in registers of three neighbouring taps that share pixels: so many channels of one vector of filters.
constexpr int kSharedChannels = 8;
// And of so many taps that do not: channels, and vectors of filters.
constexpr int EachChannels(int) { return 8; }
constexpr int kEachVectors = 1;
// Whether such a gradient first copies the upstream of some filters. Only measured with AVX2.
constexpr bool kPacksUpstream = false;

using Vector = __m512;
TRIKD_INLINE Vector Zero() { return _mm512_setzero_ps(); }
TRIKD_INLINE Vector Broadcast(float value) { return _mm512_set1_ps(value); }
TRIKD_INLINE Vector Load(const float* from) { return _mm512_loadu_ps(from); }
TRIKD_INLINE Vector LoadAligned(const float* from) { return _mm512_load_ps(from); }
TRIKD_INLINE void Store(float* to, Vector values) { _mm512_storeu_ps(to, values); }
TRIKD_INLINE Vector Add(Vector one, Vector other) { return _mm512_add_ps(one, other); }
TRIKD_INLINE Vector Subtract(Vector one, Vector other) { return _mm512_sub_ps(one, other); }
TRIKD_INLINE Vector Multiply(Vector one, Vector other) { return _mm512_mul_ps(one, other); }
// one * other + sum, rounded once.
TRIKD_INLINE Vector MultiplyAdd(Vector one, Vector other, Vector sum) { return _mm512_fmadd_ps(one, other, sum); }

// A bit for each float.
using Mask = uint16_t;
TRIKD_INLINE Mask IsPositive(Vector values) { return _mm512_cmp_ps_mask(values, _mm512_setzero_ps(), _CMP_GT_OQ); }
// Of two operands one of which is not a number, max is the second. (g++ warns of the form without a mask.)
TRIKD_INLINE Vector Relu(Vector values) { return _mm512_maskz_max_ps(0xffff, _mm512_setzero_ps(), values); }
// Zero where the mask is.
TRIKD_INLINE Vector LoadWhere(Mask mask, const float* from) { return _mm512_maskz_loadu_ps(mask, from); }
TRIKD_INLINE Vector AddWhere(Mask mask, Vector one, Vector other) { return _mm512_maskz_add_ps(mask, one, other); }

constexpr int kDoubles = 8;
using Doubles = __m512d;
TRIKD_INLINE Doubles BroadcastDouble(double value) { return _mm512_set1_pd(value); }
TRIKD_INLINE Doubles LoadDoubles(const double* from) { return _mm512_loadu_pd(from); }
TRIKD_INLINE Doubles LoadAligned(const double* from) { return _mm512_load_pd(from); }
TRIKD_INLINE Doubles Widened(const float* from) { return _mm512_maskz_cvtps_pd(0xff, _mm256_load_ps(from)); }
TRIKD_INLINE void Store(double* to, Doubles values) { _mm512_storeu_pd(to, values); }
TRIKD_INLINE Doubles Add(Doubles one, Doubles other) { return _mm512_add_pd(one, other); }
TRIKD_INLINE Doubles Subtract(Doubles one, Doubles other) { return _mm512_sub_pd(one, other); }
TRIKD_INLINE Doubles Multiply(Doubles one, Doubles other) { return _mm512_mul_pd(one, other); }
TRIKD_INLINE Doubles MultiplyAdd(Doubles one, Doubles other, Doubles sum) { return _mm512_fmadd_pd(one, other, sum); }
// sum - one * other, rounded once.
TRIKD_INLINE Doubles MultiplySubtract(Doubles one, Doubles other, Doubles sum) { return _mm512_fnmadd_pd(one, other, sum); }

}  // namespace trikd::avx512
