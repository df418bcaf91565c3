// HOT. A lane: RX queue, decoder, shard. Its poll is the product's one RX loop.
#pragma once

#include <rte_ring.h>

#include <array>
#include <cstdint>

#include "flowtable/decode.h"
#include "flowtable/shard.h"

struct rte_mbuf;

namespace weir {

/// Where a lane takes its frames from.
struct RxQueue {
  uint16_t port = 0;
  uint16_t queue = 0;
};

class Lane {
 public:
  /// `decoder` and `shard` must outlive the lane. Throws Error (kExitFailed) without memory.
  Lane(RxQueue queue, const Decoder& decoder, Shard& shard);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// One burst, from the port to the ledger; returns its frames. Capture core only.
  uint32_t poll() noexcept;

  /// The ring back. False when it is full: the detector tries again at its next packet of it.
  /// The lane's detector thread only.
  bool send_back(const RingBackMessage& message) noexcept;

 private:
  static constexpr unsigned kRingBackMessages = 1024;

  Frame frame_of(rte_mbuf* mbuf) const noexcept;
  void obey_ring_back() noexcept;

  RxQueue queue_;
  const Decoder& decoder_;
  Shard& shard_;
  int stamp_offset_;
  rte_ring* ring_back_;
  std::array<rte_mbuf*, kBurstPackets> mbufs_{};
  std::array<Frame, kBurstPackets> frames_;
  std::array<Packet, kBurstPackets> packets_;
  std::array<RecordId, kBurstPackets> connections_;
};

}  // namespace weir
