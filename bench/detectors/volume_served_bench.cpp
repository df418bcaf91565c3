// volume.served: one outsider in 64 fetches beyond the limit, the others nearly reach it.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint64_t kLimitBytes = 1'000'000;
constexpr uint32_t kThiefEvery = 64;

void volume_served(benchmark::State& state) {
  bench_sweep(state, {.detector = "volume.served",
                      .options = {{"threshold_1h_bytes", int64_t{kLimitBytes}}},
                      .move = [](uint32_t number) -> PairMove {
                        return {.served_bytes = kLimitBytes - (number % kThiefEvery == 0 ? 0 : 1)};
                      },
                      .right =
                          [](const Finding& finding) {
                            return finding.total.slot % kThiefEvery == 0 &&
                                   finding.observed == kLimitBytes;
                          },
                      .findings = [](uint32_t pairs) { return pairs / kThiefEvery; }});
}
BENCHMARK(volume_served)->Apply(detector_sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
