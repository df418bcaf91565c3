// HOT. One lane's part of the flow table: written by its capture core, read by anyone.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "flowtable/flow_table_options.h"
#include "flowtable/lane_counters.h"
#include "flowtable/packet.h"
#include "flowtable/total.h"

namespace weir {

/// Bytes of all pairs that have no total of their own any more, by scope.
struct FoldedTotals {
  uint64_t totals = 0;  // folded ones
  uint64_t connections = 0;
  uint64_t first_seen_ns = 0, last_seen_ns = 0;
  DirectionCounts out;
  DirectionCounts in;
};

/// INTERFACE SKETCH: the shard's public face; its inside follows.
class Shard {
 public:
  // ---- capture core ----
  /// Counts a burst (<= 32 packets). Writes back nothing into the packets but `connections[i]`.
  void update(std::span<const Packet> packets, RecordId* connections) noexcept;
  /// Ring back: the connection's bytes move to the total of (network, host, destination) once.
  // (declared with the ring back)

  // ---- any reader ----
  /// Totals touched since the last call, each once. One reader (the judge).
  std::span<const uint32_t> take_touched() noexcept;
  /// False if the slot is empty.
  bool read_total(uint32_t slot, TotalSnapshot& copy) const noexcept;
  bool read_connection(uint32_t slot, ConnectionSnapshot& copy) const noexcept;
  LaneCounters read_counters() const noexcept;
  FoldedTotals read_folded(Scope scope) const noexcept;
};

}  // namespace weir
