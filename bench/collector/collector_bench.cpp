// What the collector takes, durable, over TLS on loopback, all its indexes in place: from 500
// sensors at once, and the backlog of one. The process is the real one; every alert is counted in
// its store before a figure is given.
#include <benchmark/benchmark.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "collector/store.h"
#include "tests/collector/collector_run.h"
#include "tests/collector/plain_sensor.h"

namespace weir {
namespace {

using testing::CollectorRun;
using testing::PlainSensor;

constexpr uint64_t kEpoch = 7;
constexpr uint64_t kEnvelopeAlerts = 100;
constexpr uint64_t kAhead = 1000;  // alerts sent before their acknowledgement is waited for
constexpr int kThreads = 8;

/// Sends alerts 1 to `count` of a sensor that has been welcomed, and waits for the last one.
void send_all(PlainSensor& sensor, const std::string& id, uint64_t count) {
  for (uint64_t first = 1; first <= count; first += kEnvelopeAlerts) {
    const uint64_t alerts = std::min(kEnvelopeAlerts, count - first + 1);
    if (!sensor.alerts(id, kEpoch, first, alerts)) throw std::runtime_error("a connection ended");
    if (first > kAhead && !sensor.acknowledged(first - kAhead))
      throw std::runtime_error("no acknowledgement");
  }
  if (!sensor.acknowledged(count)) throw std::runtime_error("no last acknowledgement");
}

uint64_t stored(const CollectorRun& collector) {
  collector::Store store(collector.store(), collector::Store::Access::kRead);
  uint64_t alerts = 0;
  for (const auto& row : store.sensors()) alerts += row.alerts;
  return alerts;
}

/// `state.range(0)` sensors, `state.range(1)` alerts each.
void alerts_stored(benchmark::State& state) {
  const auto sensors = static_cast<size_t>(state.range(0));
  const auto each = static_cast<uint64_t>(state.range(1));
  for (auto _ : state) {
    CollectorRun collector;
    collector.start({"max_alerts_per_s=1M"});
    std::vector<std::string> ids;
    std::vector<std::unique_ptr<PlainSensor>> connected;
    for (size_t i = 0; i < sensors; ++i) {
      ids.push_back("sensor-" + std::to_string(i));
      connected.push_back(std::make_unique<PlainSensor>(
          collector.port(), collector.authority().file(),
          collector.authority().issue("file-" + std::to_string(i), ids.back())));
      if (connected.back()->greet(ids.back(), kEpoch) != 0u)
        throw std::runtime_error("a sensor was not welcomed");
    }
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (size_t thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&, thread] {
        for (size_t i = thread; i < sensors; i += kThreads) send_all(*connected[i], ids[i], each);
      });
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (stored(collector) != sensors * each) {
      state.SkipWithError("the store holds another number of alerts than was sent");
      return;
    }
    state.SetIterationTime(took.count());
    const auto alerts = static_cast<double>(sensors * each);
    state.counters["alerts_per_s"] = alerts / took.count();
    state.counters["million_alerts_s"] = 1e6 / alerts * took.count();
  }
}

BENCHMARK(alerts_stored)
    ->ArgNames({"sensors", "alerts"})
    ->Args({500, 200})
    ->Args({1, 200'000})
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
