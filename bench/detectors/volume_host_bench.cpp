// volume.host: one host in 64 pushes to its destinations together what the limit says, the others
// a byte less.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint64_t kPairBytes = 100'000;
constexpr uint64_t kLimitBytes = MovedPairs::kPairsPerHost * kPairBytes;
constexpr uint32_t kPairsPerThief = 64 * MovedPairs::kPairsPerHost;

void volume_host(benchmark::State& state) {
  bench_sweep(state, {.detector = "volume.host",
                      .options = {{"threshold_1h_bytes", int64_t{kLimitBytes}}},
                      .move = [](uint32_t number) -> PairMove {
                        const bool last_of_host = number % MovedPairs::kPairsPerHost == 15;
                        const bool thief = number % kPairsPerThief < MovedPairs::kPairsPerHost;
                        return {.pushed_bytes = kPairBytes - (last_of_host && !thief ? 1 : 0)};
                      },
                      .right =
                          [](const Finding& finding) {
                            return finding.subject == Subject::kHost &&
                                   finding.host.v4_value() % 64 == 0 &&
                                   finding.observed == kLimitBytes;
                          },
                      .findings = [](uint32_t pairs) { return pairs / kPairsPerThief; }});
}
BENCHMARK(volume_host)->Apply(detector_sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
