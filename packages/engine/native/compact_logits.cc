#include "compact_logits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#ifdef __x86_64__
#include <immintrin.h>
// Without FMA: the compiler must not join a product and a sum, which changes the last bit.
#define TRIKD_AVX2 __attribute__((target("avx2,f16c")))
#endif

namespace trikd {
namespace {

constexpr uint32_t kInfinity = 0x7f800000;
constexpr uint16_t kHalfInfinity = 0x7c00;

uint32_t BitsOf(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}

float NumberOf(uint32_t bits) {
  float number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

uint16_t NearestFloat16(float number) {
  const uint32_t bits = BitsOf(number);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  // Below 2^-14 halves are multiples of 2^-24: adding a number whose last bit is that rounds to one of them.
  if (magnitude < 0x38800000) {
    return static_cast<uint16_t>(sign | (BitsOf(NumberOf(magnitude) + 0.5f) - BitsOf(0.5f)));
  }
  if (magnitude >= kInfinity) return static_cast<uint16_t>(sign | kHalfInfinity);
  // 13 bits are dropped: half of the last that stays, and one more where that one is odd, rounds ties to even.
  const uint32_t rounded = magnitude + 0x0fff + ((magnitude >> 13) & 1);
  return static_cast<uint16_t>(sign | std::min<uint32_t>(kHalfInfinity, (rounded - 0x38000000) >> 13));
}

float WidenedFloat16(uint16_t half) {
  const uint32_t exponent = (half >> 10) & 31;
  const uint32_t fraction = half & 0x3ff;
  if (exponent == 31) return std::numeric_limits<float>::quiet_NaN();
  const float magnitude = exponent == 0 ? static_cast<float>(fraction) * 0x1p-24f
                                        : NumberOf(((exponent + 112) << 23) | (fraction << 13));
  return half & 0x8000 ? -magnitude : magnitude;
}

bool Overflows(float number, uint16_t half) { return (half & kHalfInfinity) == kHalfInfinity && std::isfinite(number); }

// exp(x) is 2^n · exp(r) with x = n·ln 2 + r and |r| <= ln 2 / 2.
constexpr double kPerOctave = 1 / 0.6931471805599453;
constexpr double kLn2 = 0.6931471805599453;
// Smaller summands do not change a sum of at least 1 that is rounded to float32.
constexpr double kSmallestPower = -60;

// exp(x) for x <= 0 to a relative error of 1e-8: Taylor's series to the seventh power.
double ExpOf(double x) {
  const double n = std::floor(x * kPerOctave + 0.5);
  if (n <= kSmallestPower) return 0;
  const double r = x - n * kLn2;
  const double series =
      1 + r * (1 + (r / 2) * (1 + (r / 3) * (1 + (r / 4) * (1 + (r / 5) * (1 + (r / 6) * (1 + r / 7))))));
  // Of NaN too, which has no power of 2.
  return n <= 0 ? std::ldexp(1.0, static_cast<int>(n)) * series : std::numeric_limits<double>::quiet_NaN();
}

// Calls body(from, to) for each run of columns between those that are skipped.
template <typename Body>
void BetweenSkipped(size_t count, const uint16_t* skipped, size_t skips, Body body) {
  size_t start = 0;
  for (size_t part = 0; part <= skips; part++) {
    const size_t end = part < skips ? skipped[part] : count;
    if (start < end) body(start, end);
    start = end + 1;
  }
}

float LargestOf(const float* row, size_t from, size_t to, float largest) {
  for (size_t at = from; at < to; at++) largest = row[at] > largest ? row[at] : largest;
  return largest;
}

double SumOfExp(const float* row, size_t from, size_t to, double largest, double sum) {
  for (size_t at = from; at < to; at++) sum += ExpOf(row[at] - largest);
  return sum;
}

// A heap of the largest columns so far, the smallest of them at its root: most columns are compared with that one and no other.
class Largest {
 public:
  Largest(const float* row, size_t k, uint16_t* columns) : row_(row), k_(k), columns_(columns) {
    for (size_t column = 0; column < k; column++) columns_[column] = static_cast<uint16_t>(column);
    for (size_t start = k / 2; start-- > 0;) Sink(start);
  }
  float least() const { return row_[columns_[0]]; }
  void Offer(size_t column) {
    // Written so that NaN is offered too, as in JavaScript.
    if (row_[column] <= least()) return;
    columns_[0] = static_cast<uint16_t>(column);
    Sink(0);
  }

 private:
  bool IsSmaller(uint16_t one, uint16_t other) const {
    return row_[one] < row_[other] || (row_[one] == row_[other] && one > other);
  }
  void Sink(size_t start) {
    const uint16_t column = columns_[start];
    size_t at = start;
    for (;;) {
      size_t child = 2 * at + 1;
      if (child >= k_) break;
      if (child + 1 < k_ && IsSmaller(columns_[child + 1], columns_[child])) child += 1;
      if (!IsSmaller(columns_[child], column)) break;
      columns_[at] = columns_[child];
      at = child;
    }
    columns_[at] = column;
  }

  const float* row_;
  size_t k_;
  uint16_t* columns_;
};

#ifdef __x86_64__

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  return has;
}

// Each function does as many numbers as fill whole registers, and returns how many.

TRIKD_AVX2 size_t ToFloat16Avx2(const float* numbers, size_t count, uint16_t* halves) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 infinity = _mm256_set1_ps(std::numeric_limits<float>::infinity());
  size_t at = 0;
  for (; at + 8 <= count; at += 8) {
    const __m256 all = _mm256_loadu_ps(numbers + at);
    const __m256 infinite = _mm256_or_ps(_mm256_and_ps(all, sign), infinity);
    const __m256 known = _mm256_blendv_ps(all, infinite, _mm256_cmp_ps(all, all, _CMP_UNORD_Q));
    const __m128i rounded = _mm256_cvtps_ph(known, _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(halves + at), rounded);
  }
  return at;
}

TRIKD_AVX2 size_t FromFloat16Avx2(const uint16_t* halves, size_t count, float* numbers) {
  const __m256 nan = _mm256_set1_ps(std::numeric_limits<float>::quiet_NaN());
  const __m256i exponent = _mm256_set1_epi32(kInfinity);
  size_t at = 0;
  for (; at + 8 <= count; at += 8) {
    const __m256 wide = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + at)));
    const __m256i bits = _mm256_and_si256(_mm256_castps_si256(wide), exponent);
    const __m256 infinite = _mm256_castsi256_ps(_mm256_cmpeq_epi32(bits, exponent));
    _mm256_storeu_ps(numbers + at, _mm256_blendv_ps(wide, nan, infinite));
  }
  return at;
}

