// Makes the rings between lanes.
#include "sensor/handover.h"

#include <rte_errno.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <bit>
#include <string>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr uint32_t kRingPacketsMin = 64;

}  // namespace

Handover::Handover(uint16_t lanes, uint32_t ring_packets) : lanes_(lanes), map_(lanes) {
  const uint32_t share = std::max(std::bit_floor(ring_packets / (lanes - 1u)), kRingPacketsMin);
  for (uint16_t from = 0; from < lanes; ++from) {
    for (uint16_t to = 0; to < lanes; ++to) {
      if (from == to) {
        rings_.emplace_back(nullptr);
        continue;
      }
      const std::string name = "weir_over_" + std::to_string(from) + "_" + std::to_string(to);
      rings_.emplace_back(
          rte_ring_create(name.c_str(), share, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ));
      if (rings_.back() == nullptr)
        throw Error(kExitFailed, "lanes: no memory for the hand-over rings of " +
                                     std::to_string(lanes) + " lanes (" + rte_strerror(rte_errno) +
                                     "); raise eal.memory_mib or lower "
                                     "lanes.handover_ring_packets");
    }
  }
}

uint64_t Handover::waiting_packets() const {
  uint64_t packets = 0;
  for (const auto& ring : rings_)
    if (ring != nullptr) packets += rte_ring_count(ring.get());
  return packets;
}

}  // namespace weir
