// The slow twin of the flow table, written from the rules of the byte ledger alone.
#include "tests/flowtable/slow_ledger.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace weir {
namespace {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr uint64_t kDuplicateWindowNs = 20'000'000;
// Far from both ends of the line, so that positions before the first one stay positive.
constexpr int64_t kFirstPosition = int64_t{1} << 50;
// Data that stands less than this before the initial number cannot be part of the transfer.
constexpr int64_t kBeforeOpening = int64_t{1} << 24;

uint64_t add_saturating(uint64_t left, uint64_t right) {
  return right > std::numeric_limits<uint64_t>::max() - left ? std::numeric_limits<uint64_t>::max()
                                                             : left + right;
}

/// The position of a sequence number closest to the end of what was seen.
int64_t position_of(const SlowStream& stream, uint32_t sequence) {
  return stream.end_position + static_cast<int32_t>(sequence - stream.end_sequence);
}

void start(SlowStream& stream, uint32_t sequence, int64_t position) {
  stream.started = true;
  stream.first_position = position;
  stream.end_position = position;
  stream.end_sequence = sequence;
}

void add_segment(SlowStream& stream, const Packet& packet, const Told& told) {
  const bool syn = (packet.tcp_flags & kTcpSyn) != 0;
  const uint32_t data_sequence = packet.sequence + (syn ? 1u : 0u);
  if (!stream.started) {
    start(stream, data_sequence, told.position.value_or(kFirstPosition));
    stream.opening_seen = syn;
    stream.opening_sequence = packet.sequence;
  }
  if ((packet.tcp_flags & kTcpFin) != 0) stream.finished = true;
  int64_t first = told.position.value_or(position_of(stream, data_sequence));
  const int64_t last = first + packet.payload_bytes;
  // What stands just before the opening is no payload: the keep-alive probe of a silent connection.
  if (stream.opening_seen && stream.first_position - first < kBeforeOpening) {
    first = std::max(first, stream.first_position);
  }
  if (packet.payload_bytes == 0 || first >= last) return;
  stream.seen.add(first, last);
  if (last <= stream.end_position) return;
  stream.fresh_bytes += static_cast<uint64_t>(last - std::max(first, stream.end_position));
  stream.end_position = last;
  stream.end_sequence = data_sequence + packet.payload_bytes;
}

void add_acknowledgement(SlowStream& stream, const Packet& packet) {
  if ((packet.tcp_flags & kTcpAck) == 0 || !stream.started) return;
  const int64_t position = position_of(stream, packet.acknowledgement);
  if (!stream.acked_position || *stream.acked_position < position) {
    stream.acked_position = position;
  }
}

Bounds exactly(uint64_t payload_bytes) {
  return {payload_bytes, payload_bytes, payload_bytes, payload_bytes};
}

/// A packet without a connection. `copy`: the same bytes went by just now.
SlowSums loose_sums(const Packet& packet, bool copy) {
  SlowSums sums{1, packet.ip_bytes, {}};
  if (packet.protocol == kProtocolTcp) {  // its place in the stream is unknown: high only
    sums.payload.high_least = copy ? 0 : packet.payload_bytes;
    sums.payload.high_most = packet.payload_bytes;
  } else if (!copy) {
    sums.payload = exactly(packet.payload_bytes);
  }
  return sums;
}

SlowSums sums_of(const SlowDirection& direction, const Bounds& payload) {
  return {direction.packets, direction.ip_bytes, payload};
}

}  // namespace

uint64_t ByteSet::add(int64_t first, int64_t last) {
  uint64_t fresh_bytes = static_cast<uint64_t>(last - first);
  auto next = intervals_.lower_bound(first);
  if (next != intervals_.begin() && std::prev(next)->second >= first) --next;
  int64_t joined_first = first, joined_last = last;
  while (next != intervals_.end() && next->first <= last) {
    const int64_t common_first = std::max(first, next->first);
    const int64_t common_last = std::min(last, next->second);
    if (common_last > common_first)
      fresh_bytes -= static_cast<uint64_t>(common_last - common_first);
    joined_first = std::min(joined_first, next->first);
    joined_last = std::max(joined_last, next->second);
    next = intervals_.erase(next);
  }
  intervals_[joined_first] = joined_last;
  size_bytes_ += fresh_bytes;
  return fresh_bytes;
}

