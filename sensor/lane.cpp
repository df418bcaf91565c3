// HOT. The one RX loop: burst, decode, flow table.
#include "sensor/lane.h"

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include <string>

#include "flowtable/error.h"
#include "sensor/frame_stamp.h"

namespace weir {

static_assert(sizeof(RingBackMessage) % 4 == 0, "ring elements are whole 32-bit words");

Lane::Lane(RxQueue queue, const Decoder& decoder, Shard& shard)
    : queue_(queue), decoder_(decoder), shard_(shard), stamp_offset_(frame_stamp_offset()) {
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
  const uint16_t count = rte_eth_rx_burst(queue_.port, queue_.queue, mbufs_.data(), kBurstPackets);
  obey_ring_back();
  if (count == 0) {
    shard_.serve_requests();
    return 0;
  }
  for (uint16_t i = 0; i < count; ++i) frames_[i] = frame_of(mbufs_[i]);
  decoder_.decode({frames_.data(), count}, packets_.data());
  shard_.update({packets_.data(), count}, connections_.data());
  rte_pktmbuf_free_bulk(mbufs_.data(), count);
  return count;
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

}  // namespace weir
