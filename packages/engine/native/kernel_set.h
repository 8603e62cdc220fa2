// The kernels of convolution.h and batch_norm.h, once for each instruction set: the same source, compiled for vectors of another width. All of
// them compute the same bits.
#pragma once
#include <string>
#include <vector>

#include "batch_norm.h"
#include "convolution.h"

namespace trikd {

struct KernelSet {
  const char* name;
  // Floats of a vector: filters of 3x3 at stride 1 are packed by it.
  int width;
  // The functions of convolution.h and batch_norm.h.
  decltype(ForwardConvolution)* forward_convolution;
  decltype(InputGradient)* input_gradient;
  decltype(FilterGradient)* filter_gradient;
  decltype(AddMoments)* add_moments;
  decltype(Normalise)* normalise;
  decltype(GradientSumsOf)* gradient_sums_of;
  decltype(NormalisationGradient)* normalisation_gradient;
};

// Those that this processor can run, the fastest first.
const std::vector<const KernelSet*>& KernelSets();

// The one that computes: the fastest, unless another was taken.
const KernelSet& Kernels();

// Has this set compute from now on. Not while an op computes. @throws Failure if the processor has none of that name
void TakeKernels(const std::string& name);

}  // namespace trikd
