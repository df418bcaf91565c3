// What the flow table holds in memory: bytes a connection and a total, as the kernel counts them in
// tables that are full, and whether anything is added by traffic that no longer finds room.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdint>

#include "bench/flowtable/traffic.h"
#include "bench/resident_memory.h"
#include "flowtable/connection_record.h"
#include "flowtable/hash_index.h"
#include "flowtable/shard.h"

namespace weir {
namespace {

constexpr uint32_t kFlood = 4;  // times the connections there is room for, a round

/// A shard that was filled, and what it took.
struct FilledShard {
  uint64_t built_bytes = 0;   // by its constructor
  uint64_t filled_bytes = 0;  // by then
  uint64_t flooded_bytes = 0;
  bool right = true;
};

bool all_is_counted(const Shard& shard, const Traffic& traffic) {
  const LaneCounters counters = shard.read_counters();
  return counters.packets == traffic.packets() && counters.counted_packets == traffic.packets() &&
         counters.ip_bytes == traffic.ip_bytes() &&
         counters.out_ip_bytes + counters.in_ip_bytes == traffic.ip_bytes();
}

/// Builds a shard of that size, fills it, and floods it in so many rounds.
FilledShard fill_shard(uint32_t connections, uint32_t totals, uint32_t flood_rounds) {
  FilledShard result;
  mallopt(M_MMAP_THRESHOLD, 1 << 16);  // large blocks go back to the kernel at once
  const uint64_t before = resident_bytes();
  FlowTableOptions options;
  options.connections = connections;
  options.totals = totals;
  Shard shard(options, 0);
  result.built_bytes = resident_bytes() - before;
  TrafficBurst burst{};
  RecordId ids[kBurstPackets];
  const auto run = [&](Traffic& traffic, uint64_t packets) {
    while (traffic.packets() < packets) {
      traffic.next(burst);
      shard.update(burst.packets, ids);
    }
  };
  Traffic fitting(connections);
  run(fitting, fitting.opening_packets());
  const LaneCounters full = shard.read_counters();
  // A connection in ten thousand may find its bucket full before the table is.
  result.right = all_is_counted(shard, fitting) &&
                 full.connections >= connections - connections / 10'000 &&
                 full.out_payload_low_bytes <= fitting.client_payload_bytes() &&
                 full.out_payload_high_bytes >= fitting.client_payload_bytes();
  result.filled_bytes = resident_bytes() - before;
  for (uint32_t round = 0; round < flood_rounds; ++round) {
    Traffic beyond(kFlood * connections);
    run(beyond, beyond.connections());  // their SYNs
  }
  const LaneCounters flooded = shard.read_counters();
  const uint64_t flood_packets = uint64_t{kFlood} * connections * flood_rounds;
  result.right = result.right && flooded.counted_packets == full.counted_packets + flood_packets &&
                 (flood_rounds == 0 || flooded.overflow_connection_bytes > 0);
  result.flooded_bytes = resident_bytes() - before;
  return result;
}

/// Two sizes of each kind tell what one record costs: their difference holds nothing else.
void memory_of_the_flow_table(benchmark::State& state) {
  const auto connections = static_cast<uint32_t>(state.range(0));
  const uint32_t totals = connections / kConnectionsPerTotal;
  FilledShard small, more_connections, more_totals;
  for (auto _ : state) {
    small = fill_shard(connections, totals, 4);
    more_connections = fill_shard(2 * connections, 2 * totals, 0);
    more_totals = fill_shard(connections, 2 * totals, 0);
  }
  if (!small.right || !more_connections.right || !more_totals.right) {
    state.SkipWithError("a shard's sums differ from what was sent");
    return;
  }
  if (small.flooded_bytes > small.built_bytes + small.built_bytes / 100) {
    state.SkipWithError("traffic made the table grow by more than 1 %");
    return;
  }
  const auto grown = [](const FilledShard& larger, const FilledShard& smaller) {
    return static_cast<double>(larger.filled_bytes) - static_cast<double>(smaller.filled_bytes);
  };
  state.counters["bytes_a_connection"] = grown(more_connections, more_totals) / connections;
  state.counters["bytes_a_total"] = grown(more_totals, small) / totals;
  state.counters["connection_record"] = sizeof(ConnectionHot) + sizeof(ConnectionCold);
  state.counters["total_record"] = sizeof(TotalHot) + sizeof(TotalCold);
  state.counters["index_a_record"] = HashIndex::kBytesPerRecord;
  state.counters["built_MB"] = static_cast<double>(small.built_bytes) * 1e-6;
  state.counters["filled_MB"] = static_cast<double>(small.filled_bytes) * 1e-6;
  state.counters["flooded_MB"] = static_cast<double>(small.flooded_bytes) * 1e-6;
}

BENCHMARK(memory_of_the_flow_table)
    ->ArgName("connections")
    ->Arg(1 << 20)
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
