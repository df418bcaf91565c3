// HOT. The connections of a shard: opened, closed, expired.
#include <algorithm>
#include <utility>

#include "flowtable/shard.h"
#include "flowtable/shard_key.h"

namespace weir {
namespace {

constexpr int kExpiryRoundShift = 35;  // once round the table in 2^35 ns, 34 s

IdleClass idle_class_of(uint8_t protocol) noexcept {
  if (protocol == kProtocolTcp) return IdleClass::kTcp;
  return protocol == kProtocolUdp ? IdleClass::kUdp : IdleClass::kOther;
}

}  // namespace

/// A SYN with a number of its own on a connection that has ended; or, on one that has not, data
/// that agrees with such a SYN seen before.
bool Shard::begins_anew(const ConnectionHot& hot, uint32_t slot, const Packet& packet,
                        const Key& key) const noexcept {
  if (packet.protocol != kProtocolTcp) return false;
  if (packet.payload_bytes != 0 && packet.sequence != hot.sequence_end[key.side] &&
      (packet.tcp_flags & kTcpSyn) == 0) {
    const TcpSegment segment{packet.sequence, packet.acknowledgement, packet.payload_bytes,
                             packet.tcp_flags, key.side};
    return agrees_with_syn(hot, connections_.own_cold(slot).side[key.side], segment);
  }
  if (hot.idle_class() != IdleClass::kTcpClosed) return false;
  if ((packet.tcp_flags & (kTcpSyn | kTcpAck)) != kTcpSyn) return false;
  const auto first = hot.sequence_end[key.side] - static_cast<uint32_t>(hot.extent(key.side));
  return packet.sequence + 1 != first;
}

uint32_t Shard::take_slot() noexcept {
  if (free_connections_.empty()) {
    const uint32_t used = connections_used_.load(std::memory_order_relaxed);
    if (used < connections_.records()) {
      connections_used_.store(used + 1, std::memory_order_release);
      return used;
    }
    expire(std::exchange(expiry_budget_, 0));
    if (free_connections_.empty()) return HashIndex::kNone;
  }
  const uint32_t slot = free_connections_.back();
  free_connections_.pop_back();
  return slot;
}

uint32_t Shard::open_connection(const Packet& packet, const Key& key, uint32_t total) noexcept {
  const uint32_t slot = take_slot();
  if (slot == HashIndex::kNone) return slot;
  if (!connection_index_.insert(key.connection, slot)) {
    free_connections_.push_back(slot);
    return HashIndex::kNone;
  }
  ConnectionHot hot = connections_.own_hot(slot);
  const uint32_t version = hot.version;
  const auto generation = static_cast<uint16_t>(hot.generation + 1);
  hot = {};
  hot.version = version;
  hot.generation = generation;
  hot.key = key.connection;
  hot.total = total;
  hot.last_tick = tick(now_ns_);
  hot.set_idle_class(idle_class_of(packet.protocol));

  TotalHot total_hot = totals_.own_hot(total);
  TotalCold total_cold = totals_.own_cold(total);
  total_cold.connections += 1;
  const bool by_host = key.side == total_hot.host_side();
  const bool tcp = packet.protocol == kProtocolTcp;
  const bool syn = (packet.tcp_flags & kTcpSyn) != 0, ack = (packet.tcp_flags & kTcpAck) != 0;
  if (tcp ? syn && by_host == ack : !by_host) hot.flags |= kServed;

  ConnectionCold cold;
  cold.port[key.side] = packet.source_port;
  cold.port[key.side ^ 1] = packet.destination_port;
  cold.protocol = packet.protocol;
  cold.set_first_seen(now_ns_);
  connections_.write(slot, hot, cold);
  totals_.write(total, total_hot, total_cold);
  counters_.connections += 1;
  return slot;
}

void Shard::close_connection(uint32_t slot) noexcept {
  ConnectionHot hot = connections_.own_hot(slot);
  connection_index_.erase(hot.key, slot);
  if (hot.has(kMoved)) {
    TotalHot total_hot = totals_.own_hot(hot.total);
    TotalCold total_cold = totals_.own_cold(hot.total);
    total_cold.pinned -= 1;
    totals_.write(hot.total, total_hot, total_cold);
  }
  hot.key = 0;
  connections_.write(slot, hot);
  free_connections_.push_back(slot);
}

/// Looks at the next `slots` records and closes those that have been idle for too long.
void Shard::expire(uint32_t slots) noexcept {
  const uint32_t used = connections_used_.load(std::memory_order_relaxed);
  for (uint32_t i = 0; i < slots && i < used; ++i) {
    if (++expiry_hand_ >= used) expiry_hand_ = 0;
    const ConnectionHot& hot = connections_.own_hot(expiry_hand_);
    if (hot.key != 0 && expired(hot.last_tick, hot.idle_class())) close_connection(expiry_hand_);
  }
}

/// Once round the used records in 34 s of the lane's clock, however far it jumped since; never more
/// than the budget in a burst. A record that nobody came by for is found idle when it is looked up.
void Shard::expire_by_clock() noexcept {
  const uint64_t elapsed_ns =
      std::min<uint64_t>(now_ns_ - scanned_ns_, uint64_t{1} << kExpiryRoundShift);
  const uint64_t due =
      elapsed_ns * connections_used_.load(std::memory_order_relaxed) >> kExpiryRoundShift;
  if (due == 0) return;
  scanned_ns_ = now_ns_;
  const auto slots = static_cast<uint32_t>(std::min<uint64_t>(due, expiry_budget_));
  expiry_budget_ -= slots;
  expire(slots);
}

void Shard::obey(const RingBackMessage& message) noexcept {
  const uint32_t slot = message.connection.slot;
  if (slot >= connections_used_.load(std::memory_order_relaxed)) return;
  ConnectionHot hot = connections_.own_hot(slot);
  if (hot.key == 0 || hot.generation != message.connection.generation) return;
  if (message.kind == RingBackMessage::Kind::kStopReading) {
    hot.flags |= kUnread;
    connections_.write(slot, hot);
    return;
  }
  move_connection(slot, hot, message.total);
}

void Shard::clear() noexcept {
  for (uint32_t slot = 0; slot < connections_used(); ++slot)
    if (connections_.own_hot(slot).key != 0) close_connection(slot);
  for (uint32_t slot = 0; slot < totals_used(); ++slot) {
    TotalHot hot = totals_.own_hot(slot);
    if (hot.pair_hash != 0) total_index_.erase(hot.pair_hash, slot);
    hot = {.version = hot.version};
    TotalCold cold;
    cold.generation = totals_.own_cold(slot).generation;
    totals_.write(slot, hot, cold);
  }
  free_connections_.clear();
  connections_used_.store(0, std::memory_order_release);
  totals_used_.store(0, std::memory_order_release);
  outer_pairs_used_.store(1, std::memory_order_release);
  duplicates_.clear();
  heavy_hitters_.clear();
  now_ns_ = scanned_ns_ = 0;
  expiry_hand_ = fold_hand_ = 0;
  counters_ = {};
  scope_bytes_ = {};
  folded_ = {};
  folded_changed_ = true;
  for (auto& list : touched_) list.clear();
  publish();
}

}  // namespace weir
