// One bench for every detector that judges sweeps.
#include "bench/detectors/sweep_bench.h"

#include <algorithm>

namespace weir {

std::unique_ptr<SweepDetector> make_detector(
    std::string_view id, const std::vector<std::pair<std::string_view, OptionValue>>& options) {
  const auto all = detectors();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Detector* each) { return each->id == id; });
  if (found == all.end()) return nullptr;
  std::vector<OptionValue> values;
  for (const Option& option : (*found)->options) {
    values.push_back(option.standard);
    for (const auto& [name, value] : options)
      if (name == option.name) values.back() = value;
  }
  return (*found)->make(values);
}

void bench_sweep(benchmark::State& state, const SweepCase& each) {
  const auto pairs = static_cast<uint32_t>(state.range(0));
  const auto detector = make_detector(each.detector, each.options);
  if (detector == nullptr) {
    state.SkipWithError("there is no such detector");
    return;
  }
  WindowsOptions options;
  options.pairs = pairs;
  Windows windows(options);
  MovedPairs traffic(pairs);
  traffic.grow(each.move);
  const SweepView view = traffic.sweep(windows, kBenchStartS);
  std::vector<Finding> findings;
  detector->sweep(view, findings);
  if (findings.size() != each.findings(pairs) ||
      !std::all_of(findings.begin(), findings.end(), each.right)) {
    state.SkipWithError("the findings are not those of what moved; nothing was timed");
    return;
  }
  const size_t expected = findings.size();
  for (auto _ : state) {
    findings.clear();
    detector->sweep(view, findings);
    benchmark::DoNotOptimize(findings.data());
  }
  if (findings.size() != expected) {
    state.SkipWithError("a later sweep of the same found something else");
    return;
  }
  state.counters["findings"] = static_cast<double>(expected);
  state.counters["pair_time"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * pairs,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void detector_sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("pairs")->Arg(1024)->Arg(65'536)->Unit(benchmark::kMicrosecond);
}

}  // namespace weir
