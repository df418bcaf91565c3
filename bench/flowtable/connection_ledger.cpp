// HOT. What Shard does for the connection of a packet, and nothing else it does.
#include "bench/flowtable/connection_ledger.h"

#include "flowtable/shard.h"
#include "flowtable/tcp_ledger.h"

namespace weir {

ConnectionLedger::ConnectionLedger(uint32_t records)
    : hash_(kReplayHashKey), connections_(records), index_(records) {}

void ConnectionLedger::key_of(const Packet& packet, Key& key) const noexcept {
  const bool source_low = packet.source != packet.destination
                              ? packet.source < packet.destination
                              : packet.source_port <= packet.destination_port;
  const IpAddress& low = source_low ? packet.source : packet.destination;
  const IpAddress& high = source_low ? packet.destination : packet.source;
  const PairHash pair = hash_.pair(low, high, packet.network);
  const uint16_t low_port = source_low ? packet.source_port : packet.destination_port;
  const uint16_t high_port = source_low ? packet.destination_port : packet.source_port;
  key.connection = hash_.connection(pair, low_port, high_port, packet.protocol);
  key.side = source_low ? 0 : 1;
}

void ConnectionLedger::update(std::span<const Packet> packets) noexcept {
  constexpr size_t kLag = 12;
  Key keys[kBurstPackets];
  const size_t count = packets.size();
  for (size_t step = 0; step < count + 2 * kLag; ++step) {
    if (step < count) {
      key_of(packets[step], keys[step]);
      index_.prefetch(keys[step].connection);
    }
    if (const size_t i = step - kLag; i < count) {
      keys[i].hint = index_.hint(keys[i].connection);
      if (keys[i].hint != HashIndex::kNone) connections_.prefetch(keys[i].hint);
    }
    if (const size_t i = step - 2 * kLag; i < count) {
      const uint32_t slot = find(keys[i]);
      if (slot == HashIndex::kNone || !count_in_place(packets[i], keys[i], slot))
        count_out_of_order(packets[i], keys[i], slot);
    }
  }
}

uint32_t ConnectionLedger::find(const Key& key) const noexcept {
  const auto matches = [&](uint32_t slot) noexcept {
    return connections_.own_word(slot, 1) == key.connection;
  };
  if (key.hint != HashIndex::kNone && matches(key.hint)) return key.hint;
  return index_.find(key.connection, matches);
}

bool ConnectionLedger::count_in_place(const Packet& packet, const Key& key,
                                      uint32_t slot) noexcept {
  using Words = ConnectionWords;
  Words words{connections_.own_word(slot, Words::kState),
              connections_.own_word(slot, Words::kSequenceEnd),
              connections_.own_word(slot, Words::kAcknowledged),
              connections_.own_word(slot, Words::kExtentLow),
              connections_.own_word(slot, Words::kIpBytesLow)};
  const TcpSegment segment{packet.sequence, packet.acknowledgement, packet.payload_bytes,
                           packet.tcp_flags, key.side};
  if (!add_to_half(words.ip_bytes_low, key.side, packet.ip_bytes) || !add_in_order(words, segment))
    return false;
  words.set_last_tick(static_cast<uint32_t>(packet.time_ns >> kTickShift));
  connections_.begin(slot);
  connections_.set_word(slot, Words::kState, words.state);
  connections_.set_word(slot, Words::kSequenceEnd, words.sequence_end);
  connections_.set_word(slot, Words::kAcknowledged, words.acknowledged);
  connections_.set_word(slot, Words::kExtentLow, words.extent_low);
  connections_.set_word(slot, Words::kIpBytesLow, words.ip_bytes_low);
  connections_.end(slot);
  return true;
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
