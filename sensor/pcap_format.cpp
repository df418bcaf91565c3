// Reading pcap: a file header of 24 bytes, then records.
#include "sensor/pcap_format.h"

#include <utility>

namespace weir {
namespace {

constexpr uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d, kModified = 0xa1b2cd34;
constexpr size_t kFileHeaderBytes = 24;

bool is_magic(uint32_t magic) {
  return magic == kMicroseconds || magic == kNanoseconds || magic == kModified;
}

}  // namespace

bool PcapFormat::recognises(std::span<const uint8_t> start) {
  return start.size() >= 4 && (is_magic(CaptureFields(start, false).u32(0)) ||
                               is_magic(CaptureFields(start, true).u32(0)));
}

PcapFormat::PcapFormat(CaptureBytes& bytes) : CaptureFormat(bytes) {
  const auto header = bytes_.peek(kFileHeaderBytes);
  if (header.size() < kFileHeaderBytes) {
    refuse("the pcap file header", "is cut after " + std::to_string(header.size()) + " of " +
                                       std::to_string(kFileHeaderBytes) + " bytes");
  }
  swapped_ = !is_magic(CaptureFields(header, false).u32(0));
  const CaptureFields fields(header, swapped_);
  const uint32_t magic = fields.u32(0);
  if (magic == kNanoseconds) fraction_ns_ = 1;
  if (magic == kModified) header_bytes_ = 24;
  const uint16_t major_version = fields.u16(4);
  minor_version_ = fields.u16(6);
  if (major_version != 2 || minor_version_ > 4) {
    throw Error(kExitFailed, bytes_.path() + ": is pcap of version " +
                                 std::to_string(major_version) + "." +
                                 std::to_string(minor_version_) +
                                 ", and 2.0 to 2.4 are known; save it again with a current tool");
  }
  // Bytes 8 to 15 were a time zone and an accuracy that nobody wrote; the snap length bounds
  // nothing, for records above it exist.
  const uint32_t link_field = fields.u32(20);
  link_number_ = static_cast<uint16_t>(link_field);
  link_ = link_type_of(link_number_);
  if (link_field & 0x0400'0000) fcs_bytes_ = (link_field >> 28) * 2;  // counted in 16-bit words
  bytes_.consume(kFileHeaderBytes);
}

CaptureFormat::Outcome PcapFormat::next(CaptureRecord& record) {
  const auto header = bytes_.peek(header_bytes_);
  if (header.size() < header_bytes_) [[unlikely]]
    return at_end(header.size());
  const CaptureFields fields(header, swapped_);
  const uint64_t seconds = fields.u32(0);
  const uint64_t fraction = fields.u32(4);
  uint32_t captured_bytes = fields.u32(8);
  uint32_t original_bytes = fields.u32(12);
  // Before 2.3 the two sizes stood the other way round, and some writers of 2.3 had not noticed.
  if (minor_version_ < 3 || (minor_version_ == 3 && captured_bytes > original_bytes))
    std::swap(captured_bytes, original_bytes);
  if (!set_sizes(record, captured_bytes, original_bytes, fcs_bytes_)) [[unlikely]]
    refuse_captured(captured_bytes);

  const size_t whole_bytes = header_bytes_ + captured_bytes;
  const auto whole = bytes_.peek(whole_bytes);
  if (whole.size() < whole_bytes) [[unlikely]]
    return Outcome::kCut;
  record.data = whole.data() + header_bytes_;
  record.time_ns = seconds * 1'000'000'000 + fraction * fraction_ns_;
  record.link = link_;
  record.interface = 0;
  record.link_number = link_number_;
  bytes_.consume(whole_bytes);
  ++records_;
  return Outcome::kRecord;
}

}  // namespace weir
