// One writer and two readers at once: every copy a reader gets is of one moment.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "flowtable/flow_table.h"

namespace weir {
namespace {

constexpr uint32_t kPayloadBytes = 100;
constexpr uint32_t kIpBytes = kPayloadBytes + 28;
constexpr uint32_t kPairs = 300;
constexpr int kSweeps = 40;
constexpr uint64_t kStepNs = 50'000'000;  // longer than the duplicate window

/// Datagram `number`: of one pair after the other, both ways in turn, some pairs expiring.
Packet datagram(uint64_t number) {
  Packet packet;
  const auto pair = static_cast<uint32_t>(number * 7 % kPairs);
  const IpAddress host = IpAddress::v4(0x0a000001 + pair % 16);
  const IpAddress outside = IpAddress::v4(0xc6336401 + pair);
  const bool out = number / kPairs % 2 == 0;
  packet.source = out ? host : outside;
  packet.destination = out ? outside : host;
  packet.source_port = out ? 40'000 : 443;
  packet.destination_port = out ? 443 : 40'000;
  packet.protocol = kProtocolUdp;
  packet.payload_bytes = kPayloadBytes;
  packet.ip_bytes = kIpBytes;
  packet.frame_bytes = kIpBytes + 14;
  packet.scope = Scope::kOutbound;
  packet.source_home = out;
  packet.transport_readable = true;
  packet.time_ns = 1'700'000'000'000'000'000 + number * kStepNs;
  return packet;
}

void write_until(Shard& shard, const std::atomic<bool>& done) {
  std::vector<Packet> burst(kBurstPackets);
  RecordId connections[kBurstPackets];
  for (uint64_t number = 0; !done.load(std::memory_order_relaxed);) {
    for (Packet& packet : burst) packet = datagram(number++);
    shard.update(burst, connections);
  }
}

void expect_one_moment(const DirectionCounts& counts) {
  ASSERT_EQ(counts.ip_bytes, counts.packets * kIpBytes);
  ASSERT_EQ(counts.payload_high_bytes, counts.packets * kPayloadBytes);
  ASSERT_EQ(counts.payload_low_bytes, counts.payload_high_bytes);
}

TEST(ShardThreads, what_readers_copy_while_the_writer_counts_is_of_one_moment) {
  FlowTable table({.connections = 256, .totals = 512, .heavy_hitters = 64}, 1);
  Shard& shard = table.shard(0);
  std::atomic<bool> done{false};
  std::thread writer([&] { write_until(shard, done); });
  std::thread reader([&] {
    while (!done.load(std::memory_order_relaxed)) {
      const LaneCounters counters = shard.read_counters();
      ASSERT_EQ(counters.ip_bytes, counters.packets * kIpBytes);
      ASSERT_EQ(counters.out_ip_bytes + counters.in_ip_bytes, counters.ip_bytes);
      ConnectionSnapshot copy;
      for (uint32_t slot = 0; slot < shard.connections_used(); ++slot) {
        if (!shard.read_connection(slot, copy)) continue;
        ASSERT_EQ(copy.out_ip_bytes / kIpBytes, copy.out_payload_high_bytes / kPayloadBytes);
        ASSERT_EQ(copy.in_ip_bytes / kIpBytes, copy.in_payload_high_bytes / kPayloadBytes);
      }
    }
  });
  uint64_t touched = 0;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    shard.request_touched();
    while (!shard.touched_ready()) std::this_thread::yield();
    for (const uint32_t slot : shard.touched()) {
      TotalSnapshot total;
      ASSERT_TRUE(shard.read_total(slot, total));
      expect_one_moment(total.out);
      expect_one_moment(total.in);
      ++touched;
    }
  }
  done.store(true, std::memory_order_relaxed);
  writer.join();
  reader.join();
  EXPECT_GT(touched, 0u);
  EXPECT_EQ(shard.totals_used(), kPairs);
}

}  // namespace
}  // namespace weir
