// From the judge's hand to the collector's acknowledgement, on loopback: TLS 1.3, the spool's
// synced commit, and a collector that syncs what it got to disk before it acknowledges.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "sensor/uplink.h"
#include "tests/collector/collector_run.h"

namespace weir {
namespace {

using Clock = std::chrono::steady_clock;

/// About the size of a real alert, with one evidence and ten connections.
v1::Alert alert_of(uint64_t number) {
  v1::Alert alert;
  alert.set_sensor_id("weir-1");
  alert.set_incident_id(std::to_string(number));
  alert.set_revision(1);
  alert.set_severity(v1::Alert::HIGH);
  alert.set_host("10.0.0.1");
  v1::Evidence& evidence = *alert.add_evidence();
  evidence.set_explanation(std::string(200, 'e'));
  for (int i = 0; i < 10; ++i)
    evidence.add_connections()->set_community_id("1:Lwj3gZmO/8BHM8hyxWhl6d6gjZE=");
  return alert;
}

SpoolBatch batch_of(uint64_t number) {
  SpoolBatch batch;
  batch.alerts.push_back(alert_of(number));
  batch.state.saved.emplace_back("incident/" + std::to_string(number % 100), std::string(600, 's'));
  return batch;
}

/// A weir-collector of its own, and what a sensor needs to reach it.
class Bench {
 public:
  Bench() {
    collector_.start({"max_alerts_per_s=1000000"});  // its limit a sensor is not what is timed
    const testing::CertificateFiles own = collector_.authority().issue("sensor", "weir-1");
    options_.sensor_id = "weir-1";
    options_.collector = "127.0.0.1:" + std::to_string(collector_.port());
    options_.ca_file = collector_.authority().file();
    options_.certificate_file = own.certificate;
    options_.key_file = own.key;
  }

  std::unique_ptr<Spool> spool(const std::string& name) const {
    return std::make_unique<Spool>(SpoolOptions{.state_dir = collector_.folder() / name},
                                   [](const std::string&) {});
  }
  std::unique_ptr<Uplink> uplink(std::unique_ptr<Spool> spool) const {
    return std::make_unique<Uplink>(options_, std::move(spool),
                                    UplinkHooks{[](const std::string&) {}, nullptr, nullptr});
  }
  bool has_stored(uint64_t alerts) const {
    return collector_.metric("weir_collector_alerts_total{sensor=\"weir-1\"}") ==
           static_cast<double>(alerts);
  }

 private:
  testing::CollectorRun collector_;
  UplinkOptions options_;
};

double quantile_us(std::vector<double>& seconds, double share) {
  std::sort(seconds.begin(), seconds.end());
  return 1e6 * seconds[static_cast<size_t>(share * static_cast<double>(seconds.size() - 1))];
}

void report(benchmark::State& state, const char* name, std::vector<double>& seconds) {
  state.counters[std::string(name) + "_p50_us"] = quantile_us(seconds, 0.5);
  state.counters[std::string(name) + "_p99_us"] = quantile_us(seconds, 0.99);
}

/// One alert at a time: submitted, committed, sent, stored, acknowledged. `commit`: the spool's
/// transaction alone, on the same disk in the same run.
void alert_to_acknowledged(benchmark::State& state) {
  const Bench bench;
  const auto uplink = bench.uplink(bench.spool("spool"));
  const auto alone = bench.spool("alone");
  std::vector<double> whole, commit;
  uint64_t number = 0;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  uplink->submit(batch_of(number++));  // connects
  if (!uplink->wait_acknowledged(std::chrono::seconds(10))) throw std::runtime_error("no answer");
  for (auto _ : state) {
    const auto start = Clock::now();
    uplink->submit(batch_of(number++));
    if (!uplink->wait_acknowledged(std::chrono::seconds(10))) throw std::runtime_error("lost");
    whole.push_back(since(start));
    state.SetIterationTime(whole.back());
    const auto start_alone = Clock::now();
    SpoolBatch batch = batch_of(number);
    alone->add(batch);
    alone->write_waiting();
    commit.push_back(since(start_alone));
  }
  if (!bench.has_stored(number)) state.SkipWithError("the collector has another number of alerts");
  report(state, "whole", whole);
  report(state, "commit", commit);
}
BENCHMARK(alert_to_acknowledged)->UseManualTime()->Iterations(2000)->Unit(benchmark::kMicrosecond);

/// A backlog from the disk to the collector.
void backlog_drained(benchmark::State& state) {
  const auto alerts = static_cast<uint64_t>(state.range(0));
  for (auto _ : state) {
    const Bench bench;
    auto spool = bench.spool("spool");
    SpoolBatch batch;
    for (uint64_t number = 0; number < alerts; ++number) batch.alerts.push_back(alert_of(number));
    spool->add(batch);
    if (!spool->write_waiting()) throw std::runtime_error("not written");
    const auto start = Clock::now();
    const auto uplink = bench.uplink(std::move(spool));
    if (!uplink->wait_acknowledged(std::chrono::minutes(2))) throw std::runtime_error("lost");
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
    if (!bench.has_stored(alerts))
      state.SkipWithError("the collector has another number of alerts");
  }
  state.counters["alerts_per_second"] =
      benchmark::Counter(static_cast<double>(alerts) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}
BENCHMARK(backlog_drained)
    ->Arg(50000)
    ->UseManualTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
