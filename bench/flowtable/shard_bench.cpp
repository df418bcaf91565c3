// Shard against rte_hash and against the cache lines it must touch, at three sizes.
//
// All sides get the same packets, computed between the timed bursts, and take turns; each turn
// first goes unmeasured through some bursts, so that it finds the caches as its own load leaves
// them. A figure is the shortest of many turns of one side. What is compared:
//
//   connection  finding the connection and its whole byte ledger (connection_ledger.h)
//   shard       Shard::update as the product calls it: besides, the total, the digest for
//               duplicates, the lane's counters and expiry
//   rival       rte_hash and a record of 64 bytes (rte_hash_ledger.h)
//   floor       the lines alone, two or (with the total) three a packet (touched_lines.h)
#include <benchmark/benchmark.h>
#include <rte_eal.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "bench/flowtable/connection_ledger.h"
#include "bench/flowtable/rte_hash_ledger.h"
#include "bench/flowtable/touched_lines.h"
#include "bench/flowtable/traffic.h"
#include "bench/stopwatch.h"
#include "flowtable/shard.h"

namespace weir {
namespace {

constexpr uint32_t kWarmBursts = 512;
constexpr uint32_t kTimedBursts = 1024;
constexpr int kTurns = 60;

/// One side of the comparison with the traffic it has had.
template <typename Update>
class Contender {
 public:
  Contender(uint32_t connections, Update update) : traffic_(connections), update_(update) {}

  void open() {
    while (traffic_.packets() < traffic_.opening_packets()) burst();
  }
  void take_turn() {
    for (uint32_t i = 0; i < kWarmBursts; ++i) burst();
    uint64_t cycles = 0;
    for (uint32_t i = 0; i < kTimedBursts; ++i) cycles += burst();
    shortest_ = std::min(shortest_, cycles);
  }
  double ns_per_packet() const {
    return static_cast<double>(shortest_) * ns_per_cycle() / (kTimedBursts * kBurstPackets);
  }
  const Traffic& traffic() const { return traffic_; }

 private:
  uint64_t burst() {
    traffic_.next(burst_);
    const uint64_t start = read_cycles();
    update_(burst_);
    return read_cycles() - start;
  }

