// Calibrates and steers the live clock.
#include "sensor/live_clock.h"

#include <cpuid.h>

#include <algorithm>
#include <ctime>

namespace weir {

constexpr uint64_t kSecondNs = 1'000'000'000;

uint64_t system_time_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecondNs + static_cast<uint64_t>(now.tv_nsec);
}

LiveClock::LiveClock()
    : nominal_ns_per_cycle_2_32_(
          static_cast<uint64_t>(4294967296.0 * 1e9 / static_cast<double>(rte_get_tsc_hz()))) {
  own_ = {rte_rdtsc(), system_time_ns(), nominal_ns_per_cycle_2_32_};
  line_.write(own_);
}

int64_t LiveClock::steer() noexcept { return steer(system_time_ns()); }

int64_t LiveClock::steer(uint64_t system_ns) noexcept {
  const uint64_t cycles = rte_rdtsc();
  __extension__ using Wide = unsigned __int128;
  const auto passed_ns =
      static_cast<uint64_t>((Wide{cycles - own_.cycles} * own_.ns_per_cycle_2_32) >> 32);
  const uint64_t now_ns = own_.time_ns + passed_ns;
  const auto ahead_ns = static_cast<int64_t>(now_ns - system_ns);
  // What is ahead goes back over the next second, in parts per million of its rate.
  const int64_t ppm = std::clamp<int64_t>(-ahead_ns / 1000, -kSlewPpm, kSlewPpm);
  const auto bend = static_cast<int64_t>(nominal_ns_per_cycle_2_32_) * ppm / 1'000'000;
  own_ = {cycles, now_ns, nominal_ns_per_cycle_2_32_ + static_cast<uint64_t>(bend)};
  line_.write(own_);
  return ahead_ns;
}

bool LiveClock::runs_evenly() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx >> 8 & 1) != 0;
}

}  // namespace weir
