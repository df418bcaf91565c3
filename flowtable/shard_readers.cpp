// What other threads read of a shard: copies of records, and the walk for the largest.
#include <algorithm>
#include <unordered_map>

#include "flowtable/shard.h"
#include "flowtable/shard_key.h"

namespace weir {

bool Shard::read_total(uint32_t slot, TotalSnapshot& copy) const noexcept {
  if (slot >= totals_.records()) return false;
  TotalHot hot;
  TotalCold cold;
  totals_.read(slot, hot, cold);
  if (hot.pair_hash == 0) return false;
  const int host = hot.host_side(), outside = host ^ 1;
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
  connections_.read(slot, hot, cold);
  if (hot.key == 0) return false;
  TotalHot total_hot;
  TotalCold total_cold;
  totals_.read(hot.total, total_hot, total_cold);
  if (total_hot.pair_hash == 0) return false;
  // Sides are those of the connection's own addresses; in a total of another pair they may differ.
  const int host = total_hot.host_side(), outside = host ^ 1;
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

std::vector<std::vector<ConnectionSnapshot>> Shard::largest_connections(
    std::span<const RecordId> totals, size_t most) const {
  std::unordered_map<uint32_t, size_t> wanted;
  for (size_t i = 0; i < totals.size(); ++i) wanted.emplace(totals[i].slot, i);
  std::vector<std::vector<ConnectionSnapshot>> found(totals.size());
  const uint32_t used = connections_used();
  for (uint32_t slot = 0; slot < used; ++slot) {
    const auto at = wanted.find(connections_.peek_word(slot, offsetof(ConnectionHot, total)));
    ConnectionSnapshot copy;
    if (at == wanted.end() || !read_connection(slot, copy)) continue;
    if (copy.total != totals[at->second]) continue;
    auto& largest = found[at->second];
    const auto place = std::find_if(largest.begin(), largest.end(), [&](const auto& other) {
      return other.out_payload_high_bytes < copy.out_payload_high_bytes;
    });
    largest.insert(place, copy);
    if (largest.size() > most) largest.pop_back();
  }
  return found;
}

}  // namespace weir
