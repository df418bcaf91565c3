// The counters for Prometheus: each declared once, with a help text that says what to do.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/detector.h"
#include "flowtable/lane_counters.h"

namespace weir {

struct LaneMetrics {
  std::string port;  // device or capture
  uint32_t lane = 0;
  LaneCounters counters;
};

/// The way of alerts out of the sensor, as sensor/uplink.h has it.
struct UplinkMetrics {
  uint64_t spool_alerts = 0;
  uint64_t spool_waiting_alerts = 0;
  uint64_t spool_dropped_alerts = 0;
  uint64_t spool_write_failures = 0;
  uint64_t spool_rebuilds = 0;
  uint64_t connected = 0;            // 0 or 1
  uint64_t last_acknowledged_s = 0;  // since 1970; 0: never
  uint64_t sent_alerts = 0;
  uint64_t sent_gaps = 0;
  uint64_t failed_connections = 0;
  uint64_t directives = 0;
  uint64_t certificate_expires_s = 0;  // since 1970; 0: none
};

/// The names, help texts and labels ("reason, port, lane") of the sensor's own metrics; those of
/// detectors stand in their tables.
struct MetricRow {
  Metric metric;
  std::string_view labels;
};
std::vector<MetricRow> sensor_metrics();

/// What a live sensor says of itself beside its lanes.
struct SensorMetrics {
  uint64_t incidents = 0;
  uint64_t open_incidents = 0;
  uint64_t alerts = 0;
  uint64_t lost_alert_lines = 0;
  double clock_ahead_s = 0;
  double sweep_s = 0;
};

/// Prometheus text format 0.0.4. `findings[i]` is of `detectors[i]`; `sensor`: live only.
void write_metrics(std::ostream& out, std::span<const LaneMetrics> lanes,
                   std::span<const Detector* const> detectors, std::span<const uint64_t> findings,
                   const UplinkMetrics& uplink, const SensorMetrics* sensor = nullptr);

}  // namespace weir
