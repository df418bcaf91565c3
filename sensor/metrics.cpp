// The counters for Prometheus: a row each, from the lanes' accounts and the judge.
#include "sensor/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>

#include "flowtable/packet_names.h"

namespace weir {
namespace {

/// A metric that is a plain counter of each lane.
struct LaneRow {
  MetricRow row;
  uint64_t LaneCounters::*counter;
};

constexpr std::string_view kLaneLabels = "port, lane";
constexpr LaneRow kLaneRows[] = {
    {{{"weir_packets_total",
       "Frames handed over by the driver. When it stands still, check the cable and the SPAN."},
      kLaneLabels},
     &LaneCounters::packets},
    {{{"weir_frame_bytes_total",
       "Their bytes on the wire. Compare with the switch's own counter of the mirrored port."},
      kLaneLabels},
     &LaneCounters::frame_bytes},
    {{{"weir_out_ip_bytes_total",
       "IP bytes from home to outside. When it is 0, the home networks are wrong."},
      kLaneLabels},
     &LaneCounters::out_ip_bytes},
    {{{"weir_transit_ip_bytes_total",
       "IP bytes with neither end at home. When they are many, a home network is missing."},
      kLaneLabels},
     &LaneCounters::transit_ip_bytes},
    {{{"weir_duplicate_packets_total",
       "Packets seen twice. When they are many, the SPAN mirrors both ports of a path."},
      kLaneLabels},
     &LaneCounters::duplicate_packets},
    {{{"weir_handed_over_packets_total",
       "Packets that landed in another lane than their pair's. When they are most, the NIC spreads "
       "in its own way: fewer lanes are faster."},
      kLaneLabels},
     &LaneCounters::handed_over_packets},
    {{{"weir_overflow_connection_bytes_total",
       "IP bytes without a connection record. When it grows, raise flow_table.connections."},
      kLaneLabels},
     &LaneCounters::overflow_connection_bytes},
    {{{"weir_overflow_total_bytes_total",
       "IP bytes without a total, estimated only. When it grows, raise flow_table.totals."},
      kLaneLabels},
     &LaneCounters::overflow_total_bytes},
    {{{"weir_time_backward_packets_total",
       "Packets stamped earlier than one before. When they are many, the capture is out of order."},
      kLaneLabels},
     &LaneCounters::time_backward_packets},
};

/// A metric of the whole sensor, live.
struct SensorRow {
  MetricRow row;
  prometheus::MetricType type;
  double (*read)(const SensorMetrics& sensor);
};
using enum prometheus::MetricType;
constexpr SensorRow kSensorRows[] = {
    {{{"weir_incidents_total", "Suspected thefts reported. `weir-sensor explain` lists them."}, {}},
     Counter,
     [](const SensorMetrics& sensor) { return static_cast<double>(sensor.incidents); }},
    {{{"weir_open_incidents", "Incidents that go on, health conditions among them."}, {}},
     Gauge,
     [](const SensorMetrics& sensor) { return static_cast<double>(sensor.open_incidents); }},
    {{{"weir_alerts_total", "Alerts written: openings, revisions and closings of incidents."}, {}},
     Counter,
     [](const SensorMetrics& sensor) { return static_cast<double>(sensor.alerts); }},
    {{{"weir_lost_alert_lines_total",
       "Alerts that alerts.file did not take. When it grows, its disk is full."},
      {}},
     Counter,
     [](const SensorMetrics& sensor) { return static_cast<double>(sensor.lost_alert_lines); }},
    {{{"weir_clock_ahead_seconds",
       "The sensor's clock before the system's. Beyond a second, the system's clock was set."},
      {}},
     Gauge,
     [](const SensorMetrics& sensor) { return sensor.clock_ahead_s; }},
    {{{"weir_sweep_seconds",
       "How long the judge's last sweep took. Near a second, there are too many active pairs for "
       "its core."},
      {}},
     Gauge,
     [](const SensorMetrics& sensor) { return sensor.sweep_s; }},
};

constexpr MetricRow kDropRow = {{"weir_drop_packets_total",
                                 "Frames in no total, by reason. nic_missed and no_mbuf: more "
                                 "lanes or mbufs; link_unsupported, "
                                 "malformed: look at the feed; not_ip is normal, own_uplink "
                                 "is this sensor's connection to its collector."},
                                "reason, port, lane"};
constexpr MetricRow kFindingsRow = {
    {"weir_findings_total",
     "Findings of a detector before they are folded into incidents. A jump after a change of "
     "thresholds means that one is too low."},
    "detector"};

struct UplinkRow {
  Metric metric;
  uint64_t UplinkMetrics::*value;
  bool counts;  // a counter; else a gauge
};

constexpr UplinkRow kUplinkRows[] = {
    {{"weir_spool_alerts",
      "Alerts that the collector has not acknowledged. When they grow, look at "
      "weir_uplink_connected and at the collector."},
     &UplinkMetrics::spool_alerts,
     false},
    {{"weir_spool_waiting_alerts",
      "Of those, alerts in memory only. Above 0 the disk of sensor.state_dir takes none: free "
      "space there."},
     &UplinkMetrics::spool_waiting_alerts,
     false},
    {{"weir_spool_dropped_alerts_total",
      "Alerts that are lost to the collector; gaps name them. Raise spool.max_bytes, or mend the "
      "way to the collector."},
     &UplinkMetrics::spool_dropped_alerts,
     true},
    {{"weir_spool_write_failures_total",
      "Writes of the spool that failed and were tried again. The log has the reason."},
     &UplinkMetrics::spool_write_failures,
     true},
    {{"weir_spool_rebuilds_total",
      "Times the spool was damaged or deleted and made again. Check the disk, and who cleans up "
      "sensor.state_dir."},
     &UplinkMetrics::spool_rebuilds,
     true},
    {{"weir_uplink_connected",
      "1 while the collector has welcomed this sensor. At 0 the log and `status` have the reason."},
     &UplinkMetrics::connected,
     false},
    {{"weir_uplink_last_acknowledged_timestamp_seconds",
      "When the collector last acknowledged. When it is old and weir_spool_alerts is not 0, look "
      "at the collector's disk."},
     &UplinkMetrics::last_acknowledged_s,
     false},
    {{"weir_uplink_sent_alerts_total",
      "Alerts sent, also again. Much above the collector's own count the connection breaks often."},
     &UplinkMetrics::sent_alerts,
     true},
    {{"weir_uplink_gaps_total",
      "Gaps told to the collector: ranges of lost alerts. Any is worth a look at the spool."},
     &UplinkMetrics::sent_gaps,
     true},
    {{"weir_uplink_failed_connections_total",
      "Connections that were refused or broke. When it grows, the log has the reason."},
     &UplinkMetrics::failed_connections,
     true},
    {{"weir_uplink_directives_total",
      "Directives of the collector, which this version counts and does not follow."},
     &UplinkMetrics::directives,
     true},
    {{"weir_uplink_certificate_expires_timestamp_seconds",
      "When this sensor's certificate ends. Issue a new one before, and reload."},
     &UplinkMetrics::certificate_expires_s,
     false},
};

using Labels = std::vector<std::pair<std::string, std::string>>;

prometheus::ClientMetric sample(const Labels& labels, uint64_t count) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  metric.counter.value = static_cast<double>(count);
  return metric;
}

prometheus::MetricFamily family(const MetricRow& row) {
  return {std::string(row.metric.name),
          std::string(row.metric.help),
          prometheus::MetricType::Counter,
          {}};
}

}  // namespace

