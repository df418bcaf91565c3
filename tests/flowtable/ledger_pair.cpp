// Feeds the fast flow table and its slow twin, and compares them after every burst.
#include "tests/flowtable/ledger_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace weir {
namespace {

void compare_payload(uint64_t low_bytes, uint64_t high_bytes, const Bounds& bounds,
                     const std::string& what) {
  EXPECT_GE(low_bytes, bounds.low_least) << what << ": low misses bytes that count for certain";
  EXPECT_LE(low_bytes, bounds.low_most) << what << ": low exceeds the distinct bytes seen";
  EXPECT_GE(high_bytes, bounds.high_least) << what << ": high is below what must have passed";
  EXPECT_LE(high_bytes, bounds.high_most) << what << ": high exceeds what can have passed";
  EXPECT_LE(low_bytes, high_bytes) << what;
}

void compare_direction(const DirectionCounts& fast, const SlowSums& slow, const std::string& what) {
  EXPECT_EQ(fast.packets, slow.packets) << what;
  EXPECT_EQ(fast.ip_bytes, slow.ip_bytes) << what;
  compare_payload(fast.payload_low_bytes, fast.payload_high_bytes, slow.payload, what);
}

SlowTotalKey key_of(const TotalSnapshot& total) {
  return {total.network, std::min(total.host, total.destination),
          std::max(total.host, total.destination)};
}

}  // namespace

FlowTableOptions roomy_options() {
  FlowTableOptions options;
  options.connections = 1u << 14;
  options.totals = 1u << 12;
  options.heavy_hitters = 1u << 8;
  return options;
}

void compare_total(const TotalSnapshot& fast, const SlowTotal& slow) {
  SCOPED_TRACE(to_string(slow.host) + " -> " + to_string(slow.destination));
  EXPECT_EQ(fast.network, slow.network);
  EXPECT_EQ(fast.scope, slow.scope);
  EXPECT_EQ(fast.host, slow.host);
  EXPECT_EQ(fast.destination, slow.destination);
  EXPECT_EQ(fast.connections, slow.connections.size());
  EXPECT_EQ(fast.first_seen_ns, slow.first_seen_ns);
  EXPECT_EQ(fast.last_seen_ns, slow.last_seen_ns);
  compare_direction(fast.out, slow.out(), "out");
  compare_direction(fast.in, slow.in(), "in");
  if (slow.scope == Scope::kOutbound) compare_direction(fast.served, slow.served(), "served");
}

LedgerPair::LedgerPair(uint32_t burst_packets, const FlowTableOptions& options)
    : table_(options, 1), slow_(options), burst_packets_(burst_packets) {}

void LedgerPair::add(TestPacket packet) {
  waiting_.push_back(std::move(packet));
  if (waiting_.size() >= burst_packets_) flush();
}

void LedgerPair::flush() {
  if (waiting_.empty()) return;
  std::vector<Packet> burst;
  std::vector<const SlowConnection*> slow;
  for (TestPacket& each : waiting_) {
    each.packet.ip = each.bytes.data();
    each.packet.readable_bytes = static_cast<uint32_t>(each.bytes.size());
    burst.push_back(each.packet);
    slow.push_back(slow_.update(each.packet, each.told));
  }
  std::vector<RecordId> fast(burst.size());
  table_.shard(0).update(burst, fast.data());
  compare_touched();
  compare_connections(slow, fast);
  compare_counters();
  waiting_.clear();
}

void LedgerPair::compare_connections(const std::vector<const SlowConnection*>& slow,
                                     const std::vector<RecordId>& fast) {
  for (size_t i = 0; i < slow.size(); ++i) {
    EXPECT_EQ(fast[i].valid(), slow[i] != nullptr) << "packet " << i << " of the burst";
    if (!fast[i].valid() || slow[i] == nullptr) continue;
    const RecordId known = ids_.try_emplace(slow[i], fast[i]).first->second;
    EXPECT_EQ(known, fast[i]) << "connection " << slow[i]->number << " was split";
    const std::pair id{fast[i].slot, fast[i].generation};
    EXPECT_EQ(by_id_.try_emplace(id, slow[i]).first->second, slow[i])
        << "connection " << slow[i]->number << " was joined with another";
    ConnectionSnapshot copy;
    if (!table_.shard(0).read_connection(fast[i].slot, copy) || copy.id != fast[i]) continue;
    SCOPED_TRACE("connection " + std::to_string(slow[i]->number));
    EXPECT_EQ(copy.protocol, slow[i]->protocol);
    EXPECT_EQ(copy.served, slow[i]->served);
    EXPECT_EQ(copy.out_ip_bytes, slow[i]->from_host.ip_bytes);
    EXPECT_EQ(copy.in_ip_bytes, slow[i]->from_beyond.ip_bytes);
    compare_payload(copy.out_payload_low_bytes, copy.out_payload_high_bytes, slow[i]->bounds(true),
                    "out of the connection");
    compare_payload(copy.in_payload_low_bytes, copy.in_payload_high_bytes, slow[i]->bounds(false),
                    "in of the connection");
  }
}

