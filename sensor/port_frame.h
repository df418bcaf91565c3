// HOT. What a live port adds to each of its frames: stamp, size on the wire, a stripped tag.
#pragma once

#include <rte_ether.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>

#include "flowtable/frame.h"
#include "sensor/frame_stamp.h"

namespace weir {

/// Size on the wire of a frame that a ring of the kernel cut, by its IP header: segments that were
/// joined before the sensor may be longer than any frame was.
inline uint32_t uncut_frame_bytes(const rte_mbuf* mbuf) noexcept {
  const uint32_t held_bytes = rte_pktmbuf_pkt_len(mbuf);
  const auto* bytes = rte_pktmbuf_mtod(mbuf, const uint8_t*);
  const auto u16 = [bytes](uint32_t at) { return uint32_t{bytes[at]} << 8 | bytes[at + 1]; };
  if (rte_pktmbuf_data_len(mbuf) < 20) return held_bytes;
  const uint32_t type = u16(12);
  uint32_t claimed_bytes = 0;
  if (type == RTE_ETHER_TYPE_IPV4) claimed_bytes = RTE_ETHER_HDR_LEN + u16(16);
  if (type == RTE_ETHER_TYPE_IPV6) claimed_bytes = RTE_ETHER_HDR_LEN + 40 + u16(18);
  return std::max(held_bytes, claimed_bytes);
}

/// `cut_bytes`: frames of this size may have been longer; 0 = the driver cuts none.
inline void stamp_frame(rte_mbuf* mbuf, int offset, uint16_t port, uint32_t cut_bytes,
                        uint64_t now_ns) noexcept {
  uint32_t frame_bytes = rte_pktmbuf_pkt_len(mbuf);
  if (frame_bytes == cut_bytes) [[unlikely]]
    frame_bytes = uncut_frame_bytes(mbuf);
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) [[unlikely]] {
    // The decoder reads tags where they were; without headroom the frame stays as it came.
    if (rte_vlan_insert(&mbuf) == 0) frame_bytes += RTE_VLAN_HLEN;
  }
  *frame_stamp(mbuf, offset) = {now_ns, frame_bytes, static_cast<uint16_t>(LinkType::kEthernet),
                                port};
}

}  // namespace weir
