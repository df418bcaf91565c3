// A capture file of any format, record by record.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sensor/capture_record.h"

namespace weir {

class CaptureBytes;
class CaptureFormat;

/// Reads pcap, pcapng and snoop, plain or gzip, recognised by content. Memory is fixed at
/// construction, but for the interfaces of a pcapng section. One thread.
class CaptureFile {
 public:
  /// Opens the file and reads its header; throws Error (kExitFailed) with place, value, remedy.
  explicit CaptureFile(const std::string& path);
  ~CaptureFile();

  /// False at the end. Throws Error where the file is damaged; what was before has been delivered.
  bool next(CaptureRecord& record);

  /// True once the end was met inside a record: everything before it was delivered.
  bool cut() const { return cut_; }

  uint64_t bytes_read() const;  // of the file as it lies on disk, so gzip too shows its progress
  uint64_t file_bytes() const;  // 0 if it is a pipe
  uint64_t records() const;     // delivered

 private:
  std::unique_ptr<CaptureBytes> bytes_;
  std::unique_ptr<CaptureFormat> format_;
  bool finished_ = false;
  bool cut_ = false;
};

}  // namespace weir
