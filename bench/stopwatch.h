// Time of short stretches by the CPU's time-stamp counter, in nanoseconds.
#pragma once

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
