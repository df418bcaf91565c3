// HOT. The pairs that found no total: who among them sends the most, in fixed memory.
#pragma once

#include <cstdint>
#include <memory>

namespace weir {

/// Space-Saving (Metwally, Agrawal, El Abbadi 2005) on partitions: a pair's hash picks one of
/// counters/8 groups, each of which keeps its 8 largest. An estimate exceeds the truth by at most
/// the smallest count of its group; that is remembered as the counter's error.
class HeavyHitters {
 public:
  static constexpr uint32_t kGroupCounters = 8;

  /// `counters`: power of two >= 8.
  explicit HeavyHitters(uint32_t counters);

  /// Adds bytes to a pair. Returns what it has sent for certain: estimate - error.
  uint64_t add(uint64_t pair_hash, uint64_t bytes) noexcept;

  /// Forgets a pair: it has got a total.
  void remove(uint64_t pair_hash) noexcept;

  /// The most by which any estimate may exceed the truth, bytes.
  uint64_t error_bytes() const noexcept { return error_bytes_; }

  void clear() noexcept;

 private:
  struct Group {
    uint64_t hash[kGroupCounters];
    uint64_t count[kGroupCounters];
    uint64_t error[kGroupCounters];
  };
  uint32_t groups_;
  std::unique_ptr<Group[]> group_;
  uint64_t error_bytes_ = 0;
};

}  // namespace weir
