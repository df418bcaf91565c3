// A sensor without packets, to be killed: real judge, spool and uplink; findings by a fixed plan.
// usage: synthetic_sensor STATE_DIR HOST:PORT CA CERTIFICATE KEY SWEEPS PAUSE_MS
//
// The plan: a round is five sweeps. Twenty pairs open, grow three times, and close; so each sweep
// gives exactly twenty alerts, and the spool's next number says where the plan goes on after a
// kill.
#include <array>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "flowtable/error.h"
#include "sensor/judge.h"
#include "sensor/uplink.h"

namespace weir {
namespace {

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr uint64_t kStart_ns = 1772366400 * kSecond_ns;
constexpr uint32_t kPairs = 20;
constexpr uint64_t kSweepsARound = 5;

const std::array<Option, 1> kOptions = {
    {{.name = "threshold_1h_bytes", .standard = int64_t{100}, .unit = "bytes", .help = ""}}};
const Detector kRow = {
    "volume.burst", "", Family::kVolume, kOptions, {}, {}, nullptr, [](const Finding& finding) {
      return std::to_string(finding.observed);
    }};
const std::array<const Detector*, 1> kDetectors = {&kRow};

Finding finding_of(uint64_t round, uint32_t pair, uint64_t observed) {
  Finding finding;
  finding.observed = finding.observed_low = observed;
  finding.threshold = 100;
  finding.window_s = 3600;
  finding.counterfactual = observed + 1;
  finding.score = 0.6;
  finding.host = IpAddress::v4(0x0a000000u + static_cast<uint32_t>(round) * 256 + pair);
  finding.destination = IpAddress::v4(0xc6336401u);
  finding.total = {pair, static_cast<uint32_t>(round)};
  return finding;
}

/// What the table holds of a pair: this process's part of its bytes alone.
TotalSnapshot total_of(const Finding& finding) {
  TotalSnapshot total;
  total.id = finding.total;
  total.scope = Scope::kOutbound;
  total.host = finding.host;
  total.destination = finding.destination;
  total.out = {1, finding.observed + 40, finding.observed, finding.observed};
  return total;
}

SpoolBatch sweep(Judge& judge, std::vector<v1::Alert>& told, uint64_t index) {
  const uint64_t round = index / kSweepsARound, phase = index % kSweepsARound;
  const uint64_t second = round * 1000 + (phase == 4 ? 500 : phase * 10);
  std::vector<Finding> findings;
  for (uint32_t pair = 0; phase < 4 && pair < kPairs; ++pair)
    findings.push_back(finding_of(round, pair, uint64_t{100} << (2 * phase)));
  judge.sweep(kStart_ns + second * kSecond_ns, findings);
  SpoolBatch batch;
  batch.alerts.swap(told);
  batch.state = judge.take_changes(false);
  return batch;
}

int run(char** words) {
  const auto say = [](const std::string& sentence) { std::cerr << sentence << '\n'; };
  UplinkOptions options;
  options.sensor_id = "weir-1";
  options.version = "synthetic";
  options.collector = words[2];
  options.ca_file = words[3];
  options.certificate_file = words[4];
  options.key_file = words[5];
  options.retry_min_ms = 5;
  options.retry_max_ms = 50;
  options.heartbeat_s = 1;
  const uint64_t sweeps = std::strtoull(words[6], nullptr, 10);
  const std::chrono::milliseconds pause(std::strtol(words[7], nullptr, 10));

  auto spool = std::make_unique<Spool>(SpoolOptions{.state_dir = words[1]}, say);
  JudgeOptions judging;
  judging.incident_idle_s = 200;
  judging.epoch = spool->epoch();
  judging.next_sequence = spool->next_sequence();
  judging.keeps_state = true;
  std::vector<v1::Alert> told;
  Judge judge(judging, kDetectors,
              {.total =
                   [](const Finding& finding, TotalSnapshot& copy) {
                     copy = total_of(finding);
                     return finding.total.valid();
                   },
               .connection = [](uint16_t, RecordId, ConnectionSnapshot&) { return false; },
               .largest_connections =
                   [](std::span<const TotalPlace> places) {
                     return std::vector<std::vector<ConnectionSnapshot>>(places.size());
                   },
               .members = [](const Finding&) { return std::vector<Member>(); },
               .counters = [] { return LaneCounters(); }},
              [&](const v1::Alert& alert) { told.push_back(alert); });
  if (judge.restore(spool->read_state()) != 0) return 3;
  const uint64_t first = (spool->next_sequence() - 1) / kPairs;
  if ((spool->next_sequence() - 1) % kPairs != 0) return 4;  // half a sweep was written

  Uplink uplink(options, std::move(spool), {say, nullptr, nullptr, nullptr});
  for (uint64_t index = first; index < sweeps; ++index) {
    uplink.submit(sweep(judge, told, index));
    std::this_thread::sleep_for(pause);
  }
  return uplink.wait_acknowledged(std::chrono::minutes(2)) ? 0 : 5;
}

}  // namespace
}  // namespace weir

int main(int count, char** words) {
  if (count != 8) return 2;
  try {
    return weir::run(words);
  } catch (const weir::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
