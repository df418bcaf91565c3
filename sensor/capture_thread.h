// The thread of a lane: polls it until told to stop, and rests where it has no core of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "sensor/lane.h"

namespace weir {

/// Runs from start() to stop(). Pinned to a core it polls without a pause; else it sleeps after
/// some empty polls, kRestMost_us at the most.
class CaptureThread {
 public:
  static constexpr uint32_t kRestMost_us = 50;

  /// `lane` must outlive the thread.
  CaptureThread(Lane& lane, uint16_t number, std::optional<uint32_t> core)
      : lane_(lane), number_(number), core_(core) {}
  ~CaptureThread() { stop(); }
  CaptureThread(const CaptureThread&) = delete;
  CaptureThread& operator=(const CaptureThread&) = delete;

  /// Throws Error (kExitFailed) where DPDK takes no more threads or the core cannot be had.
  void start();
  /// Returns after the last poll.
  void stop();

 private:
  enum class Begun : uint8_t { kNotYet, kPolling, kNoPlace, kNoCore };

  void run() noexcept;
  bool pin() const noexcept;

  Lane& lane_;
  uint16_t number_;
  std::optional<uint32_t> core_;
  std::atomic<bool> stop_{false};
  std::atomic<Begun> begun_{Begun::kNotYet};
  std::thread thread_;
};

}  // namespace weir