// The first index from which on a register has an infinite half, or `count`.
TRIKD_AVX2 size_t FirstInfinite(const uint16_t* halves, size_t count) {
  const __m256i infinity = _mm256_set1_epi16(kHalfInfinity);
  size_t at = 0;
  for (; at + 16 <= count; at += 16) {
    const __m256i bits = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves + at)), infinity);
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi16(bits, infinity)) != 0) break;
  }
  return at;
}

TRIKD_AVX2 size_t OfferAvx2(const float* row, size_t from, size_t count, Largest& largest) {
  size_t at = from;
  for (; at + 8 <= count; at += 8) {
    // Neither less, nor equal: larger, or NaN.
    const __m256 larger = _mm256_cmp_ps(_mm256_loadu_ps(row + at), _mm256_set1_ps(largest.least()), _CMP_NLE_UQ);
    const int mask = _mm256_movemask_ps(larger);
    if (mask == 0) continue;
    // Those behind the first are compared anew: once NaN is the least, nothing is equal to or less than it.
    for (size_t next = at + __builtin_ctz(mask); next < at + 8; next++) largest.Offer(next);
  }
  return at;
}

TRIKD_AVX2 float LargestOfAvx2(const float* row, size_t from, size_t to, float largest) {
  __m256 most = _mm256_set1_ps(largest);
  size_t at = from;
  // Of a NaN and a number, it takes the second.
  for (; at + 8 <= to; at += 8) most = _mm256_max_ps(_mm256_loadu_ps(row + at), most);
  float each[8];
  _mm256_storeu_ps(each, most);
  return LargestOf(row, at, to, LargestOf(each, 0, 8, largest));
}