  Traffic traffic_;
  Update update_;
  TrafficBurst burst_{};
  uint64_t shortest_ = std::numeric_limits<uint64_t>::max();
};

uint64_t payload_bytes(const Traffic& traffic) {
  return traffic.client_payload_bytes() + traffic.server_payload_bytes();
}

bool shard_is_right(const Shard& shard, const Traffic& traffic) {
  const LaneCounters counters = shard.read_counters();
  DirectionCounts out, in;
  uint64_t connections = 0;
  for (uint32_t slot = 0; slot < shard.totals_used(); ++slot) {
    TotalSnapshot total;
    if (!shard.read_total(slot, total)) return false;
    add(out, total.out);
    add(in, total.in);
    connections += total.connections;
  }
  return counters.packets == traffic.packets() && counters.counted_packets == traffic.packets() &&
         counters.connections == traffic.connections() && connections == traffic.connections() &&
         counters.totals == traffic.totals() && counters.duplicate_packets == 0 &&
         out.packets + in.packets == traffic.packets() &&
         out.ip_bytes + in.ip_bytes == traffic.ip_bytes() &&
         out.payload_low_bytes == traffic.client_payload_bytes() &&
         out.payload_high_bytes == traffic.client_payload_bytes() &&
         in.payload_low_bytes == traffic.server_payload_bytes() &&
         in.payload_high_bytes == traffic.server_payload_bytes();
}

bool ledger_is_right(const ConnectionLedger& ledger, const Traffic& traffic) {
  return ledger.connections() == traffic.connections() && ledger.ip_bytes() == traffic.ip_bytes() &&
         ledger.payload_low_bytes() == payload_bytes(traffic) &&
         ledger.payload_high_bytes() == payload_bytes(traffic);
}

bool rival_is_right(const RteHashLedger& rival, const Traffic& traffic) {
  return rival.connections() == traffic.connections() && rival.ip_bytes() == traffic.ip_bytes() &&
         rival.payload_bytes() == payload_bytes(traffic);
}

/// `state.range(0)` connections in tables of `state.range(1)`.
void update_random_connections(benchmark::State& state) {
  const auto connections = static_cast<uint32_t>(state.range(0));
  const auto records = static_cast<uint32_t>(state.range(1));
  FlowTableOptions options;
  options.connections = records;
  options.totals = records / kConnectionsPerTotal;
  Shard shard(options, 0);
  ConnectionLedger ledger(records);
  RteHashLedger rival(records);
  TouchedLines lines(records, 0), lines_with_total(records, options.totals);

  RecordId ids[kBurstPackets];
  Contender by_shard(connections, [&](auto& burst) { shard.update(burst.packets, ids); });
  Contender by_ledger(connections, [&](auto& burst) { ledger.update(burst.packets); });
  Contender by_rival(connections, [&](auto& burst) { rival.update(burst.packets); });
  Contender by_lines(connections, [&](auto& burst) { lines.update(burst); });
  Contender by_lines_with_total(connections, [&](auto& burst) { lines_with_total.update(burst); });

  const auto all_right = [&] {
    return shard_is_right(shard, by_shard.traffic()) &&
           ledger_is_right(ledger, by_ledger.traffic()) &&
           rival_is_right(rival, by_rival.traffic()) &&
           lines.writes() == by_lines.traffic().packets() &&
           lines_with_total.writes() == 2 * by_lines_with_total.traffic().packets();
  };
  by_shard.open();
  by_ledger.open();
  by_rival.open();
  if (!shard_is_right(shard, by_shard.traffic()) || !ledger_is_right(ledger, by_ledger.traffic()) ||
      !rival_is_right(rival, by_rival.traffic())) {
    state.SkipWithError("the sums differ from what was sent; nothing was timed");
    return;
  }
  for (auto _ : state) {
    for (int turn = 0; turn < kTurns; ++turn) {
      by_rival.take_turn();
      by_ledger.take_turn();
      by_lines.take_turn();
      by_shard.take_turn();
      by_lines_with_total.take_turn();
    }
    state.SetIterationTime(by_shard.ns_per_packet() * 1e-9);
  }
  if (!all_right()) {
    state.SkipWithError("the sums differ from what was sent");
    return;
  }
  state.counters["connection_ns"] = by_ledger.ns_per_packet();
  state.counters["shard_ns"] = by_shard.ns_per_packet();
  state.counters["rival_ns"] = by_rival.ns_per_packet();
  state.counters["floor_ns"] = by_lines.ns_per_packet();
  state.counters["floor_with_total_ns"] = by_lines_with_total.ns_per_packet();
  state.counters["rival/connection"] = by_rival.ns_per_packet() / by_ledger.ns_per_packet();
  state.counters["rival/shard"] = by_rival.ns_per_packet() / by_shard.ns_per_packet();
  state.counters["connection/floor"] = by_ledger.ns_per_packet() / by_lines.ns_per_packet();
  state.counters["shard/floor"] = by_shard.ns_per_packet() / by_lines_with_total.ns_per_packet();
}

BENCHMARK(update_random_connections)
    ->ArgNames({"connections", "records"})
    ->Args({16'000, 1 << 15})
    ->Args({1'000'000, 1 << 21})
    ->Args({10'000'000, 1 << 24})
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kNanosecond);

/// The rival's memory comes from the EAL: on huge pages if enough are reserved, as ours is by
/// madvise. Returns false if the EAL does not start.
bool start_eal() {
  std::vector<std::string> words = {"shard_bench", "--no-pci",    "--no-telemetry", "-l",
                                    "0",           "--log-level", "lib.eal:3",      "--in-memory"};
  unsigned long long reserved = 0, free_pages = 0;
  if (FILE* file = std::fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r")) {
    if (std::fscanf(file, "%llu", &free_pages) == 1) reserved = free_pages * 2;
    std::fclose(file);
  }
  constexpr unsigned long long kNeededMib = 2048;
  if (reserved < kNeededMib) {
    std::fprintf(stderr,
                 "shard_bench: rte_hash runs on pages of 4 KiB, which slows it at 1 M and more; "
                 "for a fair figure: echo %llu > /proc/sys/vm/nr_hugepages\n",
                 kNeededMib / 2);
    words.back() = "--no-huge";
    words.insert(words.end(), {"-m", std::to_string(kNeededMib)});
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (!weir::start_eal()) {
    std::fprintf(stderr, "shard_bench: DPDK's EAL does not start\n");
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  rte_eal_cleanup();
  return 0;
}
