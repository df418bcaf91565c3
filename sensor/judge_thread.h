// The judge's thread in a live run: once a second it sweeps what the lanes touched.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sensor/config.h"
#include "sensor/judge_stage.h"
#include "sensor/lanes.h"
#include "sensor/live_clock.h"

namespace weir {

/// What the judge says of itself after a sweep.
struct JudgeReport {
  uint64_t sweeps = 0;
  uint64_t time_ns = 0;        // of the last sweep
  uint64_t sweep_ns = 0;       // how long it took
  int64_t clock_ahead_ns = 0;  // the live clock before the system's
  uint64_t open_incidents = 0;
  JudgeCounters counters;
  std::vector<SilencedCounts> silenced;
  std::string history_error;
  std::vector<bool> link_up;  // by port
};

/// From start() to stop() the lanes' threads must run, or nobody answers its requests.
class JudgeThread {
 public:
  /// All must outlive the thread; the clock is steered by it. `swept` is called on it after each
  /// sweep.
  JudgeThread(JudgeStage& stage, FlowTable& table, Lanes& lanes, LiveClock& clock,
              std::function<void()> swept);
  ~JudgeThread() { stop(); }
  JudgeThread(const JudgeThread&) = delete;
  JudgeThread& operator=(const JudgeThread&) = delete;

  void start();
  void stop();
  /// After stop(), with the lanes' threads stopped too: answers for the lanes and sweeps once more,
  /// so that nothing that was counted stays unjudged.
  void sweep_the_rest();

  /// Runs `change` on the judge's thread before its next sweep, for reloads.
  void before_next_sweep(std::function<void(JudgeStage&)> change);

  /// Any thread.
  JudgeReport report() const;

 private:
  void run() noexcept;
  void sweep(bool answer_for_lanes);
  void publish(uint64_t started_ns);

  JudgeStage& stage_;
  FlowTable& table_;
  Lanes& lanes_;
  LiveClock& clock_;
  std::function<void()> swept_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::vector<std::function<void(JudgeStage&)>> changes_;
  JudgeReport report_;
};

}  // namespace weir
