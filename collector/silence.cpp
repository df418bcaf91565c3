// The dead-man's alarm: a sensor that sent heartbeats, and does no more.
#include "collector/silence.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace weir::collector {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

/// As a sensor's incident ids: 16 hex digits of SHA-256, here over the id and since when.
std::string incident_id(const std::string& sensor, int64_t since_ns) {
  const std::string text = sensor + '\n' + "silent" + '\n' + std::to_string(since_ns);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  constexpr const char* kHex = "0123456789abcdef";
  std::string id;
  for (size_t i = 0; i < 8; ++i) {
    id += kHex[digest.at(i) >> 4];
    id += kHex[digest.at(i) & 15];
  }
  return id;
}

void set_time(google::protobuf::Timestamp& time, int64_t time_ns) {
  time.set_seconds(time_ns / kNsPerSecond);
  time.set_nanos(static_cast<int32_t>(time_ns % kNsPerSecond));
}

}  // namespace

void Silence::knows(const SensorRow& row) {
  Sensor& sensor = sensors_[row.id];
  sensor.beats = row.last_heartbeat_ns != 0;
  sensor.heard_ns = std::max(row.last_heard_ns, began_ns_);
}

void Silence::heard(const Arrival& arrival) {
  Sensor& sensor = sensors_[arrival.sensor];
  sensor.heard_ns = std::max(sensor.heard_ns, arrival.received_ns);
  if (std::holds_alternative<v1::Heartbeat>(arrival.body)) sensor.beats = true;
}

std::vector<v1::Alert> Silence::judge(int64_t now_ns) {
  std::vector<v1::Alert> alerts;
  for (auto& [id, sensor] : sensors_) {
    if (!sensor.beats) continue;
    const bool silent = now_ns - sensor.heard_ns > after_ns_;
    if (silent == (sensor.silent_since_ns != 0)) continue;
    if (silent) sensor.silent_since_ns = sensor.heard_ns;
    alerts.push_back(alert(id, sensor, now_ns));
    if (!silent) sensor.silent_since_ns = 0;
  }
  return alerts;
}

v1::Alert Silence::alert(const std::string& id, const Sensor& sensor, int64_t now_ns) const {
  const bool back = now_ns - sensor.heard_ns <= after_ns_;
  const auto quiet_s =
      static_cast<uint64_t>((back ? sensor.heard_ns : now_ns) - sensor.silent_since_ns) /
      kNsPerSecond;
  v1::Alert alert;
  alert.set_incident_id(incident_id(id, sensor.silent_since_ns));
  alert.set_revision(back ? 2 : 1);
  alert.set_state(back ? v1::Alert::CLOSED : v1::Alert::OPEN);
  alert.set_sensor_id(id);
  alert.set_severity(v1::Alert::HIGH);
  set_time(*alert.mutable_first_seen(), sensor.silent_since_ns);
  set_time(*alert.mutable_last_seen(), now_ns);
  v1::Evidence& evidence = *alert.add_evidence();
  evidence.set_detector("sensor.health");
  evidence.set_observed(quiet_s);
  evidence.set_threshold(static_cast<uint64_t>(after_ns_ / kNsPerSecond));
  evidence.set_unit("seconds");
  evidence.set_explanation(
      back ? "Sensor " + id + " is heard again after " + std::to_string(quiet_s) + " s of silence."
           : "Sensor " + id + " has said nothing for " + std::to_string(quiet_s) +
                 " s: what leaves its network now is not watched from here. Look at its service, "
                 "its "
                 "network and its certificate.");
  evidence.mutable_counterfactual()->set_option("collector.silent_after_s");
  evidence.mutable_counterfactual()->set_threshold(quiet_s + 1);
  evidence.mutable_counterfactual()->set_text("With that limit this silence is no alarm.");
  return alert;
}

std::map<std::string, bool> Silence::silent() const {
  std::map<std::string, bool> all;
  for (const auto& [id, sensor] : sensors_)
    if (sensor.beats) all[id] = sensor.silent_since_ns != 0;
  return all;
}

}  // namespace weir::collector
