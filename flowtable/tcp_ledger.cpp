// HOT. The byte ledger of a TCP connection: segments and acknowledgements that are not in order.
#include "flowtable/tcp_ledger.h"

#include <algorithm>

namespace weir {
namespace {

constexpr uint16_t kMaxPendingBytes = kPendingSyn - 1;

/// Top bit of ColdSide::missing: the numbering went back without a SYN, so that what comes may have
/// been counted before; from then on it enters high only. kHoleOpen stays set with it, which keeps
/// such a side off the path of segments in order.
constexpr uint16_t kUncertain = 0x8000;

/// Sequence distance, RFC 9293 3.4 arithmetic: positive when `a` lies ahead of `b`.
int32_t ahead(uint32_t a, uint32_t b) noexcept { return static_cast<int32_t>(a - b); }

uint32_t hole_bytes(const ColdSide& cold) noexcept {
  return static_cast<uint32_t>(cold.hole_bytes_high) << 16 | cold.hole_bytes_low;
}

uint64_t closed_missing(const ColdSide& cold) noexcept {
  return static_cast<uint64_t>(cold.missing[2] & ~kUncertain) << 32 |
         static_cast<uint64_t>(cold.missing[1]) << 16 | cold.missing[0];
}

/// The two records seen as one side of the connection.
class Side {
 public:
  Side(ConnectionHot& hot, ConnectionCold& cold, int side) noexcept
      : hot_(hot), cold_(cold.side[side]), side_(side) {}

  void on_syn(uint32_t sequence) noexcept;
  void on_payload(uint32_t start, uint32_t bytes) noexcept;
  void on_empty(uint32_t sequence) noexcept;
  void on_fin() noexcept { hot_.set(kFinSeen, side_); }
  void on_peer_acknowledgement(uint32_t acknowledgement) noexcept;

 private:
  uint32_t& end() noexcept { return hot_.sequence_end[side_]; }
  bool known() const noexcept { return hot_.has(kPositionKnown, side_); }
  bool weak() const noexcept { return hot_.has(kPositionWeak, side_); }
  void grow(uint64_t bytes) noexcept { hot_.set_extent(side_, hot_.extent(side_) + bytes); }
  void miss(uint64_t bytes) noexcept { set_missing(closed_missing(cold_) + bytes); }
  void set_missing(uint64_t bytes) noexcept {
    const auto kept = static_cast<uint16_t>(cold_.missing[2] & kUncertain);
    for (int i = 0; i < 3; ++i) cold_.missing[i] = static_cast<uint16_t>(bytes >> (16 * i));
    cold_.missing[2] = static_cast<uint16_t>(cold_.missing[2] | kept);
  }
  bool uncertain() const noexcept { return (cold_.missing[2] & kUncertain) != 0; }
  void set_uncertain() noexcept {
    cold_.missing[2] = static_cast<uint16_t>(cold_.missing[2] | kUncertain);
    hot_.set(kHoleOpen, side_);
  }
  /// Nothing but a weak position is known.
  bool silent() const noexcept { return weak() && hot_.extent(side_) == 0; }
  /// And that one only from the peer's acknowledgement.
  bool heard_of() const noexcept { return silent() && hot_.has(kAckKnown, side_); }
  bool proposed(uint32_t position) const noexcept {
    return cold_.pending_bytes == kPendingSyn && cold_.pending_sequence == position;
  }
  void propose(uint32_t position) noexcept {
    cold_.pending_sequence = position;
    cold_.pending_bytes = kPendingSyn;
  }
  void confirm() noexcept {
    if (silent()) cold_.pending_bytes = 0;  // what others proposed instead was wrong
    hot_.clear(kPositionWeak, side_);
  }
  void set_hole(uint32_t start, uint32_t bytes) noexcept;
  void close_hole() noexcept;
  void fill_hole(uint32_t start, uint32_t bytes) noexcept;
  void place_weak(uint32_t position) noexcept;
  void renumber(uint32_t position) noexcept;
  void append(uint32_t start, uint32_t bytes) noexcept;
  void before_the_start(uint32_t start, uint32_t bytes) noexcept;
  void unplaced(uint32_t start, uint32_t bytes) noexcept;
  bool agrees_with_pending(uint32_t start) const noexcept;
  void follow_pending(uint32_t start, uint32_t bytes) noexcept;

