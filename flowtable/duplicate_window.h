// HOT. Packets that a SPAN port delivered twice: digests of the last few thousand, for 20 ms.
#pragma once

#include <cstdint>
#include <memory>

#include "flowtable/keyed_hash.h"
#include "flowtable/packet.h"

namespace weir {

/// A copy differs from its original in MAC, VLAN, TTL and IP header checksum at most. Two digests
/// lie in each bucket; the older one makes room.
class DuplicateWindow {
 public:
  static constexpr uint64_t kWindowNs = 20'000'000;
  static constexpr uint32_t kBuckets = 1u << 12;

  explicit DuplicateWindow(const HashKey& key);

  /// Everything of the packet that a copy in the same network has in common with it. TCP: the
  /// headers alone, since the sequence numbers tell payload apart; others: all bytes that were
  /// captured.
  uint64_t digest(const Packet& packet) const noexcept;

  void prefetch(uint64_t digest) const noexcept {
    __builtin_prefetch(&buckets_[digest % kBuckets], 1);
  }

  /// True if the same digest was seen within the window; remembers it either way.
  bool seen(uint64_t digest, uint64_t now_ns) noexcept;

  void clear() noexcept;

 private:
  struct Entry {
    uint64_t digest = 0;
    uint64_t time_ns = 0;
  };
  struct alignas(32) Bucket {  // never across two cache lines
    Entry entries[2];
  };
  __m128i round_[2];
  std::unique_ptr<Bucket[]> buckets_;
};

}  // namespace weir
