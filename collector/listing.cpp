// `weir-collector alerts` and `sensors`: what is in the store, for people and as JSON lines.
#include "collector/listing.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <ctime>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <thread>

#include "collector/error.h"
#include "collector/writer.h"
#include "proto/alert_json.h"

namespace weir::collector {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr auto kFollowInterval = std::chrono::milliseconds(200);

std::atomic<bool> interrupted{false};  // NOLINT: a signal handler can reach nothing else
void on_signal(int) { interrupted.store(true, std::memory_order_relaxed); }

/// Names come from the network: what is no letter of a terminal is shown as '?'.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c == '\x7f'; }, '?');
  return text;
}

std::string time_text(int64_t time_ns) {
  if (time_ns == 0) return "never";
  const std::time_t seconds = time_ns / kNsPerSecond;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::ostringstream out;
  out << std::put_time(&parts, "%Y-%m-%dT%H:%M:%SZ");
  return out.str();
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  std::ostringstream out;
  out << std::fixed << std::setprecision(unit == 0 ? 0 : 1) << value << ' ' << kUnits.at(unit);
  return out.str();
}

std::string ends_text(const v1::Alert& alert) {
  if (alert.host().empty()) return "the sensor itself";
  std::string to = alert.destination().address();
  if (!alert.destination().name().empty()) to += " (" + alert.destination().name() + ")";
  return printable(alert.host() + " > " + to);
}

std::string detectors_text(const v1::Alert& alert) {
  std::string all;
  for (const v1::Evidence& evidence : alert.evidence())
    all += (all.empty() ? "" : ",") + evidence.detector();
  return printable(all);
}

constexpr int kTimeWidth = 20, kSeverityWidth = 8, kStateWidth = 6, kSensorWidth = 16,
              kEndsWidth = 44, kBytesWidth = 10, kIncidentWidth = 16;

void write_header(std::ostream& out) {
  out << std::left << std::setw(kTimeWidth) << "LAST SEEN" << ' ' << std::setw(kSeverityWidth)
      << "SEVERITY" << ' ' << std::setw(kStateWidth) << "STATE" << ' ' << std::setw(kSensorWidth)
      << "SENSOR" << ' ' << std::setw(kEndsWidth) << "HOST > DESTINATION" << ' '
      << std::setw(kBytesWidth) << "BYTES OUT" << ' ' << std::setw(kIncidentWidth) << "INCIDENT"
      << " DETECTORS\n";
}

void write_row(const v1::Alert& alert, std::ostream& out) {
  out << std::left << std::setw(kTimeWidth) << time_text(alert.last_seen().seconds() * kNsPerSecond)
      << ' ' << std::setw(kSeverityWidth) << v1::Alert::Severity_Name(alert.severity()) << ' '
      << std::setw(kStateWidth) << v1::Alert::State_Name(alert.state()) << ' '
      << std::setw(kSensorWidth) << printable(alert.sensor_id()) << ' ' << std::setw(kEndsWidth)
      << ends_text(alert) << ' ' << std::setw(kBytesWidth)
      << bytes_text(alert.ledger().out_payload_high_bytes()) << ' ' << std::setw(kIncidentWidth)
      << alert.incident_id() << ' ' << detectors_text(alert) << '\n';
}

/// What a sensor's last heartbeat says of its lanes together.
struct Seen {
  uint64_t counted_bytes = 0, dropped_packets = 0;
};

Seen seen_by(const v1::Heartbeat& heartbeat) {
  Seen seen;
  for (const v1::Lane& lane : heartbeat.lanes()) {
    seen.counted_bytes += lane.coverage().out_counted_bytes();
    for (const v1::Dropped& dropped : lane.coverage().dropped())
      if (dropped.reason() != "not_ip") seen.dropped_packets += dropped.packets();
  }
  return seen;
}

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      constexpr const char* kHex = "0123456789abcdef";
      out += std::string("\\u00") + kHex[(c >> 4) & 15] + kHex[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

void write_sensor_json(const SensorRow& row, bool silent, std::ostream& out) {
  std::string heartbeat;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  (void)google::protobuf::util::MessageToJsonString(row.heartbeat, &heartbeat, options);
  out << "{\"sensor_id\":" << json_text(row.id) << ",\"silent\":" << (silent ? "true" : "false")
      << ",\"version\":" << json_text(row.version) << ",\"epoch\":\"" << row.epoch
      << "\",\"first_heard\":" << json_text(time_text(row.first_heard_ns))
      << ",\"last_heard\":" << json_text(time_text(row.last_heard_ns))
      << ",\"last_heartbeat\":" << json_text(time_text(row.last_heartbeat_ns))
      << ",\"clock_offset_ms\":" << row.clock_offset_ns / 1'000'000 << ",\"alerts\":\""
      << row.alerts << "\",\"gap_alerts\":\"" << row.gap_alerts << "\",\"heartbeat\":" << heartbeat
      << "}\n";
}

}  // namespace

