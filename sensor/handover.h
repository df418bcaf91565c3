// HOT. Rings between lanes, for packets that landed in another lane than the one of their pair.
#pragma once

#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sensor/lane_map.h"

struct rte_mbuf;

namespace weir {

/// A ring from every lane to every other, each with one producer and one consumer. A ring holds
/// its share of `ring_packets`, the most that wait for a lane.
class Handover {
 public:
  /// Throws Error (kExitFailed) without memory. 2 <= lanes <= LaneMap::kLanesMax.
  Handover(uint16_t lanes, uint32_t ring_packets);

  uint16_t lanes() const noexcept { return lanes_; }
  const LaneMap& map() const noexcept { return map_; }

  /// False when the ring is full: the mbuf stays the caller's. Capture core of `from` only.
  bool give(uint16_t from, uint16_t to, rte_mbuf* mbuf) noexcept {
    return rte_ring_sp_enqueue(ring(from, to), mbuf) == 0;
  }
  /// At most `most` mbufs that `from` gave. Capture core of `to` only.
  uint16_t take(uint16_t from, uint16_t to, rte_mbuf** mbufs, uint16_t most) noexcept {
    return static_cast<uint16_t>(
        rte_ring_sc_dequeue_burst(ring(from, to), reinterpret_cast<void**>(mbufs), most, nullptr));
  }
  /// Packets that wait in all rings; exact when no lane is at work.
  uint64_t waiting_packets() const;

 private:
  struct FreeRing {
    void operator()(rte_ring* ring) const { rte_ring_free(ring); }
  };
  rte_ring* ring(uint16_t from, uint16_t to) const noexcept {
    return rings_[size_t{from} * lanes_ + to].get();
  }

  uint16_t lanes_;
  LaneMap map_;
  std::vector<std::unique_ptr<rte_ring, FreeRing>> rings_;  // null on the diagonal
};

}  // namespace weir
