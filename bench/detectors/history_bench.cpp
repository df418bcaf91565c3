// What the history costs: the minute's write of every pair that moved, and what a start reads.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "bench/detectors/moved_pairs.h"
#include "bench/stopwatch.h"
#include "detectors/history.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPushedBytes = 100'000;  // a pair and minute: above the floor from the first

/// A state directory, removed at the end.
class TemporaryState {
 public:
  TemporaryState() {
    std::string name = (fs::temp_directory_path() / "weir_bench_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryState() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryState(const TemporaryState&) = delete;
  TemporaryState& operator=(const TemporaryState&) = delete;

  const fs::path& path() const { return path_; }
  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const auto& file : fs::directory_iterator(path_)) sum += file.file_size();
    return sum;
  }

 private:
  fs::path path_;
};

/// Whether the stored day of every pair is `bytes`.
bool days_are_right(const fs::path& state_dir, uint32_t pairs, uint64_t bytes) {
  History history(state_dir, {});
  const auto today = static_cast<uint32_t>(kBenchStartS / kDaySeconds);
  uint32_t seen = 0;
  bool right = history.was_complete();
  history.read_days(today, today, [&](const History::Day& day) {
    if (day.pair.destination == IpAddress{}) return;  // the rest of a host: nothing is below
    ++seen;
    right = right && day.bytes == bytes && day.first_day == today;
  });
  return right && seen == pairs;
}

/// All of `state.range(0)` pairs move each minute, and all are written.
void write_minute(benchmark::State& state) {
  const auto pairs = static_cast<uint32_t>(state.range(0));
  const TemporaryState directory;
  MovedPairs traffic(pairs);
  uint64_t minutes = 0;
  {
    History history(directory.path(), {});
    WindowsOptions options;
    options.pairs = pairs;
    Windows windows(options, &history);
    const auto minute = [&] {
      const double start_ns = thread_cpu_ns();
      windows.begin_sweep((kBenchStartS + 60 * minutes) * 1'000'000'000);
      const double used_ns = thread_cpu_ns() - start_ns;
      traffic.grow([](uint32_t) -> PairMove { return {.pushed_bytes = kPushedBytes}; });
      for (const TotalSnapshot& total : traffic.totals()) windows.observe(total);
      windows.end_sweep({}, false);
      ++minutes;
      return used_ns;
    };
    minute();  // writes nothing
    for (auto _ : state) state.SetIterationTime(minute() * 1e-9);
    windows.finish();
    if (windows.counters().history_failures != 0) {
      state.SkipWithError("a write failed");
      return;
    }
  }
  if (!days_are_right(directory.path(), pairs, minutes * kPushedBytes)) {
    state.SkipWithError("the stored days differ from what was pushed");
    return;
  }
  state.counters["pair_time"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * pairs,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["file_bytes_a_pair"] =
      static_cast<double>(directory.bytes()) / static_cast<double>(pairs);
}
BENCHMARK(write_minute)
    ->ArgName("pairs")
    ->Arg(1024)
    ->Arg(65'536)
    ->Iterations(10)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

/// The first sweep of a start: thirty days of `state.range(0)` pairs.
void load_month(benchmark::State& state) {
  constexpr uint64_t kDays = 30;
  const auto pairs = static_cast<uint32_t>(state.range(0));
  const TemporaryState directory;
  MovedPairs traffic(pairs);
  WindowsOptions options;
  options.pairs = pairs;
  {
    History history(directory.path(), {});
    Windows windows(options, &history);
    for (uint64_t day = 0; day < kDays; ++day) {
      traffic.grow([](uint32_t) -> PairMove { return {.pushed_bytes = kPushedBytes}; });
      traffic.sweep(windows, kBenchStartS + day * kDaySeconds);
      traffic.sweep(windows, kBenchStartS + day * kDaySeconds + 60);
    }
    windows.finish();
  }
  uint64_t month_bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    History history(directory.path(), {});
    Windows windows(options, &history);
    state.ResumeTiming();
    windows.begin_sweep((kBenchStartS + kDays * kDaySeconds - 60) * 1'000'000'000);
    state.PauseTiming();
    month_bytes = 0;
    for (uint32_t pair = 0; pair < windows.pairs(); ++pair)
      month_bytes += windows.pushed_by_pair(pair, Window::kMonth).high_bytes;
    state.ResumeTiming();
  }
  if (month_bytes != kDays * pairs * kPushedBytes) {
    state.SkipWithError("what was loaded differs from what was pushed");
    return;
  }
  state.counters["day_time"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * pairs * kDays,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(load_month)->ArgName("pairs")->Arg(4096)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
