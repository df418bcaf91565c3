// One record of a capture file, and what its link type is called.
#pragma once

#include <cstdint>
#include <string>

#include "flowtable/frame.h"

namespace weir {

/// Largest frame a capture may hold; libpcap's and Wireshark's limit for these link types too.
inline constexpr uint32_t kMaxFrameBytes = 262144;

/// Latest time stamp handed out (year 2262): a wild stamp in a file must not overflow a sum later.
inline constexpr uint64_t kLatestTimeNs = INT64_MAX;

/// A frame as it stands in a file. `data` is valid until the next record is asked for.
struct CaptureRecord {
  const uint8_t* data = nullptr;
  uint32_t captured_bytes = 0;  // readable at `data`, without FCS
  uint32_t frame_bytes = 0;     // original size without FCS; >= captured_bytes
  uint64_t time_ns = 0;         // since 1970, UTC; <= kLatestTimeNs
  LinkType link = LinkType::kUnsupported;
  uint16_t interface = 0;    // number of the interface in its pcapng section; else 0
  uint16_t link_number = 0;  // LINKTYPE_ number in the file
};

/// The link type behind a LINKTYPE_ number (or the DLT_ numbers 12 and 14 of raw IP in old files);
/// kUnsupported if the decoder reads no such frames.
LinkType link_type_of(uint16_t link_number);

/// What people call a LINKTYPE_ number: "IEEE 802.11 with radiotap"; "LINKTYPE 999" if unknown.
std::string link_type_name(uint16_t link_number);

}  // namespace weir
