// Sizes and time limits of the flow table: the `[flow_table]` section.
#pragma once

#include <array>
#include <cstdint>

namespace weir {

/// 128-bit secret of the keyed hash. Random live; fixed in replay, so that two runs agree.
using HashKey = std::array<uint8_t, 16>;
inline constexpr HashKey kReplayHashKey = {0x57, 0x65, 0x69, 0x72, 0x20, 0x72, 0x65, 0x70,
                                           0x6c, 0x61, 0x79, 0x20, 0x6b, 0x65, 0x79, 0x31};

struct FlowTableOptions {
  uint32_t connections = 1u << 20;    // power of two, a shard
  uint32_t totals = 1u << 18;         // power of two, a shard
  uint32_t heavy_hitters = 1u << 12;  // power of two, a shard
  uint32_t tcp_idle_s = 3600;
  uint32_t tcp_closed_s = 10;
  uint32_t udp_idle_s = 120;
  uint32_t other_idle_s = 60;
  HashKey hash_key = kReplayHashKey;
};

}  // namespace weir
