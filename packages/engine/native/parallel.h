// Threads for ops of our own: TensorFlow's C library does not hand out its own.
#pragma once
#include <functional>

namespace trikd {

// Threads that one op may have at most.
constexpr int kMostThreads = 1024;

// Runs body(0) to body(parts - 1) on at most so many threads, and returns when all have ended: on the calling thread, and on helpers that all
// ops of the process share. The parts may run in any order, or one after the other; what they compute must not depend on that. Denormal numbers count as zero in all of
// them, as in TensorFlow's ops.
void InParallel(int threads, int parts, const std::function<void(int)>& body);

}  // namespace trikd
