// Batch normalisation for the vectors of TRIKD_SET. Included once for each instruction set.
#include <algorithm>
#include <type_traits>

#include "batch_norm.h"
#include "convolution.h"

namespace trikd::TRIKD_SET {
namespace {

// Pixels of a chunk: sums in float32 begin anew with each, and the first-level cache holds it while it is read twice.
ptrdiff_t ChunkOf(int channels) { return std::clamp<ptrdiff_t>(4096 / channels, 32, 256); }

// Vectors of a pixel that are computed together, at most: what they need of each channel stays in registers.
constexpr int kMostVectors = 4;

// Calls body.Run<kVectors>(c) for all channels: so many vectors from c on at a time.
template <typename Body>
void ForVectors(int channels, const Body& body) {
  int c = 0;
  for (; c + 4 * kWidth <= channels; c += 4 * kWidth) body.template Run<4>(c);
  if (c + 2 * kWidth <= channels) {
    body.template Run<2>(c);
    c += 2 * kWidth;
  }
  if (c < channels) body.template Run<1>(c);
}

// Calls body.Run<kEach, kVectors>(c) for a block of channels that begins with c.
template <int kEach, typename Body>
void ForBlock(int c, const Body& body) {
  constexpr int kVectors = kMostVectors / kEach;
  for (int at = 0; at < kMostVectors * kLanes / kEach; at += kVectors * kWidth) body.template Run<kEach, kVectors>(c + at);
}

// The same for all channels, in blocks of 64 and at the end of 32 and 16, whose numbers have 1, 2 and 4 sums each. They depend on nothing
// else, so sums have the same bits for vectors of any width.
template <typename Body>
void ForBlocks(int channels, const Body& body) {
  int c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) ForBlock<1>(c, body);
  if (c + 2 * kLanes <= channels) {
    ForBlock<2>(c, body);
    c += 2 * kLanes;
  }
  if (c < channels) ForBlock<4>(c, body);
}

// Adds the floats of a vector to as many doubles.
TRIKD_INLINE void AddWidened(double* to, Vector values) {
  alignas(64) float floats[kWidth];
  Store(floats, values);
  for (int i = 0; i < kWidth; i += kDoubles) Store(to + i, Add(LoadDoubles(to + i), Widened(floats + i)));
}

// The sums of kVectors vectors over pixels: pixel p is added to sum p % kEach, and those behind the last multiple of kEach to the first. Several of
// each vector, so that one addition need not wait for the one before it.
template <int kEach, int kVectors>
struct Sums {
  Vector of[kEach][kVectors];

  TRIKD_INLINE void Clear() {
#pragma GCC unroll 4
    for (int e = 0; e < kEach; e++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) of[e][v] = Zero();
    }
  }
  TRIKD_INLINE Vector All(int v) const {
    Vector all = of[0][v];
#pragma GCC unroll 4
    for (int e = 1; e < kEach; e++) all = Add(all, of[e][v]);
    return all;
  }
};

struct MomentsOfChunk {
  int channels;
  const float* input;
  ptrdiff_t pixels;
  Moments* moments;

  // The mean of the chunk first, then the distances from it: nothing cancels out.
  template <int kEach, int kVectors>
  TRIKD_TARGET void Run(int c) const {
    using All = Sums<kEach, kVectors>;
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
          sums.of[e][v] = Add(sums.of[e][v], Load(from + (p + e) * step + v * kWidth));
        }
      }
    }
    for (ptrdiff_t p = even; p < pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) sums.of[0][v] = Add(sums.of[0][v], Load(from + p * step + v * kWidth));
    }
    const Vector share = Broadcast(1.f / static_cast<float>(pixels));
    Vector mean[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) mean[v] = Multiply(sums.All(v), share);
    All rest, squares;
    rest.Clear();
    squares.Clear();
    for (ptrdiff_t p = 0; p < even; p += kEach) {
#pragma GCC unroll 4
      for (int e = 0; e < kEach; e++) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; v++) {
          const Vector apart = Subtract(Load(from + (p + e) * step + v * kWidth), mean[v]);
          rest.of[e][v] = Add(rest.of[e][v], apart);
          squares.of[e][v] = MultiplyAdd(apart, apart, squares.of[e][v]);
        }
      }
    }
    for (ptrdiff_t p = even; p < pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        const Vector apart = Subtract(Load(from + p * step + v * kWidth), mean[v]);
        rest.of[0][v] = Add(rest.of[0][v], apart);
        squares.of[0][v] = MultiplyAdd(apart, apart, squares.of[0][v]);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) Join(c + v * kWidth, mean[v], rest.All(v), squares.All(v));
  }

  // As Moments::Join, for the channels of a vector. `rest`: the sum of the distances from the mean, which is not quite 0.
  TRIKD_INLINE void Join(int c, Vector mean, Vector rest, Vector squares) const {
    alignas(64) double means[kWidth] = {}, rests[kWidth] = {};
    AddWidened(means, mean);
    AddWidened(rests, rest);
    AddWidened(&moments->squares[c], squares);
    const double count = static_cast<double>(pixels), share = count / (moments->count + count);
    const Doubles shares = BroadcastDouble(share), weight = BroadcastDouble(moments->count * share), each = BroadcastDouble(1 / count);
    for (int i = 0; i < kWidth; i += kDoubles) {
      double* const to = &moments->mean[c + i];
      double* const squared = &moments->squares[c + i];
      const Doubles left = LoadAligned(rests + i), moved = Multiply(left, each);
      const Doubles apart = Subtract(Add(LoadAligned(means + i), moved), LoadDoubles(to));
      Store(to, MultiplyAdd(apart, shares, LoadDoubles(to)));
      const Doubles known = MultiplySubtract(left, moved, LoadDoubles(squared));
      Store(squared, MultiplyAdd(Multiply(apart, apart), weight, known));
    }
  }
};

