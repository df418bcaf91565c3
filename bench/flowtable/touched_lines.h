// The floor: the cache lines a packet needs, read and written, and nothing else.
#pragma once

#include <cstdint>

#include "bench/flowtable/traffic.h"
#include "flowtable/fixed_memory.h"

namespace weir {

/// A bucket line, read; the hot line of a connection, written; and if wanted that of a total. As
/// many lines as the flow table has, on pages of the same kind, prefetched in the same passes.
class TouchedLines {
 public:
  /// Powers of two; `totals` 0: none are touched.
  TouchedLines(uint32_t records, uint32_t totals);

  void update(const TrafficBurst& burst) noexcept;

  /// What was written so far: packets, twice with totals.
  uint64_t writes() const;
  uint64_t seen() const { return seen_; }

 private:
  struct alignas(64) Line {
    uint64_t word[8];
  };
  uint64_t buckets_;
  uint32_t records_;
  uint32_t totals_;
  FixedMemory bucket_memory_;
  FixedMemory record_memory_;
  FixedMemory total_memory_;
  Line* bucket_;
  Line* record_;
  Line* total_;
  uint64_t seen_ = 0;
};

}  // namespace weir
