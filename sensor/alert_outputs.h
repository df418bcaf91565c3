// Where alerts go beside the collector: a file, syslog, a terminal, and the memory of `explain`.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "sensor/config.h"
#include "weir/v1/alert.pb.h"

namespace weir {

/// The latest alert of an incident, and how long it has been kept.
inline constexpr size_t kIncidentsRemembered = 4096;

/// Takes every alert once, in order, when the spool has it: for the file, syslog, people at a
/// terminal; and remembers it for `explain`. `take` by one thread, the rest by any.
class AlertOutputs {
 public:
  /// Opens the file. Throws Error (kExitFailed) where it cannot be written.
  explicit AlertOutputs(const AlertsSection& config);
  ~AlertOutputs();
  AlertOutputs(const AlertOutputs&) = delete;
  AlertOutputs& operator=(const AlertOutputs&) = delete;

  void take(const v1::Alert& alert);

  /// Opens the file anew under its name, for those who rotate it. False: the old one stays in use.
  bool reopen();

  /// The last alert of an incident, whose id may be cut short where one alone begins so; false if
  /// there is none.
  bool find(const std::string& incident_id, v1::Alert& alert) const;
  /// The last alerts of all incidents remembered, latest first.
  std::vector<v1::Alert> incidents() const;

  /// Lines that could not be written to the file.
  uint64_t lost_lines() const;

 private:
  void write_line(const v1::Alert& alert);
  void remember(const v1::Alert& alert);

  AlertsSection config_;
  mutable std::mutex mutex_;
  FILE* file_ = nullptr;
  uint64_t lost_lines_ = 0;
  std::map<std::string, v1::Alert> latest_;  // by incident id
  std::deque<std::string> order_;            // ids, oldest first
};

}  // namespace weir
