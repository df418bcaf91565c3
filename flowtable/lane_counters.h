// The account of a lane: every frame handed over by the driver is counted or dropped under a name.
#pragma once

#include <array>
#include <cstdint>

#include "flowtable/packet.h"

namespace weir {

/// Cumulative counters of one lane. Conservation: packets = counted_packets + sum of drops (the
/// drops kNicMissed excepted: the driver never handed those over), the same for frame bytes;
/// out + in + internal + transit + local = ip_bytes.
struct LaneCounters {
  uint64_t packets = 0;
  uint64_t frame_bytes = 0;
  uint64_t counted_packets = 0;
  uint64_t counted_frame_bytes = 0;
  uint64_t ip_bytes = 0;
  uint64_t connections = 0;  // ever opened
  uint64_t totals = 0;       // ever opened
  uint64_t out_ip_bytes = 0;
  uint64_t in_ip_bytes = 0;
  uint64_t internal_ip_bytes = 0;
  uint64_t transit_ip_bytes = 0;
  uint64_t local_ip_bytes = 0;
  uint64_t out_payload_low_bytes = 0;  // outbound scope, totals and folded ones
  uint64_t out_payload_high_bytes = 0;
  uint64_t overflow_connection_bytes = 0;  // ip bytes that found no connection record
  uint64_t overflow_total_bytes = 0;       // ip bytes that found no total
  uint64_t sketch_error_bytes = 0;         // bound on a sketch estimate's excess, payload bytes
  uint64_t time_backward_packets = 0;
  uint64_t duplicate_packets = 0;
  uint64_t handed_over_packets = 0;  // given to the lane of their pair, which counts them
  uint64_t first_time_ns = 0;
  uint64_t last_time_ns = 0;  // the lane clock
  std::array<uint64_t, kDropReasons> drop_packets{};
  std::array<uint64_t, kDropReasons> drop_frame_bytes{};
};

}  // namespace weir
