// HOT. The one RX loop: burst, decode, hand over what is another lane's, flow table.
#include "sensor/lane.h"

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include <algorithm>
#include <string>

#include "flowtable/error.h"
#include "sensor/frame_stamp.h"

namespace weir {

static_assert(sizeof(RingBackMessage) % 4 == 0, "ring elements are whole 32-bit words");

Lane::Lane(RxQueue queue, const Decoder& decoder, Shard& shard, Handover* handover, uint16_t number)
    : queue_(queue),
      decoder_(&decoder),
      shard_(shard),
      handover_(handover),
      number_(number),
      stamp_offset_(frame_stamp_offset()) {
  const std::string name =
      "weir_back_" + std::to_string(queue.port) + "_" + std::to_string(queue.queue);
  ring_back_ = rte_ring_create_elem(name.c_str(), sizeof(RingBackMessage), kRingBackMessages,
                                    SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (ring_back_ == nullptr)
    throw Error(kExitFailed, "lane: no memory for the ring back (" +
                                 std::string(rte_strerror(rte_errno)) + "); raise eal.memory_mib");
}

Lane::~Lane() { rte_ring_free(ring_back_); }

uint32_t Lane::poll() noexcept {
  uint16_t count = rte_eth_rx_burst(queue_.port, queue_.queue, mbufs_.data(), kBurstPackets);
  obey_ring_back();
  uint32_t frames = count;
  if (count > 0) {
    decode(count);
    if (handover_ != nullptr) count = hand_over(count);
    this->count(count);
  }
  if (handover_ != nullptr) frames += take_handed_over();
  if (frames == 0) shard_.serve_requests();
  if (has_missed_.load(std::memory_order_relaxed)) [[unlikely]]
    count_missed();
  return frames;
}

void Lane::decode(uint16_t count) noexcept {
  for (uint16_t i = 0; i < count; ++i) frames_[i] = frame_of(mbufs_[i]);
  decoder_.load(std::memory_order_acquire)->decode({frames_.data(), count}, packets_.data());
  const OwnTraffic* own = own_traffic_.load(std::memory_order_acquire);
  if (own == nullptr) return;
  for (uint16_t i = 0; i < count; ++i)
    if (packets_[i].drop == DropReason::kNone && own->covers(packets_[i])) [[unlikely]]
      packets_[i].drop = DropReason::kOwnUplink;
}

void Lane::count(uint16_t count) noexcept {
  shard_.update({packets_.data(), count}, connections_.data());
  rte_pktmbuf_free_bulk(mbufs_.data(), count);
}

/// Gives away the packets of other lanes' pairs; what stays moves up, its number is returned.
/// Without an address pair (a drop) a packet stays where it is.
uint16_t Lane::hand_over(uint16_t count) noexcept {
  uint16_t kept = 0;
  uint64_t given = 0, full = 0, full_bytes = 0;
  for (uint16_t i = 0; i < count; ++i) {
    const Packet& packet = packets_[i];
    now_ns_ = std::max(now_ns_, packet.time_ns);
    const uint16_t lane = packet.drop == DropReason::kNone
                              ? handover_->map().lane_of(packet.source, packet.destination)
                              : number_;
    if (lane == number_) {
      mbufs_[kept] = mbufs_[i];
      if (kept != i) packets_[kept] = packet;
      ++kept;
    } else if (handover_->give(number_, lane, mbufs_[i])) {
      ++given;
    } else {
      full += 1;
      full_bytes += packet.frame_bytes;
      rte_pktmbuf_free(mbufs_[i]);
    }
  }
  if (given > 0) shard_.count_handed_over(given);
  if (full > 0) shard_.count_drop(DropReason::kHandoverFull, full, full_bytes);
  return kept;
}

/// A burst from each other lane. They were stamped there and waited; no clock went back for that.
uint32_t Lane::take_handed_over() noexcept {
  uint32_t frames = 0;
  for (uint16_t from = 0; from < handover_->lanes(); ++from) {
    if (from == number_) continue;
    const uint16_t count = handover_->take(from, number_, mbufs_.data(), kBurstPackets);
    if (count == 0) continue;
    decode(count);
    for (uint16_t i = 0; i < count; ++i) {
      now_ns_ = std::max(now_ns_, packets_[i].time_ns);
      packets_[i].time_ns = now_ns_;
    }
    this->count(count);
    frames += count;
  }
  return frames;
}

Frame Lane::frame_of(rte_mbuf* mbuf) const noexcept {
  const FrameStamp& stamp = *frame_stamp(mbuf, stamp_offset_);
  Frame frame;
  frame.data = rte_pktmbuf_mtod(mbuf, const uint8_t*);
  frame.contiguous_bytes = rte_pktmbuf_data_len(mbuf);
  frame.captured_bytes = rte_pktmbuf_pkt_len(mbuf);
  frame.frame_bytes = stamp.frame_bytes;
  frame.link = static_cast<LinkType>(stamp.link);
  frame.port = stamp.port;
  frame.time_ns = stamp.time_ns;
  return frame;
}

bool Lane::send_back(const RingBackMessage& message) noexcept {
  RingBackMessage copy = message;  // DPDK asks for a pointer it will not write through
  return rte_ring_sp_enqueue_elem(ring_back_, &copy, sizeof(copy)) == 0;
}

void Lane::obey_ring_back() noexcept {
  RingBackMessage message;
  while (rte_ring_sc_dequeue_elem(ring_back_, &message, sizeof(message)) == 0) shard_.obey(message);
}

void Lane::count_missed() noexcept {
  has_missed_.store(false, std::memory_order_relaxed);
  shard_.count_drop(DropReason::kNicMissed, missed_packets_.exchange(0, std::memory_order_relaxed),
                    0);
  shard_.count_drop(DropReason::kNoMbuf, no_mbuf_packets_.exchange(0, std::memory_order_relaxed),
                    0);
}

}  // namespace weir
