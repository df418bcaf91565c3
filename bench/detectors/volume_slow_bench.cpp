// volume.slow: one pair in 64 pushes beyond the limit of a month, the others nearly reach it.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint64_t kLimitBytes = 10'000'000;
constexpr uint32_t kThiefEvery = 64;

void volume_slow(benchmark::State& state) {
  bench_sweep(state, {.detector = "volume.slow",
                      .options = {{"threshold_30d_bytes", int64_t{kLimitBytes}}},
                      .move = [](uint32_t number) -> PairMove {
                        return {.pushed_bytes = kLimitBytes - (number % kThiefEvery == 0 ? 0 : 1)};
                      },
                      .right =
                          [](const Finding& finding) {
                            return finding.total.slot % kThiefEvery == 0 &&
                                   finding.observed == kLimitBytes &&
                                   finding.window_s == 30 * kDaySeconds;
                          },
                      .findings = [](uint32_t pairs) { return pairs / kThiefEvery; }});
}
BENCHMARK(volume_slow)->Apply(detector_sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
