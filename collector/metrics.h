// What the collector counts, as Prometheus reads it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "collector/store.h"

namespace weir::collector {

/// Why a connection was refused or closed.
enum class Refusal : uint8_t {
  kTls,         // handshake failed: no certificate, a wrong or an expired one
  kNoName,      // the certificate names no sensor
  kOtherId,     // the Hello claims another id than the certificate's
  kTwoSensors,  // a second sensor with the id of one that is connected
  kTooMany,     // collector.max_connections
  kSlow,        // did not say who it is in time
  kMalformed,   // no stream of envelopes, or not in their order
  kSilent,      // said nothing for silent_after_s
};
inline constexpr int kRefusals = 8;

/// Any thread.
class Metrics {
 public:
  void took(const std::string& sensor, const Outcome& outcome);
  void committed(double seconds);
  void store_failed();
  void deleted(uint64_t alerts);
  void store_is(uint64_t bytes);
  void silent(std::map<std::string, bool> sensors);
  void refused(Refusal why);
  void connected(int64_t change);
  void certificate_expires(int64_t unix_s);

  /// The text format of Prometheus.
  std::string text() const;

 private:
  struct Sensor {
    uint64_t alerts = 0, duplicates = 0, missing = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Sensor> sensors_;
  std::map<std::string, bool> silent_;
  uint64_t refused_[kRefusals] = {};
  uint64_t commits_ = 0, failures_ = 0, deleted_ = 0, store_bytes_ = 0;
  double commit_seconds_ = 0;
  int64_t connections_ = 0, expires_s_ = 0;
};

}  // namespace weir::collector
