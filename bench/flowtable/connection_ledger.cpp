// HOT. What Shard does for the connection of a packet, and nothing else it does.
#include "bench/flowtable/connection_ledger.h"

#include "flowtable/shard.h"
#include "flowtable/tcp_ledger.h"

namespace weir {

ConnectionLedger::ConnectionLedger(uint32_t records)
    : hash_(kReplayHashKey), connections_(records), index_(records) {}

ConnectionLedger::Key ConnectionLedger::key_of(const Packet& packet) const noexcept {
  const bool source_low = packet.source != packet.destination
                              ? packet.source < packet.destination
                              : packet.source_port <= packet.destination_port;
  const IpAddress& low = source_low ? packet.source : packet.destination;
  const IpAddress& high = source_low ? packet.destination : packet.source;
  const PairHash pair = hash_.pair(low, high, packet.network);
  const uint16_t low_port = source_low ? packet.source_port : packet.destination_port;
  const uint16_t high_port = source_low ? packet.destination_port : packet.source_port;
  return {hash_.connection(pair, low_port, high_port, packet.protocol),
          static_cast<uint8_t>(source_low ? 0 : 1)};
}

void ConnectionLedger::update(std::span<const Packet> packets) noexcept {
  Key keys[kBurstPackets];
  for (size_t i = 0; i < packets.size(); ++i) {
    keys[i] = key_of(packets[i]);
    index_.prefetch(keys[i].connection);
  }
  for (size_t i = 0; i < packets.size(); ++i) {
    const uint32_t slot = index_.hint(keys[i].connection);
    if (slot != HashIndex::kNone) connections_.prefetch(slot);
  }
  for (size_t i = 0; i < packets.size(); ++i) count(packets[i], keys[i]);
}

void ConnectionLedger::count(const Packet& packet, const Key& key) noexcept {
  uint32_t slot = index_.find(key.connection, [&](uint32_t candidate) noexcept {
    return connections_.own_word(candidate, 1) == key.connection;
  });
  if (slot == HashIndex::kNone) slot = open(packet, key);
  if (slot == HashIndex::kNone) return;
  ConnectionHot hot = connections_.own_hot(slot);
  hot.last_tick = static_cast<uint32_t>(packet.time_ns >> kTickShift);
  hot.add_ip_bytes(key.side, packet.ip_bytes);
  const TcpSegment segment{packet.sequence, packet.acknowledgement, packet.payload_bytes,
                           packet.tcp_flags, key.side};
  if (in_order(hot, segment)) [[likely]] {
    apply_in_order(hot, segment);
    connections_.write(slot, hot);
    return;
  }
  ConnectionCold cold = connections_.own_cold(slot);
  apply(hot, cold, segment);
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
