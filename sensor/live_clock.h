// HOT. The clock of live lanes: the CPU's time stamp counter as UTC, slewed and never stepped.
#pragma once

#include <rte_cycles.h>

#include <cstdint>

#include "flowtable/record.h"

namespace weir {

/// Read by any thread; `steer` by one. Needs a counter that runs at one rate on all cores (every
/// x86-64 server of the last fifteen years; runs_evenly() tells).
class LiveClock {
 public:
  /// Starts at the system's UTC. Needs the EAL, which knows the counter's rate.
  LiveClock();

  /// Nanoseconds since 1970, UTC. Never goes back on a core.
  uint64_t now_ns() const noexcept {
    const Line line = line_.read();
    const uint64_t cycles = rte_rdtsc();
    const uint64_t since = cycles > line.cycles ? cycles - line.cycles : 0;
    __extension__ using Wide = unsigned __int128;
    return line.time_ns + static_cast<uint64_t>((Wide{since} * line.ns_per_cycle_2_32) >> 32);
  }

  /// Once a second: bends the rate towards the system's UTC, by at most kSlewPpm. Returns by how
  /// many ns this clock is ahead of it: large after the system's clock was stepped.
  int64_t steer() noexcept;

  /// The same with the system's time at hand.
  int64_t steer(uint64_t system_ns) noexcept;

  /// Whether the CPU promises one rate on all cores, in all states (CPUID 80000007h, EDX bit 8).
  static bool runs_evenly();

 private:
  static constexpr int64_t kSlewPpm = 500;
  /// The clock between two steerings: a straight line.
  struct Line {
    uint64_t cycles;
    uint64_t time_ns;
    uint64_t ns_per_cycle_2_32;  // times 2^32
  };

  uint64_t nominal_ns_per_cycle_2_32_;
  Line own_{};
  SharedValue<Line> line_;
};

/// The system's UTC, nanoseconds since 1970.
uint64_t system_time_ns() noexcept;

}  // namespace weir
