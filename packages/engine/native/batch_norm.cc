#include "batch_norm.h"

namespace trikd {

void Moments::Join(const Moments& other) {
  if (other.count == 0) return;
  const double all = count + other.count, share = other.count / all, weight = count * share;
  for (size_t c = 0; c < mean.size(); c++) {
    const double apart = other.mean[c] - mean[c];
    mean[c] += apart * share;
    squares[c] += other.squares[c] + apart * apart * weight;
  }
  count = all;
}

void GradientSums::Add(const GradientSums& other) {
  for (size_t c = 0; c < upstream.size(); c++) {
    upstream[c] += other.upstream[c];
    product[c] += other.product[c];
  }
}

}  // namespace trikd
