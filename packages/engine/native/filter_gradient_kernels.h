// The gradient of a convolution by its filter, for the vectors of TRIKD_SET. Included once for each instruction set, after
// convolution_kernels.h.
namespace trikd::TRIKD_SET {
namespace {

// Pixels that a filter gradient sums in registers before it adds them to memory. Few enough that float32 loses little.
constexpr int kChunk = 256;
// What a filter gradient sums over: rows of output pixels, and of the pixels that they read.
struct Rows {
  const float* in;
  const float* upstream;
  ptrdiff_t in_row, upstream_row;
};

// Three taps of a row, kSharedChannels channels and one vector of filters, at stride 1: three neighbouring pixels share what is read of the
// input. `in` points to the pixel under the middle tap; the upstream is zero outside of its row.
TRIKD_INLINE void SumShared(Vector (&sums)[3][kSharedChannels], const Rows& from, int rows, int width, ptrdiff_t channels,
                            ptrdiff_t filters, Both& ahead) {
  for (int r = 0; r < rows; r++) {
    ahead.Next();
    const float* in = from.in + r * from.in_row;
    const float* upstream = from.upstream + r * from.upstream_row;
    Vector before = Zero(), here = Load(upstream);
    for (int p = 0; p < width; p++, in += channels) {
      upstream += filters;
      const Vector after = p + 1 < width ? Load(upstream) : Zero();
#pragma GCC unroll 8
      for (int c = 0; c < kSharedChannels; c++) {
        const Vector value = Broadcast(in[c]);
        sums[0][c] = MultiplyAdd(value, after, sums[0][c]);
        sums[1][c] = MultiplyAdd(value, here, sums[1][c]);
        sums[2][c] = MultiplyAdd(value, before, sums[2][c]);
      }
      before = here;
      here = after;
    }
  }
}

// kTaps neighbouring taps of a row at any stride, some channels and vectors of filters. `in` points to the pixel under the first tap.
template <int kTaps, int kChannels, int kVectors>
TRIKD_INLINE void SumEach(Vector (&sums)[kTaps][kChannels][kVectors], const Rows& from, int rows, int width, ptrdiff_t channels,
                          ptrdiff_t step, ptrdiff_t filters) {
  for (int r = 0; r < rows; r++) {
    const float* in = from.in + r * from.in_row;
    const float* upstream = from.upstream + r * from.upstream_row;
    for (int p = 0; p < width; p++, in += step, upstream += filters) {
      Vector own[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; v++) own[v] = Load(upstream + v * kWidth);
#pragma GCC unroll 3
      for (int t = 0; t < kTaps; t++) {
#pragma GCC unroll 8
        for (int c = 0; c < kChannels; c++) {
          const Vector value = Broadcast(in[t * channels + c]);
#pragma GCC unroll 2
          for (int v = 0; v < kVectors; v++) sums[t][c][v] = MultiplyAdd(value, own[v], sums[t][c][v]);
        }
      }
    }
  }
}

// Adds a sum to the gradient.
TRIKD_INLINE void AddTo(float* gradient, Vector sum) { Store(gradient, Add(Load(gradient), sum)); }

// A part of the batch that is summed in registers: some rows of one image, or all rows of some images.
struct Chunk {
  int first, last, top, bottom;
};

// `last`: the images of all chunks end before it.
TRIKD_TARGET void AddShared(const Convolution& shape, const float* images, const float* upstream, const Chunk& chunk, int last,
                            float* gradient) {
  const ptrdiff_t channels = shape.channels, filters = shape.filters;
  const ptrdiff_t in_row = shape.width * channels, upstream_row = shape.out_width * filters;
  const int chunk_rows = (chunk.last - chunk.first) * (chunk.bottom - chunk.top);
  const ptrdiff_t next = ptrdiff_t{chunk.last - 1} * shape.height + chunk.bottom;
  const bool more = next + chunk_rows <= ptrdiff_t{last} * shape.height;
  // Rows at the edge of an image have fewer taps.
  const int parts = 3 * (shape.channels / kSharedChannels) * (shape.filters / kWidth) * chunk_rows * 3 / 4;
  Both ahead = {{images + next * in_row, more ? chunk_rows * in_row : 0, parts},
                {upstream + next * upstream_row, more ? chunk_rows * upstream_row : 0, parts}};
  for (int k = 0; k < 3; k++) {
    const int top = Most(chunk.top, 1 - k), bottom = Least(chunk.bottom, shape.height + 1 - k);
    for (int c = 0; c < shape.channels; c += kSharedChannels) {
      for (int f = 0; f < shape.filters; f += kWidth) {
        Vector sums[3][kSharedChannels];
#pragma GCC unroll 3
        for (int t = 0; t < 3; t++) {
#pragma GCC unroll 8
          for (int i = 0; i < kSharedChannels; i++) sums[t][i] = Zero();
        }
        for (int n = chunk.first; n < chunk.last; n++) {
          const Rows rows = {images + (ptrdiff_t{n} * shape.height + top + k - 1) * in_row + c,
                             upstream + (ptrdiff_t{n} * shape.out_height + top) * upstream_row + f, in_row, upstream_row};
          SumShared(sums, rows, bottom - top, shape.out_width, channels, filters, ahead);
        }
        float* to = gradient + (k * 3 * channels + c) * filters + f;
#pragma GCC unroll 3
        for (int t = 0; t < 3; t++) {
#pragma GCC unroll 8
          for (int i = 0; i < kSharedChannels; i++) AddTo(to + (t * channels + i) * filters, sums[t][i]);
        }
      }
    }
  }
}

// The upstream of the images of a chunk: its first row of pixels, and the distances of images and pixels.
struct ChunkUpstream {
  const float* first;
  ptrdiff_t image, pixel;
};

// As it is.
ChunkUpstream InPlace(const Convolution& shape, const float* upstream, const Chunk& chunk) {
  const ptrdiff_t row = ptrdiff_t{shape.out_width} * shape.filters, image = shape.out_height * row;
  return {upstream + chunk.first * image + chunk.top * row, image, shape.filters};
}

// kLanes filters of it from `filter` on, pixel behind pixel: the first-level cache holds them for all taps and channels.
TRIKD_TARGET ChunkUpstream Packed(const Convolution& shape, const float* upstream, const Chunk& chunk, int filter, float* packed) {
  const ptrdiff_t pixels = ptrdiff_t{chunk.bottom - chunk.top} * shape.out_width;
  float* to = packed;
  for (int n = chunk.first; n < chunk.last; n++) {
    const float* from = upstream + (ptrdiff_t{n} * shape.out_height + chunk.top) * shape.out_width * shape.filters + filter;
    for (ptrdiff_t p = 0; p < pixels; p++, from += shape.filters, to += kLanes) Copy(from, kLanes, to);
  }
  return {packed, pixels * kLanes, kLanes};
}

// Filters from..to-1. `padded` has the images of the chunk; `upstream` begins with the first of the filters.
template <int kTaps>
TRIKD_TARGET void AddEach(const Convolution& shape, const float* padded, int padded_height, int padded_width,
                          const ChunkUpstream& upstream, const Chunk& chunk, int from, int to, float* gradient) {
  constexpr int kChannels = EachChannels(kTaps);
  const ptrdiff_t channels = shape.channels, filters = shape.filters;
  const ptrdiff_t in_row = padded_width * channels, upstream_row = shape.out_width * upstream.pixel;
  for (int k = 0; k < shape.kernel_height; k++) {
    for (int t = 0; t < shape.kernel_width; t += kTaps) {
      for (int c = 0; c < shape.channels; c += kChannels) {
        for (int f = from; f < to; f += kEachVectors * kWidth) {
          Vector sums[kTaps][kChannels][kEachVectors];
#pragma GCC unroll 3
          for (int i = 0; i < kTaps; i++) {
#pragma GCC unroll 8
            for (int j = 0; j < kChannels; j++) {
#pragma GCC unroll 2
              for (int v = 0; v < kEachVectors; v++) sums[i][j][v] = Zero();
            }
          }
          for (int n = chunk.first; n < chunk.last; n++) {
            const ptrdiff_t top = ptrdiff_t{n - chunk.first} * padded_height + chunk.top * shape.stride + k;
            const Rows rows = {padded + top * in_row + t * channels + c,
                               upstream.first + (n - chunk.first) * upstream.image + f - from, in_row * shape.stride, upstream_row};
            SumEach(sums, rows, chunk.bottom - chunk.top, shape.out_width, channels, channels * shape.stride, upstream.pixel);
          }
          float* sum = gradient + ((ptrdiff_t{k} * shape.kernel_width + t) * channels + c) * filters + f;
#pragma GCC unroll 3
          for (int i = 0; i < kTaps; i++) {
#pragma GCC unroll 8
            for (int j = 0; j < kChannels; j++) {
#pragma GCC unroll 2
              for (int v = 0; v < kEachVectors; v++) AddTo(sum + (i * channels + j) * filters + v * kWidth, sums[i][j][v]);
            }
          }
        }
      }
    }
  }
}

}  // namespace

void FilterGradient(const Convolution& shape, const float* images, const float* upstream, float* gradient, int first, int last) {
  const size_t size = size_t(shape.kernel_height) * shape.kernel_width * shape.channels * shape.filters;
  std::memset(gradient, 0, size * sizeof(float));
  const int rows = Most(1, kChunk / shape.out_width);
  const int together = Most(1, rows / shape.out_height);
  const bool shared = IsShared(shape.kernel_height, shape.kernel_width, shape.stride) && shape.top == 1 && shape.left == 1 &&
                      shape.out_height == shape.height && shape.out_width == shape.width;
  const int padded_height = (shape.out_height - 1) * shape.stride + shape.kernel_height;
  const int padded_width = (shape.out_width - 1) * shape.stride + shape.kernel_width;
  Padded padded(shared ? 0 : together, shape.height, shape.width, shape.channels, shape.top, shape.left, padded_height, padded_width);
  const AlignedFloats packed(shared || !kPacksUpstream ? 0 : size_t{kLanes} * together * Least(rows, shape.out_height) * shape.out_width);
  for (int n = first; n < last; n += together) {
    const int end = Least(n + together, last);
    for (int image = n; !shared && image < end; image++) {
      padded.Set(image - n, images + ptrdiff_t{image} * shape.height * shape.width * shape.channels);
    }
    for (int top = 0; top < shape.out_height; top += rows) {
      const Chunk chunk = {n, end, top, Least(top + rows, shape.out_height)};
      if (shared) {
        AddShared(shape, images, upstream, chunk, last, gradient);
        continue;
      }
      const auto add = shape.kernel_width % 3 == 0 ? AddEach<3> : AddEach<1>;
      const int filters = kPacksUpstream ? kLanes : shape.filters;
      for (int f = 0; f < shape.filters; f += filters) {
        const ChunkUpstream from = kPacksUpstream ? Packed(shape, upstream, chunk, f, packed.get()) : InPlace(shape, upstream, chunk);
        add(shape, padded.get(), padded_height, padded_width, from, chunk, f, f + filters, gradient);
      }
    }
  }
}

}  // namespace trikd::TRIKD_SET