Bounds& Bounds::operator+=(const Bounds& other) {
  low_least = add_saturating(low_least, other.low_least);
  low_most = add_saturating(low_most, other.low_most);
  high_least = add_saturating(high_least, other.high_least);
  high_most = add_saturating(high_most, other.high_most);
  return *this;
}

SlowSums& SlowSums::operator+=(const SlowSums& other) {
  packets += other.packets;
  ip_bytes += other.ip_bytes;
  payload += other.payload;
  return *this;
}

Bounds SlowStream::bounds(Promise promise) const {
  const uint64_t distinct_bytes = seen.size_bytes();
  const uint64_t extent_bytes = static_cast<uint64_t>(end_position - first_position);
  uint64_t acked_bytes = 0;
  if (acked_position && *acked_position > first_position) {
    acked_bytes = static_cast<uint64_t>(*acked_position - first_position);
  }
  switch (promise) {
    case Promise::kExact:
      return {distinct_bytes, distinct_bytes, extent_bytes, extent_bytes};
    case Promise::kLossy:
      return {fresh_bytes, distinct_bytes, extent_bytes, std::max(extent_bytes, acked_bytes)};
    case Promise::kHostile:
      break;
  }
  return {0, distinct_bytes, distinct_bytes, std::numeric_limits<uint64_t>::max()};
}

Bounds SlowConnection::bounds(bool out) const {
  const SlowDirection& direction = out ? from_host : from_beyond;
  return protocol == kProtocolTcp ? direction.stream.bounds(promise)
                                  : exactly(direction.payload_bytes);
}

SlowSums SlowTotal::out() const {
  SlowSums sums = loose_out;
  for (const SlowConnection& each : connections) {
    sums += sums_of(each.from_host, each.bounds(true));
  }
  return sums;
}

SlowSums SlowTotal::in() const {
  SlowSums sums = loose_in;
  for (const SlowConnection& each : connections) {
    sums += sums_of(each.from_beyond, each.bounds(false));
  }
  return sums;
}

SlowSums SlowTotal::served() const {
  SlowSums sums;
  for (const SlowConnection& each : connections) {
    if (each.served) sums += sums_of(each.from_host, each.bounds(true));
  }
  return sums;
}

SlowTotalKey SlowLedger::key_of(const Packet& packet) {
  return {packet.network, std::min(packet.source, packet.destination),
          std::max(packet.source, packet.destination)};
}

