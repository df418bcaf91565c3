// The judge alone: findings to incidents, incidents to alerts, alerts to lines of JSON.
#include <benchmark/benchmark.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proto/alert_json.h"
#include "sensor/judge.h"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kStartNs = 1'772'366'400 * kSecondNs;
constexpr uint64_t kLimitBytes = 1'000'000;
constexpr uint64_t kOutBytes = 1'500'000;

uint16_t row_of(std::string_view id) {
  const auto all = detectors();
  return static_cast<uint16_t>(
      std::find_if(all.begin(), all.end(), [&](const Detector* each) { return each->id == id; }) -
      all.begin());
}

/// volume.burst on pair `number`.
Finding burst_of(uint32_t number, uint64_t now_ns, uint64_t observed) {
  static const uint16_t burst = row_of("volume.burst");
  Finding finding;
  finding.time_ns = now_ns;
  finding.observed = finding.observed_low = observed;
  finding.threshold = kLimitBytes;
  finding.window_s = 3600;
  finding.window_start_ns = now_ns - 3600 * kSecondNs;
  finding.counterfactual = observed + 1;
  finding.score = 0.5;
  finding.host = IpAddress::v4(0x0a000000 + number);
  finding.destination = IpAddress::v4(0x2d000000 + number);
  finding.total = {number, 1};
  finding.detector = burst;
  finding.option = 2;
  return finding;
}

TotalSnapshot total_of(const Finding& finding) {
  TotalSnapshot total;
  total.id = finding.total;
  total.scope = Scope::kOutbound;
  total.host = finding.host;
  total.destination = finding.destination;
  total.protocol = kProtocolTcp;
  total.destination_port = 443;
  total.connections = kConnectionsListed;
  total.first_seen_ns = kStartNs;
  total.last_seen_ns = finding.time_ns;
  total.out = {.packets = 1500,
               .ip_bytes = kOutBytes + 60'000,
               .payload_low_bytes = kOutBytes,
               .payload_high_bytes = kOutBytes};
  return total;
}

