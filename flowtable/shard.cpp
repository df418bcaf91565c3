// HOT. The way of a burst through a shard: keys, prefetch, connection, total, counters.
#include "flowtable/shard.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "flowtable/shard_key.h"

namespace weir {
namespace {

// How many packets a stage of update() runs ahead of the next one: enough for a line to arrive.
constexpr size_t kLagPackets = 8;

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
      weight_(options.totals, 0),
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

void Shard::key_of(const Packet& packet, Key& key) const noexcept {
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
}

/// First stage: the key; its bucket is asked for.
void Shard::ask_for_bucket(const Packet& packet, Key& key) const noexcept {
  if (packet.drop != DropReason::kNone) return;
  key_of(packet, key);
  if (key.connectable)
    connection_index_.prefetch(key.connection);
  else
    total_index_.prefetch(key.pair.value());
}

/// Second stage: the bucket names a record, which is asked for.
void Shard::ask_for_record(const Packet& packet, Key& key) const noexcept {
  if (packet.drop != DropReason::kNone || !key.connectable) return;
  key.hint = connection_index_.hint(key.connection);
  if (key.hint != HashIndex::kNone)
    connections_.prefetch(key.hint);
  else
    total_index_.prefetch(key.pair.value());
}

/// Third stage: the record names its total, which is asked for; and the digest is computed.
void Shard::ask_for_total(const Packet& packet, Key& key) const noexcept {
  if (packet.drop != DropReason::kNone) return;
  key.digest = duplicates_.digest(packet);
  duplicates_.prefetch(key.digest);
  const uint32_t total =
      key.hint != HashIndex::kNone
          ? static_cast<uint32_t>(connections_.own_word(key.hint, ConnectionWords::kTotal) >> 32)
          : total_index_.hint(key.pair.value());
  if (total != HashIndex::kNone) totals_.prefetch(total);
}

/// Four stages, each some packets behind the one before, so that memory always has something to
/// fetch while something else is computed. The last one counts, in the order of the packets.
void Shard::update(std::span<const Packet> packets, RecordId* connections) noexcept {
  serve_requests();
  expiry_budget_ = kExpiryBudgetSlots;
  Key keys[kBurstPackets];
  const size_t count = packets.size();
  const size_t lag = std::min(kLagPackets, count);
  for (size_t step = 0; step < count + 3 * lag; ++step) {
    size_t i = step;  // below zero, it wraps and is no packet either
    if (i < count) ask_for_bucket(packets[i], keys[i]);
    if (i -= lag; i < count) ask_for_record(packets[i], keys[i]);
    if (i -= lag; i < count) ask_for_total(packets[i], keys[i]);
    if (i -= lag; i < count) connections[i] = count_or_drop(packets[i], keys[i]);
  }
  expire_by_clock();
  publish();
}

RecordId Shard::count_or_drop(const Packet& packet, const Key& key) noexcept {
  RecordId connection;
  advance_clock(packet);
  counters_.packets += 1;
  counters_.frame_bytes += packet.frame_bytes;
  if (packet.drop == DropReason::kNone) {
    count(packet, key, connection);
  } else {
    const auto reason = static_cast<size_t>(packet.drop);
    counters_.drop_packets[reason] += 1;
    counters_.drop_frame_bytes[reason] += packet.frame_bytes;
  }
  return connection;
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

  if (key.connectable &&
      (count_in_place(packet, key, connection) || count_with_connection(packet, key, connection)))
    return;
  const Payload payload = payload_without_connection(packet, key);
  const uint32_t total = find_or_open_total(packet, key);
  if (total == HashIndex::kNone) {
    count_without_total(packet, key, payload);
    return;
  }
  if (key.connectable) counters_.overflow_connection_bytes += packet.ip_bytes;
  count_at_total(total, packet, key, payload, false);
}

/// The way of nearly all packets: the next segment or datagram of a live connection that lies
/// under the total of its own pair. Only words are changed, where they lie, none of the cold parts.
/// False, and nothing is changed, for any other packet.
bool Shard::count_in_place(const Packet& packet, const Key& key, RecordId& connection) noexcept {
  using Words = ConnectionWords;
  const uint32_t slot = find_connection(key);
  if (slot == HashIndex::kNone) return false;
  const auto total = static_cast<uint32_t>(connections_.own_word(slot, Words::kTotal) >> 32);
  Words words{connections_.own_word(slot, Words::kState),
              connections_.own_word(slot, Words::kSequenceEnd),
              connections_.own_word(slot, Words::kAcknowledged),
              connections_.own_word(slot, Words::kExtentLow),
              connections_.own_word(slot, Words::kIpBytesLow)};
  const uint16_t flags = words.flags();
  const int side = key.side;
  const uint64_t packets = totals_.own_word(total, TotalWords::kPacketsLow) >> (32 * side);
  if ((flags & (kMoved | kServed)) != 0 || packet.outer_tunnel != TunnelKind::kNone ||
      packet.inner_tunnel != TunnelKind::kNone ||
      expired(words.last_tick(), static_cast<IdleClass>(flags >> kIdleClassShift)) ||
      totals_.own_word(total, TotalWords::kPairHash) != key.pair.value() ||
      static_cast<uint32_t>(packets) == UINT32_MAX ||
      !add_to_half(words.ip_bytes_low, side, packet.ip_bytes))
    return false;
  uint32_t payload_bytes = packet.payload_bytes;
  if (packet.protocol == kProtocolTcp) {
    const TcpSegment segment{packet.sequence, packet.acknowledgement, payload_bytes,
                             packet.tcp_flags, key.side};
    if (!add_in_order(words, segment)) return false;
  } else {
    payload_bytes = key.duplicate ? 0 : payload_bytes;
    if (!add_to_half(words.extent_low, side, payload_bytes)) return false;
  }
  words.set_last_tick(tick(now_ns_));
  connections_.begin(slot);
  connections_.set_word(slot, Words::kState, words.state);
  connections_.set_word(slot, Words::kSequenceEnd, words.sequence_end);
  connections_.set_word(slot, Words::kAcknowledged, words.acknowledged);
  connections_.set_word(slot, Words::kExtentLow, words.extent_low);
  connections_.set_word(slot, Words::kIpBytesLow, words.ip_bytes_low);
  connections_.end(slot);
  connection = {slot, words.generation()};
  count_at_total_in_place(total, packet, side, payload_bytes);
  return true;
}

/// `slot` is the total of the packet's own pair.
void Shard::count_at_total_in_place(uint32_t slot, const Packet& packet, int side,
                                    uint32_t payload_bytes) noexcept {
  using Words = TotalWords;
  const size_t at = static_cast<size_t>(side);
  const uint64_t high_before = totals_.own_word(slot, Words::kPayloadHigh + at);
  const uint64_t high = high_before + payload_bytes;
  totals_.begin(slot);
  totals_.set_word(slot, Words::kLastSeen, now_ns_);
  totals_.set_word(slot, Words::kIpBytes + at,
                   totals_.own_word(slot, Words::kIpBytes + at) + packet.ip_bytes);
  totals_.set_word(slot, Words::kPayloadHigh + at, high);
  totals_.set_word(slot, Words::kPacketsLow,
                   totals_.own_word(slot, Words::kPacketsLow) + (uint64_t{1} << (32 * side)));
  totals_.end(slot);
  const auto side_and_epoch = static_cast<uint32_t>(totals_.own_word(slot, Words::kTouched) >> 32);
  if ((side_and_epoch & TotalHot::kEpochMask) != epoch_) [[unlikely]] {
    TotalHot hot = totals_.own_hot(slot);
    touch(hot, slot);
    totals_.write(slot, hot);
  }
  const bool out = static_cast<uint32_t>(side) == side_and_epoch >> 31;
  if (out && std::bit_width(high) != std::bit_width(high_before))
    weight_[slot] = static_cast<uint8_t>(std::bit_width(high));
  count_scope(packet, out, out ? payload_bytes : 0, out ? payload_bytes : 0);
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
  if (key.hint != HashIndex::kNone && connections_.own_word(key.hint, 1) == key.connection)
    return key.hint;
  return connection_index_.find(key.connection, [&](uint32_t slot) noexcept {
    return connections_.own_word(slot, 1) == key.connection;
  });
}

void Shard::publish() noexcept {
  counters_.sketch_error_bytes = heavy_hitters_.error_bytes();
  shared_counters_.write(counters_);
  if (!folded_changed_) return;
  for (size_t i = 0; i < kScopes; ++i) shared_folded_[i].write(folded_[i]);
  folded_changed_ = false;
}

}  // namespace weir
