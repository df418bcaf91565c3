// A sweep of windows: totals that were touched go into the rings of their pair, host and
// destination. And what a pair holds in memory.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include "bench/detectors/moved_pairs.h"
#include "bench/resident_memory.h"
#include "bench/stopwatch.h"
#include "detectors/windows_records.h"

namespace weir {
namespace {

constexpr uint64_t kPushedBytes = 1000;  // a pair and sweep
constexpr uint64_t kReceivedBytes = 3000;
constexpr uint32_t kFirstSweeps = 20;
// A pair that is active; beside its records there is a number in each of three lists of what moved,
// and the rounding of a block of records to pages.
constexpr uint64_t kBudgetBytes = 640 + 3 * 4 + 4;

PairMove move_of(uint32_t) {
  return {.pushed_bytes = kPushedBytes, .received_bytes = kReceivedBytes};
}

/// Every pair's and every host's sum of a window in which each pair was swept `sweeps` times.
bool sums_are_right(const SweepView& view, uint32_t pairs, Window window, uint64_t sweeps) {
  if (view.pairs.size() != pairs || view.hosts.size() != pairs / MovedPairs::kPairsPerHost)
    return false;
  for (const uint32_t pair : view.pairs) {
    const Amount pushed = view.windows.pushed_by_pair(pair, window);
    if (pushed.high_bytes != sweeps * kPushedBytes || pushed.low_bytes != pushed.high_bytes)
      return false;
  }
  if (window == Window::kMonth) return true;  // sums of hosts reach back a day
  for (const uint32_t host : view.hosts) {
    const Amount pushed = view.windows.pushed_by_host(host, Window::kHour);
    if (pushed.high_bytes != sweeps * kPushedBytes * MovedPairs::kPairsPerHost) return false;
  }
  return true;
}

/// `state.range(0)` pairs, swept every `state.range(1)` seconds: each second the sums alone change,
/// each hour all buckets but the day's are new ones.
void sweep_windows(benchmark::State& state) {
  const auto pairs = static_cast<uint32_t>(state.range(0));
  const auto step_s = static_cast<uint64_t>(state.range(1));
  const Window window = step_s == 1 ? Window::kMinute : Window::kHour;
  WindowsOptions options;
  options.pairs = pairs;
  Windows windows(options);
  MovedPairs traffic(pairs);
  uint64_t now_s = kBenchStartS;
  uint64_t sweeps = 0;
  const auto sweep = [&] {
    traffic.grow(move_of);
    const uint64_t start = read_cycles();
    const SweepView view = traffic.sweep(windows, now_s);
    const uint64_t cycles = read_cycles() - start;
    now_s += step_s;
    ++sweeps;
    return std::pair(view, cycles);
  };
  // Twenty seconds lie within a minute; of hours a window of one holds the last alone.
  bool right = true;
  for (uint32_t i = 0; i < kFirstSweeps; ++i) {
    const SweepView view = sweep().first;
    right = sums_are_right(view, pairs, window, step_s == 1 ? sweeps : 1) && right;
  }
  if (!right) {
    state.SkipWithError("the windows differ from what was pushed; nothing was timed");
    return;
  }
  for (auto _ : state)
    state.SetIterationTime(static_cast<double>(sweep().second) * ns_per_cycle() * 1e-9);
  // A month holds it all, as long as the days pass no month.
  const SweepView last = sweep().first;
  if (sweeps * step_s < 30 * kDaySeconds && !sums_are_right(last, pairs, Window::kMonth, sweeps)) {
    state.SkipWithError("the month differs from what was pushed");
    return;
  }
  state.counters["pair_time"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * pairs,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(sweep_windows)
    ->ArgNames({"pairs", "step_s"})
    ->ArgsProduct({{1024, 65'536}, {1, 3600}})
    ->Iterations(200)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

/// Resident bytes that a pair adds, once it moved: its rings, the total it was last seen as, its
/// place in the index; and apart from them its share of the sums of hosts and destinations.
void memory_of_a_pair(benchmark::State& state) {
  const auto pairs = static_cast<uint32_t>(state.range(0));
  const MovedPairs traffic = [&] {
    MovedPairs made(pairs);
    made.grow(move_of);
    return made;
  }();
  double bytes_a_pair = 0, sums_a_pair = 0;
  for (auto _ : state) {
    mallopt(M_MMAP_THRESHOLD, 1 << 16);  // large blocks go back to the kernel at once
    malloc_trim(0);
    const uint64_t before = resident_bytes();
    WindowsOptions options;
    options.pairs = pairs;
    Windows windows(options);
    traffic.sweep(windows, kBenchStartS);
    const auto grown = static_cast<double>(resident_bytes() - before);
    if (windows.pairs() != pairs) {
      state.SkipWithError("not every pair has its windows");
      return;
    }
    sums_a_pair =
        2.0 * (sizeof(SumWindows) + 2 * RecordIndex::kSlotBytes) / MovedPairs::kPairsPerHost;
    bytes_a_pair = grown / pairs - sums_a_pair;
  }
  if (bytes_a_pair > static_cast<double>(kBudgetBytes)) {
    state.SkipWithError("a pair holds more than its budget");
    return;
  }
  state.counters["bytes_a_pair"] = bytes_a_pair;
  state.counters["sums_a_pair"] = sums_a_pair;
  state.counters["records_and_index"] =
      sizeof(PairWindows) + sizeof(SeenTotal) + 2 * RecordIndex::kSlotBytes;
}
BENCHMARK(memory_of_a_pair)
    ->ArgName("pairs")
    ->Arg(1 << 18)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
