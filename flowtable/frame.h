// A frame as a port or a capture hands it over, before anything is read in it.
#pragma once

#include <cstdint>

namespace weir {

/// Link types the decoder reads; the values are the LINKTYPE_ numbers of capture files.
enum class LinkType : uint16_t {
  kNull = 0,
  kEthernet = 1,
  kPpp = 9,
  kRawIp = 101,  // version taken from the first nibble; LINKTYPE 12 and 14 in old files too
  kPppSerial = 50,
  kPppEther = 51,
  kCiscoHdlc = 104,
  kFrameRelay = 107,
  kLoop = 108,
  kLinuxSll = 113,
  kIpv4 = 228,
  kIpv6 = 229,
  kNflog = 239,
  kLinuxSll2 = 276,
  kUnsupported = 0xffff,
};

/// One frame. Points into memory of its owner (an mbuf), valid for the burst.
struct Frame {
  const uint8_t* data = nullptr;
  uint32_t contiguous_bytes = 0;  // readable at `data`; the rest of a chained mbuf is not read here
  uint32_t captured_bytes = 0;    // of the frame, over all segments; >= contiguous_bytes
  uint32_t frame_bytes = 0;       // original size on the wire without FCS; >= captured_bytes
  LinkType link = LinkType::kEthernet;
  uint16_t port = 0;
  uint64_t time_ns = 0;  // since 1970, UTC
};

}  // namespace weir
