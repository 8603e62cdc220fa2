// What the cores of this machine can do at most: usage: peak THREADS
//   -> {"float32": operations a second, "bfloat16": operations a second, or 0 without such instructions, "memory": bytes a second}
// An operation is a multiplication or an addition. Each figure is the best of many bursts of milliseconds, on all threads at once, so that
// other programs take less from it. Compiled for the machine that it runs on. The matrix tiles of AMX are not counted.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace {

#ifdef __AVX512F__
constexpr int kBytes = 64;
constexpr int kSums = 24;
#else
constexpr int kBytes = 32;
constexpr int kSums = 12;
#endif
constexpr int kLanes = kBytes / 4;
typedef float Vector __attribute__((vector_size(kBytes)));

// Independent sums hide the latency of the instruction, and as many stay in registers.
double Float32(long rounds) {
  Vector sums[kSums] = {};
  // Unlike each other as far as the compiler knows, or it would compute one for all.
  for (Vector& sum : sums) asm volatile("" : "+x"(sum));
  Vector factor = Vector{} + 0.999f, term = Vector{} + 0.001f;
  for (long round = 0; round < rounds; ++round) {
    asm volatile("" : "+x"(factor), "+x"(term));
#pragma GCC unroll 32
    for (int i = 0; i < kSums; ++i) sums[i] = sums[i] * factor + term;
  }
  for (Vector& sum : sums) asm volatile("" ::"m"(sum));
  return 2.0 * kLanes * kSums * rounds;
}

double Bfloat16([[maybe_unused]] long rounds) {
#ifdef __AVX512BF16__
  __m512 sums[kSums] = {};
  for (__m512& sum : sums) asm volatile("" : "+v"(sum));
  __m512bh left = (__m512bh)_mm512_set1_epi16(0x3f80), right = left;
  for (long round = 0; round < rounds; ++round) {
    asm volatile("" : "+v"(left), "+v"(right));
#pragma GCC unroll 32
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], left, right);
  }
  for (__m512& sum : sums) asm volatile("" ::"m"(sum));
  return 2.0 * 2 * kLanes * kSums * rounds;
#else
  return 0;
#endif
}

double Read(const std::vector<Vector>& memory) {
  Vector sums[8] = {};
  for (size_t at = 0; at + 8 <= memory.size(); at += 8) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) sums[i] += memory[at + i];
  }
  for (Vector& sum : sums) asm volatile("" ::"m"(sum));
  return static_cast<double>(memory.size()) * kBytes;
}

// The most work a second that all threads did together in one of the bursts.
template <typename Work>
double Best(int threads, int bursts, Work work) {
  std::atomic<int> arrived{0};
  std::vector<std::vector<double>> from(threads), to(threads);
  std::vector<double> done(threads);
  auto now = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  std::vector<std::thread> pool;
  for (int thread = 0; thread < threads; ++thread) {
    pool.emplace_back([&, thread] {
      for (int burst = 0; burst < bursts; ++burst) {
        ++arrived;
        while (arrived < threads * (burst + 1)) std::this_thread::yield();
        from[thread].push_back(now());
        done[thread] = work(thread);
        to[thread].push_back(now());
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  double best = 0;
  for (int burst = 0; burst < bursts; ++burst) {
    double first = from[0][burst], last = to[0][burst], all = 0;
    for (int thread = 0; thread < threads; ++thread) {
      first = std::min(first, from[thread][burst]);
      last = std::max(last, to[thread][burst]);
      all += done[thread];
    }
    best = std::max(best, all / (last - first));
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1 || threads > 1024) {
    std::fprintf(stderr, "usage: peak THREADS\n");
    return 2;
  }
  const long rounds = 50'000;
  const double float32 = Best(threads, 4000, [&](int) { return Float32(rounds); });
  const double bfloat16 = Best(threads, 4000, [&](int) { return Bfloat16(rounds); });
  // Far more than any cache holds.
  std::vector<std::vector<Vector>> memory(threads, std::vector<Vector>((256 << 20) / kBytes));
  const double bytes = Best(threads, 20, [&](int thread) { return Read(memory[thread]); });
  std::printf("{\"float32\": %.4g, \"bfloat16\": %.4g, \"memory\": %.4g}\n", float32, bfloat16, bytes);
}
