// The judge thread's work once a second: sweep the totals of all lanes, run the detectors, judge.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "detectors/detector.h"
#include "detectors/history.h"
#include "detectors/windows.h"
#include "flowtable/flow_table.h"
#include "sensor/config.h"
#include "sensor/judge.h"

namespace weir {

enum class WindowsMemory : uint8_t { kAtStart, kAsNeeded };

/// Where the numbering of alerts goes on, and what the run before left open.
struct JudgeStart {
  uint64_t epoch = 0;
  uint64_t next_sequence = 1;
  const SavedState* saved = nullptr;  // null: nothing is restored, and nothing kept for the next
};

/// Owns windows, detectors and judge of a run. One thread.
class JudgeStage {
 public:
  /// `table` must outlive the stage. `state_dir` "" = no history is read or written. Memory of the
  /// windows is taken at start, or as it is needed by a stage that lives for one small capture.
  /// Throws Error.
  JudgeStage(const SensorConfig& config, const FlowTable& table, const JudgeStart& start,
             const std::string& state_dir, WindowsMemory memory,
             std::function<void(const v1::Alert&)> sink);

  /// Judges the totals that `touched[lane]` names. `last`: nothing follows. `clock_ahead_ns`: live,
  /// by how much the lanes' clock is before the system's.
  void sweep(uint64_t now_ns, const std::vector<std::span<const uint32_t>>& touched, bool last,
             int64_t clock_ahead_ns = 0);

  /// The end of a replay: every incident closes, the history is complete.
  void finish(uint64_t now_ns);

  /// The end of a live run: the history is complete; what is open stays open.
  void stop();

  /// Takes thresholds, the choice of detectors and suppressions from `config`; all that was
  /// counted stays, what budgets have spent too.
  void reload(const SensorConfig& config);

  /// What the next run must find, beside the alerts that went to the sink since the last call:
  /// both belong into one transaction. Judge::take_changes.
  StateChanges take_changes(bool all) { return judge_.take_changes(all); }
  /// Of JudgeStart::saved, entries that could not be read.
  size_t unreadable() const { return unreadable_; }

  const Judge& judge() const { return judge_; }
  const Windows& windows() const { return windows_; }

 private:
  void make_detectors(const SensorConfig& config);
  JudgeInputs inputs();
  bool read_subject(const Finding& finding, TotalSnapshot& copy) const;
  std::vector<std::vector<ConnectionSnapshot>> largest_connections(
      std::span<const TotalPlace> places) const;
  std::vector<Member> members(const Finding& finding) const;

  const FlowTable& table_;
  std::unique_ptr<History> history_;
  Windows windows_;
  struct Running {
    uint16_t index;  // in detectors()
    std::unique_ptr<SweepDetector> detector;
  };
  std::vector<Running> running_;
  Judge judge_;
  size_t unreadable_ = 0;
  std::vector<Finding> findings_;
};

}  // namespace weir
