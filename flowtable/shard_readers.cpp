// What other threads read of a shard: copies of records, and the walk for the largest.
#include <algorithm>

#include "flowtable/shard.h"
#include "flowtable/shard_key.h"

namespace weir {

bool Shard::read_total(uint32_t slot, TotalSnapshot& copy) const noexcept {
  if (slot >= totals_.records()) return false;
  TotalHot hot;
  TotalCold cold;
  if (!totals_.read(slot, hot, cold) || hot.pair_hash == 0) return false;
  const int host = cold.host_side, outside = host ^ 1;
  const auto counts = [&](int side) {
    const uint64_t high = hot.payload_high_bytes[side];
    return DirectionCounts{
        static_cast<uint64_t>(cold.packets_high[side]) << 32 | hot.packets_low[side],
        hot.ip_bytes[side], high - cold.payload_gap_bytes[side], high};
  };
  copy = {};
  copy.id = {slot, cold.generation};
  copy.lane = lane_;
  copy.network = cold.network;
  copy.scope = static_cast<Scope>(cold.scope);
  copy.inner_tunnel = static_cast<TunnelKind>(cold.inner_tunnel);
  copy.protocol = cold.protocol;
  copy.destination_port = cold.destination_port;
  copy.host = host == 0 ? cold.low : cold.high;
  copy.destination = host == 0 ? cold.high : cold.low;
  copy.connections = cold.connections;
  copy.first_seen_ns = cold.first_seen_ns;
  copy.last_seen_ns = hot.last_seen_ns;
  copy.out = counts(host);
  copy.in = counts(outside);
  copy.served = {cold.served_packets, cold.served_ip_bytes,
                 cold.served_payload_high_bytes - cold.served_payload_gap_bytes,
                 cold.served_payload_high_bytes};
  if (cold.outer != 0 && cold.outer < outer_pairs_used_.load(std::memory_order_acquire)) {
    const OuterPair& outer = outer_pairs_[cold.outer];
    copy.outer_source = outer.source;
    copy.outer_destination = outer.destination;
    copy.outer_tunnel = static_cast<TunnelKind>(outer.tunnel);
  }
  return true;
}

bool Shard::read_connection(uint32_t slot, ConnectionSnapshot& copy) const noexcept {
  if (slot >= connections_.records()) return false;
  ConnectionHot hot;
  ConnectionCold cold;
  if (!connections_.read(slot, hot, cold) || hot.key == 0) return false;
  TotalHot total_hot;
  TotalCold total_cold;
  if (!totals_.read(hot.total, total_hot, total_cold) || total_hot.pair_hash == 0) return false;
  // Sides are those of the connection's own addresses; in a total of another pair they may differ.
  const int host = total_cold.host_side, outside = host ^ 1;
  copy = {};
  copy.id = {slot, hot.generation};
  copy.total = {hot.total, total_cold.generation};
  copy.host_port = cold.port[host];
  copy.destination_port = cold.port[outside];
  copy.protocol = cold.protocol;
  copy.served = hot.has(kServed);
  copy.first_seen_ns = cold.first_seen_ns();
  copy.last_seen_ns = last_seen_ns(hot.last_tick);
  copy.out_ip_bytes = hot.ip_bytes(host);
  copy.in_ip_bytes = hot.ip_bytes(outside);
  const TcpBounds out = tcp_bounds(hot, cold, host), in = tcp_bounds(hot, cold, outside);
  copy.out_payload_low_bytes = out.low;
  copy.out_payload_high_bytes = out.high;
  copy.in_payload_low_bytes = in.low;
  copy.in_payload_high_bytes = in.high;
  return true;
}

/// The tick is the lane clock's, modulo 2^32: 18 years; the clock now tells which.
uint64_t Shard::last_seen_ns(uint32_t last_tick) const noexcept {
  const uint64_t now_tick = read_counters().last_time_ns >> kTickShift;
  return (now_tick - (static_cast<uint32_t>(now_tick) - last_tick)) << kTickShift;
}

size_t Shard::largest_connections(uint32_t total, std::span<ConnectionSnapshot> largest) const {
  size_t found = 0;
  const uint32_t used = connections_used();
  for (uint32_t slot = 0; slot < used; ++slot) {
    if (static_cast<uint32_t>(connections_.peek_word(slot, 0) >> 32) != total) continue;
    ConnectionSnapshot copy;
    if (!read_connection(slot, copy) || copy.total.slot != total) continue;
    const auto end = largest.begin() + static_cast<ptrdiff_t>(found);
    const auto at = std::find_if(largest.begin(), end, [&](const ConnectionSnapshot& other) {
      return other.out_payload_high_bytes < copy.out_payload_high_bytes;
    });
    if (at == largest.end()) continue;
    found = std::min(found + 1, largest.size());
    std::move_backward(at, largest.begin() + static_cast<ptrdiff_t>(found) - 1,
                       largest.begin() + static_cast<ptrdiff_t>(found));
    *at = copy;
  }
  return found;
}

}  // namespace weir
