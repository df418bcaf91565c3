// HOT. What Shard does for the connection of a packet, and nothing else it does.
#include "bench/flowtable/connection_ledger.h"

#include <bit>

#include "flowtable/shard.h"
#include "flowtable/tcp_ledger.h"

namespace weir {

ConnectionLedger::ConnectionLedger(uint32_t records)
    : hash_(kReplayHashKey), connections_(records), index_(records) {}

[[gnu::always_inline]] inline void ConnectionLedger::key_of(const Packet& packet,
                                                            Key& key) const noexcept {
  const bool source_low = packet.source < packet.destination;
  const PairHash pair = hash_.pair(source_low ? packet.source : packet.destination,
                                   source_low ? packet.destination : packet.source, packet.network);
  const auto ports = static_cast<uint32_t>(packet.source_port) << 16 | packet.destination_port;
  key.connection =
      hash_.connection(pair, source_low ? ports : std::rotl(ports, 16), packet.protocol);
  key.side = source_low ? 0 : 1;
}

[[gnu::always_inline]] inline uint32_t ConnectionLedger::find(const Key& key) const noexcept {
  const auto matches = [&](uint32_t slot) noexcept {
    return connections_.own_hot(slot).key == key.connection;
  };
  if (key.hint != HashIndex::kNone && matches(key.hint)) return key.hint;
  return index_.find(key.connection, matches);
}

[[gnu::always_inline]] inline bool ConnectionLedger::count_in_place(const Packet& packet,
                                                                    const Key& key,
                                                                    uint32_t slot) noexcept {
  const ConnectionHot& hot = connections_.own_hot(slot);
  ConnectionStep step;
  step.last_tick = static_cast<uint32_t>(packet.time_ns >> kTickShift);
  step.ip_bytes_low = hot.ip_bytes_low[key.side] + packet.ip_bytes;
  const TcpSegment segment{packet.sequence, packet.acknowledgement, packet.payload_bytes,
                           packet.tcp_flags, key.side};
  if (step.ip_bytes_low < packet.ip_bytes || !step_in_order(hot, segment, step)) return false;
  write_step(connections_, slot, key.side, step);
  return true;
}

void ConnectionLedger::update(std::span<const Packet> packets) noexcept {
  Key keys[kBurstPackets];
  const Packet* const packet = packets.data();
  const size_t count = packets.size();
  for (size_t i = 0; i < count; ++i) {
    key_of(packet[i], keys[i]);
    index_.prefetch(keys[i].connection);
  }
  for (size_t i = 0; i < count; ++i) {
    keys[i].hint = index_.hint(keys[i].connection);
    if (keys[i].hint != HashIndex::kNone) connections_.prefetch(keys[i].hint);
  }
  for (size_t i = 0; i < count; ++i) {
    const uint32_t slot = find(keys[i]);
    if (slot == HashIndex::kNone || !count_in_place(packet[i], keys[i], slot))
      count_out_of_order(packet[i], keys[i], slot);
  }
}

void ConnectionLedger::count_out_of_order(const Packet& packet, const Key& key,
                                          uint32_t slot) noexcept {
  if (slot == HashIndex::kNone) slot = open(packet, key);
  if (slot == HashIndex::kNone) return;
  ConnectionHot hot = connections_.own_hot(slot);
  ConnectionCold cold = connections_.own_cold(slot);
  hot.last_tick = static_cast<uint32_t>(packet.time_ns >> kTickShift);
  hot.add_ip_bytes(key.side, packet.ip_bytes);
  apply(
      hot, cold,
      {packet.sequence, packet.acknowledgement, packet.payload_bytes, packet.tcp_flags, key.side});
  connections_.write(slot, hot, cold);
}

uint32_t ConnectionLedger::open(const Packet& packet, const Key& key) noexcept {
  if (used_ == connections_.records() || !index_.insert(key.connection, used_))
    return HashIndex::kNone;
  ConnectionHot hot;
  hot.key = key.connection;
  ConnectionCold cold;
  cold.port[key.side] = packet.source_port;
  cold.port[key.side ^ 1] = packet.destination_port;
  cold.protocol = packet.protocol;
  connections_.write(used_, hot, cold);
  return used_++;
}

uint64_t ConnectionLedger::ip_bytes() const {
  uint64_t sum = 0;
  for (uint32_t slot = 0; slot < used_; ++slot) {
    const ConnectionHot hot = connections_.own_hot(slot);
    sum += hot.ip_bytes(0) + hot.ip_bytes(1);
  }
  return sum;
}

uint64_t ConnectionLedger::payload_low_bytes() const {
  uint64_t sum = 0;
  for (uint32_t slot = 0; slot < used_; ++slot) {
    const ConnectionHot hot = connections_.own_hot(slot);
    const ConnectionCold cold = connections_.own_cold(slot);
    for (int side = 0; side < kSides; ++side) sum += tcp_bounds(hot, cold, side).low;
  }
  return sum;
}

uint64_t ConnectionLedger::payload_high_bytes() const {
  uint64_t sum = 0;
  for (uint32_t slot = 0; slot < used_; ++slot) {
    const ConnectionHot hot = connections_.own_hot(slot);
    for (int side = 0; side < kSides; ++side) sum += high_bytes(hot, side);
  }
  return sum;
}

}  // namespace weir
