// The way of an alert in a live run: from the judge into the spool, and from there outwards.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "sensor/alert_outputs.h"
#include "sensor/config.h"
#include "sensor/judge_stage.h"
#include "sensor/judge_thread.h"
#include "sensor/lanes.h"
#include "sensor/uplink.h"

namespace weir {

/// Opens the spool, whose thread then runs. An alert and the incident it is about go into it in
/// one transaction; once they are there, the outputs and the collector get it.
class AlertWay {
 public:
  /// All must outlive this. Throws Error: spool, certificates.
  AlertWay(const SensorConfig& config, const FlowTable& table, Lanes& lanes, AlertOutputs& outputs);

  /// Where the judge goes on; valid until it was made.
  JudgeStart start() const;

  /// The judge's sink, on its thread.
  void take(const v1::Alert& alert) { told_.push_back(alert); }
  /// What a sweep left, as one batch. `all`: the end of the run. The judge's thread.
  void send(JudgeStage& stage, bool all);

  /// From now on heartbeats say what this judge silenced.
  void report_by(const JudgeThread& judge) { judge_.store(&judge); }

  Uplink& uplink() { return *uplink_; }

 private:
  void fill(v1::Heartbeat& heartbeat) const;

  const FlowTable& table_;
  const Lanes& lanes_;
  bool keeps_state_;
  uint64_t epoch_ = 0, next_sequence_ = 1;
  SavedState saved_;
  std::vector<v1::Alert> told_;  // since the last batch
  std::atomic<const JudgeThread*> judge_{nullptr};
  std::unique_ptr<Uplink> uplink_;  // last: its thread calls the hooks
};

}  // namespace weir
