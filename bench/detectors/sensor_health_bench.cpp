// sensor.health: a sweep over the counters of many lanes, a minute a sweep, so that each judges.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint64_t kPackets = 100'000;  // a lane and minute
constexpr uint64_t kMinuteNs = 60'000'000'000;

/// A minute more; `duplicates` of its packets came twice.
void grow(std::vector<LaneCounters>& lanes, uint64_t duplicates) {
  for (LaneCounters& lane : lanes) {
    lane.packets += kPackets;
    lane.counted_packets += kPackets;
    lane.ip_bytes += kPackets * 1000;
    lane.out_ip_bytes += kPackets * 400;
    lane.in_ip_bytes += kPackets * 600;
    lane.duplicate_packets += duplicates;
  }
}

void sensor_health(benchmark::State& state) {
  std::vector<LaneCounters> lanes(static_cast<size_t>(state.range(0)));
  const auto detector = make_detector("sensor.health", {});
  const Windows windows(WindowsOptions{});
  uint64_t now_ns = kBenchStartS * 1'000'000'000;
  std::vector<Finding> findings;
  const auto minute = [&](uint64_t duplicates) {
    grow(lanes, duplicates);
    now_ns += kMinuteNs;
    findings.clear();
    detector->sweep({windows, now_ns, false, {}, {}, {}, lanes}, findings);
    return findings.size();
  };
  minute(0);
  if (minute(0) != 0 || minute(kPackets / 10) != 1 || findings[0].observed != 10) {
    state.SkipWithError("a doubled feed is not told from a good one; nothing was timed");
    return;
  }
  uint64_t found = 0;
  for (auto _ : state) found += minute(0);
  if (found != 0) state.SkipWithError("a good feed was reported");
}
BENCHMARK(sensor_health)->ArgName("lanes")->Arg(1)->Arg(64);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
