// What the formats of capture files have in common: reading fields, ending, refusing.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include "flowtable/error.h"
#include "sensor/capture_bytes.h"
#include "sensor/capture_record.h"

namespace weir {

/// Reads integers out of a block in the file's byte order; checks every offset.
class CaptureFields {
 public:
  /// `swapped`: the file's byte order is not this machine's.
  CaptureFields(std::span<const uint8_t> bytes, bool swapped) : bytes_(bytes), swapped_(swapped) {}

  uint16_t u16(size_t offset) const {
    const auto value = load<uint16_t>(offset);
    return swapped_ ? __builtin_bswap16(value) : value;
  }
  uint32_t u32(size_t offset) const {
    const auto value = load<uint32_t>(offset);
    return swapped_ ? __builtin_bswap32(value) : value;
  }
  uint64_t u64(size_t offset) const {
    const auto value = load<uint64_t>(offset);
    return swapped_ ? __builtin_bswap64(value) : value;
  }

 private:
  template <class Integer>
  Integer load(size_t offset) const {
    if (bytes_.size() < sizeof(Integer) || offset > bytes_.size() - sizeof(Integer)) [[unlikely]]
      throw std::logic_error("CaptureFields: offset outside the block");
    Integer value;
    memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::span<const uint8_t> bytes_;
  bool swapped_;
};

/// One open capture of a certain format. Constructors read the file header and throw Error.
class CaptureFormat {
 public:
  enum class Outcome : uint8_t {
    kRecord,
    kEnd,
    kCut,  // the file ends inside a record
  };

  explicit CaptureFormat(CaptureBytes& bytes) : bytes_(bytes) {}
  virtual ~CaptureFormat() = default;
  CaptureFormat(const CaptureFormat&) = delete;
  CaptureFormat& operator=(const CaptureFormat&) = delete;

  /// Fills `record` when the outcome is kRecord; throws Error when the file is damaged.
  virtual Outcome next(CaptureRecord& record) = 0;

  uint64_t records() const { return records_; }

 protected:
  /// What it means that no further record begins: `left` bytes remain.
  Outcome at_end(size_t left) const {
    return left == 0 && !bytes_.cut() ? Outcome::kEnd : Outcome::kCut;
  }

  /// Sets the sizes of a record; false if it captured more than a frame may have. A claimed
  /// original size below what was captured is raised to it. The FCS is no part of the frame.
  static bool set_sizes(CaptureRecord& record, uint32_t captured_bytes, uint32_t original_bytes,
                        uint32_t fcs_bytes) {
    if (captured_bytes > kMaxFrameBytes) [[unlikely]]
      return false;
    if (original_bytes < captured_bytes) original_bytes = captured_bytes;
    record.frame_bytes = original_bytes > fcs_bytes ? original_bytes - fcs_bytes : 0;
    record.captured_bytes =
        captured_bytes < record.frame_bytes ? captured_bytes : record.frame_bytes;
    return true;
  }

  /// "PATH: PLACE at byte N WHAT; copy the file again ..."
  [[noreturn]] void refuse(const std::string& place, const std::string& what) const;
  [[noreturn]] void refuse_record(const std::string& what) const {
    refuse("record " + std::to_string(records_ + 1), what);
  }
  [[noreturn]] void refuse_captured(uint32_t captured_bytes) const;

  CaptureBytes& bytes_;
  uint64_t records_ = 0;  // handed out
};

}  // namespace weir
