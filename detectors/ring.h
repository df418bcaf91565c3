// Rings of byte counters: what was moved in the last minute, hour, day, month.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace weir {

/// The lengths of time over which bytes are summed.
enum class Window : uint8_t { kMinute, kTenMinutes, kHour, kDay, kWeek, kMonth };

/// A window is its current, unfinished bucket and the `buckets - 1` before it: between
/// window_s - bucket_s and window_s long, so a sum may be late by one bucket and is never early.
struct WindowShape {
  uint64_t window_s;
  uint64_t bucket_s;
  int buckets;
};

inline constexpr uint64_t kDaySeconds = 86400;
inline constexpr std::array<WindowShape, 6> kWindowShapes = {{
    {60, 10, 6},
    {600, 60, 10},
    {3600, 600, 6},
    {kDaySeconds, 3600, 24},
    {7 * kDaySeconds, kDaySeconds, 7},
    {30 * kDaySeconds, kDaySeconds, 30},
}};
constexpr const WindowShape& shape_of(Window window) {
  return kWindowShapes[static_cast<size_t>(window)];
}

/// `kBuckets` counters of `kCellBytes` bytes each, for the buckets numbered time / bucket length.
/// The owner keeps the number of the newest bucket. Counters saturate. One thread.
template <int kBuckets, int kCellBytes>
class Ring {
 public:
  static constexpr uint64_t kCellMaximum = (uint64_t{1} << (8 * kCellBytes)) - 1;

  /// Forgets the buckets that fall out when the newest moves from `from` to `to` (>= from), at
  /// most all of them, and returns the bytes they held.
  uint64_t advance(uint64_t from, uint64_t to) {
    const uint64_t steps = std::min<uint64_t>(to - from, kBuckets);
    uint64_t forgotten_bytes = 0;
    for (uint64_t step = 0; step < steps; ++step) {
      const uint64_t bucket = to - step;
      forgotten_bytes += cell(bucket);
      set_cell(bucket, 0);
    }
    return forgotten_bytes;
  }

  void add(uint64_t newest, uint64_t bytes) {
    const uint64_t room = kCellMaximum - cell(newest);
    set_cell(newest, cell(newest) + std::min(bytes, room));
  }

  /// Takes bytes out again, newest bucket first.
  void take_back(uint64_t newest, uint64_t bytes) {
    for (uint64_t back = 0; back < kBuckets && back <= newest && bytes > 0; ++back) {
      const uint64_t bucket = newest - back;
      const uint64_t taken = std::min(bytes, cell(bucket));
      set_cell(bucket, cell(bucket) - taken);
      bytes -= taken;
    }
  }

  /// Sum of bucket `now` and the `buckets - 1` before it, in a ring whose newest is `newest`
  /// (<= now).
  uint64_t sum(uint64_t newest, uint64_t now, int buckets = kBuckets) const {
    uint64_t bytes = 0;
    for (uint64_t age = now - newest; age < static_cast<uint64_t>(buckets) && age <= now; ++age)
      bytes += cell(now - age);  // there is no bucket before 1970
    return bytes;
  }

 private:
  uint64_t cell(uint64_t bucket) const {
    uint64_t bytes = 0;
    std::memcpy(&bytes, &cells_[bucket % kBuckets * kCellBytes], kCellBytes);
    return bytes;
  }
  void set_cell(uint64_t bucket, uint64_t bytes) {
    std::memcpy(&cells_[bucket % kBuckets * kCellBytes], &bytes, kCellBytes);
  }

  std::array<uint8_t, size_t{kBuckets} * kCellBytes> cells_{};
};

}  // namespace weir
