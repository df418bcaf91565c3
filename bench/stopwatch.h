// Time of short stretches by the CPU's time-stamp counter, of long ones by the thread's CPU time.
#pragma once

#include <time.h>
#include <x86intrin.h>

#include <chrono>
#include <cstdint>

namespace weir {

/// Reads the counter once all instructions before are done, and before any after begins.
inline uint64_t read_cycles() noexcept {
  _mm_lfence();
  const uint64_t cycles = __rdtsc();
  _mm_lfence();
  return cycles;
}

/// What this thread has used of a CPU, user and system; for stretches so long that others get a
/// turn.
inline double thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// Nanoseconds a count of the time-stamp counter, measured over 50 ms at the first call.
inline double ns_per_cycle() {
  static const double value = [] {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const uint64_t first = read_cycles();
    auto now = start;
    while (now - start < std::chrono::milliseconds(50)) now = Clock::now();
    const uint64_t cycles = read_cycles() - first;
    return std::chrono::duration<double, std::nano>(now - start).count() /
           static_cast<double>(cycles);
  }();
  return value;
}

}  // namespace weir
