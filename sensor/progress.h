// Progress of a long replay, on a terminal only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sensor/capture_file.h"

namespace weir {

/// One line on stderr, rewritten a few times a second: packets, rate, share of the file. Silent
/// when stderr is no terminal.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap: looks at the clock on one call in 256. `packets_before`: of earlier captures.
  void show(const std::string& path, uint64_t packets_before, const CaptureFile& file);
  /// `text` in place of the line.
  void show(const std::string& text);
  /// Takes the line away, so that other output starts on a clean one.
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  uint32_t calls_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace weir
