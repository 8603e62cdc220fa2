#include "compact_logits_calls.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "compact_logits.h"
#include "failure.h"
#include "values.h"

namespace trikd {
namespace {

constexpr size_t kMostColumns = 65536;

template <typename T>
struct Array {
  T* data;
  size_t length;
};

template <typename T>
Array<T> ReadArray(napi_env env, napi_value value, napi_typedarray_type type, const char* what) {
  const Bytes bytes = ReadTypedArray(env, value, what);
  if (bytes.type != type) Refuse(std::string(what) + " is an array of another type");
  return {static_cast<T*>(const_cast<void*>(bytes.data)), bytes.size / sizeof(T)};
}

void RequireLength(size_t length, size_t expected, const char* what) {
  if (length == expected) return;
  Refuse(std::string(what) + " has " + std::to_string(length) + " elements, expected " + std::to_string(expected));
}

napi_value Undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

}  // namespace

napi_value CompactNumbers(napi_env env, std::vector<napi_value>& arguments) {
  const auto numbers = ReadArray<const float>(env, arguments[0], napi_float32_array, "numbers");
  const auto halves = ReadArray<uint16_t>(env, arguments[1], napi_uint16_array, "halves");
  RequireLength(halves.length, numbers.length, "halves");
  const size_t beyond = ToFloat16(numbers.data, numbers.length, halves.data);
  return MakeNumber(env, beyond == kNowhere ? -1 : static_cast<double>(beyond));
}

napi_value WidenNumbers(napi_env env, std::vector<napi_value>& arguments) {
  const auto halves = ReadArray<const uint16_t>(env, arguments[0], napi_uint16_array, "halves");
  const auto numbers = ReadArray<float>(env, arguments[1], napi_float32_array, "numbers");
  RequireLength(numbers.length, halves.length, "numbers");
  FromFloat16(halves.data, halves.length, numbers.data);
  return Undefined(env);
}

napi_value CompactRows(napi_env env, std::vector<napi_value>& arguments) {
  const auto logits = ReadArray<const float>(env, arguments[0], napi_float32_array, "logits");
  const int64_t columns = ReadInteger(env, arguments[1], "columns");
  const auto classes = ReadArray<uint16_t>(env, arguments[2], napi_uint16_array, "classes");
  const auto others = ReadArray<double>(env, arguments[3], napi_float64_array, "others");
  if (columns < 2 || columns > static_cast<int64_t>(kMostColumns)) {
    Refuse("a row has 2 to " + std::to_string(kMostColumns) + " columns, got " + std::to_string(columns));
  }
  const size_t cols = static_cast<size_t>(columns);
  const size_t rows = logits.length / cols;
  if (rows == 0 || rows * cols != logits.length) {
    Refuse(std::to_string(logits.length) + " logits are no rows of " + std::to_string(cols));
  }
  const size_t k = classes.length / rows;
  if (k == 0 || k >= cols) Refuse("a row of " + std::to_string(cols) + " columns has no " + std::to_string(k) + " largest and others");
  RequireLength(classes.length, rows * k, "classes");
  RequireLength(others.length, 2 * rows, "others");
  // Not in the array of the caller, which another thread may change: these are used as indices.
  std::vector<uint16_t> largest(k);
  std::vector<float> left(cols);
  std::vector<uint64_t> scratch;
  for (size_t row = 0; row < rows; row++) {
    const float* from = logits.data + row * cols;
    LargestColumns(from, cols, k, scratch, largest.data());
    std::copy(from, from + cols, left.begin());
    for (const uint16_t column : largest) left[column] = -std::numeric_limits<float>::infinity();
    const Amount amount = AmountOf(left.data(), cols);
    std::copy(largest.begin(), largest.end(), classes.data + row * k);
    others.data[2 * row] = amount.largest;
    others.data[2 * row + 1] = amount.sum;
  }
  return Undefined(env);
}

}  // namespace trikd
