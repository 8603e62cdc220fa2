#include "kernel_set.h"

#include <atomic>

#include "failure.h"

namespace trikd {

#ifdef __x86_64__
namespace avx512 {
extern const KernelSet kKernels;
}
namespace avx2 {
extern const KernelSet kKernels;
}
#endif

const std::vector<const KernelSet*>& KernelSets() {
  static const auto* const sets = [] {
    auto* found = new std::vector<const KernelSet*>();
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) found->push_back(&avx512::kKernels);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found->push_back(&avx2::kKernels);
#endif
    return found;
  }();
  return *sets;
}

namespace {
std::atomic<const KernelSet*>& Current() {
  static std::atomic<const KernelSet*> current(KernelSets().empty() ? nullptr : KernelSets().front());
  return current;
}
}  // namespace

const KernelSet& Kernels() { return *Current().load(std::memory_order_relaxed); }

void TakeKernels(const std::string& name) {
  for (const KernelSet* set : KernelSets()) {
    if (set->name != name) continue;
    Current() = set;
    return;
  }
  Refuse("this processor has no kernels " + name);
}

bool HasConvolutions() { return !KernelSets().empty(); }

void ForwardConvolution(const Convolution& shape, const float* images, const PackedFilter& filter, float* output, int first, int last,
                        const Written& written) {
  Kernels().forward_convolution(shape, images, filter, output, first, last, written);
}
void InputGradient(const Convolution& shape, const float* upstream, const PackedFilter& filter, float* gradient, int first, int last) {
  Kernels().input_gradient(shape, upstream, filter, gradient, first, last);
}
void FilterGradient(const Convolution& shape, const float* images, const float* upstream, float* gradient, int first, int last) {
  Kernels().filter_gradient(shape, images, upstream, gradient, first, last);
}
void AddMoments(int channels, const float* input, Pixels pixels, Moments* moments) {
  Kernels().add_moments(channels, input, pixels, moments);
}
void Normalise(const Normalisation& by, bool relu, const float* input, const float* other, float* output, uint16_t* mask, Pixels pixels) {
  Kernels().normalise(by, relu, input, other, output, mask, pixels);
}
GradientSums GradientSumsOf(int channels, const float* mean, const Upstream& upstream, const float* input, float* kept, Pixels pixels) {
  return Kernels().gradient_sums_of(channels, mean, upstream, input, kept, pixels);
}
void NormalisationGradient(const GradientTerms& by, const Upstream& upstream, const float* input, float* gradient, Pixels pixels) {
  Kernels().normalisation_gradient(by, upstream, input, gradient, pixels);
}

}  // namespace trikd
