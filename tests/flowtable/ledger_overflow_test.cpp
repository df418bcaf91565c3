// A flow table that is much too small still accounts for every byte.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "flowtable/flow_table.h"
#include "tests/flowtable/ledger_pair.h"
#include "tests/flowtable/tcp_talk.h"

namespace weir {
namespace {

FlowTableOptions cramped_options() {
  FlowTableOptions options;
  options.connections = 64;
  options.totals = 64;
  options.heavy_hitters = 64;
  return options;
}

DirectionCounts plus(const DirectionCounts& left, const DirectionCounts& right) {
  return {left.packets + right.packets, left.ip_bytes + right.ip_bytes,
          left.payload_low_bytes + right.payload_low_bytes,
          left.payload_high_bytes + right.payload_high_bytes};
}

/// Everything a shard knows of outbound pairs: totals that live and totals that were folded.
struct OutboundSums {
  DirectionCounts out, in;
};

OutboundSums outbound_sums(const Shard& shard, uint32_t totals) {
  const FoldedTotals folded = shard.read_folded(Scope::kOutbound);
  OutboundSums sums{folded.out, folded.in};
  for (uint32_t slot = 0; slot < totals; ++slot) {
    TotalSnapshot total;
    if (!shard.read_total(slot, total) || total.scope != Scope::kOutbound) continue;
    sums.out = plus(sums.out, total.out);
    sums.in = plus(sums.in, total.in);
  }
  return sums;
}

TEST(LedgerOverflow, a_flood_through_a_tiny_table_loses_no_packet_and_no_byte) {
  const FlowTableOptions options = cramped_options();
  FlowTable table(options, 1);
  Shard& shard = table.shard(0);
  PacketMaker maker;
  TestClock clock;
  std::minstd_rand engine(7);
  const auto random = [&engine] { return static_cast<uint32_t>(engine()); };
  SlowSums out, in;
  uint64_t tcp_payload_bytes = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Endpoint host{IpAddress::v4(0x0a000000u + random() % 500),
                        static_cast<uint16_t>(random())};
    const Endpoint outside{IpAddress::v4(0xc6330000u + random() % 500), 443};
    const bool outward = random() % 3 != 0;
    const Endpoint& from = outward ? host : outside;
    const Endpoint& to = outward ? outside : host;
    const auto payload_bytes = random() % 1400;
    const bool tcp = random() % 2 == 0;
    TestPacket made =
        tcp ? maker.tcp(from, to, {.sequence = random(), .payload_bytes = payload_bytes},
                        clock.next_ns())
            : maker.udp(from, to, payload_bytes, clock.next_ns());
    made.packet.ip = made.bytes.data();
    made.packet.readable_bytes = static_cast<uint32_t>(made.bytes.size());
    RecordId connection;
    shard.update({&made.packet, 1}, &connection);
    SlowSums& sums = outward ? out : in;
    ++sums.packets;
    sums.ip_bytes += made.packet.ip_bytes;
    sums.payload.low_least += tcp ? 0 : payload_bytes;
    sums.payload.low_most += payload_bytes;
    sums.payload.high_least += payload_bytes;
    if (tcp) tcp_payload_bytes += payload_bytes;
    if (i % 500 != 0) continue;
    const OutboundSums fast = outbound_sums(shard, options.totals);
    const LaneCounters counters = shard.read_counters();
    ASSERT_EQ(fast.out.packets, out.packets) << i;
    ASSERT_EQ(fast.out.ip_bytes, out.ip_bytes) << i;
    ASSERT_EQ(fast.in.packets, in.packets) << i;
    ASSERT_EQ(fast.in.ip_bytes, in.ip_bytes) << i;
    ASSERT_EQ(counters.out_ip_bytes, out.ip_bytes);
    ASSERT_EQ(counters.in_ip_bytes, in.ip_bytes);
    ASSERT_EQ(counters.out_payload_low_bytes, fast.out.payload_low_bytes);
    ASSERT_EQ(counters.out_payload_high_bytes, fast.out.payload_high_bytes);
    ASSERT_GE(fast.out.payload_low_bytes, out.payload.low_least);
    ASSERT_LE(fast.out.payload_low_bytes, out.payload.low_most);
    ASSERT_GE(fast.out.payload_high_bytes, out.payload.high_least);
  }
  EXPECT_GT(tcp_payload_bytes, 0u);
  EXPECT_GT(shard.read_counters().overflow_connection_bytes, 0u);
}

TEST(LedgerOverflow, a_pair_that_sent_payload_outlives_a_flood_of_pairs_that_did_not) {
  const FlowTableOptions options = cramped_options();
  FlowTable table(options, 1);
  Shard& shard = table.shard(0);
  PacketMaker maker;
  TestClock clock;
  const Endpoint thief{IpAddress::v4(0x0a0000fe), 40000};
  const Endpoint drop{IpAddress::v4(0xcb007163), 443};
  const auto count = [&](TestPacket made) {
    made.packet.ip = made.bytes.data();
    made.packet.readable_bytes = static_cast<uint32_t>(made.bytes.size());
    RecordId connection;
    shard.update({&made.packet, 1}, &connection);
  };
  uint32_t sent_bytes = 0;
  for (uint32_t i = 0; i < 20'000; ++i) {
    const Endpoint host{IpAddress::v4(0x0a010000u + i), 1000};
    count(maker.tcp(host, {IpAddress::v4(0xc6330000u + i), 80}, {.sequence = i, .flags = kTcpSyn},
                    clock.next_ns()));
    if (i % 50 == 0) {  // the judge sweeps: what it has not read yet is not folded
      shard.request_touched();
      shard.serve_requests();
    }
    if (i < 5000 || i % 10 != 0) continue;  // starts when the table has long been full
    count(maker.udp(thief, drop, 1200, clock.next_ns()));
    sent_bytes += 1200;
  }
  TotalSnapshot found;
  bool there = false;
  for (uint32_t slot = 0; slot < options.totals && !there; ++slot) {
    there = shard.read_total(slot, found) && found.host == thief.address &&
            found.destination == drop.address;
  }
  ASSERT_TRUE(there) << "the thief's total was displaced by pairs that sent nothing";
  EXPECT_LE(found.out.payload_low_bytes, sent_bytes);
  EXPECT_GE(found.out.payload_high_bytes + shard.read_counters().sketch_error_bytes + 1200,
            sent_bytes);
}

}  // namespace
}  // namespace weir
