// volume.new_destination: one pair in 64 pushes beyond the limit, to a destination first seen now.
#include "bench/detectors/sweep_bench.h"

namespace weir {
namespace {

constexpr uint64_t kLimitBytes = 1'000'000;
constexpr uint32_t kThiefEvery = 64;

void volume_new_destination(benchmark::State& state) {
  bench_sweep(state, {.detector = "volume.new_destination",
                      .options = {{"threshold_24h_bytes", int64_t{kLimitBytes}}},
                      .move = [](uint32_t number) -> PairMove {
                        return {.pushed_bytes = kLimitBytes - (number % kThiefEvery == 0 ? 0 : 1)};
                      },
                      .right =
                          [](const Finding& finding) {
                            return finding.total.slot % kThiefEvery == 0 &&
                                   finding.family == Family::kNovelty && finding.learning &&
                                   finding.observed == kLimitBytes;
                          },
                      .findings = [](uint32_t pairs) { return pairs / kThiefEvery; }});
}
BENCHMARK(volume_new_destination)->Apply(detector_sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
