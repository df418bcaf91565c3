// The pcap format: one link type and one resolution a file.
#pragma once

#include <span>

#include "sensor/capture_format.h"

namespace weir {

/// Source: draft-ietf-opsawg-pcap, pcap-savefile(5). Both byte orders, microseconds and
/// nanoseconds, and Kuznetzov's variant with eight more bytes a record (magic 0xa1b2cd34).
class PcapFormat final : public CaptureFormat {
 public:
  static bool recognises(std::span<const uint8_t> start);

  explicit PcapFormat(CaptureBytes& bytes);
  Outcome next(CaptureRecord& record) override;

 private:
  bool swapped_ = false;
  uint32_t fraction_ns_ = 1000;  // of one unit of the stamp's fraction
  size_t header_bytes_ = 16;     // of a record
  uint16_t minor_version_ = 4;
  uint32_t fcs_bytes_ = 0;
  uint16_t link_number_ = 0;
  LinkType link_ = LinkType::kUnsupported;
};

}  // namespace weir
