// Reads a whole capture into memory, the way the tests of every format look at it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flowtable/error.h"
#include "sensor/capture_file.h"
#include "tests/sensor/capture_builder.h"

namespace weir::testing {

struct ReadRecord {
  std::string frame;
  CaptureRecord record;  // its data pointer is stale
};

struct ReadCapture {
  std::vector<ReadRecord> records;
  bool cut = false;
  std::string error;  // empty: read to its end
};

inline ReadCapture read_capture_at(const std::string& path) {
  ReadCapture read;
  try {
    CaptureFile file(path);
    CaptureRecord record;
    while (file.next(record)) {
      const auto* text = reinterpret_cast<const char*>(record.data);
      read.records.push_back({std::string(text, record.captured_bytes), record});
    }
    read.cut = file.cut();
  } catch (const Error& error) {
    read.error = error.what();
  }
  return read;
}

inline ReadCapture read_capture(std::string_view bytes) {
  return read_capture_at(TemporaryFile(bytes).path());
}

}  // namespace weir::testing
