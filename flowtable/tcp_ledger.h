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

/// Adds to the half of a word that belongs to `side`. False, and nothing is done, if it has no
/// room.
inline bool add_to_half(uint64_t& word, int side, uint32_t bytes) noexcept {
  const int shift = 32 * side;
  if (uint64_t{static_cast<uint32_t>(word >> shift)} + bytes > UINT32_MAX) return false;
  word += uint64_t{bytes} << shift;
  return true;
}

/// Adds a segment that goes on where its side stands and acknowledges nothing beyond what was seen,
/// as apply() would: low and high both grow by the payload. False for any other segment, and where
/// the low half of the extent is full: then nothing is changed, and it is apply()'s.
inline bool add_in_order(ConnectionWords& words, const TcpSegment& segment) noexcept {
  const int side = segment.side, peer = side ^ 1;
  const int shift = 32 * side, peer_shift = 32 * peer;
  const unsigned looked_at = (kPositionKnown | kPositionWeak | kHoleOpen) << side |
                             (kPositionKnown | kPositionWeak | kAckKnown) << peer | kRstSeen;
  const unsigned settled = kPositionKnown << side | (kPositionKnown | kAckKnown) << peer;
  const auto end = static_cast<uint32_t>(words.sequence_end >> shift);
  const auto peer_end = static_cast<uint32_t>(words.sequence_end >> peer_shift);
  const auto peer_acknowledged = static_cast<uint32_t>(words.acknowledged >> peer_shift);
  const auto beyond = static_cast<int32_t>(segment.acknowledgement - peer_end);
  const auto newer = static_cast<int32_t>(segment.acknowledgement - peer_acknowledged);
  const auto ahead =  // of what was seen, by an earlier acknowledgement: then high stands still
      static_cast<int32_t>(static_cast<uint32_t>(words.acknowledged >> shift) - end);
  const bool in_order = (words.flags() & looked_at) == settled && segment.sequence == end &&
                        (segment.flags & (kTcpSyn | kTcpFin | kTcpRst | kTcpAck)) == kTcpAck &&
                        beyond <= 0 && newer >= 0 &&
                        (ahead <= 0 || (words.flags() & kAckKnown << side) == 0);
  if (!in_order || !add_to_half(words.extent_low, side, segment.payload_bytes)) return false;
  words.sequence_end ^= uint64_t{end ^ (end + segment.payload_bytes)} << shift;
  words.acknowledged ^= uint64_t{peer_acknowledged ^ segment.acknowledgement} << peer_shift;
  return true;
}

/// True when `segment`, which carries payload and is not in order, goes on from a SYN that did not
/// fit this connection: a new connection has begun on the same ports.
bool agrees_with_syn(const ConnectionHot& hot, const ColdSide& cold,
                     const TcpSegment& segment) noexcept;

/// Adds any segment: the whole of the rules above. Both parts are the writer's own copies.
void apply(ConnectionHot& hot, ConnectionCold& cold, const TcpSegment& segment) noexcept;

}  // namespace weir
