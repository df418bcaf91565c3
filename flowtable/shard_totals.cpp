// HOT. The totals of a shard: opened, touched, folded when there is no room.
#include <algorithm>
#include <bit>

#include "flowtable/shard.h"
#include "flowtable/shard_key.h"

namespace weir {
namespace {

constexpr uint32_t kFoldScan = 64;  // candidates looked at for one new total
constexpr uint64_t kForgottenNs = 31ull * 86400 * 1'000'000'000;  // no window reaches back farther

/// What a packet of a pair without a total counts for when it asks for one: payload that leaves.
uint64_t asking_bytes(const Packet& packet) noexcept {
  const bool leaves = packet.scope != Scope::kOutbound || packet.source_home;
  return leaves ? packet.payload_bytes : 0;
}

}  // namespace

uint32_t Shard::find_total(const Key& key) const noexcept {
  return total_index_.find(key.pair, [&](uint32_t slot) noexcept {
    return totals_.own_hot(slot).pair_hash == key.pair;
  });
}

/// kNone when the table is full of totals that sent no less, or were touched since the last sweep.
uint32_t Shard::find_or_open_total(const Packet& packet, const Key& key) noexcept {
  uint32_t slot = find_total(key);
  if (slot != HashIndex::kNone) return slot;
  const uint32_t used = totals_used_.load(std::memory_order_relaxed);
  if (used < totals_.records()) {
    if (!total_index_.insert(key.pair, used)) return HashIndex::kNone;
    write_new_total(used, packet, key);
    totals_used_.store(used + 1, std::memory_order_release);
    return used;
  }
  const uint64_t sent = heavy_hitters_.add(key.pair, asking_bytes(packet));
  slot = fold_one(static_cast<uint32_t>(std::bit_width(sent)));
  if (slot == HashIndex::kNone || !total_index_.insert(key.pair, slot)) return HashIndex::kNone;
  heavy_hitters_.remove(key.pair);
  write_new_total(slot, packet, key);
  return slot;
}

void Shard::write_new_total(uint32_t slot, const Packet& packet, const Key& key) noexcept {
  TotalHot hot = totals_.own_hot(slot);
  const uint32_t version = hot.version;
  const uint32_t generation = totals_.own_cold(slot).generation + 1;
  hot = {};
  hot.version = version;
  hot.pair_hash = key.pair;
  hot.last_seen_ns = now_ns_;
  TotalCold cold;
  cold.generation = generation;
  cold.low = key.side == 0 ? packet.source : packet.destination;
  cold.high = key.side == 0 ? packet.destination : packet.source;
  cold.first_seen_ns = now_ns_;
  cold.network = packet.network;
  cold.scope = static_cast<uint8_t>(packet.scope);
  cold.protocol = packet.protocol;
  const bool by_host = packet.scope != Scope::kOutbound || packet.source_home;
  hot.set_host_side(by_host ? key.side : key.side ^ 1);
  cold.destination_port = by_host ? packet.destination_port : packet.source_port;
  totals_.write(slot, hot, cold);
  counters_.totals += 1;
}

Shard::TotalSide Shard::side_at_total(const TotalHot& hot, const Packet& packet,
                                      const Key& key) noexcept {
  const int host_side = hot.host_side();
  if (hot.pair_hash == key.pair) return {key.side, 0, host_side};
  const int side = packet.source_home ? host_side : host_side ^ 1;
  return {side, side ^ key.side, host_side};
}

/// Lists a total for the judge, once a sweep.
void Shard::touch(TotalHot& hot, uint32_t slot) noexcept {
  if (hot.touched_epoch() == epoch_) [[likely]]
    return;
  hot.set_touched_epoch(epoch_);
  touched_[epoch_ & 1].push_back(slot);
}

void Shard::serve_requests() noexcept {
  if (requested_epoch_.load(std::memory_order_acquire) != epoch_) return;
  served_epoch_.store(epoch_, std::memory_order_release);
  ++epoch_;
  touched_[epoch_ & 1].clear();  // the list before: the request said that it is done with
}

std::span<const uint32_t> Shard::touched() const noexcept {
  const auto& list = touched_[served_epoch_.load(std::memory_order_acquire) & 1];
  return {list.data(), list.size()};
}

/// Makes room: folds, of the next totals round the table, the one that sent the least, provided
/// that it sent less than 2^(below_class - 1) and that smaller ones are not many. One that the
/// judge has yet to read is left alone.
uint32_t Shard::fold_one(uint32_t below_class) noexcept {
  uint32_t best = HashIndex::kNone;
  uint32_t best_class = below_class;
  uint8_t classes[kFoldScan];
  uint32_t seen = 0;
  while (seen < kFoldScan && best_class > 0) {
    fold_hand_ = (fold_hand_ + 1) & (totals_.records() - 1);
    const TotalHot& hot = totals_.own_hot(fold_hand_);
    const bool forgotten = now_ns_ - hot.last_seen_ns > kForgottenNs;
    const uint64_t sent_bytes = hot.payload_high_bytes[hot.host_side()];
    const uint32_t its_class = forgotten ? 0 : static_cast<uint32_t>(std::bit_width(sent_bytes));
    classes[seen++] = static_cast<uint8_t>(its_class);
    if (its_class >= best_class || hot.touched_epoch() + 1 >= epoch_) continue;
    if (totals_.own_cold(fold_hand_).pinned != 0) continue;
    best = fold_hand_;
    best_class = its_class;
  }
  if (best == HashIndex::kNone) return best;
  // Where smaller ones are common they are due first, and the newcomer waits: in a flood they are
  // those that the judge has yet to read, which takes two sweeps.
  const auto smaller = std::count_if(classes, classes + seen,
                                     [&](uint8_t its_class) { return its_class < best_class; });
  if (smaller > kFoldScan / 16) return HashIndex::kNone;
  fold(best);
  return best;
}

/// Its bytes go to the sum of its scope; the sketch keeps what it sent, should it come back.
void Shard::fold(uint32_t slot) noexcept {
  TotalSnapshot total;
  if (!read_total(slot, total)) return;  // an empty slot
  FoldedTotals& folded = folded_[static_cast<size_t>(total.scope)];
  folded.totals += 1;
  folded.connections += total.connections;
  folded.first_seen_ns = folded.first_seen_ns == 0
                             ? total.first_seen_ns
                             : std::min(folded.first_seen_ns, total.first_seen_ns);
  folded.last_seen_ns = std::max(folded.last_seen_ns, total.last_seen_ns);
  add(folded.out, total.out);
  add(folded.in, total.in);
  folded_changed_ = true;
  TotalHot hot = totals_.own_hot(slot);
  heavy_hitters_.add(hot.pair_hash, total.out.payload_high_bytes);
  total_index_.erase(hot.pair_hash, slot);
  hot.pair_hash = 0;
  totals_.write(slot, hot);
}

/// The list of outer pairs only grows; an entry is written before its number is given out, and
/// never changed. Full: 0, which means that the outer pair is not known.
uint16_t Shard::outer_pair(const Packet& packet) noexcept {
  const OuterPair wanted{packet.outer_source, packet.outer_destination,
                         static_cast<uint64_t>(packet.outer_tunnel)};
  const uint32_t used = outer_pairs_used_.load(std::memory_order_relaxed);
  const uint32_t recent = used > kOuterScan ? used - kOuterScan : 1;
  for (uint32_t i = used; i-- > recent;)
    if (outer_pairs_[i] == wanted) return static_cast<uint16_t>(i);
  if (used == kOuterPairs) return 0;
  outer_pairs_[used] = wanted;
  outer_pairs_used_.store(used + 1, std::memory_order_release);
  return static_cast<uint16_t>(used);
}

/// A connection goes to another total: its bytes leave the one and join the other. Packets are not
/// kept by connection, so they stay where they were counted.
void Shard::move_connection(uint32_t slot, ConnectionHot& hot, const RecordId& to) noexcept {
  if (to.slot >= totals_used_.load(std::memory_order_relaxed) || to.slot == hot.total) return;
  TotalHot to_hot = totals_.own_hot(to.slot);
  TotalCold to_cold = totals_.own_cold(to.slot);
  if (to_hot.pair_hash == 0 || to_cold.generation != to.generation) return;
  const ConnectionCold cold = connections_.own_cold(slot);
  TotalHot from_hot = totals_.own_hot(hot.total);
  TotalCold from_cold = totals_.own_cold(hot.total);
  for (int side = 0; side < kSides; ++side) {
    const int to_side = side ^ from_hot.host_side() ^ to_hot.host_side();
    const TcpBounds bounds = tcp_bounds(hot, cold, side);
    const uint64_t gap = bounds.high - bounds.low;
    from_hot.ip_bytes[side] -= hot.ip_bytes(side);
    from_hot.payload_high_bytes[side] -= bounds.high;
    from_cold.payload_gap_bytes[side] -= gap;
    to_hot.ip_bytes[to_side] += hot.ip_bytes(side);
    to_hot.payload_high_bytes[to_side] += bounds.high;
    to_cold.payload_gap_bytes[to_side] += gap;
    if (!hot.has(kServed) || side != from_hot.host_side()) continue;
    from_cold.served_ip_bytes -= hot.ip_bytes(side);
    from_cold.served_payload_high_bytes -= bounds.high;
    from_cold.served_payload_gap_bytes -= gap;
    to_cold.served_ip_bytes += hot.ip_bytes(side);
    to_cold.served_payload_high_bytes += bounds.high;
    to_cold.served_payload_gap_bytes += gap;
  }
  from_cold.connections -= 1;
  to_cold.connections += 1;
  if (hot.has(kMoved)) from_cold.pinned -= 1;
  to_cold.pinned += 1;
  touch(from_hot, hot.total);
  touch(to_hot, to.slot);
  totals_.write(hot.total, from_hot, from_cold);
  totals_.write(to.slot, to_hot, to_cold);
  hot.total = to.slot;
  hot.flags |= kMoved;
  connections_.write(slot, hot);
}

}  // namespace weir
