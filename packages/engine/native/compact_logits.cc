#include "compact_logits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
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
// Numbers of float32 in a register.
constexpr size_t kRegister = 8;

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

float LargestOf(const float* row, size_t count) {
  float largest = -std::numeric_limits<float>::infinity();
  for (size_t at = 0; at < count; at++) largest = row[at] > largest ? row[at] : largest;
  return largest;
}

// A heap of the largest columns so far, the smallest of them at its root. It defines which columns are the largest ones of a row with NaN.
class Heap {
 public:
  Heap(const float* row, size_t k, uint16_t* columns) : row_(row), k_(k), columns_(columns) {
    for (size_t column = 0; column < k; column++) columns_[column] = static_cast<uint16_t>(column);
    for (size_t start = k / 2; start-- > 0;) Sink(start);
  }
  void Offer(size_t column) {
    // NaN is neither less nor equal.
    if (row_[column] <= row_[columns_[0]]) return;
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

// A number that is larger the larger a logit is, and the earlier its column.
uint64_t RankOf(float logit, size_t column) {
  // Of -0 too those of 0: they are equal.
  const uint32_t bits = BitsOf(logit + 0.0f);
  const uint32_t ordered = bits & 0x80000000 ? ~bits : bits | 0x80000000;
  return static_cast<uint64_t>(ordered) << 16 | (0xffff - column);
}

uint16_t ColumnOf(uint64_t rank) { return static_cast<uint16_t>(0xffff - (rank & 0xffff)); }

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

// The first index from which on a register has a number that is no number, or the first that fills no register.
TRIKD_AVX2 size_t FirstNaN(const float* row, size_t count) {
  size_t at = 0;
  for (; at + kRegister <= count; at += kRegister) {
    const __m256 all = _mm256_loadu_ps(row + at);
    if (_mm256_movemask_ps(_mm256_cmp_ps(all, all, _CMP_UNORD_Q)) != 0) break;
  }
  return at;
}

// The same of a number that is at least `least`.
TRIKD_AVX2 size_t FirstFrom(const float* row, size_t from, size_t count, float least) {
  size_t at = from;
  for (; at + kRegister <= count; at += kRegister) {
    const __m256 enough = _mm256_cmp_ps(_mm256_loadu_ps(row + at), _mm256_set1_ps(least), _CMP_GE_OQ);
    if (_mm256_movemask_ps(enough) != 0) break;
  }
  return at;
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

TRIKD_AVX2 float LargestOfAvx2(const float* row, size_t count) {
  __m256 most = _mm256_set1_ps(-std::numeric_limits<float>::infinity());
  size_t at = 0;
  // Of a NaN and a number, it takes the second.
  for (; at + kRegister <= count; at += kRegister) most = _mm256_max_ps(_mm256_loadu_ps(row + at), most);
  float each[kRegister];
  _mm256_storeu_ps(each, most);
  return std::max(LargestOf(each, kRegister), LargestOf(row + at, count - at));
}

TRIKD_AVX2 Amount AmountOfAvx2(const float* row, size_t count) {
  const double largest = LargestOfAvx2(row, count);
  double sum = 0;
  size_t at = 0;
  for (; at + 4 <= count; at += 4) {
    const __m256d x = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(row + at)), _mm256_set1_pd(largest));
    double exps[4];
    _mm256_storeu_pd(exps, ExpOfFour(x));
    for (const double one : exps) sum += one;
  }
  for (; at < count; at++) sum += ExpOf(row[at] - largest);
  return {largest, sum};
}

#else

bool HasAvx2() { return false; }
size_t ToFloat16Avx2(const float*, size_t, uint16_t*) { return 0; }
size_t FromFloat16Avx2(const uint16_t*, size_t, float*) { return 0; }
size_t FirstInfinite(const uint16_t*, size_t) { return 0; }
size_t FirstNaN(const float*, size_t) { return 0; }
size_t FirstFrom(const float*, size_t from, size_t, float) { return from; }
float LargestOfAvx2(const float* row, size_t count) { return LargestOf(row, count); }
Amount AmountOfAvx2(const float*, size_t) { return {}; }

#endif

// Of a row without NaN. Each of k parts of the row has a largest logit, and the least of those is one that all of the k largest reach: few others
// do, and only they are sorted out.
void LargestOfNumbers(const float* row, size_t count, size_t k, std::vector<uint64_t>& ranks, uint16_t* columns) {
  const auto largest_of = HasAvx2() ? LargestOfAvx2 : LargestOf;
  float least = std::numeric_limits<float>::infinity();
  for (size_t part = 0; part < k; part++) {
    const size_t from = part * count / k;
    least = std::min(least, largest_of(row + from, (part + 1) * count / k - from));
  }
  ranks.resize(count);
  size_t reached = 0;
  for (size_t at = 0; at < count;) {
    if (HasAvx2()) at = FirstFrom(row, at, count, least);
    for (const size_t end = std::min(at + kRegister, count); at < end; at++) {
      // Written in any case, and kept or not: no jump that the processor would have to guess.
      ranks[reached] = RankOf(row[at], at);
      reached += row[at] >= least;
    }
  }
  std::nth_element(ranks.begin(), ranks.begin() + (k - 1), ranks.begin() + reached, std::greater<uint64_t>());
  std::transform(ranks.begin(), ranks.begin() + k, columns, ColumnOf);
}

bool HasNaN(const float* row, size_t count) {
  for (size_t at = HasAvx2() ? FirstNaN(row, count) : 0; at < count; at++) {
    if (std::isnan(row[at])) return true;
  }
  return false;
}

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

void LargestColumns(const float* row, size_t count, size_t k, std::vector<uint64_t>& scratch, uint16_t* columns) {
  if (HasNaN(row, count)) {
    Heap heap(row, k, columns);
    for (size_t column = k; column < count; column++) heap.Offer(column);
  } else {
    LargestOfNumbers(row, count, k, scratch, columns);
  }
  std::sort(columns, columns + k);
}

Amount AmountOf(const float* row, size_t count) {
  if (HasAvx2()) return AmountOfAvx2(row, count);
  const double largest = LargestOf(row, count);
  double sum = 0;
  for (size_t at = 0; at < count; at++) sum += ExpOf(row[at] - largest);
  return {largest, sum};
}

}  // namespace trikd
