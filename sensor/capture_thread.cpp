// HOT. Polls a lane; no system call while packets come.
#include "sensor/capture_thread.h"

#include <pthread.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr uint32_t kSpins = 64;           // empty polls before the first rest
constexpr uint32_t kRestLongest_us = 40;  // asked for; with the timer's slack it stays below 50
constexpr unsigned long kTimerSlackNs = 1000;  // what the kernel may add to a sleep
static_assert(kRestLongest_us + kTimerSlackNs / 1000 < CaptureThread::kRestMost_us);

}  // namespace

void CaptureThread::start() {
  stop_.store(false, std::memory_order_relaxed);
  begun_.store(Begun::kNotYet, std::memory_order_relaxed);
  thread_ = std::thread([this] { run(); });
  begun_.wait(Begun::kNotYet, std::memory_order_acquire);
  const Begun begun = begun_.load(std::memory_order_acquire);
  if (begun == Begun::kPolling) return;
  thread_.join();
  const std::string lane = "lane " + std::to_string(number_);
  if (begun == Begun::kNoCore)
    throw Error(kExitUsage, "lanes.capture_cores: " + lane + " cannot run on core " +
                                std::to_string(*core_) +
                                ", which this machine or this service does not have; name others, "
                                "or [] to have them chosen");
  throw Error(kExitFailed, lane + ": DPDK takes no more threads; use fewer lanes");
}

void CaptureThread::stop() {
  stop_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

bool CaptureThread::pin() const noexcept {
  if (!core_ || *core_ >= CPU_SETSIZE) return !core_;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(*core_, &cores);
  return pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores) == 0;
}

/// A place among DPDK's threads gives the lane a cache of mbufs of its own.
void CaptureThread::run() noexcept {
  pthread_setname_np(pthread_self(), ("lane-" + std::to_string(number_)).c_str());
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  const Begun begun = !pin()                      ? Begun::kNoCore
                      : rte_thread_register() < 0 ? Begun::kNoPlace
                                                  : Begun::kPolling;
  begun_.store(begun, std::memory_order_release);
  begun_.notify_one();
  if (begun != Begun::kPolling) return;
  uint32_t empty = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (lane_.poll() > 0) {
      empty = 0;
      continue;
    }
    ++empty;
    if (core_ || empty <= kSpins) {
      rte_pause();
      continue;
    }
    const uint32_t rest_us = std::min(empty - kSpins, kRestLongest_us);
    std::this_thread::sleep_for(std::chrono::microseconds(rest_us));
  }
  rte_thread_unregister();
}

}  // namespace weir
