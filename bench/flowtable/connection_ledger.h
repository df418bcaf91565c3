// What Shard does for the connection of a packet, and nothing else it does.
#pragma once

#include <span>

#include "flowtable/connection_record.h"
#include "flowtable/hash_index.h"
#include "flowtable/keyed_hash.h"
#include "flowtable/packet.h"
#include "flowtable/record.h"

namespace weir {

/// Built from the shard's own parts: keyed hash, index, records with their version, TCP ledger, and
/// its passes over a burst. Left out: totals, the digest for duplicates, the lane's counters,
/// expiry. Connections are opened, never closed.
class ConnectionLedger {
 public:
  explicit ConnectionLedger(uint32_t records);

  void update(std::span<const Packet> packets) noexcept;

  uint32_t connections() const { return used_; }
  /// Sums over all records of both sides.
  uint64_t ip_bytes() const;
  uint64_t payload_low_bytes() const;
  uint64_t payload_high_bytes() const;

 private:
  struct Key {
    uint64_t connection = 0;
    uint32_t hint = HashIndex::kNone;
    uint8_t side = 0;
  };
  void key_of(const Packet& packet, Key& key) const noexcept;
  uint32_t find(const Key& key) const noexcept;
  bool count_in_place(const Packet& packet, const Key& key, uint32_t slot) noexcept;
  void count_out_of_order(const Packet& packet, const Key& key, uint32_t slot) noexcept;
  uint32_t open(const Packet& packet, const Key& key) noexcept;

  KeyedHash hash_;
  ConnectionRecords connections_;
  HashIndex index_;
  uint32_t used_ = 0;
};

}  // namespace weir
