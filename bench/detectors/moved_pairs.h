// Totals of many pairs that move between sweeps: what the benches of windows, history and detectors
// have in common.
#pragma once

#include <cstdint>
#include <vector>

#include "detectors/windows.h"
#include "flowtable/total.h"

namespace weir {

/// What one pair moves between two sweeps.
struct PairMove {
  uint64_t pushed_bytes = 0;
  uint64_t served_bytes = 0;
  uint64_t received_bytes = 0;
};

/// Midnight of some day.
inline constexpr uint64_t kBenchStartS = 20'000 * kDaySeconds;

/// Pair `number` runs from host number / kPairsPerHost to a destination that it shares with the
/// pairs of kPairsPerHost other hosts, so that sums have as many members on either side.
class MovedPairs {
 public:
  static constexpr uint32_t kPairsPerHost = 16;

  /// `pairs`: a multiple of the square of kPairsPerHost.
  explicit MovedPairs(uint32_t pairs);

  static IpAddress host_of(uint32_t number);
  static IpAddress destination_of(uint32_t number);

  /// Every pair goes on as `move(number)` says.
  template <class Move>
  void grow(const Move& move) {
    for (uint32_t number = 0; number < totals_.size(); ++number) grow(number, move(number));
  }
  /// One sweep over all of them; the view lives until the next.
  SweepView sweep(Windows& windows, uint64_t now_s, bool last = false) const;

  const std::vector<TotalSnapshot>& totals() const { return totals_; }

 private:
  void grow(uint32_t number, const PairMove& move);

  std::vector<TotalSnapshot> totals_;
};

}  // namespace weir