void LedgerPair::compare_touched() {
  std::set<SlowTotalKey> expected;
  for (const TestPacket& each : waiting_) {
    if (each.packet.drop == DropReason::kNone) expected.insert(SlowLedger::key_of(each.packet));
  }
  std::set<SlowTotalKey> touched;
  table_.shard(0).request_touched();
  table_.shard(0).serve_requests();
  ASSERT_TRUE(table_.shard(0).touched_ready());
  for (const uint32_t slot : table_.shard(0).touched()) {
    TotalSnapshot fast;
    ASSERT_TRUE(table_.shard(0).read_total(slot, fast)) << "an empty slot was touched: " << slot;
    EXPECT_TRUE(touched.insert(key_of(fast)).second) << "touched twice: slot " << slot;
    slots_[key_of(fast)] = slot;
    last_seen_[slot] = fast;
    const auto slow = slow_.totals().find(key_of(fast));
    ASSERT_NE(slow, slow_.totals().end()) << to_string(fast.host) << " was never seen";
    compare_total(fast, slow->second);
  }
  EXPECT_EQ(touched, expected) << "other totals were touched than packets arrived for";
}

void LedgerPair::compare_counters() const {
  const LaneCounters fast = table_.shard(0).read_counters();
  const LaneCounters& slow = slow_.counters();
  EXPECT_EQ(fast.packets, slow.packets);
  EXPECT_EQ(fast.frame_bytes, slow.frame_bytes);
  EXPECT_EQ(fast.counted_packets, slow.counted_packets);
  EXPECT_EQ(fast.counted_frame_bytes, slow.counted_frame_bytes);
  EXPECT_EQ(fast.ip_bytes, slow.ip_bytes);
  EXPECT_EQ(fast.connections, slow.connections);
  EXPECT_EQ(fast.totals, slow.totals);
  EXPECT_EQ(fast.out_ip_bytes, slow.out_ip_bytes);
  EXPECT_EQ(fast.in_ip_bytes, slow.in_ip_bytes);
  EXPECT_EQ(fast.internal_ip_bytes, slow.internal_ip_bytes);
  EXPECT_EQ(fast.transit_ip_bytes, slow.transit_ip_bytes);
  EXPECT_EQ(fast.local_ip_bytes, slow.local_ip_bytes);
  EXPECT_EQ(fast.out_ip_bytes + fast.in_ip_bytes + fast.internal_ip_bytes + fast.transit_ip_bytes +
                fast.local_ip_bytes,
            fast.ip_bytes);
  EXPECT_EQ(fast.overflow_connection_bytes, 0u);
  EXPECT_EQ(fast.overflow_total_bytes, 0u);
  EXPECT_EQ(fast.time_backward_packets, slow.time_backward_packets);
  EXPECT_EQ(fast.duplicate_packets, slow.duplicate_packets);
  EXPECT_EQ(fast.first_time_ns, slow.first_time_ns);
  EXPECT_EQ(fast.last_time_ns, slow.last_time_ns);
  EXPECT_EQ(fast.drop_packets, slow.drop_packets);
  EXPECT_EQ(fast.drop_frame_bytes, slow.drop_frame_bytes);
  uint64_t low_bytes = 0, high_bytes = 0;
  for (const auto& [slot, total] : last_seen_) {
    if (total.scope != Scope::kOutbound) continue;
    low_bytes += total.out.payload_low_bytes;
    high_bytes += total.out.payload_high_bytes;
  }
  EXPECT_EQ(fast.out_payload_low_bytes, low_bytes);
  EXPECT_EQ(fast.out_payload_high_bytes, high_bytes);
}

void LedgerPair::compare_all() {
  flush();
  EXPECT_EQ(slots_.size(), slow_.totals().size());
  for (const auto& [key, slow] : slow_.totals()) {
    TotalSnapshot fast;
    ASSERT_TRUE(table_.shard(0).read_total(slots_[key], fast));
    compare_total(fast, slow);
  }
}

TotalSnapshot LedgerPair::total(const IpAddress& host, const IpAddress& destination,
                                uint16_t network) {
  flush();
  TotalSnapshot fast;
  const auto slot =
      slots_.find({network, std::min(host, destination), std::max(host, destination)});
  EXPECT_NE(slot, slots_.end()) << "no total of " << to_string(host);
  if (slot == slots_.end()) return fast;
  EXPECT_TRUE(table_.shard(0).read_total(slot->second, fast));
  return fast;
}

LaneCounters LedgerPair::counters() {
  flush();
  return table_.shard(0).read_counters();
}

}  // namespace weir
