// TensorFlow ops that normalise batches with the kernels of batch_norm.h.
#pragma once
#include <tensorflow/c/kernels.h>

#include "batch_norm.h"

namespace trikd {

// Puts out mean, variance and inverse as TrikdBatchNormMoments does, as outputs first..first+2.
void OutputMoments(TF_OpKernelContext* context, int first, const Moments& moments, float epsilon);

// Registers the ops with TensorFlow, once for the process, where the kernels of convolution.h exist. Images are NHWC, and their channels a
// multiple of 16.
//
// TrikdBatchNormMoments(input; epsilon) -> mean, variance, inverse: of each channel. The variance is the unbiased one; inverse is
// 1 / sqrt(biased variance + epsilon).
//
// TrikdBatchNorm(input, mean, inverse, gamma, beta, other...; masks) -> output, mask...: normalises, and adds the other images if there are any.
// TrikdBatchNormRelu takes the positive part of it. With masks = 1 it also puts out which numbers are positive, for the gradient.
//
// TrikdBatchNormGrad(upstream..., mask..., input, mean, inverse, gamma; kept) -> input gradient, gamma gradient, beta gradient, kept...: of the
// two ops before together. `upstream` are one or two gradients of the output, which are added; with a mask, of the output of ReLU. With
// kept = 1 it also puts out what of them passes the mask: the gradient of the other images.
void RegisterBatchNorms();

}  // namespace trikd
