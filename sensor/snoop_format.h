// The snoop format of Solaris.
#pragma once

#include <span>

#include "sensor/capture_format.h"

namespace weir {

/// Source: RFC 1761. Always big endian, microseconds.
class SnoopFormat final : public CaptureFormat {
 public:
  static bool recognises(std::span<const uint8_t> start);

  explicit SnoopFormat(CaptureBytes& bytes);
  Outcome next(CaptureRecord& record) override;

 private:
  uint16_t link_number_ = 0;
  LinkType link_ = LinkType::kUnsupported;
};

}  // namespace weir