int64_t parse_time(const std::string& text, int64_t now_ns) {
  const auto refuse = [&]() -> Error {
    return {kExitUsage, "--since " + text +
                            " is no time; write 2026-11-24, 2026-11-24T10:00:00Z, or 15m, 2h, 7d"};
  };
  std::tm parts{};
  for (const char* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    parts = {};
    const char* end = strptime(text.c_str(), form, &parts);
    if (end != nullptr && *end == 0) return timegm(&parts) * kNsPerSecond;
  }
  int64_t value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc() || value < 0 || end + 1 != last) throw refuse();
  const int64_t unit_s = *end == 's'   ? 1
                         : *end == 'm' ? 60
                         : *end == 'h' ? 3600
                         : *end == 'd' ? 86400
                                       : 0;
  if (unit_s == 0 || value > now_ns / kNsPerSecond / unit_s) throw refuse();
  return now_ns - value * unit_s * kNsPerSecond;
}

int parse_severity(const std::string& text) {
  std::string name = text;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  v1::Alert::Severity severity;
  if (!v1::Alert::Severity_Parse(name, &severity))
    throw Error(kExitUsage, "--severity " + text +
                                " is not known; there are: INFO, LOW, MEDIUM, HIGH, CRITICAL");
  return severity;
}

void list_alerts(Store& store, const ListArguments& arguments, std::ostream& out) {
  const auto write = [&](const v1::Alert& alert) {
    if (arguments.json)
      out << alert_json(alert) << '\n';
    else
      write_row(alert, out);
  };
  if (!arguments.json) write_header(out);
  int64_t after = store.alerts(arguments.filter, 0, write);
  out.flush();
  if (!arguments.follow) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  AlertFilter filter = arguments.filter;
  filter.revisions = true;  // every one as it comes
  filter.limit = 0;
  while (!interrupted.load(std::memory_order_relaxed) && out) {
    std::this_thread::sleep_for(kFollowInterval);
    after = store.alerts(filter, after, write);
    out.flush();
  }
}

void list_sensors(Store& store, const Config& config, bool json, std::ostream& out) {
  const int64_t now = now_ns();
  const int64_t silent_after_ns = static_cast<int64_t>(config.silent_after_s) * kNsPerSecond;
  if (!json)
    out << std::left << std::setw(kSensorWidth) << "SENSOR" << ' ' << std::setw(7) << "STATE" << ' '
        << std::setw(kTimeWidth) << "LAST HEARD" << ' ' << std::setw(10) << "VERSION" << ' '
        << std::setw(10) << "CLOCK" << ' ' << std::setw(9) << "ALERTS" << ' ' << std::setw(6)
        << "LOST" << ' ' << std::setw(8) << "SPOOLED" << ' ' << std::setw(12) << "BYTES OUT" << ' '
        << "DROPPED\n";
  for (const SensorRow& row : store.sensors()) {
    const bool beats = row.last_heartbeat_ns != 0;
    const bool silent = beats && now - row.last_heard_ns > silent_after_ns;
    if (json) {
      write_sensor_json(row, silent, out);
      continue;
    }
    const Seen seen = seen_by(row.heartbeat);
    const int64_t offset_ms = row.clock_offset_ns / 1'000'000;
    out << std::left << std::setw(kSensorWidth) << printable(row.id) << ' ' << std::setw(7)
        << (silent  ? "SILENT"
            : beats ? "here"
                    : "replay")
        << ' ' << std::setw(kTimeWidth) << time_text(row.last_heard_ns) << ' ' << std::setw(10)
        << printable(row.version) << ' ' << std::setw(10)
        << (beats ? (offset_ms >= 0 ? "+" : "") + std::to_string(offset_ms) + " ms" : "-") << ' '
        << std::setw(9) << row.alerts << ' ' << std::setw(6) << row.gap_alerts << ' '
        << std::setw(8) << row.heartbeat.spool_alerts() << ' ' << std::setw(12)
        << bytes_text(seen.counted_bytes) << ' ' << seen.dropped_packets << " packets\n";
  }
}

}  // namespace weir::collector
