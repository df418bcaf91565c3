// What the collector counts, as Prometheus reads it.
#include "collector/metrics.h"

#include <prometheus/text_serializer.h>

#include <array>
#include <sstream>
#include <utility>

namespace weir::collector {
namespace {

constexpr std::array<const char*, kRefusals> kRefusalNames = {
    "tls", "no_name", "other_id", "two_sensors", "too_many", "slow", "malformed", "silent"};

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// The families of one page. Name and help stand where a family is added, once.
class Page {
 public:
  MetricFamily& add(const char* name, MetricType type, const char* help) {
    return families_.emplace_back(MetricFamily{name, help, type, {}});
  }
  void counter(const char* name, double value, const char* help) {
    sample(add(name, MetricType::Counter, help), value, {});
  }
  void gauge(const char* name, double value, const char* help) {
    sample(add(name, MetricType::Gauge, help), value, {});
  }
  static void sample(MetricFamily& family, double value, std::vector<ClientMetric::Label> labels) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label = std::move(labels);
    (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  }
  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

}  // namespace

void Metrics::took(const std::string& sensor, const Outcome& outcome) {
  const std::lock_guard lock(mutex_);
  Sensor& counts = sensors_[sensor];
  counts.alerts += outcome.stored;
  counts.duplicates += outcome.duplicates;
  counts.missing += outcome.missing;
}

void Metrics::committed(double seconds) {
  const std::lock_guard lock(mutex_);
  ++commits_;
  commit_seconds_ += seconds;
}

void Metrics::store_failed() {
  const std::lock_guard lock(mutex_);
  ++failures_;
}

void Metrics::deleted(uint64_t alerts) {
  const std::lock_guard lock(mutex_);
  deleted_ += alerts;
}

void Metrics::store_is(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  store_bytes_ = bytes;
}

void Metrics::silent(std::map<std::string, bool> sensors) {
  const std::lock_guard lock(mutex_);
  silent_ = std::move(sensors);
}

void Metrics::refused(Refusal why) {
  const std::lock_guard lock(mutex_);
  ++refused_[static_cast<size_t>(why)];
}

void Metrics::connected(int64_t change) {
  const std::lock_guard lock(mutex_);
  connections_ += change;
}

void Metrics::certificate_expires(int64_t unix_s) {
  const std::lock_guard lock(mutex_);
  expires_s_ = unix_s;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  Page page;
  const auto by_sensor = [&](const char* name, uint64_t Sensor::*count, const char* help) {
    MetricFamily& family = page.add(name, MetricType::Counter, help);
    for (const auto& [id, counts] : sensors_)
      Page::sample(family, static_cast<double>(counts.*count), {{"sensor", id}});
  };
  by_sensor("weir_collector_alerts_total", &Sensor::alerts,
            "Alerts stored. None for weeks from one sensor: look whether its feed is right.");
  by_sensor("weir_collector_duplicate_alerts_total", &Sensor::duplicates,
            "Alerts that came again after a lost acknowledgement; they are stored once. Many: the "
            "connection is bad.");
  by_sensor(
      "weir_collector_missing_alerts_total", &Sensor::missing,
      "Sequence numbers that were skipped and that no Gap named. Any: report a defect, or look "
      "whether the sensor's spool was replaced.");
  MetricFamily& silent = page.add("weir_collector_sensor_silent", MetricType::Gauge,
                                  "1 while a sensor is silent for longer than silent_after_s: its "
                                  "network is not watched. Look at its service and its network.");
  for (const auto& [id, is_silent] : silent_)
    Page::sample(silent, is_silent ? 1 : 0, {{"sensor", id}});
  MetricFamily& refused =
      page.add("weir_collector_refused_total", MetricType::Counter,
               "Connections refused or closed, by reason. tls, no_name: certificates; other_id, "
               "two_sensors: an id is used twice; slow, malformed: something that is no sensor.");
  for (size_t i = 0; i < kRefusalNames.size(); ++i)
    Page::sample(refused, static_cast<double>(refused_[i]), {{"reason", kRefusalNames.at(i)}});
  page.gauge("weir_collector_connections", static_cast<double>(connections_),
             "Sensors connected now. Fewer than you have: see weir_collector_sensor_silent.");
  page.counter("weir_collector_commits_total", static_cast<double>(commits_),
               "Commits of the store.");
  page.counter("weir_collector_commit_seconds_total", commit_seconds_,
               "Time in commits. More than 50 ms each: the disk is slow, and alerts wait for it.");
  page.counter("weir_collector_store_failures_total", static_cast<double>(failures_),
               "Commits that failed; nothing of them was acknowledged. Any: look at the disk.");
  page.counter("weir_collector_deleted_alerts_total", static_cast<double>(deleted_),
               "Alerts deleted by age or size. Sooner than you want: raise max_store_bytes.");
  page.gauge("weir_collector_store_bytes", static_cast<double>(store_bytes_),
             "Size of the store. Near max_store_bytes the oldest alerts go.");
  page.gauge("weir_collector_certificate_expiry_timestamp_seconds", static_cast<double>(expires_s_),
             "When the collector's certificate ends. Renew it before, then send SIGHUP.");
  return page.text();
}

}  // namespace weir::collector
