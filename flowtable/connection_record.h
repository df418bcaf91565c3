// HOT. How a connection and a total lie in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flowtable/hash_index.h"
#include "flowtable/ip_address.h"
#include "flowtable/packet.h"
#include "flowtable/record.h"

namespace weir {

/// Side 0 sends from the lower (address, port), side 1 from the higher.
inline constexpr int kSides = 2;

/// Bits of ConnectionHot::flags; those with a side are shifted left by it.
inline constexpr uint16_t kPositionKnown = 1 << 0;  // side: sequence_end means something
inline constexpr uint16_t kPositionWeak = 1 << 2;   // side: one packet alone said so
inline constexpr uint16_t kAckKnown = 1 << 4;       // side: acknowledged means something
inline constexpr uint16_t kFinSeen = 1 << 6;        // side
inline constexpr uint16_t kHoleOpen = 1 << 8;       // side
inline constexpr uint16_t kRstSeen = 1 << 10;
inline constexpr uint16_t kServed = 1 << 11;  // the destination opened it
inline constexpr uint16_t kMoved = 1 << 12;   // counted at a total that the ring back named
inline constexpr uint16_t kUnread = 1 << 13;  // no detector reads it any more
inline constexpr int kIdleClassShift = 14;    // two bits: IdleClass

enum class IdleClass : uint8_t { kTcp, kTcpClosed, kUdp, kOther };
inline constexpr int kIdleClasses = 4;

/// What every packet of a connection touches: one cache line. Counters of 48 bits are kept as a
/// low and a high part: side s has sent `extent` payload bytes (TCP: walked in the sequence space).
struct ConnectionHot {
  uint32_t version = 0;
  uint32_t total = 0;      // slot of its total
  uint64_t key = 0;        // the whole keyed hash; 0 = free
  uint32_t last_tick = 0;  // lane clock >> kTickShift, modulo 2^32
  uint16_t generation = 0;
  uint16_t flags = 0;
  uint32_t sequence_end[kSides] = {};  // TCP: number after the highest payload byte seen
  uint32_t acknowledged[kSides] = {};  // TCP: highest number of this side the peer acknowledged
  uint32_t extent_low[kSides] = {};
  uint32_t ip_bytes_low[kSides] = {};
  uint16_t extent_high[kSides] = {};
  uint16_t ip_bytes_high[kSides] = {};

  uint64_t extent(int side) const noexcept {
    return static_cast<uint64_t>(extent_high[side]) << 32 | extent_low[side];
  }
  void set_extent(int side, uint64_t bytes) noexcept {
    extent_low[side] = static_cast<uint32_t>(bytes);
    extent_high[side] = static_cast<uint16_t>(bytes >> 32);
  }
  uint64_t ip_bytes(int side) const noexcept {
    return static_cast<uint64_t>(ip_bytes_high[side]) << 32 | ip_bytes_low[side];
  }
  void add_ip_bytes(int side, uint32_t bytes) noexcept {
    const uint64_t sum = ip_bytes(side) + bytes;
    ip_bytes_low[side] = static_cast<uint32_t>(sum);
    ip_bytes_high[side] = static_cast<uint16_t>(sum >> 32);
  }
  bool has(uint16_t flag) const noexcept { return (flags & flag) != 0; }
  bool has(uint16_t flag, int side) const noexcept { return (flags >> side & flag) != 0; }
  void set(uint16_t flag, int side) noexcept {
    flags = static_cast<uint16_t>(flags | flag << side);
  }
  void clear(uint16_t flag, int side) noexcept {
    flags = static_cast<uint16_t>(flags & ~(flag << side));
  }
  IdleClass idle_class() const noexcept { return static_cast<IdleClass>(flags >> kIdleClassShift); }
  void set_idle_class(IdleClass value) noexcept {
    flags = static_cast<uint16_t>((flags & ((1u << kIdleClassShift) - 1)) |
                                  static_cast<unsigned>(value) << kIdleClassShift);
  }
};

/// TCP bookkeeping of one side that an undisturbed stream never needs.
struct ColdSide {
  uint32_t hole_start = 0;
  uint32_t pending_sequence = 0;         // see tcp_ledger.h
  uint32_t pending_acknowledgement = 0;  // == acknowledged: none
  uint16_t pending_bytes = 0;            // 0: none; kPendingSyn: a SYN
  uint8_t hole_bytes_high = 0;           // a hole is below 2^24 bytes
  uint8_t first_tick_part = 0;
  uint16_t hole_bytes_low = 0;
  uint16_t missing[3] = {};  // 48 bits
};

struct ConnectionCold {
  uint16_t port[kSides] = {};
  uint8_t protocol = 0;
  uint8_t first_tick_low[3] =
      {};  // of 40 bits of stamp >> kFirstTickShift; next: side[].first_tick
  ColdSide side[kSides];