std::vector<ConnectionSnapshot> connections_of(const TotalPlace& place) {
  std::vector<ConnectionSnapshot> all(kConnectionsListed);
  for (uint32_t i = 0; i < all.size(); ++i) {
    all[i].id = {place.total.slot * 10 + i, 1};
    all[i].total = place.total;
    all[i].host_port = static_cast<uint16_t>(40'000 + i);
    all[i].destination_port = 443;
    all[i].protocol = kProtocolTcp;
    all[i].first_seen_ns = kStartNs + i;
    all[i].out_payload_low_bytes = all[i].out_payload_high_bytes = kOutBytes / 10;
  }
  return all;
}

/// A judge over a table in which every pair that a finding names has ten connections.
class BenchJudge {
 public:
  explicit BenchJudge(uint64_t incident_idle_s)
      : judge_(options(incident_idle_s), detectors(), inputs(),
               [this](const v1::Alert& alert) { last_ = alert; }) {}

  void sweep(std::span<const Finding> findings) { judge_.sweep(now_ns_, findings); }
  void wait_s(uint64_t seconds) { now_ns_ += seconds * kSecondNs; }
  uint64_t now_ns() const { return now_ns_; }

  const JudgeCounters& counters() const { return judge_.counters(); }
  size_t open_incidents() const { return judge_.open_incidents(); }
  const v1::Alert& last_alert() const { return last_; }

 private:
  static JudgeOptions options(uint64_t incident_idle_s) {
    JudgeOptions options;
    options.incident_idle_s = incident_idle_s;
    return options;
  }
  static JudgeInputs inputs() {
    return {.total =
                [](const Finding& finding, TotalSnapshot& copy) {
                  copy = total_of(finding);
                  return true;
                },
            .connection = [](uint16_t, RecordId, ConnectionSnapshot&) { return false; },
            .largest_connections =
                [](std::span<const TotalPlace> places) {
                  std::vector<std::vector<ConnectionSnapshot>> all;
                  for (const TotalPlace& place : places) all.push_back(connections_of(place));
                  return all;
                },
            .members = [](const Finding&) { return std::vector<Member>(); },
            .counters = [] { return LaneCounters{}; }};
  }

  v1::Alert last_;
  uint64_t now_ns_ = kStartNs;
  Judge judge_;
};

/// Twenty new incidents, each with its opening and its closing alert, a minute later.
constexpr uint32_t kOpenings = static_cast<uint32_t>(kIncidentsAMinute);

void set_rate(benchmark::State& state, const char* name, uint64_t items) {
  state.counters[name] =
      benchmark::Counter(static_cast<double>(items), benchmark::Counter::kIsRate);
}

/// Findings on incidents that are open and say nothing new: what every sweep of a long theft is.
void findings_without_news(benchmark::State& state) {
  const auto incidents = static_cast<uint32_t>(state.range(0));
  BenchJudge judge(365 * 86'400);
  std::vector<Finding> findings;
  for (uint32_t first = 0; first < incidents; first += kOpenings) {
    std::vector<Finding> opening;
    for (uint32_t i = 0; i < kOpenings; ++i)
      opening.push_back(burst_of(first + i, judge.now_ns(), kLimitBytes));
    judge.sweep(opening);
    findings.insert(findings.end(), opening.begin(), opening.end());
    judge.wait_s(60);
  }
  if (judge.open_incidents() != incidents || judge.counters().alerts != incidents ||
      judge.last_alert().evidence(0).connections_size() != kConnectionsListed) {
    state.SkipWithError("not every finding opened its incident; nothing was timed");
    return;
  }
  for (auto _ : state) {
    for (Finding& finding : findings) ++finding.observed;
    judge.wait_s(1);
    judge.sweep(findings);
  }
  if (judge.open_incidents() != incidents || judge.counters().alerts != incidents) {
    state.SkipWithError("something was said though nothing was new");
    return;
  }
  set_rate(state, "findings/s", state.iterations() * incidents);
}
BENCHMARK(findings_without_news)
    ->ArgName("incidents")
    ->Arg(100)
    ->Arg(2000)
    ->Unit(benchmark::kMicrosecond);

void open_and_close(benchmark::State& state) {
  BenchJudge judge(60);
  uint32_t number = 0;
  const auto minute = [&] {
    std::vector<Finding> findings;
    for (uint32_t i = 0; i < kOpenings; ++i)
      findings.push_back(burst_of(number++, judge.now_ns(), kLimitBytes));
    judge.sweep(findings);
    judge.wait_s(60);
  };
  const auto all_right = [&] {
    return judge.counters().incidents == number && judge.open_incidents() == kOpenings &&
           judge.counters().alerts == 2 * uint64_t{number} - kOpenings &&
           judge.last_alert().state() == v1::Alert::OPEN && judge.last_alert().revision() == 1;
  };
  minute();
  minute();
  if (!all_right()) {
    state.SkipWithError("incidents and alerts are not as many as they must be; nothing was timed");
    return;
  }
  for (auto _ : state) minute();
  if (!all_right()) {
    state.SkipWithError("incidents and alerts are not as many as they must be");
    return;
  }
  set_rate(state, "alerts/s", state.iterations() * 2 * kOpenings);
}
BENCHMARK(open_and_close)->Unit(benchmark::kMicrosecond);

/// A worm: so many pairs fire within one sweep, twenty open and the rest fold into the storm.
void storm(benchmark::State& state) {
  const auto pairs = static_cast<uint32_t>(state.range(0));
  std::vector<Finding> findings;
  for (uint32_t i = 0; i < pairs; ++i) findings.push_back(burst_of(i, kStartNs, kLimitBytes + i));
  for (auto _ : state) {
    BenchJudge judge(60);
    judge.sweep(findings);
    if (judge.open_incidents() != kOpenings + 1 ||
        judge.counters().storm_incidents != pairs - kOpenings ||
        judge.counters().findings_total != pairs) {
      state.SkipWithError("the storm did not absorb what it must");
      return;
    }
  }
  set_rate(state, "findings/s", state.iterations() * pairs);
}
BENCHMARK(storm)->ArgName("pairs")->Arg(10'000)->Unit(benchmark::kMillisecond);

/// An alert with ten connections as one line.
void write_json(benchmark::State& state) {
  BenchJudge judge(60);
  judge.sweep({{burst_of(1, judge.now_ns(), kOutBytes)}});
  const v1::Alert& alert = judge.last_alert();
  v1::Alert read_back;
  if (judge.counters().alerts != 1 ||
      !google::protobuf::util::JsonStringToMessage(alert_json(alert), &read_back).ok() ||
      read_back.SerializeAsString() != alert.SerializeAsString()) {
    state.SkipWithError("the line does not read back as the alert; nothing was timed");
    return;
  }
  size_t bytes = 0;
  for (auto _ : state) {
    const std::string line = alert_json(alert);
    bytes = line.size();
    benchmark::DoNotOptimize(line.data());
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  set_rate(state, "alerts/s", state.iterations());
}
BENCHMARK(write_json)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