// Four of ExpOf.
TRIKD_AVX2 __m256d ExpOfFour(__m256d x) {
  typedef double Four __attribute__((vector_size(32)));
  const Four n = _mm256_floor_pd(static_cast<__m256d>(static_cast<Four>(x) * kPerOctave + 0.5));
  const Four r = static_cast<Four>(x) - n * kLn2;
  const Four series =
      1 + r * (1 + (r / 2) * (1 + (r / 3) * (1 + (r / 4) * (1 + (r / 5) * (1 + (r / 6) * (1 + r / 7))))));
  // 2^n, whose exponent is n + 1023. Where n is NaN the series is too.
  const __m256i exponent = _mm256_cvtepi32_epi64(_mm_add_epi32(_mm256_cvtpd_epi32(n), _mm_set1_epi32(1023)));
  const Four power = _mm256_castsi256_pd(_mm256_slli_epi64(exponent, 52));
  const __m256d counts = _mm256_cmp_pd(n, _mm256_set1_pd(kSmallestPower), _CMP_NLE_UQ);
  return _mm256_and_pd(static_cast<__m256d>(power * series), counts);
}

TRIKD_AVX2 double SumOfExpAvx2(const float* row, size_t from, size_t to, double largest, double sum) {
  size_t at = from;
  for (; at + 4 <= to; at += 4) {
    const __m256d x = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(row + at)), _mm256_set1_pd(largest));
    double each[4];
    _mm256_storeu_pd(each, ExpOfFour(x));
    for (const double one : each) sum += one;
  }
  return SumOfExp(row, at, to, largest, sum);
}

#else

bool HasAvx2() { return false; }
size_t ToFloat16Avx2(const float*, size_t, uint16_t*) { return 0; }
size_t FromFloat16Avx2(const uint16_t*, size_t, float*) { return 0; }
size_t FirstInfinite(const uint16_t*, size_t) { return 0; }
size_t OfferAvx2(const float*, size_t from, size_t, Largest&) { return from; }
float LargestOfAvx2(const float* row, size_t from, size_t to, float largest) { return LargestOf(row, from, to, largest); }
double SumOfExpAvx2(const float* row, size_t from, size_t to, double largest, double sum) {
  return SumOfExp(row, from, to, largest, sum);
}

#endif

}  // namespace

size_t ToFloat16(const float* numbers, size_t count, uint16_t* halves) {
  for (size_t at = HasAvx2() ? ToFloat16Avx2(numbers, count, halves) : 0; at < count; at++) {
    halves[at] = NearestFloat16(numbers[at]);
  }
  for (size_t at = HasAvx2() ? FirstInfinite(halves, count) : 0; at < count; at++) {
    if (Overflows(numbers[at], halves[at])) return at;
  }
  return kNowhere;
}

void FromFloat16(const uint16_t* halves, size_t count, float* numbers) {
  for (size_t at = HasAvx2() ? FromFloat16Avx2(halves, count, numbers) : 0; at < count; at++) {
    numbers[at] = WidenedFloat16(halves[at]);
  }
}

void LargestColumns(const float* row, size_t count, size_t k, uint16_t* columns) {
  Largest largest(row, k, columns);
  for (size_t at = HasAvx2() ? OfferAvx2(row, k, count, largest) : k; at < count; at++) largest.Offer(at);
  std::sort(columns, columns + k);
}

Others SumOthers(const float* row, size_t count, const uint16_t* skipped, size_t skips) {
  float largest = -std::numeric_limits<float>::infinity();
  const auto largest_of = HasAvx2() ? LargestOfAvx2 : LargestOf;
  BetweenSkipped(count, skipped, skips, [&](size_t from, size_t to) { largest = largest_of(row, from, to, largest); });
  double sum = 0;
  const auto sum_of = HasAvx2() ? SumOfExpAvx2 : SumOfExp;
  BetweenSkipped(count, skipped, skips, [&](size_t from, size_t to) { sum = sum_of(row, from, to, largest, sum); });
  return {largest, sum};
}

}  // namespace trikd
