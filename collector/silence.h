// The dead-man's alarm: a sensor that sent heartbeats, and does no more.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/store.h"

namespace weir::collector {

/// Judges sensors that ever sent a heartbeat; a replay sends none and ends when it is done. One
/// thread. An incident opens when a sensor falls silent and closes when it is heard again.
class Silence {
 public:
  /// `began_ns`: the collector's start. Nobody can have been heard before it, so silence counts
  /// from then on.
  Silence(int64_t after_ns, int64_t began_ns) : after_ns_(after_ns), began_ns_(began_ns) {}

  /// A sensor of earlier runs.
  void knows(const SensorRow& row);
  void heard(const Arrival& arrival);

  /// Alerts about who fell silent or came back by now.
  std::vector<v1::Alert> judge(int64_t now_ns);

  /// Every sensor that is judged: is it silent?
  std::map<std::string, bool> silent() const;

 private:
  struct Sensor {
    int64_t heard_ns = 0;
    int64_t silent_since_ns = 0;  // 0: it is not
    bool beats = false;
  };
  v1::Alert alert(const std::string& id, const Sensor& sensor, int64_t now_ns) const;

  int64_t after_ns_;
  int64_t began_ns_;
  std::map<std::string, Sensor> sensors_;
};

}  // namespace weir::collector
