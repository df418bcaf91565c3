// Everything the collector keeps: alerts, each exactly once, and what it knows of its sensors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "weir/v1/uplink.pb.h"

namespace weir::collector {

/// Something a sensor said.
struct Arrival {
  std::string sensor;  // of its certificate
  uint64_t epoch = 0;  // of its Hello
  int64_t received_ns = 0;
  std::variant<v1::Hello, v1::Alerts, v1::Heartbeat, v1::Gap> body;
};

/// What became of an arrival.
struct Outcome {
  uint64_t acknowledged_sequence = 0;  // everything of its epoch up to here is stored, or in a gap
  uint64_t stored = 0;
  uint64_t duplicates = 0;
  uint64_t missing = 0;  // sequences skipped that no Gap named; they are now, as a gap of ours
};

/// A sensor as the store knows it. Times in nanoseconds since 1970, 0 = never.
struct SensorRow {
  std::string id;
  std::string version;
  uint64_t epoch = 0;
  int64_t first_heard_ns = 0;
  int64_t last_heard_ns = 0;
  int64_t last_heartbeat_ns = 0;
  int64_t clock_offset_ns = 0;  // its clock less ours, at its last heartbeat
  uint64_t alerts = 0;          // stored now
  uint64_t gap_alerts = 0;      // lost before they came
  v1::Heartbeat heartbeat;      // the last one
};

/// Which alerts to read.
struct AlertFilter {
  std::string sensor, host, destination, incident;  // empty: any
  int64_t since_ns = 0;                             // received at or after
  int minimum_severity = 0;                         // v1::Alert::Severity
  int state = -1;                                   // v1::Alert::State; -1: any
  bool revisions = false;  // all of them; else the last one of each incident
  uint64_t limit = 0;      // the latest so many; 0: all
};

/// The store, on SQLite. The writer's side belongs to one thread; readers open a store of their
/// own, also from another process. Everything throws Error (kExitFailed).
class Store {
 public:
  enum class Access : uint8_t { kWrite, kRead };
  Store(const std::string& path, Access access);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- the writer ----

  /// Takes all arrivals in one transaction: when it returns they are on disk. When it throws, none
  /// is.
  std::vector<Outcome> commit(std::span<const Arrival> arrivals);

  /// An alert of the collector itself about `alert.sensor_id()`; its epoch and sequence are set
  /// here.
  void report(v1::Alert& alert, int64_t received_ns);

  /// Deletes what was received before `oldest_ns`, and the oldest while the store is larger than
  /// `max_bytes`; a limited number each time. Returns how many alerts went.
  uint64_t retain(int64_t oldest_ns, uint64_t max_bytes);

  uint64_t bytes();

  // ---- readers ----

  std::vector<SensorRow> sensors();

  /// In the order of arrival. Returns the place of the last one, for `after`: only alerts that
  /// came after that place are read (0: all).
  int64_t alerts(const AlertFilter& filter, int64_t after,
                 const std::function<void(const v1::Alert&)>& take);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weir::collector
