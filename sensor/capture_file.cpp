// Recognises the format of a capture and hands its records on.
#include "sensor/capture_file.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "flowtable/error.h"
#include "sensor/capture_bytes.h"
#include "sensor/capture_format.h"
#include "sensor/pcap_format.h"
#include "sensor/pcapng_format.h"
#include "sensor/snoop_format.h"

namespace weir {
namespace {

// Containers that people hand over in place of the capture in them.
struct Container {
  std::string_view magic;
  std::string_view name;
  std::string_view remedy;
};
constexpr auto kContainers = std::to_array<Container>({
    {"\x28\xb5\x2f\xfd", "a zstd file", "unpack it first with zstd -d"},
    {"\xfd"
     "7zXZ",
     "an xz file", "unpack it first with xz -d"},
    {"BZh", "a bzip2 file", "unpack it first with bzip2 -d"},
    {"\x04\x22\x4d\x18", "an lz4 file", "unpack it first with lz4 -d"},
    {"PK\x03\x04", "a zip archive", "unpack it first with unzip"},
});

[[noreturn]] void refuse_content(const std::string& path, std::span<const uint8_t> start) {
  if (start.empty())
    throw Error(kExitFailed, path + ": is empty (0 bytes); check that the capture was written");
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  for (const Container& container : kContainers) {
    if (text.starts_with(container.magic)) {
      throw Error(kExitFailed, path + ": is " + std::string(container.name) + ", not a capture; " +
                                   std::string(container.remedy));
    }
  }
  std::string digits;
  for (const uint8_t byte : start.first(std::min<size_t>(start.size(), 4))) {
    constexpr std::string_view kHex = "0123456789abcdef";
    digits += kHex[byte >> 4];
    digits += kHex[byte & 15];
  }
  throw Error(kExitFailed, path + ": is no capture file (it begins with 0x" + digits +
                               "); name a pcap, pcapng or snoop file, plain or gzip");
}

std::unique_ptr<CaptureFormat> open_format(CaptureBytes& bytes) {
  const auto start = bytes.peek(8);
  if (PcapFormat::recognises(start)) return std::make_unique<PcapFormat>(bytes);
  if (PcapngFormat::recognises(start)) return std::make_unique<PcapngFormat>(bytes);
  if (SnoopFormat::recognises(start)) return std::make_unique<SnoopFormat>(bytes);
  refuse_content(bytes.path(), start);
}

}  // namespace

CaptureFile::CaptureFile(const std::string& path)
    : bytes_(std::make_unique<CaptureBytes>(path)), format_(open_format(*bytes_)) {}

CaptureFile::~CaptureFile() = default;

bool CaptureFile::next(CaptureRecord& record) {
  if (finished_) return false;
  const auto outcome = format_->next(record);
  if (outcome == CaptureFormat::Outcome::kRecord) [[likely]]
    return true;
  finished_ = true;
  cut_ = outcome == CaptureFormat::Outcome::kCut;
  return false;
}

uint64_t CaptureFile::bytes_read() const { return bytes_->bytes_read(); }
uint64_t CaptureFile::file_bytes() const { return bytes_->file_bytes(); }
uint64_t CaptureFile::records() const { return format_->records(); }

}  // namespace weir
