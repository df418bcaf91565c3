// volume.burst: one pair in 64 pushes beyond the limit, the others nearly reach it.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint64_t kLimitBytes = 1'000'000;
constexpr uint32_t kThiefEvery = 64;

void volume_burst(benchmark::State& state) {
  bench_sweep(state, {.detector = "volume.burst",
                      .options = {{"threshold_1h_bytes", int64_t{kLimitBytes}}},
                      .move = [](uint32_t number) -> PairMove {
                        return {.pushed_bytes = kLimitBytes - (number % kThiefEvery == 0 ? 0 : 1)};
                      },
                      .right =
                          [](const Finding& finding) {
                            return finding.total.slot % kThiefEvery == 0 &&
                                   finding.observed == kLimitBytes && finding.window_s == 3600;
                          },
                      .findings = [](uint32_t pairs) { return pairs / kThiefEvery; }});
}
BENCHMARK(volume_burst)->Apply(detector_sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
