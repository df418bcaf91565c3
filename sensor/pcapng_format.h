// The pcapng format: sections, interfaces with their own link types and resolutions, blocks.
#pragma once

#include <span>
#include <vector>

#include "sensor/capture_format.h"

namespace weir {

/// How an interface counts time: if_tsresol and if_tsoffset.
class PcapngClock {
 public:
  /// `resolution` as in if_tsresol: 10^-n seconds, or 2^-n with the top bit set.
  void set_resolution(uint8_t resolution);
  void set_offset(int64_t offset_s) { offset_s_ = offset_s; }

  /// Nanoseconds since 1970, held within 0..kLatestTimeNs.
  uint64_t to_ns(uint64_t stamp) const {
    uint64_t time_ns;
    if (multiplier_ == 0 || offset_s_ != 0 ||
        __builtin_mul_overflow(stamp, multiplier_, &time_ns) || time_ns > kLatestTimeNs)
        [[unlikely]]
      return to_ns_slowly(stamp);
    return time_ns;
  }

 private:
  uint64_t to_ns_slowly(uint64_t stamp) const;

  uint64_t multiplier_ = 1000;  // nanoseconds a unit; 0 = a unit is no whole number of them
  uint64_t divisor_ = 0;        // units a nanosecond; 0 = binary_digits_ holds
  uint8_t binary_digits_ = 0;   // a unit is 2^-binary_digits_ seconds
  int64_t offset_s_ = 0;
};

/// Source: draft-ietf-opsawg-pcapng.
class PcapngFormat final : public CaptureFormat {
 public:
  static bool recognises(std::span<const uint8_t> start);

  explicit PcapngFormat(CaptureBytes& bytes);
  Outcome next(CaptureRecord& record) override;

 private:
  struct Interface {
    LinkType link = LinkType::kUnsupported;
    uint16_t link_number = 0;
    uint32_t snap_bytes = 0;  // 0 = no limit
    uint32_t fcs_bytes = 0;
    PcapngClock clock;
  };
  bool read_section();
  bool read_interface(uint32_t block_bytes);
  bool skip_block(uint32_t block_bytes);
  Outcome read_packet(bool obsolete, uint32_t block_bytes, CaptureRecord& record);
  Outcome read_simple_packet(uint32_t block_bytes, CaptureRecord& record);
  const Interface& interface_of(uint32_t number) const;
  void check_trailer(std::span<const uint8_t> trailer, uint32_t block_bytes) const;

  bool swapped_ = false;
  std::vector<Interface> interfaces_;  // of the section
  uint64_t last_time_ns_ = 0;          // a simple packet block has no stamp: it takes this
};

}  // namespace weir
