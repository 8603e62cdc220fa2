// What a frame carries instead of all logits in float32. Every function gives the same bits on every processor, and those of the JavaScript in
// src/testing/compact-logits.ts: what a model learns from must not depend on where it was rounded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trikd {

// The index that ToFloat16 returns where there is none.
constexpr size_t kNowhere = static_cast<size_t>(-1);

// Bits of the nearest float16 of each number, ties to even; infinity for NaN. Returns the index of the first finite number that became infinity.
size_t ToFloat16(const float* numbers, size_t count, uint16_t* halves);

// float16 widened: exact. Infinity and NaN become NaN.
void FromFloat16(const uint16_t* halves, size_t count, float* numbers);

// The columns of the `k` largest of `count` logits, ascending; of equal ones the earlier column counts as the larger one. `k` is at least 1 and
// below `count`, which is at most 65,536. `scratch` is for the next row too.
void LargestColumns(const float* row, size_t count, size_t k, std::vector<uint64_t>& scratch, uint16_t* columns);

// What logits amount to.
struct Amount {
  double largest;
  double sum;  // of exp(logit - largest), in the order of the columns
};

// A logit of minus infinity adds nothing.
Amount AmountOf(const float* row, size_t count);

}  // namespace trikd
