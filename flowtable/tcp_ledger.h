// HOT. The byte ledger of one side of a TCP connection: how much of its stream exists, how much of
// that was seen, how much the peer acknowledged.
//
//   extent   payload bytes from the first known position to the highest one, a 48-bit walk
//   missing  bytes of the extent that no segment brought: closed holes, and the one open hole
//   low      extent - missing             never more than the distinct bytes seen
//   high     max(extent, acknowledged)    never less
//
// Nothing that one packet alone claims is believed when it does not fit:
//   - a position is weak until a second packet (a segment, or an acknowledgement by the peer)
//     agrees with it; a weak one is replaced without a trace;
//   - a segment that starts more than kReachBytes from the end is unplaced: its payload counts in
//     high, and only a second segment that goes on from it moves the position (forward: what lies
//     between is missing; backward: a new numbering, whose bytes may have been counted before, so
//     that they enter high only);
//   - an acknowledgement beyond the extent counts when a second one is at least as far.
// Segments without payload, SYN, FIN and RST never move a number (RFC 9293 3.4: SYN and FIN take
// one sequence number each, which is no payload).
#pragma once

#include <cstdint>

#include "flowtable/connection_record.h"

namespace weir {

/// How far from the end a lone segment is believed: far above any window seen in practice.
inline constexpr int32_t kReachBytes = 1 << 24;

/// ColdSide::pending_bytes where pending_sequence is the number of a SYN that does not fit the
/// position, or another number for a position that is weak.
inline constexpr uint16_t kPendingSyn = 0xffff;

/// What a TCP packet says, and which side sent it.
struct TcpSegment {
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint32_t payload_bytes = 0;
  uint8_t flags = 0;
  uint8_t side = 0;
};

/// low and high of one side.
struct TcpBounds {
  uint64_t low = 0;
  uint64_t high = 0;
};

inline uint64_t high_bytes(const ConnectionHot& hot, int side) noexcept {
  const auto ahead = static_cast<int32_t>(hot.acknowledged[side] - hot.sequence_end[side]);
  const bool beyond = hot.has(kAckKnown, side) && ahead > 0;
  return hot.extent(side) + (beyond ? static_cast<uint64_t>(ahead) : 0);
}

uint64_t missing_bytes(const ColdSide& cold) noexcept;
TcpBounds tcp_bounds(const ConnectionHot& hot, const ConnectionCold& cold, int side) noexcept;

/// What the next packet of an undisturbed connection changes: of the sender's side, and what its
/// peer's side has acknowledged.
struct ConnectionStep {
  uint32_t last_tick = 0;
  uint32_t ip_bytes_low = 0;
  uint32_t extent_low = 0;
  uint32_t sequence_end = 0;
  uint32_t peer_acknowledged = 0;
};

/// Adds a segment that goes on where its side stands and acknowledges nothing beyond what was seen,
/// as apply() would: low and high both grow by the payload. False for any other segment, and where
/// the low half of the extent is full: then it is apply()'s.
inline bool step_in_order(const ConnectionHot& hot, const TcpSegment& segment,
                          ConnectionStep& step) noexcept {
  const unsigned side = segment.side, peer = side ^ 1;
  const unsigned own = hot.flags >> side, others = hot.flags >> peer;
  const uint32_t end = hot.sequence_end[side];
  const auto beyond = static_cast<int32_t>(segment.acknowledgement - hot.sequence_end[peer]);
  const auto newer = static_cast<int32_t>(segment.acknowledgement - hot.acknowledged[peer]);
  // Of what was seen, by an earlier acknowledgement: then high stands still.
  const auto ahead = static_cast<int32_t>(hot.acknowledged[side] - end);
  step.extent_low = hot.extent_low[side] + segment.payload_bytes;
  step.sequence_end = end + segment.payload_bytes;
  step.peer_acknowledged = segment.acknowledgement;
  return segment.sequence == end &&
         (segment.flags & (kTcpSyn | kTcpFin | kTcpRst | kTcpAck)) == kTcpAck &&
         (own & (kPositionKnown | kPositionWeak | kHoleOpen)) == kPositionKnown &&
         (others & (kPositionKnown | kPositionWeak | kAckKnown)) == (kPositionKnown | kAckKnown) &&
         (hot.flags & kRstSeen) == 0 && beyond <= 0 && newer >= 0 &&
         (ahead <= 0 || (own & kAckKnown) == 0) && step.extent_low >= segment.payload_bytes;
}

/// Stores a step where the record lies.
inline void write_step(ConnectionRecords& connections, uint32_t slot, unsigned side,
                       const ConnectionStep& step) noexcept {
  const size_t own = side * sizeof(uint32_t), peer = sizeof(uint32_t) - own;
  ConnectionRecords::Change change(connections, slot);
  change.set(offsetof(ConnectionHot, last_tick), step.last_tick);
  change.set(offsetof(ConnectionHot, ip_bytes_low) + own, step.ip_bytes_low);
  change.set(offsetof(ConnectionHot, extent_low) + own, step.extent_low);
  change.set(offsetof(ConnectionHot, sequence_end) + own, step.sequence_end);
  change.set(offsetof(ConnectionHot, acknowledged) + peer, step.peer_acknowledged);
}

/// True when `segment`, which carries payload and is not in order, goes on from a SYN that did not
/// fit this connection: a new connection has begun on the same ports.
bool agrees_with_syn(const ConnectionHot& hot, const ColdSide& cold,
                     const TcpSegment& segment) noexcept;

/// Adds any segment: the whole of the rules above. Both parts are the writer's own copies.
void apply(ConnectionHot& hot, ConnectionCold& cold, const TcpSegment& segment) noexcept;

}  // namespace weir
