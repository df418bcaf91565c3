// Reading pcapng: block by block, every length checked against the block it stands in.
#include "sensor/pcapng_format.h"

#include <algorithm>

namespace weir {
namespace {

enum BlockType : uint32_t {
  kInterfaceBlock = 1,
  kObsoletePacketBlock = 2,
  kSimplePacketBlock = 3,
  kEnhancedPacketBlock = 6,
  kSectionBlock = 0x0a0d0d0a,  // the same in both byte orders
};

enum OptionCode : uint16_t {
  kEndOfOptions = 0,
  kPacketFlags = 2,  // of a packet block
  kTimeResolution = 9,
  kFcsBytes = 13,
  kTimeOffset = 14,
};

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint32_t kBlockHeaderBytes = 8, kTrailerBytes = 4;
constexpr uint32_t kSectionHeaderBytes = 24, kInterfaceHeaderBytes = 16, kPacketHeaderBytes = 28,
                   kSimpleHeaderBytes = 12;
constexpr uint32_t kMaxReadBlockBytes = CaptureBytes::kMaxPeekBytes;
constexpr uint32_t kMaxSkippedBlockBytes = 16 * 1024 * 1024;  // as libpcap and Wireshark
constexpr size_t kMaxInterfaces = 65536;                      // of a section; records hold 16 bits
static_assert(kMaxReadBlockBytes >= kMaxFrameBytes + kPacketHeaderBytes + 64 * 1024,
              "a frame of the largest size and its options fit");

uint32_t padded(uint32_t bytes) { return (bytes + 3) & ~3u; }

// Calls visit(code, value) for each option; false if one runs past its block.
template <class Visit>
bool walk_options(std::span<const uint8_t> options, bool swapped, Visit&& visit) {
  while (options.size() >= 4) {
    const CaptureFields fields(options, swapped);
    const uint16_t code = fields.u16(0);
    const uint16_t value_bytes = fields.u16(2);
    if (code == kEndOfOptions) break;
    if (value_bytes > options.size() - 4) return false;
    visit(code, options.subspan(4, value_bytes));
    options = options.subspan(std::min<size_t>(4 + padded(value_bytes), options.size()));
  }
  return true;
}

}  // namespace

void PcapngClock::set_resolution(uint8_t resolution) {
  constexpr auto kPowerOfTen = [](int exponent) {
    uint64_t power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
  };
  const int digits = resolution & 0x7f;
  multiplier_ = divisor_ = 0;
  binary_digits_ = 0;
  if (resolution & 0x80) {
    binary_digits_ = static_cast<uint8_t>(digits);
  } else if (digits <= 9) {
    multiplier_ = kPowerOfTen(9 - digits);
  } else {
    // Above 10^-28 even the largest stamp is below a nanosecond, and so it is with this divisor.
    divisor_ = digits <= 28 ? kPowerOfTen(digits - 9) : UINT64_MAX;
  }
}

uint64_t PcapngClock::to_ns_slowly(uint64_t stamp) const {
  constexpr __int128 kSecond = 1'000'000'000;
  __int128 time_ns;
  if (multiplier_ != 0) {
    time_ns = static_cast<__int128>(stamp) * static_cast<__int128>(multiplier_);
  } else if (divisor_ != 0) {
    time_ns = stamp / divisor_;
  } else {
    time_ns = (stamp * kSecond) >> binary_digits_;
  }
  time_ns += offset_s_ * kSecond;
  return static_cast<uint64_t>(std::clamp<__int128>(time_ns, 0, kLatestTimeNs));
}

bool PcapngFormat::recognises(std::span<const uint8_t> start) {
  return start.size() >= 4 && CaptureFields(start, false).u32(0) == kSectionBlock;
}

PcapngFormat::PcapngFormat(CaptureBytes& bytes) : CaptureFormat(bytes) {
  if (!read_section()) refuse("the first pcapng section header", "is cut");
}

CaptureFormat::Outcome PcapngFormat::next(CaptureRecord& record) {
  for (;;) {
    const auto header = bytes_.peek(kBlockHeaderBytes);
    if (header.size() < kBlockHeaderBytes) [[unlikely]]
      return at_end(header.size());
    const CaptureFields fields(header, swapped_);
    const uint32_t type = fields.u32(0);
    if (type == kSectionBlock) {
      if (!read_section()) return Outcome::kCut;
      continue;
    }
    const uint32_t block_bytes = fields.u32(4);
    if (block_bytes < kBlockHeaderBytes + kTrailerBytes || block_bytes % 4 != 0) [[unlikely]] {
      refuse("the block", "has a length of " + std::to_string(block_bytes) +
                              ", and it must be a multiple of 4 from 12 on");
    }
    switch (type) {
      case kEnhancedPacketBlock:
        return read_packet(false, block_bytes, record);
      case kObsoletePacketBlock:
        return read_packet(true, block_bytes, record);
      case kSimplePacketBlock:
        return read_simple_packet(block_bytes, record);
      case kInterfaceBlock:
        if (!read_interface(block_bytes)) return Outcome::kCut;
        break;
      default:  // statistics, names, secrets, custom ones: nothing the ledger needs
        if (!skip_block(block_bytes)) return Outcome::kCut;
    }
  }
}

// A section header sets the byte order of what follows, its own length included.
bool PcapngFormat::read_section() {
  const auto header = bytes_.peek(kSectionHeaderBytes);
  if (header.size() < kSectionHeaderBytes) return false;
  swapped_ = CaptureFields(header, false).u32(8) != kByteOrderMagic;
  const CaptureFields fields(header, swapped_);
  if (fields.u32(8) != kByteOrderMagic)
    refuse("the pcapng section header", "has no byte-order magic");
  const uint16_t major_version = fields.u16(12), minor_version = fields.u16(14);
  // 1.2 was written for a while and is read as 1.0, as the specification says.
  if (major_version != 1 || (minor_version != 0 && minor_version != 2)) {
    throw Error(kExitFailed, bytes_.path() + ": the pcapng section at byte " +
                                 std::to_string(bytes_.offset()) + " is of version " +
                                 std::to_string(major_version) + "." +
                                 std::to_string(minor_version) +
                                 ", and 1.0 is known; save it again with a current tool");
  }
  const uint32_t block_bytes = fields.u32(4);
  if (block_bytes < kSectionHeaderBytes + kTrailerBytes || block_bytes % 4 != 0) {
    refuse("the pcapng section header", "has a length of " + std::to_string(block_bytes) +
                                            ", and it must be a multiple of 4 from 28 on");
  }
  interfaces_.clear();
  return skip_block(block_bytes);
}

bool PcapngFormat::read_interface(uint32_t block_bytes) {
  if (block_bytes < kInterfaceHeaderBytes + kTrailerBytes || block_bytes > kMaxReadBlockBytes) {
    refuse("the interface block", "has a length of " + std::to_string(block_bytes) +
                                      ", outside 20 to " + std::to_string(kMaxReadBlockBytes));
  }
  if (interfaces_.size() == kMaxInterfaces)
    refuse("the interface block", "is one above the limit of " + std::to_string(kMaxInterfaces));
  const auto block = bytes_.peek(block_bytes);
  if (block.size() < block_bytes) return false;
  check_trailer(block.last(kTrailerBytes), block_bytes);
  const CaptureFields fields(block, swapped_);
  Interface interface;
  interface.link_number = fields.u16(8);
  interface.link = link_type_of(interface.link_number);
  interface.snap_bytes = fields.u32(12);
  const auto options =
      block.subspan(kInterfaceHeaderBytes, block_bytes - kInterfaceHeaderBytes - kTrailerBytes);
  bool well_formed = true;
  const bool inside = walk_options(options, swapped_, [&](uint16_t code, auto value) {
    if (code == kTimeResolution && (well_formed &= value.size() == 1))
      interface.clock.set_resolution(value[0]);
    if (code == kTimeOffset && (well_formed &= value.size() == 8))
      interface.clock.set_offset(static_cast<int64_t>(CaptureFields(value, swapped_).u64(0)));
    if (code == kFcsBytes && (well_formed &= value.size() == 1)) interface.fcs_bytes = value[0];
  });
  if (!inside) refuse("the interface block", "has an option that runs past its end");
  if (!well_formed) refuse("the interface block", "has a time or FCS option of the wrong size");
  interfaces_.push_back(interface);
  bytes_.consume(block_bytes);
  return true;
}

bool PcapngFormat::skip_block(uint32_t block_bytes) {
  if (block_bytes > kMaxSkippedBlockBytes) {
    refuse("the block", "has a length of " + std::to_string(block_bytes) + ", above the limit of " +
                            std::to_string(kMaxSkippedBlockBytes));
  }
  if (!bytes_.skip(block_bytes - kTrailerBytes)) return false;
  const auto trailer = bytes_.peek(kTrailerBytes);
  if (trailer.size() < kTrailerBytes) return false;
  check_trailer(trailer, block_bytes);
  bytes_.consume(kTrailerBytes);
  return true;
}

// Enhanced and obsolete packet blocks differ in how wide the interface number is.
CaptureFormat::Outcome PcapngFormat::read_packet(bool obsolete, uint32_t block_bytes,
                                                 CaptureRecord& record) {
  const auto header = bytes_.peek(kPacketHeaderBytes);
  if (header.size() < kPacketHeaderBytes) [[unlikely]]
    return Outcome::kCut;
  const CaptureFields fields(header, swapped_);
  const uint32_t captured_bytes = fields.u32(20);
  if (captured_bytes > kMaxFrameBytes) [[unlikely]]
    refuse_captured(captured_bytes);
  const uint32_t least_bytes = kPacketHeaderBytes + padded(captured_bytes) + kTrailerBytes;
  if (block_bytes < least_bytes || block_bytes > kMaxReadBlockBytes) [[unlikely]] {
    refuse_record("has a block length of " + std::to_string(block_bytes) + " for " +
                  std::to_string(captured_bytes) + " captured bytes, outside " +
                  std::to_string(least_bytes) + " to " + std::to_string(kMaxReadBlockBytes));
  }
  const uint32_t number = obsolete ? fields.u16(8) : fields.u32(8);
  const Interface& interface = interface_of(number);
  const uint64_t stamp = (uint64_t{fields.u32(12)} << 32) | fields.u32(16);
  const uint32_t original_bytes = fields.u32(24);

  const auto block = bytes_.peek(block_bytes);
  if (block.size() < block_bytes) [[unlikely]]
    return Outcome::kCut;
  check_trailer(block.last(kTrailerBytes), block_bytes);
  uint32_t fcs_bytes = interface.fcs_bytes;
  if (block_bytes > least_bytes) {
    // An option that runs past the block is no reason to lose the packet: the walk ends there.
    const auto options = block.subspan(least_bytes - kTrailerBytes, block_bytes - least_bytes);
    walk_options(options, swapped_, [&](uint16_t code, auto value) {
      if (code != kPacketFlags || value.size() != 4) return;
      const uint32_t flagged_bytes = (CaptureFields(value, swapped_).u32(0) >> 5) & 0xf;
      if (flagged_bytes != 0) fcs_bytes = flagged_bytes;
    });
  }
  set_sizes(record, captured_bytes, original_bytes, fcs_bytes);
  record.data = block.data() + kPacketHeaderBytes;
  record.time_ns = last_time_ns_ = interface.clock.to_ns(stamp);
  record.link = interface.link;
  record.interface = static_cast<uint16_t>(number);
  record.link_number = interface.link_number;
  bytes_.consume(block_bytes);
  ++records_;
  return Outcome::kRecord;
}

CaptureFormat::Outcome PcapngFormat::read_simple_packet(uint32_t block_bytes,
                                                        CaptureRecord& record) {
  const Interface& interface = interface_of(0);
  constexpr uint32_t kLeastBytes = kSimpleHeaderBytes + kTrailerBytes;
  if (block_bytes < kLeastBytes || block_bytes > kMaxReadBlockBytes) {
    refuse_record("has a block length of " + std::to_string(block_bytes) + ", outside " +
                  std::to_string(kLeastBytes) + " to " + std::to_string(kMaxReadBlockBytes));
  }
  const auto block = bytes_.peek(block_bytes);
  if (block.size() < block_bytes) return Outcome::kCut;
  check_trailer(block.last(kTrailerBytes), block_bytes);
  const uint32_t original_bytes = CaptureFields(block, swapped_).u32(8);
  uint32_t captured_bytes = std::min(original_bytes, block_bytes - kLeastBytes);
  if (interface.snap_bytes != 0) captured_bytes = std::min(captured_bytes, interface.snap_bytes);
  if (!set_sizes(record, captured_bytes, original_bytes, interface.fcs_bytes))
    refuse_captured(captured_bytes);
  record.data = block.data() + kSimpleHeaderBytes;
  record.time_ns = last_time_ns_;
  record.link = interface.link;
  record.interface = 0;
  record.link_number = interface.link_number;
  bytes_.consume(block_bytes);
  ++records_;
  return Outcome::kRecord;
}

const PcapngFormat::Interface& PcapngFormat::interface_of(uint32_t number) const {
  if (number >= interfaces_.size()) [[unlikely]] {
    refuse_record("names interface " + std::to_string(number) + ", and its section declares " +
                  std::to_string(interfaces_.size()));
  }
  return interfaces_[number];
}

void PcapngFormat::check_trailer(std::span<const uint8_t> trailer, uint32_t block_bytes) const {
  const uint32_t repeated_bytes = CaptureFields(trailer, swapped_).u32(0);
  if (repeated_bytes != block_bytes) [[unlikely]] {
    refuse("the block", "has a length of " + std::to_string(block_bytes) + " in front and " +
                            std::to_string(repeated_bytes) + " behind");
  }
}

}  // namespace weir