  static constexpr int kFirstTickShift = 22;  // 4.2 ms; 40 bits of it last until 2116
  void set_first_seen(uint64_t time_ns) noexcept;
  uint64_t first_seen_ns() const noexcept;
};

static_assert(sizeof(ConnectionHot) == 64);
static_assert(sizeof(ConnectionCold) == 56);
static_assert(sizeof(ConnectionHot) + sizeof(ConnectionCold) + HashIndex::kBytesPerRecord <= 132,
              "the budget of a connection, index included");

/// Idle times are measured in ticks of 134 ms.
inline constexpr int kTickShift = 27;

/// What every packet of a pair touches. Side as in the connection: of the lower address.
struct TotalHot {
  uint32_t version = 0;
  uint32_t side_and_epoch = 0;  // the host's side in the highest bit, below it the sweep it was
                                // last listed for: 68 years of seconds
  uint64_t pair_hash = 0;       // 0 = free
  uint64_t last_seen_ns = 0;
  uint64_t ip_bytes[kSides] = {};
  uint64_t payload_high_bytes[kSides] = {};
  uint32_t packets_low[kSides] = {};  // the carry goes to TotalCold

  static constexpr uint32_t kEpochMask = UINT32_MAX >> 1;
  uint32_t touched_epoch() const noexcept { return side_and_epoch & kEpochMask; }
  void set_touched_epoch(uint32_t epoch) noexcept {
    side_and_epoch = (side_and_epoch & ~kEpochMask) | (epoch & kEpochMask);
  }
  int host_side() const noexcept { return static_cast<int>(side_and_epoch >> 31); }
  void set_host_side(int side) noexcept {
    side_and_epoch = (side_and_epoch & kEpochMask) | static_cast<uint32_t>(side) << 31;
  }
};

struct TotalCold {
  IpAddress low;   // lower address
  IpAddress high;  // higher address
  uint64_t first_seen_ns = 0;
  uint64_t payload_gap_bytes[kSides] = {};  // high - low
  uint64_t served_ip_bytes = 0;  // of the host's side, connections the destination opened
  uint64_t served_payload_high_bytes = 0;
  uint64_t served_payload_gap_bytes = 0;
  uint64_t served_packets = 0;
  uint32_t packets_high[kSides] = {};
  uint32_t connections = 0;  // ever opened
  uint32_t generation = 0;
  uint32_t pinned = 0;  // connections moved here; it is not folded while there are any
  uint16_t network = 0;
  uint16_t outer = 0;  // entry of the outer-pair list; 0 = none
  uint16_t destination_port = 0;
  uint8_t scope = 0;
  uint8_t protocol = 0;
  uint8_t inner_tunnel = 0;
  uint8_t spare[3] = {};
};

static_assert(sizeof(TotalHot) == 64);
static_assert(sizeof(TotalHot) + sizeof(TotalCold) <= 192, "the budget of a total");

using ConnectionRecords = RecordArray<ConnectionHot, ConnectionCold, uint32_t>;
using TotalRecords = RecordArray<TotalHot, TotalCold, uint64_t>;

}  // namespace weir
