// Reading snoop: a file header of 16 bytes, then records padded to their record length.
#include "sensor/snoop_format.h"

#include <algorithm>
#include <array>
#include <bit>

namespace weir {
namespace {

constexpr std::array<uint8_t, 8> kMagic = {'s', 'n', 'o', 'o', 'p', 0, 0, 0};
constexpr size_t kFileHeaderBytes = 16, kRecordHeaderBytes = 24;
constexpr bool kSwapped = std::endian::native == std::endian::little;

// RFC 1761 datalink types by number, as LINKTYPE_ numbers.
constexpr std::array<uint16_t, 9> kLinkNumbers = {1, 1, 6, 6, 1, 50, 0xffff, 0xffff, 10};

}  // namespace

bool SnoopFormat::recognises(std::span<const uint8_t> start) {
  return start.size() >= kMagic.size() && std::ranges::equal(kMagic, start.first(kMagic.size()));
}

SnoopFormat::SnoopFormat(CaptureBytes& bytes) : CaptureFormat(bytes) {
  const auto header = bytes_.peek(kFileHeaderBytes);
  if (header.size() < kFileHeaderBytes) {
    refuse("the snoop file header", "is cut after " + std::to_string(header.size()) + " of " +
                                        std::to_string(kFileHeaderBytes) + " bytes");
  }
  const CaptureFields fields(header, kSwapped);
  const uint32_t version = fields.u32(8);
  if (version != 2) {
    throw Error(kExitFailed, bytes_.path() + ": is snoop of version " + std::to_string(version) +
                                 ", and 2 is known; save it again as pcap with editcap");
  }
  const uint32_t datalink = fields.u32(12);
  link_number_ = datalink < kLinkNumbers.size() ? kLinkNumbers[datalink] : uint16_t{0xffff};
  link_ = link_type_of(link_number_);
  bytes_.consume(kFileHeaderBytes);
}

CaptureFormat::Outcome SnoopFormat::next(CaptureRecord& record) {
  const auto header = bytes_.peek(kRecordHeaderBytes);
  if (header.size() < kRecordHeaderBytes) return at_end(header.size());
  const CaptureFields fields(header, kSwapped);
  const uint32_t original_bytes = fields.u32(0);
  const uint32_t captured_bytes = fields.u32(4);
  const uint32_t record_bytes = fields.u32(8);
  if (!set_sizes(record, captured_bytes, original_bytes, 0)) refuse_captured(captured_bytes);
  if (record_bytes < kRecordHeaderBytes + captured_bytes ||
      record_bytes > CaptureBytes::kMaxPeekBytes) {
    refuse_record("has a record length of " + std::to_string(record_bytes) + " for " +
                  std::to_string(captured_bytes) + " captured bytes");
  }
  record.time_ns = uint64_t{fields.u32(16)} * 1'000'000'000 + uint64_t{fields.u32(20)} * 1000;
  const auto whole = bytes_.peek(record_bytes);
  if (whole.size() < record_bytes) return Outcome::kCut;
  record.data = whole.data() + kRecordHeaderBytes;
  record.link = link_;
  record.interface = 0;
  record.link_number = link_number_;
  bytes_.consume(record_bytes);
  ++records_;
  return Outcome::kRecord;
}

}  // namespace weir