template <bool kOther, bool kRelu, bool kMask>
struct NormaliseChunk {
  const Normalisation& by;
  const float *input, *other;
  float* output;
  Mask* mask;
  ptrdiff_t pixels;

  template <int kVectors>
  TRIKD_TARGET void Run(int c) const {
    Vector mean[kVectors], scale[kVectors], beta[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      const int at = c + v * kWidth;
      mean[v] = Load(by.mean + at);
      scale[v] = Multiply(Load(by.gamma + at), Load(by.inverse + at));
      beta[v] = Load(by.beta + at);
    }
    const ptrdiff_t step = by.channels, masks = step / kWidth;
    for (ptrdiff_t p = 0; p < pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        const ptrdiff_t at = p * step + c + v * kWidth;
        Vector value = MultiplyAdd(Subtract(Load(input + at), mean[v]), scale[v], beta[v]);
        if (kOther) value = Add(value, Load(other + at));
        if (kMask) mask[p * masks + c / kWidth + v] = IsPositive(value);
        if (kRelu) value = Relu(value);
        Store(output + at, value);
      }
    }
  }
};

// A mask has a bit for each number; x86 has the lower byte of 16 first.
inline Mask* MaskOf(uint16_t* mask) { return reinterpret_cast<Mask*>(mask); }
inline const Mask* MaskOf(const uint16_t* mask) { return reinterpret_cast<const Mask*>(mask); }

// What arrives at a vector of the output.
template <bool kOther, bool kMask>
TRIKD_INLINE Vector Arriving(const Upstream& upstream, ptrdiff_t at) {
  Vector value;
  if (kMask) {
    const Mask mask = MaskOf(upstream.mask)[at / kWidth];
    value = LoadWhere(mask, upstream.one + at);
    if (kOther) value = AddWhere(mask, value, Load(upstream.other + at));
  } else {
    value = Load(upstream.one + at);
    if (kOther) value = Add(value, Load(upstream.other + at));
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

  template <int kEach, int kVectors>
  TRIKD_TARGET void Run(int c) const {
    using All = Sums<kEach, kVectors>;
    Vector means[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) means[v] = Load(mean + c + v * kWidth);
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
      AddWidened(&sums->upstream[c + v * kWidth], arriving.All(v));
      AddWidened(&sums->product[c + v * kWidth], product.All(v));
    }
  }

  template <int kVectors>
  TRIKD_INLINE void Pixel(ptrdiff_t pixel, int c, const Vector* means, Vector* arriving, Vector* product) const {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      const ptrdiff_t at = pixel * channels + c + v * kWidth;
      const Vector value = Arriving<kOther, kMask>(upstream, at);
      if (kKept) Store(kept + at, value);
      arriving[v] = Add(arriving[v], value);
      product[v] = MultiplyAdd(value, Subtract(Load(input + at), means[v]), product[v]);
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
  TRIKD_TARGET void Run(int c) const {
    Vector mean[kVectors], scale[kVectors], slope[kVectors], shift[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      mean[v] = Load(by.mean + c + v * kWidth);
      scale[v] = Load(by.scale + c + v * kWidth);
      slope[v] = Load(by.slope + c + v * kWidth);
      shift[v] = Load(by.shift + c + v * kWidth);
    }
    for (ptrdiff_t p = first; p < first + pixels; p++) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        const ptrdiff_t at = p * by.channels + c + v * kWidth;
        const Vector apart = Subtract(Load(input + at), mean[v]);
        const Vector value = MultiplyAdd(apart, slope[v], shift[v]);
        Store(gradient + at, MultiplyAdd(Arriving<kOther, kMask>(upstream, at), scale[v], value));
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
    ForBlocks(channels, MomentsOfChunk{channels, input + first * channels, count, moments});
    moments->count += static_cast<double>(count);
  });
}

void Normalise(const Normalisation& by, bool relu, const float* input, const float* other, float* output, uint16_t* mask, Pixels pixels) {
  const ptrdiff_t channels = by.channels;
  Known<>(
      [&](auto adds, auto rectifies, auto masks) {
        ForChunks(by.channels, pixels, [&](ptrdiff_t first, ptrdiff_t count) {
          const ptrdiff_t at = first * channels;
          ForVectors(by.channels, NormaliseChunk<adds.value, rectifies.value, masks.value>{
                                       by, input + at, adds.value ? other + at : nullptr, output + at,
                                       masks.value ? MaskOf(mask) + at / kWidth : nullptr, count});
        });
      },
      other != nullptr, relu, mask != nullptr);
}

GradientSums GradientSumsOf(int channels, const float* mean, const Upstream& upstream, const float* input, float* kept, Pixels pixels) {
  GradientSums sums(channels);
  Known<>(
      [&](auto adds, auto masks, auto keeps) {
        ForChunks(channels, pixels, [&](ptrdiff_t first, ptrdiff_t count) {
          ForBlocks(channels, SumChunk<adds.value, masks.value, keeps.value>{channels, mean, upstream, input, kept, first, count, &sums});
        });
      },
      upstream.other != nullptr, upstream.mask != nullptr, kept != nullptr);
  return sums;
}

void NormalisationGradient(const GradientTerms& by, const Upstream& upstream, const float* input, float* gradient, Pixels pixels) {
  Known<>(
      [&](auto adds, auto masks) {
        ForChunks(by.channels, pixels, [&](ptrdiff_t first, ptrdiff_t count) {
          ForVectors(by.channels, GradientOfChunk<adds.value, masks.value>{by, upstream, input, gradient, first, count});
        });
      },
      upstream.other != nullptr, upstream.mask != nullptr);
}

}  // namespace trikd::TRIKD_SET