  ConnectionHot& hot_;
  ColdSide& cold_;
  int side_;
};

void Side::set_hole(uint32_t start, uint32_t bytes) noexcept {
  cold_.hole_start = start;
  cold_.hole_bytes_low = static_cast<uint16_t>(bytes);
  cold_.hole_bytes_high = static_cast<uint8_t>(bytes >> 16);
  if (bytes != 0 || uncertain())
    hot_.set(kHoleOpen, side_);
  else
    hot_.clear(kHoleOpen, side_);
}

/// Gives the open hole up: what did not come by now stays missing.
void Side::close_hole() noexcept {
  miss(hole_bytes(cold_));
  set_hole(0, 0);
}

/// A segment behind the end: it may bring bytes of the open hole. When it leaves two holes, the
/// earlier one is closed as missing.
void Side::fill_hole(uint32_t start, uint32_t bytes) noexcept {
  if (!hot_.has(kHoleOpen, side_)) return;
  const int64_t hole_bytes_now = hole_bytes(cold_);
  const int64_t from = std::max<int64_t>(ahead(start, cold_.hole_start), 0);
  const int64_t to =
      std::min<int64_t>(int64_t{ahead(start, cold_.hole_start)} + int64_t{bytes}, hole_bytes_now);
  if (to <= from) return;
  if (to == hole_bytes_now) {
    set_hole(cold_.hole_start, static_cast<uint32_t>(from));
    return;
  }
  if (from > 0) miss(static_cast<uint64_t>(from));
  set_hole(cold_.hole_start + static_cast<uint32_t>(to),
           static_cast<uint32_t>(hole_bytes_now - to));
}

/// A position that nothing else confirms yet.
void Side::place_weak(uint32_t position) noexcept {
  renumber(position);
  hot_.set(kPositionWeak, side_);
}

/// Goes on at `position` with nothing in between; what was high stays high.
void Side::renumber(uint32_t position) noexcept {
  if (known()) {
    close_hole();
    const uint64_t high = high_bytes(hot_, side_);
    miss(high - hot_.extent(side_));
    hot_.set_extent(side_, high);
  }
  hot_.set(kPositionKnown, side_);
  hot_.clear(kPositionWeak, side_);
  hot_.clear(kAckKnown, side_);
  hot_.clear(kFinSeen, side_);
  end() = position;
  hot_.acknowledged[side_] = position;
  cold_.pending_acknowledgement = position;
  cold_.pending_bytes = 0;
}

void Side::on_syn(uint32_t sequence) noexcept {
  const uint32_t first = sequence + 1;
  if (!known() || heard_of()) {
    place_weak(first);
  } else if (first != end() - static_cast<uint32_t>(hot_.extent(side_))) {
    propose(first);  // a connection that begins anew, or a forgery: see agrees_with_syn()
  }
}

void Side::on_empty(uint32_t sequence) noexcept {
  if (!known() || (heard_of() && end() != sequence))
    place_weak(sequence);
  else if (end() == sequence)
    confirm();
  else if (proposed(sequence) && silent())
    renumber(sequence);
  else if (silent())
    propose(sequence);
}

/// The segment goes on at the end, or leaves a hole of at most kReachBytes before it.
void Side::append(uint32_t start, uint32_t bytes) noexcept {
  const uint32_t gap = start - end();
  if (uncertain()) {
    miss(uint64_t{gap} + bytes);
  } else if (gap != 0) {
    close_hole();
    set_hole(end(), gap);
  }
  grow(uint64_t{gap} + bytes);
  end() = start + bytes;
}

/// Bytes from before the first position: a stream that was joined while segments were out of order.
void Side::before_the_start(uint32_t start, uint32_t bytes) noexcept {
  const auto first = end() - static_cast<uint32_t>(hot_.extent(side_));
  const auto earlier = static_cast<uint32_t>(ahead(first, start));
  grow(earlier);
  if (uncertain()) {
    miss(earlier);
  } else if (bytes < earlier) {
    close_hole();
    set_hole(start + bytes, earlier - bytes);
  }
}

bool Side::agrees_with_pending(uint32_t start) const noexcept {
  if (cold_.pending_bytes == 0 || cold_.pending_bytes == kPendingSyn) return false;
  const int32_t distance = ahead(start, cold_.pending_sequence);
  return distance >= 0 && distance <= kReachBytes;
}

/// A second segment goes on from the unplaced one: the position moves there. Nothing lies between
/// it and a weak position, which may have been forged. Back, or away from bytes that were counted
/// at a weak one, low stays as it is.
void Side::follow_pending(uint32_t start, uint32_t bytes) noexcept {
  const uint16_t first_bytes = cold_.pending_bytes;
  const int32_t jump = ahead(start, end());
  const bool guess = weak();
  if (jump < 0 || guess) {
    renumber(start);
    set_uncertain();
    append(start, bytes);
    return;
  }
  // The unplaced payload is in extent and in missing already; now it has its place, seen.
  const auto gap = static_cast<uint64_t>(jump);
  close_hole();
  grow(gap + bytes - std::min<uint64_t>(first_bytes, gap));
  if (uncertain())
    miss(gap + bytes - std::min<uint64_t>(first_bytes, gap));
  else
    set_missing(closed_missing(cold_) + gap - std::min<uint64_t>(2u * first_bytes, gap));
  end() = start + bytes;
  cold_.pending_bytes = 0;
}

/// Too far away to believe: the payload counts in high, and the next segment decides.
void Side::unplaced(uint32_t start, uint32_t bytes) noexcept {
  grow(bytes);
  miss(bytes);
  cold_.pending_sequence = start + bytes;
  cold_.pending_bytes = static_cast<uint16_t>(std::min<uint32_t>(bytes, kMaxPendingBytes));
}

void Side::on_payload(uint32_t start, uint32_t bytes) noexcept {
  if (!known() || (silent() && start != end())) {
    place_weak(start);
    append(start, bytes);
    return;
  }
  const int32_t distance = ahead(start, end());
  if (distance < -kReachBytes || distance > kReachBytes - 1) {
    if (agrees_with_pending(start)) {
      follow_pending(start, bytes);
    } else {
      unplaced(start, bytes);
    }
    return;
  }
  confirm();
  if (distance >= 0) {
    append(start, bytes);
    return;
  }
  if (uncertain()) {  // what lies behind the end may never have been counted
    const uint32_t behind_bytes = std::min(bytes, static_cast<uint32_t>(-distance));
    grow(behind_bytes);
    miss(behind_bytes);
    if (bytes > behind_bytes) append(end(), bytes - behind_bytes);
    return;
  }
  const int64_t behind_start = -int64_t{distance} - static_cast<int64_t>(hot_.extent(side_));
  if (behind_start == 1 && bytes == 1) return;  // a keep-alive probe before the first byte
  if (behind_start > 0) before_the_start(start, bytes);
  fill_hole(start, bytes);
  const int32_t beyond = ahead(start + bytes, end());
  if (beyond > 0) append(end(), static_cast<uint32_t>(beyond));
}

void Side::on_peer_acknowledgement(uint32_t acknowledgement) noexcept {
  const int32_t on = ahead(acknowledgement, end());
  if (!known() || (heard_of() && on != 0)) {
    // Where only the peer is heard, two of its acknowledgements that go on agree with each other.
    const bool agreed = known() && on > 0 && on <= kReachBytes;
    if (!agreed) {
      place_weak(acknowledgement);
      hot_.set(kAckKnown, side_);
      return;
    }
    confirm();
  } else if (silent() && on != 0) {  // of two numbers this side gave, it may confirm the other
    if (proposed(acknowledgement)) renumber(acknowledgement);
    if (silent() && on > kReachBytes) return;
  }
  int32_t beyond = ahead(acknowledgement, end());
  if (beyond == 1 && hot_.has(kFinSeen, side_)) beyond = 0;
  if (beyond <= 0) {
    if (beyond < 0 && -int64_t{beyond} > static_cast<int64_t>(hot_.extent(side_)) + 1) return;
    if (beyond == 0) confirm();
    const uint32_t within = end() + static_cast<uint32_t>(beyond);
    if (hot_.has(kAckKnown, side_) && ahead(within, hot_.acknowledged[side_]) <= 0) return;
    hot_.set(kAckKnown, side_);
    hot_.acknowledged[side_] = cold_.pending_acknowledgement = within;
    return;
  }
  const uint32_t pending = cold_.pending_acknowledgement;
  const int32_t farther = ahead(acknowledgement, pending);
  const bool agreed = pending != hot_.acknowledged[side_] && ahead(pending, end()) > 0 &&
                      farther >= 0 && farther <= kReachBytes;
  if (agreed && (!hot_.has(kAckKnown, side_) || ahead(pending, hot_.acknowledged[side_]) > 0)) {
    confirm();
    hot_.set(kAckKnown, side_);
    hot_.acknowledged[side_] = pending;
  }
  cold_.pending_acknowledgement = acknowledgement;
}

}  // namespace

bool agrees_with_syn(const ConnectionHot& hot, const ColdSide& cold,
                     const TcpSegment& segment) noexcept {
  const bool silent = hot.has(kPositionWeak, segment.side) && hot.extent(segment.side) == 0;
  return cold.pending_bytes == kPendingSyn && cold.pending_sequence == segment.sequence && !silent;
}

uint64_t missing_bytes(const ColdSide& cold) noexcept {
  return closed_missing(cold) + hole_bytes(cold);
}

TcpBounds tcp_bounds(const ConnectionHot& hot, const ConnectionCold& cold, int side) noexcept {
  return {hot.extent(side) - missing_bytes(cold.side[side]), high_bytes(hot, side)};
}

void apply(ConnectionHot& hot, ConnectionCold& cold, const TcpSegment& segment) noexcept {
  Side sender(hot, cold, segment.side);
  Side peer(hot, cold, segment.side ^ 1);
  const bool syn = (segment.flags & kTcpSyn) != 0;
  const uint64_t extent_before = hot.extent(segment.side);
  if (syn) sender.on_syn(segment.sequence);
  if (segment.payload_bytes > 0)
    sender.on_payload(segment.sequence + (syn ? 1 : 0), segment.payload_bytes);
  else if (!syn && (segment.flags & kTcpRst) == 0)
    sender.on_empty(segment.sequence);
  if ((segment.flags & kTcpFin) != 0) sender.on_fin();
  if ((segment.flags & kTcpAck) != 0 && (segment.flags & kTcpRst) == 0)
    peer.on_peer_acknowledgement(segment.acknowledgement);
  if ((segment.flags & kTcpRst) != 0)
    hot.flags |= kRstSeen;
  else if (hot.extent(segment.side) > extent_before)
    hot.flags = static_cast<uint16_t>(hot.flags & ~kRstSeen);  // it lives: the RST was forged
}

}  // namespace weir
