// HOT. The way of a burst through a shard: keys, prefetch, connection, total, counters.
#include "flowtable/shard.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "flowtable/shard_key.h"

namespace weir {
namespace {

uint32_t idle_ticks(uint32_t idle_s) {
  return static_cast<uint32_t>((uint64_t{idle_s} * 1'000'000'000 >> kTickShift) + 1);
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
      duplicates_(options.hash_key),
      heavy_hitters_(options.heavy_hitters),
      outer_pairs_(std::make_unique<OuterPair[]>(kOuterPairs)) {
  // Sized and emptied: their pages are present from the start.
  free_connections_.resize(options.connections);
  free_connections_.clear();
  for (auto& list : touched_) {
    list.resize(options.totals);
    list.clear();
  }
}

[[gnu::always_inline]] inline void Shard::key_of(const Packet& packet, Key& key) const noexcept {
  const IpAddress& source = packet.source;
  const IpAddress& destination = packet.destination;
  const bool same_high = source.high == destination.high;
  bool source_low = source.high < destination.high || (same_high && source.low < destination.low);
  if (same_high && source.low == destination.low) [[unlikely]]
    source_low = packet.source_port <= packet.destination_port;
  key.side = source_low ? 0 : 1;
  const PairHash pair = hash_.pair(source_low ? source : destination,
                                   source_low ? destination : source, packet.network);
  const auto ports = static_cast<uint32_t>(packet.source_port) << 16 | packet.destination_port;
  const bool connectable = packet.fragment != FragmentKind::kLater && packet.transport_readable;
  key.pair = pair.value();
  key.connection = connectable ? hash_.connection(pair, source_low ? ports : std::rotl(ports, 16),
                                                  packet.protocol)
                               : 0;
}

/// First stage: the key; its bucket is asked for.
[[gnu::always_inline]] inline void Shard::ask_for_bucket(const Packet& packet,
                                                         Key& key) const noexcept {
  if (packet.drop != DropReason::kNone) return;
  key_of(packet, key);
  if (key.connection != 0)
    connection_index_.prefetch(key.connection);
  else
    total_index_.prefetch(key.pair);
}

/// Second stage: the bucket names a record, which is asked for; so is the place of the digest.
[[gnu::always_inline]] inline void Shard::ask_for_record(const Packet& packet,
                                                         Key& key) const noexcept {
  if (packet.drop != DropReason::kNone) return;
  key.digest = duplicates_.digest(packet, key.connection);
  duplicates_.prefetch(key.digest);
  key.hint = HashIndex::kNone;
  if (key.connection == 0) return;
  key.hint = connection_index_.hint(key.connection);
  if (key.hint != HashIndex::kNone)
    connections_.prefetch(key.hint);
  else
    total_index_.prefetch(key.pair);
}

/// Third stage: the record names its total, which is asked for.
[[gnu::always_inline]] inline void Shard::ask_for_total(const Packet& packet,
                                                        const Key& key) const noexcept {
  if (packet.drop != DropReason::kNone) return;
  const uint32_t total = key.hint != HashIndex::kNone ? connections_.own_hot(key.hint).total
                                                      : total_index_.hint(key.pair);
  if (total != HashIndex::kNone) totals_.prefetch(total);
}

[[gnu::always_inline]] inline void Shard::advance_clock(const Packet& packet) noexcept {
  if (packet.time_ns < now_ns_) [[unlikely]] {
    counters_.time_backward_packets += 1;
    return;
  }
  if (now_ns_ == 0) [[unlikely]]
    counters_.first_time_ns = packet.time_ns;
  now_ns_ = packet.time_ns;
}

[[gnu::always_inline]] inline uint32_t Shard::find_connection(const Key& key) const noexcept {
  if (key.hint != HashIndex::kNone && connections_.own_hot(key.hint).key == key.connection)
      [[likely]]
    return key.hint;
  if (key.connection == 0) return HashIndex::kNone;
  return connection_index_.find(key.connection, [&](uint32_t slot) noexcept {
    return connections_.own_hot(slot).key == key.connection;
  });
}

[[gnu::always_inline]] inline void Shard::count_scope(const Packet& packet, bool out,
                                                      uint64_t out_low,
                                                      uint64_t out_high) noexcept {
  ScopeBytes& bytes = scope_bytes_[static_cast<size_t>(packet.scope)];
  bytes.ip_bytes[out ? 1 : 0] += packet.ip_bytes;
  bytes.out_payload_low_bytes += out_low;
  bytes.out_payload_high_bytes += out_high;
}

/// `slot` is the total of the packet's own pair.
[[gnu::always_inline]] inline void Shard::count_at_total_in_place(uint32_t slot,
                                                                  const Packet& packet,
                                                                  unsigned side,
                                                                  uint32_t payload_bytes) noexcept {
  const TotalHot& total = totals_.own_hot(slot);
  const bool out = static_cast<int>(side) == total.host_side();
  const uint64_t ip_bytes = total.ip_bytes[side] + packet.ip_bytes;
  const uint64_t high = total.payload_high_bytes[side] + payload_bytes;
  uint64_t packets;
  std::memcpy(&packets, total.packets_low, sizeof(packets));
  packets += uint64_t{1} << (32 * side);
  const bool listed = total.touched_epoch() == epoch_;
  {
    const size_t own = side * sizeof(uint64_t);
    TotalRecords::Change change(totals_, slot);
    change.set(offsetof(TotalHot, last_seen_ns), now_ns_);
    change.set(offsetof(TotalHot, ip_bytes) + own, ip_bytes);
    change.set(offsetof(TotalHot, payload_high_bytes) + own, high);
    change.set(offsetof(TotalHot, packets_low), packets);
  }
  if (!listed) [[unlikely]] {
    TotalHot hot = totals_.own_hot(slot);
    touch(hot, slot);
    totals_.write(slot, hot);
  }
  const uint64_t out_bytes = out ? payload_bytes : 0;
  count_scope(packet, out, out_bytes, out_bytes);
}

/// The way of nearly all packets: the next segment or datagram of a live connection that lies
/// under the total of its own pair. Only words are changed, where they lie, none of the cold parts.
/// False, and nothing is changed, for any other packet.
[[gnu::always_inline]] inline bool Shard::count_in_place(const Packet& packet, const Key& key,
                                                         RecordId& connection) noexcept {
  const uint32_t slot = find_connection(key);
  if (slot == HashIndex::kNone) return false;
  const ConnectionHot& hot = connections_.own_hot(slot);
  const unsigned side = key.side;
  const TotalHot& total = totals_.own_hot(hot.total);
  ConnectionStep step;
  step.last_tick = tick(now_ns_);
  step.ip_bytes_low = hot.ip_bytes_low[side] + packet.ip_bytes;
  if (hot.has(kMoved | kServed) || packet.outer_tunnel != TunnelKind::kNone ||
      packet.inner_tunnel != TunnelKind::kNone || expired(hot.last_tick, hot.idle_class()) ||
      total.pair_hash != key.pair || total.packets_low[side] == UINT32_MAX ||
      step.ip_bytes_low < packet.ip_bytes)
    return false;
  uint32_t payload_bytes = packet.payload_bytes;
  if (packet.protocol == kProtocolTcp) {
    const TcpSegment segment{packet.sequence, packet.acknowledgement, payload_bytes,
                             packet.tcp_flags, key.side};
    if (!step_in_order(hot, segment, step)) return false;
    if (payload_bytes != 0)  // new bytes: no copy of anything
      duplicates_.remember(key.digest, now_ns_);
    else
      counters_.duplicate_packets += duplicates_.seen(key.digest, now_ns_) ? 1 : 0;
  } else {
    if (hot.extent_low[side] + payload_bytes < payload_bytes) return false;
    const bool duplicate = duplicates_.seen(key.digest, now_ns_);
    counters_.duplicate_packets += duplicate ? 1 : 0;
    payload_bytes = duplicate ? 0 : payload_bytes;
    step.extent_low = hot.extent_low[side] + payload_bytes;
    step.sequence_end = hot.sequence_end[side];
    step.peer_acknowledged = hot.acknowledged[side ^ 1];
  }
  connection = {slot, hot.generation};
  const uint32_t total_slot = hot.total;
  write_step(connections_, slot, side, step);
  count_at_total_in_place(total_slot, packet, side, payload_bytes);
  return true;
}

[[gnu::always_inline]] inline RecordId Shard::count(const Packet& packet, const Key& key) noexcept {
  counters_.counted_packets += 1;
  counters_.counted_frame_bytes += packet.frame_bytes;
  counters_.ip_bytes += packet.ip_bytes;
  RecordId connection;
  if (count_in_place(packet, key, connection)) [[likely]]
    return connection;
  return count_elsewhere(packet, key);
}

/// Four passes, so that memory always has something to fetch while something else is computed. The
/// last one counts, in the order of the packets.
void Shard::update(std::span<const Packet> packets, RecordId* connections) noexcept {
  serve_requests();
  expiry_budget_ = kExpiryBudgetSlots;
  Key keys[kBurstPackets];
  const Packet* const packet = packets.data();
  const size_t count = packets.size();
  for (size_t i = 0; i < count; ++i) ask_for_bucket(packet[i], keys[i]);
  for (size_t i = 0; i < count; ++i) ask_for_record(packet[i], keys[i]);
  for (size_t i = 0; i < count; ++i) ask_for_total(packet[i], keys[i]);
  for (size_t i = 0; i < count; ++i) {
    advance_clock(packet[i]);
    counters_.frame_bytes += packet[i].frame_bytes;
    connections[i] = {};
    if (packet[i].drop == DropReason::kNone)
      connections[i] = this->count(packet[i], keys[i]);
    else
      count_drop(packet[i]);
  }
  counters_.packets += count;
  expire_by_clock();
  publish();
}

void Shard::count_drop(const Packet& packet) noexcept {
  const auto reason = static_cast<size_t>(packet.drop);
  counters_.drop_packets[reason] += 1;
  counters_.drop_frame_bytes[reason] += packet.frame_bytes;
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

[[gnu::noinline]] RecordId Shard::count_elsewhere(const Packet& packet, const Key& key) noexcept {
  RecordId connection;
  key.duplicate = duplicates_.seen(key.digest, now_ns_);
  counters_.duplicate_packets += key.duplicate ? 1 : 0;
  if (key.connection != 0 && count_with_connection(packet, key, connection)) return connection;
  const Payload payload = payload_without_connection(packet, key);
  const uint32_t total = find_or_open_total(packet, key);
  if (total == HashIndex::kNone) {
    count_without_total(packet, key, payload);
    return connection;
  }
  if (key.connection != 0) counters_.overflow_connection_bytes += packet.ip_bytes;
  count_at_total(total, packet, key, payload, false);
  return connection;
}

/// False when there is no record for it: its bytes go to the total alone.
bool Shard::count_with_connection(const Packet& packet, const Key& key,
                                  RecordId& connection) noexcept {
  uint32_t slot = find_connection(key);
  ConnectionHot hot;
  if (slot != HashIndex::kNone) {
    hot = connections_.own_hot(slot);
    if (expired(hot.last_tick, hot.idle_class()) || begins_anew(hot, slot, packet, key)) {
      close_connection(slot);
      slot = HashIndex::kNone;
    } else if (!hot.has(kMoved) && totals_.own_hot(hot.total).pair_hash != key.pair) {
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
  const TotalSide at = side_at_total(hot, packet, key);
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
  count_scope(packet, out, payload.low[host], payload.high[host]);
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

void Shard::publish() noexcept {
  const auto& outbound = scope_bytes_[static_cast<size_t>(Scope::kOutbound)];
  const auto whole = [&](Scope scope) {
    const auto& bytes = scope_bytes_[static_cast<size_t>(scope)];
    return bytes.ip_bytes[0] + bytes.ip_bytes[1];
  };
  counters_.out_ip_bytes = outbound.ip_bytes[1];
  counters_.in_ip_bytes = outbound.ip_bytes[0];
  counters_.internal_ip_bytes = whole(Scope::kInternal);
  counters_.transit_ip_bytes = whole(Scope::kTransit);
  counters_.local_ip_bytes = whole(Scope::kLocal);
  counters_.out_payload_low_bytes = outbound.out_payload_low_bytes;
  counters_.out_payload_high_bytes = outbound.out_payload_high_bytes;
  counters_.sketch_error_bytes = heavy_hitters_.error_bytes();
  counters_.last_time_ns = now_ns_;
  shared_counters_.write(counters_);
  if (!folded_changed_) return;
  for (size_t i = 0; i < kScopes; ++i) shared_folded_[i].write(folded_[i]);
  folded_changed_ = false;
}

}  // namespace weir
