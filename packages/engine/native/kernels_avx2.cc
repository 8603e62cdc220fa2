// Kernels for AVX2 and FMA.
#ifdef __x86_64__
#include "vector_avx2.h"
#define TRIKD_SET avx2
#include "batch_norm_kernels.h"
#include "convolution_kernels.h"
#include "filter_gradient_kernels.h"
#include "kernel_set.h"

namespace trikd::avx2 {
extern const KernelSet kKernels;
const KernelSet kKernels = {"avx2",     kWidth,    ForwardConvolution, InputGradient,        FilterGradient,
                            AddMoments, Normalise, GradientSumsOf,     NormalisationGradient};
}  // namespace trikd::avx2
#endif
