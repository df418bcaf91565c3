// volume.destination: one destination in 16 gets from its hosts together what the limit says, the
// others a byte less.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint32_t kHosts = MovedPairs::kPairsPerHost;  // of a destination
constexpr uint64_t kPairBytes = 100'000;
constexpr uint64_t kLimitBytes = kHosts * kPairBytes;

bool is_thief(const IpAddress& destination) { return destination.v4_value() % 16 == 0; }

void volume_destination(benchmark::State& state) {
  bench_sweep(state, {.detector = "volume.destination",
                      .options = {{"threshold_1h_bytes", int64_t{kLimitBytes}},
                                  {"minimum_hosts", int64_t{kHosts}}},
                      .move = [](uint32_t number) -> PairMove {
                        const bool first_host = number / MovedPairs::kPairsPerHost % kHosts == 0;
                        const bool less =
                            first_host && !is_thief(MovedPairs::destination_of(number));
                        return {.pushed_bytes = kPairBytes - (less ? 1 : 0)};
                      },
                      .right =
                          [](const Finding& finding) {
                            return finding.subject == Subject::kDestination &&
                                   is_thief(finding.destination) && finding.detail == kHosts &&
                                   finding.observed == kLimitBytes;
                          },
                      .findings = [](uint32_t pairs) { return pairs / kHosts / 16; }});
}
BENCHMARK(volume_destination)->Apply(detector_sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
