// Kernels for AVX-512.
#ifdef __x86_64__
#include "vector_avx512.h"
#define TRIKD_SET avx512
#include "batch_norm_kernels.h"
#include "convolution_kernels.h"
#include "filter_gradient_kernels.h"
#include "kernel_set.h"

namespace trikd::avx512 {
extern const KernelSet kKernels;
const KernelSet kKernels = {"avx512",   kWidth,    ForwardConvolution, InputGradient,        FilterGradient,
                            AddMoments, Normalise, GradientSumsOf,     NormalisationGradient};
}  // namespace trikd::avx512
#endif
