// Reads requests of the control socket and writes their answers.
#include "sensor/control_commands.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "detectors/words.h"
#include "flowtable/packet_names.h"
#include "sensor/alert_text.h"
#include "sensor/ledger.h"
#include "sensor/readable.h"

namespace weir {
namespace {

constexpr size_t kRowsMost = 1000;
constexpr size_t kIncidentsListed = 50;
constexpr const char* kCommands = "status, top, flows and explain";

/// "key=value" words of a request, each taken once.
class Words {
 public:
  explicit Words(const std::string& request) {
    std::istringstream stream(request);
    stream >> command;
    for (std::string word; stream >> word;) rest_.push_back(word);
  }
  /// The value behind `key=`, else `standard`.
  std::string take(const std::string& key, const std::string& standard) {
    for (auto word = rest_.begin(); word != rest_.end(); ++word) {
      if (!word->starts_with(key + "=")) continue;
      std::string value = word->substr(key.size() + 1);
      rest_.erase(word);
      return value;
    }
    return standard;
  }
  std::string take_bare() {
    if (rest_.empty()) return "";
    std::string word = rest_.front();
    rest_.erase(rest_.begin());
    return word;
  }
  std::string left() const { return rest_.empty() ? "" : rest_.front(); }

  std::string command;

 private:
  std::vector<std::string> rest_;
};

/// False if the text is no number of rows.
bool read_rows(const std::string& text, size_t& rows) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, rows);
  return error == std::errc() && at == end && rows >= 1 && rows <= kRowsMost;
}

bool read_top(Words& words, TopQuery& query) {
  const std::string by = words.take("by", "pairs"), sort = words.take("sort", "out");
  if (by != "pairs" && by != "hosts" && by != "destinations") return false;
  if (sort != "out" && sort != "in" && sort != "rate" && sort != "packets") return false;
  query.by = by == "pairs"   ? TopQuery::By::kPairs
             : by == "hosts" ? TopQuery::By::kHosts
                             : TopQuery::By::kDestinations;
  query.sort = sort == "out"    ? TopQuery::Sort::kOut
               : sort == "in"   ? TopQuery::Sort::kIn
               : sort == "rate" ? TopQuery::Sort::kRate
                                : TopQuery::Sort::kPackets;
  return read_rows(words.take("rows", "20"), query.rows);
}

void put(std::string& text, const std::string& name, const std::string& value) {
  text += name + std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') + value + "\n";
}

std::string uplink_text(const SensorConfig& config, const UplinkStatus& status) {
  if (config.uplink.collector.empty()) return "no collector is configured";
  const std::string spooled =
      grouped_words(status.spool.alerts) + " alerts wait for their acknowledgement";
  if (status.connected) return "connected to " + config.uplink.collector + "; " + spooled;
  return "not connected to " + config.uplink.collector + "; " + spooled +
         (status.trouble.empty() ? "" : "; " + status.trouble);
}

std::string drops_text(const LaneCounters& counters) {
  std::string text;
  for (size_t i = 0; i < kDropReasons; ++i)
    if (counters.drop_packets[i] > 0)
      text += (text.empty() ? "" : ", ") + grouped_words(counters.drop_packets[i]) + " " +
              std::string(drop_name(static_cast<DropReason>(i)));
  return text.empty() ? "none" : text;
}

}  // namespace

ControlAnswer ControlSession::answer(const std::string& request) {
  Words words(request);
  if (words.command == "status") return {true, status()};
  if (words.command == "explain") return explain(words.take_bare());
  if (words.command == "top") {
    TopQuery query;
    if (!read_top(words, query) || !words.left().empty())
      return {false, "top takes by=pairs|hosts|destinations sort=out|in|rate|packets rows=1..1000"};
    return {true, traffic_.top(view_.table, view_.lanes.home(), query, view_.clock.now_ns())};
  }
  if (words.command == "flows") {
    size_t rows = 0;
    const std::string of = words.take("of", "");
    const auto address = parse_ip_address(of);
    if (!read_rows(words.take("rows", "50"), rows) || !words.left().empty() ||
        (!of.empty() && !address))
      return {false, "flows takes rows=1..1000 and of=ADDRESS"};
    return {true, flows_text(view_.table, view_.lanes.home(), address ? &*address : nullptr, rows)};
  }
  return {false, "\"" + printable(words.command, 40) +
                     "\" is no command of the sensor; there are " + kCommands};
}

std::string ControlSession::status() const {
  const JudgeReport report = view_.judge.report();
  const LaneCounters sum = sum_of_lanes(view_.table);
  std::string text;
  put(text, "sensor", view_.config.sensor.id);
  put(text, "clock",
      time_text(view_.clock.now_ns()) + ", " + std::to_string(report.clock_ahead_ns / 1'000'000) +
          " ms ahead of the system's");
  for (size_t i = 0; i < view_.lanes.ports().size(); ++i) {
    const Port& port = *view_.lanes.ports()[i];
    const bool up = i < report.link_up.size() && report.link_up[i];
    put(text, "port " + std::to_string(i),
        port.name() + ", " + std::to_string(port.queues()) + " lane(s), link " +
            (up ? "up" : "down"));
  }
  for (uint16_t lane = 0; lane < view_.table.lanes(); ++lane) {
    const LaneCounters counters = view_.table.shard(lane).read_counters();
    put(text, "lane " + std::to_string(lane),
        grouped_words(counters.packets) + " packets, " + short_byte_words(counters.frame_bytes) +
            ", handed over " + grouped_words(counters.handed_over_packets) +
            ", drops: " + drops_text(counters));
  }
  put(text, "account",
      short_byte_words(sum.out_ip_bytes) + " out, " + short_byte_words(sum.in_ip_bytes) + " in, " +
          short_byte_words(sum.internal_ip_bytes) + " internal, " +
          short_byte_words(sum.transit_ip_bytes) + " transit");
  put(text, "table",
      grouped_words(sum.connections) + " connections and " + grouped_words(sum.totals) +
          " pairs opened so far");
  put(text, "judge",
      grouped_words(report.counters.incidents) + " incidents, " +
          grouped_words(report.open_incidents) + " open, " + grouped_words(report.counters.alerts) +
          " alerts; " + grouped_words(report.sweeps) + " sweeps, the last took " +
          std::to_string(report.sweep_ns / 1000) + " us");
  put(text, "uplink", uplink_text(view_.config, view_.uplink.status()));
  if (!report.history_error.empty()) put(text, "history", report.history_error);
  for (const SilencedCounts& silenced : report.silenced)
    if (silenced.findings > 0) put(text, "allowed", silenced_line(silenced));
  return text;
}

ControlAnswer ControlSession::explain(const std::string& incident_id) const {
  v1::Alert alert;
  if (!incident_id.empty()) {
    if (view_.outputs.find(incident_id, alert)) return {true, alert_text(alert, false)};
    return {false, "no incident, or more than one, begins with \"" + printable(incident_id, 40) +
                       "\"; `weir-sensor explain` without an id lists them"};
  }
  std::string text;
  size_t listed = 0;
  for (const v1::Alert& one : view_.outputs.incidents()) {
    if (listed++ == kIncidentsListed) break;
    text += one.incident_id() + "  " + alert_headline(one, false);
  }
  return {true, text.empty() ? "no incident so far\n" : text};
}

}  // namespace weir
