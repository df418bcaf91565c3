// HOT. A lane: RX queue, decoder, shard. Its poll is the product's one RX loop.
#pragma once

#include <rte_ring.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "flowtable/decode.h"
#include "flowtable/shard.h"
#include "sensor/handover.h"
#include "sensor/own_traffic.h"

struct rte_mbuf;

namespace weir {

/// Where a lane takes its frames from.
struct RxQueue {
  uint16_t port = 0;
  uint16_t queue = 0;
};

class Lane {
 public:
  /// `decoder` and `shard` must outlive the lane. `handover`: null where there is one lane alone;
  /// `number` is the lane's in it. Throws Error (kExitFailed) without memory.
  Lane(RxQueue queue, const Decoder& decoder, Shard& shard, Handover* handover = nullptr,
       uint16_t number = 0);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// One burst, from the port to the ledger, and what other lanes handed over; returns its frames.
  /// Capture core only.
  uint32_t poll() noexcept;

  /// The ring back. False when it is full: the detector tries again at its next packet of it.
  /// The lane's detector thread only.
  bool send_back(const RingBackMessage& message) noexcept;

  /// From the next poll on, this one decodes. The one before may go once the lane has answered a
  /// request for its touched totals that was made afterwards. Any thread.
  void decode_by(const Decoder& decoder) noexcept {
    decoder_.store(&decoder, std::memory_order_release);
  }

  /// From the next poll on, packets of the sensor's own connection are in no total, but a drop of
  /// their own name. `own` must outlive the lane. Any one thread.
  void leave_out(const OwnTraffic& own) noexcept {
    own_traffic_.store(&own, std::memory_order_release);
  }

  /// Packets that NIC or kernel lost, and those that found no mbuf there, since the last call;
  /// the capture core puts them into its account. Any one thread.
  void report_missed(uint64_t packets, uint64_t no_mbuf_packets) noexcept {
    no_mbuf_packets_.fetch_add(no_mbuf_packets, std::memory_order_relaxed);
    missed_packets_.fetch_add(packets, std::memory_order_relaxed);
    has_missed_.store(true, std::memory_order_relaxed);
  }

 private:
  static constexpr unsigned kRingBackMessages = 1024;

  Frame frame_of(rte_mbuf* mbuf) const noexcept;
  void decode(uint16_t count) noexcept;
  void count(uint16_t count) noexcept;
  uint16_t hand_over(uint16_t count) noexcept;
  uint32_t take_handed_over() noexcept;
  void obey_ring_back() noexcept;
  void count_missed() noexcept;

  RxQueue queue_;
  std::atomic<const Decoder*> decoder_;
  std::atomic<const OwnTraffic*> own_traffic_{nullptr};
  Shard& shard_;
  Handover* handover_;
  uint16_t number_;
  int stamp_offset_;
  rte_ring* ring_back_;
  uint64_t now_ns_ = 0;  // latest stamp; kept with several lanes only
  std::atomic<uint64_t> missed_packets_{0}, no_mbuf_packets_{0};
  std::atomic<bool> has_missed_{false};
  std::array<rte_mbuf*, kBurstPackets> mbufs_{};
  std::array<Frame, kBurstPackets> frames_;
  std::array<Packet, kBurstPackets> packets_;
  std::array<RecordId, kBurstPackets> connections_;
};

}  // namespace weir
