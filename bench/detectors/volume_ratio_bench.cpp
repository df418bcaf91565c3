// volume.ratio: all push as much, one pair in 64 gets little for it.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint64_t kPushedBytes = 900'000;
constexpr uint32_t kThiefEvery = 64;

void volume_ratio(benchmark::State& state) {
  bench_sweep(state, {.detector = "volume.ratio",
                      .options = {{"floor_1h_bytes", int64_t{kPushedBytes}}},
                      .move = [](uint32_t number) -> PairMove {
                        const bool thief = number % kThiefEvery == 0;
                        return {.pushed_bytes = kPushedBytes,
                                .received_bytes = kPushedBytes / 9 + (thief ? 0 : 1)};
                      },
                      .right =
                          [](const Finding& finding) {
                            return finding.total.slot % kThiefEvery == 0 &&
                                   finding.observed == kPushedBytes && finding.detail == 0.8;
                          },
                      .findings = [](uint32_t pairs) { return pairs / kThiefEvery; }});
}
BENCHMARK(volume_ratio)->Apply(detector_sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
