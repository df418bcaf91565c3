// Asks the lanes for what they touched, waits for their answers, and lets the stage judge.
#include "sensor/judge_thread.h"

#include <pthread.h>

#include <chrono>
#include <iostream>
#include <utility>

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
/// Between two looks at whether the lanes have answered; they do so at their next poll.
constexpr std::chrono::microseconds kAnswerPause{50};

}  // namespace

JudgeThread::JudgeThread(JudgeStage& stage, FlowTable& table, Lanes& lanes, LiveClock& clock,
                         std::function<void()> swept)
    : stage_(stage), table_(table), lanes_(lanes), clock_(clock), swept_(std::move(swept)) {}

void JudgeThread::start() {
  stop_ = false;
  thread_ = std::thread([this] { run(); });
}

void JudgeThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void JudgeThread::before_next_sweep(std::function<void(JudgeStage&)> change) {
  const std::lock_guard lock(mutex_);
  changes_.push_back(std::move(change));
}

JudgeReport JudgeThread::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void JudgeThread::run() noexcept {
  pthread_setname_np(pthread_self(), "judge");
  uint64_t next_ns = (clock_.now_ns() / kSecondNs + 1) * kSecondNs;
  for (;;) {
    const uint64_t now_ns = clock_.now_ns();
    {
      std::unique_lock lock(mutex_);
      const auto stopped = [this] { return stop_; };
      if (stop_) return;
      if (now_ns < next_ns &&
          wake_.wait_for(lock, std::chrono::nanoseconds(next_ns - now_ns), stopped))
        return;
    }
    if (clock_.now_ns() < next_ns) continue;  // the two clocks run at their own rates
    next_ns = (clock_.now_ns() / kSecondNs + 1) * kSecondNs;
    try {
      sweep(false);
    } catch (const std::exception& error) {  // memory; the account goes on, the next sweep too
      std::cerr << "weir-sensor: a sweep failed: " << error.what() << '\n';
    }
  }
}

void JudgeThread::sweep_the_rest() { sweep(true); }

void JudgeThread::sweep(bool answer_for_lanes) {
  const uint64_t started_ns = clock_.now_ns();
  std::vector<std::function<void(JudgeStage&)>> changes;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(changes_);
  }
  for (const auto& change : changes) change(stage_);
  const int64_t ahead_ns = clock_.steer();
  lanes_.collect_misses();
  for (uint16_t lane = 0; lane < table_.lanes(); ++lane) table_.shard(lane).request_touched();
  std::vector<std::span<const uint32_t>> touched;
  for (uint16_t lane = 0; lane < table_.lanes(); ++lane) {
    if (answer_for_lanes) table_.shard(lane).serve_requests();
    while (!table_.shard(lane).touched_ready()) std::this_thread::sleep_for(kAnswerPause);
    touched.push_back(table_.shard(lane).touched());
  }
  stage_.sweep(clock_.now_ns(), touched, false, ahead_ns);
  swept_();
  const std::lock_guard lock(mutex_);
  report_.clock_ahead_ns = ahead_ns;
  publish(started_ns);
}

/// With the lock held.
void JudgeThread::publish(uint64_t started_ns) {
  ++report_.sweeps;
  report_.time_ns = clock_.now_ns();
  report_.sweep_ns = report_.time_ns - started_ns;
  report_.open_incidents = stage_.judge().open_incidents();
  report_.counters = stage_.judge().counters();
  report_.silenced = stage_.judge().suppressions().counts();
  report_.history_error = stage_.windows().history_error();
  report_.link_up.clear();
  for (const auto& port : lanes_.ports()) report_.link_up.push_back(port->link_is_up());
}

}  // namespace weir
