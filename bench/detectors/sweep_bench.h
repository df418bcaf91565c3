// One bench for every detector that judges sweeps: its file says what moves and what must fire.
#pragma once

#include <benchmark/benchmark.h>

#include <string_view>
#include <utility>
#include <vector>

#include "bench/detectors/moved_pairs.h"
#include "detectors/detector.h"

namespace weir {

/// What a detector is measured with.
struct SweepCase {
  std::string_view detector = {};
  /// Options that differ from their defaults.
  std::vector<std::pair<std::string_view, OptionValue>> options = {};
  /// What pair `number` moves within the one sweep.
  PairMove (*move)(uint32_t number) = nullptr;
  /// Whether a finding names something that meets the condition.
  bool (*right)(const Finding& finding) = nullptr;
  /// How many findings so many pairs make.
  uint32_t (*findings)(uint32_t pairs) = nullptr;
};

/// The detector with its options.
std::unique_ptr<SweepDetector> make_detector(
    std::string_view id, const std::vector<std::pair<std::string_view, OptionValue>>& options);

/// Nanoseconds a sweep takes per moved pair, `state.range(0)` pairs having moved. One check goes
/// before: every finding is right, and there are as many as the case says.
void bench_sweep(benchmark::State& state, const SweepCase& each);

/// The sizes that the benches of detectors run at: within the caches, and well beyond.
void detector_sizes(benchmark::internal::Benchmark* bench);

}  // namespace weir
