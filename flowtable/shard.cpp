// HOT. The way of a burst through a shard: keys, prefetch, connection, total, counters.
#include "flowtable/shard.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "flowtable/shard_key.h"

namespace weir {
namespace {

constexpr uint32_t kExpiryBudgetSlots = 2 * kBurstPackets;  // looked at in a burst, at most
constexpr int kExpiryRoundShift = 35;                       // once round the table in 2^35 ns, 34 s

uint32_t idle_ticks(uint32_t idle_s) {
  return static_cast<uint32_t>((uint64_t{idle_s} * 1'000'000'000 >> kTickShift) + 1);
}

uint32_t tick(uint64_t time_ns) noexcept { return static_cast<uint32_t>(time_ns >> kTickShift); }

IdleClass idle_class_of(uint8_t protocol) noexcept {
  if (protocol == kProtocolTcp) return IdleClass::kTcp;
  return protocol == kProtocolUdp ? IdleClass::kUdp : IdleClass::kOther;
}

}  // namespace

Shard::Shard(const FlowTableOptions& options, uint16_t lane)
    : options_(options),
      lane_(lane),
      idle_ticks_{idle_ticks(options.tcp_idle_s), idle_ticks(options.tcp_closed_s),
                  idle_ticks(options.udp_idle_s), idle_ticks(options.other_idle_s)},
      hash_(options.hash_key),
      connections_(options.connections),
      connection_index_(options.connections),
      totals_(options.totals),
      total_index_(options.totals),
      weight_(options.totals, 0),
      duplicates_(options.hash_key),
      heavy_hitters_(options.heavy_hitters),
      outer_pairs_(std::make_unique<OuterPair[]>(kOuterPairs)) {
  free_connections_.reserve(options.connections);
  for (auto& list : touched_) list.reserve(options.totals);
}

Shard::Key Shard::key_of(const Packet& packet) const noexcept {
  Key key;
  const bool source_low = packet.source != packet.destination
                              ? packet.source < packet.destination
                              : packet.source_port <= packet.destination_port;
  key.side = source_low ? 0 : 1;
  key.connectable = packet.fragment != FragmentKind::kLater && packet.transport_readable;
  const IpAddress& low = source_low ? packet.source : packet.destination;
  const IpAddress& high = source_low ? packet.destination : packet.source;
  key.pair = hash_.pair(low, high, packet.network);
  key.connection =
      hash_.connection(key.pair, source_low ? packet.source_port : packet.destination_port,
                       source_low ? packet.destination_port : packet.source_port, packet.protocol);
  key.digest = duplicates_.digest(packet);
  return key;
}

/// Three passes, so that the cache misses of a burst overlap: buckets, then records, then totals.
void Shard::prepare(std::span<const Packet> packets, Key* keys) noexcept {
  for (size_t i = 0; i < packets.size(); ++i) {
    if (packets[i].drop != DropReason::kNone) continue;
    keys[i] = key_of(packets[i]);
    duplicates_.prefetch(keys[i].digest);
    if (keys[i].connectable)
      connection_index_.prefetch(keys[i].connection);
    else
      total_index_.prefetch(keys[i].pair.value());
  }
  for (size_t i = 0; i < packets.size(); ++i) {
    keys[i].hint = HashIndex::kNone;
    if (packets[i].drop != DropReason::kNone || !keys[i].connectable) continue;
    keys[i].hint = connection_index_.hint(keys[i].connection);
    if (keys[i].hint != HashIndex::kNone)
      connections_.prefetch(keys[i].hint);
    else
      total_index_.prefetch(keys[i].pair.value());
  }
  for (size_t i = 0; i < packets.size(); ++i) {
    if (packets[i].drop != DropReason::kNone) continue;
    if (keys[i].hint != HashIndex::kNone) {
      totals_.prefetch(static_cast<uint32_t>(connections_.own_word(keys[i].hint, 0) >> 32));
    } else {
      const uint32_t total = total_index_.hint(keys[i].pair.value());
      if (total != HashIndex::kNone) totals_.prefetch(total);
    }
  }
}

void Shard::update(std::span<const Packet> packets, RecordId* connections) noexcept {
  serve_requests();
  Key keys[kBurstPackets];
  prepare(packets, keys);
  expiry_budget_ = kExpiryBudgetSlots;
  for (size_t i = 0; i < packets.size(); ++i) {
    connections[i] = {};
    advance_clock(packets[i]);
    counters_.packets += 1;
    counters_.frame_bytes += packets[i].frame_bytes;
    if (packets[i].drop != DropReason::kNone) {
      const auto reason = static_cast<size_t>(packets[i].drop);
      counters_.drop_packets[reason] += 1;
      counters_.drop_frame_bytes[reason] += packets[i].frame_bytes;
    } else {
      count(packets[i], keys[i], connections[i]);
    }
  }
  expire_by_clock();
  publish();
}

void Shard::count_drop(DropReason reason, uint64_t packets, uint64_t frame_bytes) noexcept {
  if (reason != DropReason::kNicMissed) {  // those were never handed over
    counters_.packets += packets;
    counters_.frame_bytes += frame_bytes;
  }
  counters_.drop_packets[static_cast<size_t>(reason)] += packets;
  counters_.drop_frame_bytes[static_cast<size_t>(reason)] += frame_bytes;
  publish();
}

void Shard::advance_clock(const Packet& packet) noexcept {
  if (packet.time_ns < now_ns_) {
    counters_.time_backward_packets += 1;
    return;
  }
  if (now_ns_ == 0) counters_.first_time_ns = packet.time_ns;
  now_ns_ = packet.time_ns;
  counters_.last_time_ns = now_ns_;
}

void Shard::count(const Packet& packet, const Key& key, RecordId& connection) noexcept {
  counters_.counted_packets += 1;
  counters_.counted_frame_bytes += packet.frame_bytes;
  counters_.ip_bytes += packet.ip_bytes;
  key.duplicate = duplicates_.seen(key.digest, now_ns_);
  counters_.duplicate_packets += key.duplicate ? 1 : 0;

  if (key.connectable && count_with_connection(packet, key, connection)) return;
  const Payload payload = payload_without_connection(packet, key);
  const uint32_t total = find_or_open_total(packet, key);
  if (total == HashIndex::kNone) {
    count_without_total(packet, key, payload);
    return;
  }
  if (key.connectable) counters_.overflow_connection_bytes += packet.ip_bytes;
  count_at_total(total, packet, key, payload, false);
}

/// False when there is no record for it: its bytes go to the total alone.
bool Shard::count_with_connection(const Packet& packet, const Key& key,
                                  RecordId& connection) noexcept {
  uint32_t slot = find_connection(key);
  ConnectionHot hot;
  if (slot != HashIndex::kNone) {
    hot = connections_.own_hot(slot);
    if (expired(hot) || begins_anew(hot, packet, key)) {
      close_connection(slot);
      slot = HashIndex::kNone;
    } else if (!hot.has(kMoved) && totals_.own_word(hot.total, 1) != key.pair.value()) {
      hot.total = find_or_open_total(packet, key);  // its total was folded meanwhile
      if (hot.total == HashIndex::kNone) {
        close_connection(slot);
        return false;
      }
    }
  }
  if (slot == HashIndex::kNone) {
    const uint32_t total = find_or_open_total(packet, key);
    if (total == HashIndex::kNone) return false;
    slot = open_connection(packet, key, total);
    if (slot == HashIndex::kNone) return false;
    hot = connections_.own_hot(slot);
  }
  const Payload payload = add_to_connection(hot, slot, packet, key);
  connection = {slot, hot.generation};
  count_at_total(hot.total, packet, key, payload, hot.has(kServed));
  return true;
}

Shard::Payload Shard::add_to_connection(ConnectionHot& hot, uint32_t slot, const Packet& packet,
                                        const Key& key) noexcept {
  Payload payload;
  const int side = key.side;
  hot.last_tick = tick(now_ns_);
  hot.add_ip_bytes(side, packet.ip_bytes);
  if (packet.protocol != kProtocolTcp) {
    const uint32_t bytes = key.duplicate ? 0 : packet.payload_bytes;
    hot.set_extent(side, hot.extent(side) + bytes);
    payload.low[side] = payload.high[side] = bytes;
    connections_.write(slot, hot);
    return payload;
  }
  const TcpSegment segment{packet.sequence, packet.acknowledgement, packet.payload_bytes,
                           packet.tcp_flags, key.side};
  if (in_order(hot, segment)) [[likely]] {
    payload.low[side] = packet.payload_bytes;
    payload.high[side] = apply_in_order(hot, segment);
    connections_.write(slot, hot);
    return payload;
  }
  ConnectionCold cold = connections_.own_cold(slot);
  TcpBounds before[kSides];
  for (int s = 0; s < kSides; ++s) before[s] = tcp_bounds(hot, cold, s);
  apply(hot, cold, segment);
  for (int s = 0; s < kSides; ++s) {
    const TcpBounds after = tcp_bounds(hot, cold, s);
    payload.low[s] = after.low - before[s].low;
    payload.high[s] = after.high - before[s].high;
  }
  const bool closed = hot.has(kRstSeen) || (hot.has(kFinSeen, 0) && hot.has(kFinSeen, 1));
  hot.set_idle_class(closed ? IdleClass::kTcpClosed : IdleClass::kTcp);
  connections_.write(slot, hot, cold);
  return payload;
}

/// TCP bytes that no sequence number places enter high only.
Shard::Payload Shard::payload_without_connection(const Packet& packet,
                                                 const Key& key) const noexcept {
  Payload payload;
  if (key.duplicate) return payload;
  payload.high[key.side] = packet.payload_bytes;
  payload.low[key.side] = packet.protocol == kProtocolTcp ? 0 : packet.payload_bytes;
  return payload;
}

void Shard::count_at_total(uint32_t slot, const Packet& packet, const Key& key,
                           const Payload& payload, bool served) noexcept {
  TotalHot hot = totals_.own_hot(slot);
  const TotalSide at = side_at_total(hot, slot, packet, key);
  hot.ip_bytes[at.side] += packet.ip_bytes;
  hot.packets_low[at.side] += 1;
  hot.last_seen_ns = now_ns_;
  for (int s = 0; s < kSides; ++s) hot.payload_high_bytes[s ^ at.flip] += payload.high[s];
  touch(hot, slot);

  const int host = at.host_side ^ at.flip;  // the host's side as the packet counts sides
  const bool out = key.side == host;
  const bool cold_changes = payload.low[0] != payload.high[0] ||
                            payload.low[1] != payload.high[1] || hot.packets_low[at.side] == 0 ||
                            served || packet.outer_tunnel != TunnelKind::kNone ||
                            packet.inner_tunnel != TunnelKind::kNone;
  if (!cold_changes) [[likely]] {
    totals_.write(slot, hot);
  } else {
    TotalCold cold = totals_.own_cold(slot);
    for (int s = 0; s < kSides; ++s)
      cold.payload_gap_bytes[s ^ at.flip] += payload.high[s] - payload.low[s];
    if (hot.packets_low[at.side] == 0) cold.packets_high[at.side] += 1;
    if (served) {
      cold.served_packets += out ? 1 : 0;
      cold.served_ip_bytes += out ? packet.ip_bytes : 0;
      cold.served_payload_high_bytes += payload.high[host];
      cold.served_payload_gap_bytes += payload.high[host] - payload.low[host];
    }
    if (packet.outer_tunnel != TunnelKind::kNone) cold.outer = outer_pair(packet);
    if (packet.inner_tunnel != TunnelKind::kNone)
      cold.inner_tunnel = static_cast<uint8_t>(packet.inner_tunnel);
    totals_.write(slot, hot, cold);
  }
  weight_[slot] = static_cast<uint8_t>(std::bit_width(hot.payload_high_bytes[at.host_side]));
  count_scope(packet, out, payload.low[host], payload.high[host]);
}

void Shard::count_scope(const Packet& packet, bool out, uint64_t out_low,
                        uint64_t out_high) noexcept {
  switch (packet.scope) {
    case Scope::kOutbound:
      (out ? counters_.out_ip_bytes : counters_.in_ip_bytes) += packet.ip_bytes;
      counters_.out_payload_low_bytes += out_low;
      counters_.out_payload_high_bytes += out_high;
      break;
    case Scope::kInternal:
      counters_.internal_ip_bytes += packet.ip_bytes;
      break;
    case Scope::kTransit:
      counters_.transit_ip_bytes += packet.ip_bytes;
      break;
    case Scope::kLocal:
      counters_.local_ip_bytes += packet.ip_bytes;
      break;
  }
}

void Shard::count_without_total(const Packet& packet, const Key& key,
                                const Payload& payload) noexcept {
  counters_.overflow_total_bytes += packet.ip_bytes;
  FoldedTotals& folded = folded_[static_cast<size_t>(packet.scope)];
  const bool out = packet.scope != Scope::kOutbound || packet.source_home;
  DirectionCounts& counts = out ? folded.out : folded.in;
  counts.packets += 1;
  counts.ip_bytes += packet.ip_bytes;
  counts.payload_low_bytes += payload.low[key.side];
  counts.payload_high_bytes += payload.high[key.side];
  if (folded.first_seen_ns == 0) folded.first_seen_ns = now_ns_;
  folded.last_seen_ns = now_ns_;
  folded_changed_ = true;
  count_scope(packet, out, out ? payload.low[key.side] : 0, out ? payload.high[key.side] : 0);
}

uint32_t Shard::find_connection(const Key& key) const noexcept {
  return connection_index_.find(key.connection, [&](uint32_t slot) noexcept {
    return connections_.own_word(slot, 1) == key.connection;
  });
}

bool Shard::expired(const ConnectionHot& hot) const noexcept {
  return tick(now_ns_) - hot.last_tick > idle_ticks_[static_cast<size_t>(hot.idle_class())];
}

/// A SYN with a number of its own on a connection that has ended.
bool Shard::begins_anew(const ConnectionHot& hot, const Packet& packet,
                        const Key& key) const noexcept {
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
  const bool by_host = key.side == total_cold.host_side;
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
    if (connections_.own_word(expiry_hand_, 1) == 0) continue;
    if (expired(connections_.own_hot(expiry_hand_))) close_connection(expiry_hand_);
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
    if (connections_.own_word(slot, 1) != 0) close_connection(slot);
  for (uint32_t slot = 0; slot < totals_used(); ++slot) {
    TotalHot hot = totals_.own_hot(slot);
    if (hot.pair_hash != 0) total_index_.erase(hot.pair_hash, slot);
    hot = {.version = hot.version};
    TotalCold cold;
    cold.generation = totals_.own_cold(slot).generation;
    totals_.write(slot, hot, cold);
    weight_[slot] = 0;
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
  folded_ = {};
  folded_changed_ = true;
  for (auto& list : touched_) list.clear();
  publish();
}

void Shard::publish() noexcept {
  counters_.sketch_error_bytes = heavy_hitters_.error_bytes();
  shared_counters_.write(counters_);
  if (!folded_changed_) return;
  for (size_t i = 0; i < kScopes; ++i) shared_folded_[i].write(folded_[i]);
  folded_changed_ = false;
}

}  // namespace weir
