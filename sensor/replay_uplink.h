// Where a replay's alerts go beside its own output: a spool, and from there to a collector.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sensor/command_line.h"
#include "sensor/config.h"
#include "sensor/uplink.h"

namespace weir {

/// With --state the spool of that directory, its epoch and its open incidents, as a sensor would.
/// Else one in memory whose epoch is the replay's own: told twice, alerts are stored once. The
/// replay's thread.
class ReplayUplink {
 public:
  /// Throws Error: certificates, state directory.
  ReplayUplink(const SensorConfig& config, const ReplayArguments& arguments, uint64_t epoch);

  uint64_t epoch() const { return epoch_; }
  uint64_t next_sequence() const { return next_sequence_; }
  /// What the run before left; once.
  SavedState take_saved() { return std::move(saved_); }

  void submit(SpoolBatch batch);
  /// What the uplink said since the last call.
  std::vector<std::string> sentences();
  /// Whether the collector has everything; waits a fifth of a second for it.
  bool delivered() const;
  /// Trying again would change nothing.
  bool refused() const { return uplink_->status().refused; }
  /// "the collector has 3 of 12 alerts"
  std::string progress() const;
  uint64_t missing() const;
  std::string missing_line() const;
  UplinkMetrics metrics() const { return metrics_of(uplink_->status()); }

 private:
  void hear(const std::string& sentence);

  std::string collector_, state_;
  uint64_t epoch_ = 0, next_sequence_ = 1;
  uint64_t submitted_ = 0;
  SavedState saved_;
  std::mutex mutex_;
  std::vector<std::string> sentences_;
  std::unique_ptr<Uplink> uplink_;  // last: its thread calls `hear`
};

}  // namespace weir
