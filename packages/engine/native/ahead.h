#pragma once
#include <cstddef>

namespace trikd {

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

}  // namespace trikd
