// What a capture knows of a frame beyond its bytes, carried in the mbuf.
#pragma once

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <cstdint>

namespace weir {

/// A dynamic field of every mbuf (16 of the 36 bytes that DPDK leaves to applications).
struct FrameStamp {
  uint64_t time_ns;      // since 1970, UTC
  uint32_t frame_bytes;  // original size without FCS
  uint16_t link;         // LinkType
  uint16_t port;         // port or interface number
};

/// Offset of the field in an mbuf; registers it on first use. Throws Error (kExitFailed). Needs the
/// EAL.
int frame_stamp_offset();

inline FrameStamp* frame_stamp(rte_mbuf* mbuf, int offset) {
  return RTE_MBUF_DYNFIELD(mbuf, offset, FrameStamp*);
}

}  // namespace weir
