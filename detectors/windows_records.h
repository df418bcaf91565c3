// The records behind Windows: a seen total, a pair's rings, the sum rings of a host or destination.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "detectors/record_store.h"
#include "detectors/ring.h"
#include "flowtable/ip_address.h"
#include "flowtable/packet.h"
#include "flowtable/total.h"

namespace weir {

/// A cumulative counter, kept modulo 2^48: differences stay exact below 140 TB.
class Odometer {
 public:
  /// Sets the counter and returns what it grew by, which may be negative.
  int64_t set(uint64_t bytes) {
    uint64_t before = 0;
    std::memcpy(&before, cell_.data(), cell_.size());
    std::memcpy(cell_.data(), &bytes, cell_.size());
    return static_cast<int64_t>((bytes - before) << 16) >> 16;
  }

 private:
  std::array<uint8_t, 6> cell_{};
};

/// Cumulative counters of a total as of its last observation; addressed by lane and slot.
struct SeenTotal {
  uint32_t generation = UINT32_MAX;
  uint32_t pair = kNoRecord;
  Odometer pushed;
  Odometer served;
  Odometer received;
  Odometer gap;  // out payload, high less low
};

/// What a total's counters grew by. Negative where bytes moved to another total, a connection
/// turned out to be served, or a hole was filled.
struct MovedBytes {
  int64_t pushed = 0;
  int64_t served = 0;
  int64_t received = 0;
  int64_t gap = 0;
};

/// High less low, per 4 h: seven buckets cover every window up to a day whole, so that low errs to
/// the low side only.
inline constexpr uint64_t kGapBucketSeconds = 4 * 3600;
using GapRing = Ring<7, 5>;

/// 5 bytes hold what 100 Gbit/s move in a minute; 6 what they move in six hours. A day bucket
/// beyond 281 TB saturates.
struct PairWindows {
  // Never below the bytes of any window, so that most sweeps need not sum them up.
  uint64_t bound_bytes = 0;
  uint32_t last_s = 0;
  uint32_t first_day = 0;
  RecordId total;  // the last one seen of this pair
  uint32_t host = kNoRecord;
  uint32_t destination = kNoRecord;
  uint32_t next_of_host = kNoRecord, previous_of_host = kNoRecord;
  uint32_t next_of_destination = kNoRecord, previous_of_destination = kNoRecord;
  uint16_t lane = 0;  // of `total`
  uint8_t flags = 0;
  Ring<6, 5> seconds_10;
  Ring<10, 5> minutes;
  Ring<6, 6> minutes_10;
  Ring<24, 6> hours;
  Ring<30, 6> days;
  Ring<6, 5> received_minutes_10;
  Ring<6, 5> served_minutes_10;
  GapRing gap;
  Ring<1, 5> older_gap;  // what fell out of `gap`
};
// At most half full, the index takes two slots a pair.
static_assert(sizeof(PairWindows) + sizeof(SeenTotal) + 2 * RecordIndex::kSlotBytes <= 640);

inline constexpr uint8_t kMovedFlag = 1;  // in this sweep
inline constexpr uint8_t kDirtyFlag = 2;  // since the last write of the history
inline constexpr uint8_t kUsedFlag = 4;   // the record is someone's

/// Pushed bytes of a host over all destinations, or of a destination over all hosts.
struct SumWindows {
  uint64_t bound_bytes = 0;  // as a pair's
  Ring<6, 6> minutes_10;
  Ring<24, 6> hours;
  GapRing gap;
  uint8_t flags = 0;
  Scope scope = Scope::kOutbound;
  uint16_t network = 0;
  uint32_t last_s = 0;
  uint32_t first_member = kNoRecord;
  uint32_t members = 0;
  IpAddress address;
};
static_assert(sizeof(SumWindows) <= 256);

}  // namespace weir
