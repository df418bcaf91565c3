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

/// True when `segment` goes on where its side stands and acknowledges nothing beyond what was seen:
/// then apply_in_order does all that apply would.
inline bool in_order(const ConnectionHot& hot, const TcpSegment& segment) noexcept {
  const int side = segment.side, peer = side ^ 1;
  const unsigned settled = hot.flags >> side & (kPositionKnown | kPositionWeak | kHoleOpen);
  const unsigned peer_settled = hot.flags >> peer & (kPositionKnown | kPositionWeak | kAckKnown);
  const auto beyond = static_cast<int32_t>(segment.acknowledgement - hot.sequence_end[peer]);
  const auto newer = static_cast<int32_t>(segment.acknowledgement - hot.acknowledged[peer]);
  return settled == kPositionKnown && segment.sequence == hot.sequence_end[side] &&
         (segment.flags & (kTcpSyn | kTcpFin | kTcpRst | kTcpAck)) == kTcpAck &&
         peer_settled == (kPositionKnown | kAckKnown) && beyond <= 0 && newer >= 0 &&
         !hot.has(kRstSeen);
}

/// Adds an in-order segment. The caller knows that in_order() holds. Returns what high grew by;
/// low grows by the payload.
inline uint64_t apply_in_order(ConnectionHot& hot, const TcpSegment& segment) noexcept {
  const int side = segment.side, peer = side ^ 1;
  const uint64_t before = high_bytes(hot, side);
  hot.sequence_end[side] += segment.payload_bytes;
  hot.set_extent(side, hot.extent(side) + segment.payload_bytes);
  hot.acknowledged[peer] = segment.acknowledgement;
  return high_bytes(hot, side) - before;
}

/// Adds any segment: the whole of the rules above. Both parts are the writer's own copies.
void apply(ConnectionHot& hot, ConnectionCold& cold, const TcpSegment& segment) noexcept;

}  // namespace weir
