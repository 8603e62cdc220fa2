#pragma once
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace trikd {

// Memory that vectors are aligned in.
class AlignedFloats {
 public:
  explicit AlignedFloats(size_t count)
      : data_(static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64 + 64))) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  AlignedFloats(AlignedFloats&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  ~AlignedFloats() { std::free(data_); }
  float* get() const { return data_; }

 private:
  float* data_;
};

}  // namespace trikd
