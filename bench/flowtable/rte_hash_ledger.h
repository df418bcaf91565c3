// The rival: DPDK's rte_hash with a record of one cache line a connection.
#pragma once

#include <cstdint>
#include <span>

#include "flowtable/fixed_memory.h"
#include "flowtable/packet.h"

struct rte_hash;

namespace weir {

/// Used as its guide says for one writer and lock-free readers (RW_CONCURRENCY_LF), in bulks of 32,
/// with the records prefetched between look-up and update. The key holds what ours is hashed over,
/// padded to 48 bytes: rte_hash compares those by SSE, and an entry is exactly one cache line.
class RteHashLedger {
 public:
  /// `records`: power of two. The EAL must be up. Throws std::runtime_error.
  explicit RteHashLedger(uint32_t records);
  ~RteHashLedger();
  RteHashLedger(const RteHashLedger&) = delete;
  RteHashLedger& operator=(const RteHashLedger&) = delete;

  void update(std::span<const Packet> packets) noexcept;

  uint32_t connections() const { return used_; }
  uint64_t ip_bytes() const;
  uint64_t payload_bytes() const;

 private:
  struct Key {
    IpAddress low;
    IpAddress high;
    uint16_t low_port = 0;
    uint16_t high_port = 0;
    uint16_t network = 0;
    uint16_t protocol = 0;
    uint64_t padding = 0;
  };
  static_assert(sizeof(Key) == 48);
  struct Record {
    uint64_t ip_bytes[2] = {};
    uint64_t payload_bytes[2] = {};
    uint32_t packets[2] = {};
    uint32_t sequence_end[2] = {};
    uint32_t acknowledged[2] = {};
    uint64_t last_seen_ns = 0;
  };
  static_assert(sizeof(Record) == 64);

  static bool make_key(const Packet& packet, Key& key) noexcept;
  void* open(const Key& key) noexcept;

  rte_hash* hash_ = nullptr;
  uint32_t records_;
  FixedMemory memory_;
  Record* record_;
  uint32_t used_ = 0;
};

}  // namespace weir
