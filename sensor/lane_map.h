// HOT. Which lane a pair of addresses belongs to: the NIC's receive-side scaling, in software.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "flowtable/ip_address.h"

namespace weir {

/// Symmetric Toeplitz hash of the two addresses (no ports: a host and a destination meet in one
/// lane), through a redirection table. A NIC with the same key and table decides the same. The key
/// repeats every 16 bits (Woo and Park 2012), which makes the hash the same for both directions,
/// for IPv4 and its IPv6-mapped form, and a function of the XOR of all 16-bit words: two loads.
class LaneMap {
 public:
  /// Entries of the redirection table. A NIC's table is this one repeated: its size is a power of
  /// two as well, and both take the lowest bits of the hash.
  static constexpr uint32_t kEntries = 128;
  static constexpr uint32_t kKeyBytes = 40;  // what a NIC takes; some take 52
  static constexpr uint32_t kLanesMax = 64;

  /// 1 <= lanes <= kLanesMax.
  explicit LaneMap(uint16_t lanes);

  /// The lane of the pair, in either order.
  uint16_t lane_of(const IpAddress& one, const IpAddress& other) const noexcept {
    uint64_t fold = one.high ^ one.low ^ other.high ^ other.low;
    fold ^= fold >> 32;
    fold ^= fold >> 16;
    return lane_of_entry_[(hash_of_high_[fold >> 8 & 0xff] ^ hash_of_low_[fold & 0xff])];
  }

  uint16_t lane_of_entry(uint32_t entry) const { return lane_of_entry_[entry % kEntries]; }

  /// The key for a NIC: the same two bytes, over and over.
  static uint8_t key_byte(uint32_t index) { return index % 2 == 0 ? 0x6d : 0x5a; }

 private:
  std::array<uint8_t, 256> hash_of_high_{};  // lowest bits of the hash of one byte of the XOR
  std::array<uint8_t, 256> hash_of_low_{};
  std::array<uint8_t, kEntries> lane_of_entry_{};
};

}  // namespace weir
