// HOT. What the passes over a burst hand to each other for one packet.
#pragma once

#include "flowtable/shard.h"

namespace weir {

/// Side 0 is the lower (address, port): see connection_record.h.
struct Shard::Key {        // left as it is for a packet that is dropped
  uint64_t pair;           // keyed hash of network and addresses
  uint64_t connection;     // and of ports and protocol; 0 = belongs to no connection
  uint64_t digest;         // of the packet, for the duplicate window
  uint32_t hint;           // a record that may be its connection's, or HashIndex::kNone
  uint8_t side;            // the sender's
  mutable bool duplicate;  // known when its turn comes
};

/// What a packet adds to the payload of each side. An acknowledgement may add to its peer's high.
struct Shard::Payload {
  uint64_t low[kSides] = {};
  uint64_t high[kSides] = {};
};

/// Sides of a packet at its total. They are those of the packet, but for a connection that was
/// moved to the total of another pair: `flip` is 1 where its sides are exchanged there.
struct Shard::TotalSide {
  int side = 0;  // the sender's, at the total
  int flip = 0;
  int host_side = 0;  // at the total
};

inline uint32_t tick(uint64_t time_ns) noexcept {
  return static_cast<uint32_t>(time_ns >> kTickShift);
}

inline bool Shard::expired(uint32_t last_tick, IdleClass idle_class) const noexcept {
  return tick(now_ns_) - last_tick > idle_ticks_[static_cast<size_t>(idle_class)];
}

}  // namespace weir
