// The one thread that writes the store: what all sensors said since the last commit, in one commit.
#include "collector/writer.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "collector/error.h"

namespace weir::collector {
namespace {

constexpr auto kHouseInterval = std::chrono::seconds(1);
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kNsPerDay = 86400 * kNsPerSecond;
constexpr int kDeletionsAtOnce = 4;  // of Store::retain in one round, so that arrivals do not wait

}  // namespace

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Writer::Writer(const Config& config, Metrics& metrics)
    : config_(config),
      metrics_(metrics),
      store_(config.store, Store::Access::kWrite),
      silence_(static_cast<int64_t>(config.silent_after_s) * kNsPerSecond, now_ns()),
      thread_([this] { work(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Writer::submit(Arrival arrival, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.arrivals.push_back(std::move(arrival));
    waiting_.done.push_back(std::move(done));
  }
  changed_.notify_one();
}

/// While a commit runs, what arrives gathers; so the slower the disk, the larger the commit.
void Writer::work() {
  for (const SensorRow& row : store_.sensors()) silence_.knows(row);
  for (;;) {
    Waiting taken;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kHouseInterval,
                        [&] { return ending_ || !waiting_.arrivals.empty(); });
      std::swap(taken, waiting_);
      if (taken.arrivals.empty() && ending_) return;
    }
    if (!taken.arrivals.empty()) commit(taken);
    const int64_t now = now_ns();
    if (now - house_kept_ns_ >= kNsPerSecond) keep_house(now);
  }
}

void Writer::commit(Waiting& waiting) {
  const auto began = std::chrono::steady_clock::now();
  try {
    const std::vector<Outcome> outcomes = store_.commit(waiting.arrivals);
    metrics_.committed(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    for (size_t i = 0; i < outcomes.size(); ++i) {
      metrics_.took(waiting.arrivals[i].sensor, outcomes[i]);
      silence_.heard(waiting.arrivals[i]);
      waiting.done[i](&outcomes[i]);
    }
  } catch (const Error& error) {
    metrics_.store_failed();
    spdlog::error("{}; nothing is acknowledged, the sensors keep their alerts and send them again",
                  error.what());
    for (const Done& done : waiting.done) done(nullptr);
  }
}

/// Once a second: who fell silent or came back, and what is too old or too much.
void Writer::keep_house(int64_t now) {
  house_kept_ns_ = now;
  try {
    for (v1::Alert& alert : silence_.judge(now)) {
      store_.report(alert, now);
      spdlog::warn("{}", alert.evidence(0).explanation());
    }
    metrics_.silent(silence_.silent());
    const int64_t oldest_ns = now - static_cast<int64_t>(config_.retention_days) * kNsPerDay;
    for (int i = 0; i < kDeletionsAtOnce; ++i)
      if (const uint64_t deleted = store_.retain(oldest_ns, config_.max_store_bytes); deleted != 0)
        metrics_.deleted(deleted);
      else
        break;
    metrics_.store_is(store_.bytes());
  } catch (const Error& error) {
    metrics_.store_failed();
    spdlog::error("{}", error.what());
  }
}

}  // namespace weir::collector