void SlowLedger::count(const Packet& packet) {
  if (packet.time_ns < clock_ns_) {
    ++counters_.time_backward_packets;
  } else {
    clock_ns_ = packet.time_ns;
  }
  if (counters_.packets == 0) counters_.first_time_ns = clock_ns_;
  counters_.last_time_ns = clock_ns_;
  ++counters_.packets;
  counters_.frame_bytes += packet.frame_bytes;
  if (packet.drop != DropReason::kNone) {
    ++counters_.drop_packets[static_cast<size_t>(packet.drop)];
    counters_.drop_frame_bytes[static_cast<size_t>(packet.drop)] += packet.frame_bytes;
    return;
  }
  ++counters_.counted_packets;
  counters_.counted_frame_bytes += packet.frame_bytes;
  counters_.ip_bytes += packet.ip_bytes;
  switch (packet.scope) {
    case Scope::kOutbound:
      (packet.source_home ? counters_.out_ip_bytes : counters_.in_ip_bytes) += packet.ip_bytes;
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

bool SlowLedger::seen_just_now(const Packet& packet) {
  std::vector<uint8_t> bytes(packet.ip, packet.ip + packet.readable_bytes);
  if (bytes[0] >> 4 == 4) {
    bytes[8] = bytes[10] = bytes[11] = 0;  // time to live, checksum
  } else {
    bytes[7] = 0;  // hop limit
  }
  bytes.push_back(static_cast<uint8_t>(packet.network));
  bytes.push_back(static_cast<uint8_t>(packet.network >> 8));
  while (!sightings_.empty() && clock_ns_ - sightings_.front().time_ns > kDuplicateWindowNs) {
    sightings_.pop_front();
  }
  const bool seen = std::any_of(sightings_.begin(), sightings_.end(),
                                [&](const Sighting& each) { return each.bytes == bytes; });
  if (seen) ++counters_.duplicate_packets;
  sightings_.push_back({clock_ns_, std::move(bytes)});
  return seen;
}

SlowTotal& SlowLedger::total_of(const Packet& packet) {
  const auto [place, fresh] = totals_.try_emplace(key_of(packet));
  SlowTotal& total = place->second;
  if (fresh) {
    ++counters_.totals;
    const bool source_is_host = packet.scope != Scope::kOutbound || packet.source_home;
    total.network = packet.network;
    total.scope = packet.scope;
    total.host = source_is_host ? packet.source : packet.destination;
    total.destination = source_is_host ? packet.destination : packet.source;
    total.first_seen_ns = clock_ns_;
  }
  total.last_seen_ns = clock_ns_;
  return total;
}

uint64_t SlowLedger::idle_limit_ns(const SlowConnection& connection) const {
  uint64_t limit_s = options_.other_idle_s;
  if (connection.protocol == kProtocolTcp) {
    limit_s = connection.closed() ? options_.tcp_closed_s : options_.tcp_idle_s;
  } else if (connection.protocol == kProtocolUdp) {
    limit_s = options_.udp_idle_s;
  }
  return limit_s * kNanosecondsPerSecond;
}

SlowConnection& SlowLedger::connection_of(const Packet& packet, SlowTotal& total) {
  const std::pair source{packet.source, packet.source_port};
  const std::pair destination{packet.destination, packet.destination_port};
  SlowConnection*& live =
      live_[ConnectionKey{packet.network, packet.protocol, std::min(source, destination),
                          std::max(source, destination)}];
  bool over = live == nullptr || clock_ns_ - live->last_seen_ns > idle_limit_ns(*live);
  const bool syn = packet.protocol == kProtocolTcp && (packet.tcp_flags & kTcpSyn) != 0;
  const bool syn_only = syn && (packet.tcp_flags & kTcpAck) == 0;
  if (!over && packet.protocol == kProtocolTcp) {
    SlowStream& stream =
        packet.source == total.host ? live->from_host.stream : live->from_beyond.stream;
    const bool other_number =
        syn_only && (!stream.opening_seen || stream.opening_sequence != packet.sequence);
    if (other_number && live->closed()) over = true;
    if (other_number && stream.started && !live->closed()) stream.second_open = packet.sequence;
    const bool second_begins = !syn && packet.payload_bytes > 0 && stream.second_open &&
                               packet.sequence == *stream.second_open + 1;
    over = over || second_begins;
  }
  if (over) {
    ++counters_.connections;
    live = &total.connections.emplace_back();
    live->protocol = packet.protocol;
    live->first_seen_ns = clock_ns_;
    live->number = counters_.connections;
    if (packet.scope == Scope::kOutbound) {
      live->served = packet.protocol == kProtocolTcp ? (syn_only && !packet.source_home) ||
                                                           (syn && !syn_only && packet.source_home)
                                                     : !packet.source_home;
    }
  }
  live->last_seen_ns = clock_ns_;
  return *live;
}

const SlowConnection* SlowLedger::update(const Packet& packet, const Told& told) {
  count(packet);
  if (packet.drop != DropReason::kNone) return nullptr;
  const bool copy = seen_just_now(packet);
  SlowTotal& total = total_of(packet);
  const bool out = packet.source == total.host;
  if (packet.fragment == FragmentKind::kLater || !packet.transport_readable) {
    (out ? total.loose_out : total.loose_in) += loose_sums(packet, copy);
    return nullptr;
  }
  SlowConnection& connection = connection_of(packet, total);
  connection.promise = std::max(connection.promise, told.promise);
  SlowDirection& mine = out ? connection.from_host : connection.from_beyond;
  SlowDirection& peers = out ? connection.from_beyond : connection.from_host;
  ++mine.packets;
  mine.ip_bytes += packet.ip_bytes;
  if (packet.protocol != kProtocolTcp) {
    if (!copy) mine.payload_bytes += packet.payload_bytes;
    return &connection;
  }
  add_segment(mine.stream, packet, told);
  add_acknowledgement(peers.stream, packet);
  if ((packet.tcp_flags & kTcpRst) != 0) connection.reset = true;
  return &connection;
}

}  // namespace weir
