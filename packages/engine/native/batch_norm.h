// Batch normalisation of NHWC images in float32, with what follows it in a network: an addition and ReLU. For the processors of
// convolution.h. A pixel is a row of `channels` numbers; channels must be a multiple of kLanes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trikd {

// Pixels first..last-1 of all images of a batch.
struct Pixels {
  ptrdiff_t first, last;
};

// Of each channel, over a number of pixels.
struct Moments {
  explicit Moments(int channels) : mean(channels), squares(channels) {}
  // As if all pixels had been taken together: those of the other come after the own ones.
  void Join(const Moments& other);
  double count = 0;
  std::vector<double> mean;
  // The sum of squared distances from the mean.
  std::vector<double> squares;
};

// Adds pixels to those that the moments are of.
void AddMoments(int channels, const float* input, Pixels pixels, Moments* moments);

// Of each channel.
struct Normalisation {
  int channels;
  const float *mean;
  // 1 / standard deviation.
  const float *inverse;
  const float *gamma, *beta;
};

// output = (input - mean) * inverse * gamma + beta + other, then ReLU. The output may be the input or the other.
// `other`: null where nothing is added.
// `mask`: a bit for each number, whether it is positive; null where it is not wanted.
void Normalise(const Normalisation& by, bool relu, const float* input, const float* other, float* output, uint16_t* mask, Pixels pixels);

// What arrives at the output: the sum of one or two gradients, zero where the mask is.
struct Upstream {
  const float* one;
  const float* other;    // or null
  const uint16_t* mask;  // or null
};

// Of each channel, what arrives, and what arrives times (input - mean).
struct GradientSums {
  explicit GradientSums(int channels) : upstream(channels), product(channels) {}
  void Add(const GradientSums& other);
  std::vector<double> upstream, product;
};

// `kept`: takes what arrives at the output; may be one of the gradients. Null where it is not wanted.
GradientSums GradientSumsOf(int channels, const float* mean, const Upstream& upstream, const float* input, float* kept, Pixels pixels);

// gradient = upstream * scale + (input - mean) * slope + shift, of each channel. The gradient may be one of the upstream gradients.
struct GradientTerms {
  int channels;
  const float *mean, *scale, *slope, *shift;
};
void NormalisationGradient(const GradientTerms& by, const Upstream& upstream, const float* input, float* gradient, Pixels pixels);

}  // namespace trikd