std::vector<MetricRow> sensor_metrics() {
  std::vector<MetricRow> rows;
  for (const LaneRow& lane_row : kLaneRows) rows.push_back(lane_row.row);
  rows.push_back(kDropRow);
  rows.push_back(kFindingsRow);
  for (const UplinkRow& row : kUplinkRows) rows.push_back({row.metric, ""});
  for (const SensorRow& sensor_row : kSensorRows) rows.push_back(sensor_row.row);
  return rows;
}

void write_metrics(std::ostream& out, std::span<const LaneMetrics> lanes,
                   std::span<const Detector* const> detectors, std::span<const uint64_t> findings,
                   const UplinkMetrics& uplink, const SensorMetrics* sensor) {
  std::vector<prometheus::MetricFamily> families;
  for (const LaneRow& lane_row : kLaneRows) {
    prometheus::MetricFamily& counted = families.emplace_back(family(lane_row.row));
    for (const LaneMetrics& lane : lanes) {
      counted.metric.push_back(sample({{"port", lane.port}, {"lane", std::to_string(lane.lane)}},
                                      lane.counters.*lane_row.counter));
    }
  }
  prometheus::MetricFamily& drops = families.emplace_back(family(kDropRow));
  for (const LaneMetrics& lane : lanes) {
    for (size_t i = 0; i < kDropReasons; ++i) {
      drops.metric.push_back(sample({{"reason", std::string(drop_name(static_cast<DropReason>(i)))},
                                     {"port", lane.port},
                                     {"lane", std::to_string(lane.lane)}},
                                    lane.counters.drop_packets[i]));
    }
  }
  prometheus::MetricFamily& found = families.emplace_back(family(kFindingsRow));
  for (size_t i = 0; i < detectors.size(); ++i) {
    found.metric.push_back(sample({{"detector", std::string(detectors[i]->id)}}, findings[i]));
  }
  for (const UplinkRow& row : kUplinkRows) {
    prometheus::MetricFamily& told = families.emplace_back(family({row.metric, ""}));
    prometheus::ClientMetric& metric = told.metric.emplace_back();
    const auto value = static_cast<double>(uplink.*row.value);
    if (row.counts) {
      metric.counter.value = value;
    } else {
      told.type = prometheus::MetricType::Gauge;
      metric.gauge.value = value;
    }
  }
  for (const SensorRow& sensor_row : kSensorRows) {
    if (sensor == nullptr) break;
    prometheus::MetricFamily& of_sensor = families.emplace_back(family(sensor_row.row));
    of_sensor.type = sensor_row.type;
    prometheus::ClientMetric& metric = of_sensor.metric.emplace_back();
    metric.counter.value = metric.gauge.value = sensor_row.read(*sensor);
  }
  prometheus::TextSerializer().Serialize(out, families);
}

}  // namespace weir
