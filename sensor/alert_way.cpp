// Puts spool, uplink and outputs behind the judge.
#include "sensor/alert_way.h"

#include <iostream>
#include <utility>

#include "sensor/alert.h"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

void say(const std::string& sentence) { std::cerr << "weir-sensor: " << sentence << std::endl; }

void set_time(google::protobuf::Timestamp& time, uint64_t time_ns) {
  time.set_seconds(static_cast<int64_t>(time_ns / kSecondNs));
  time.set_nanos(static_cast<int32_t>(time_ns % kSecondNs));
}

}  // namespace

AlertWay::AlertWay(const SensorConfig& config, const FlowTable& table, Lanes& lanes,
                   AlertOutputs& outputs)
    : table_(table), lanes_(lanes), keeps_state_(!config.sensor.state_dir.empty()) {
  SpoolOptions options;
  options.state_dir = config.sensor.state_dir;
  options.max_bytes = config.spool.max_bytes;
  options.keeps_alerts = !config.uplink.collector.empty();
  auto spool = std::make_unique<Spool>(std::move(options), say);
  epoch_ = spool->epoch();
  next_sequence_ = spool->next_sequence();
  saved_ = spool->read_state();
  uplink_ = std::make_unique<Uplink>(
      uplink_options(config, WEIR_VERSION), std::move(spool),
      UplinkHooks{say, [this](v1::Heartbeat& heartbeat) { fill(heartbeat); },
                  [&outputs](const std::vector<v1::Alert>& alerts) {
                    for (const v1::Alert& alert : alerts) outputs.take(alert);
                  },
                  [&lanes](const OwnTraffic& own) { lanes.leave_out(own); }});
}

JudgeStart AlertWay::start() const {
  return {
      .epoch = epoch_, .next_sequence = next_sequence_, .saved = keeps_state_ ? &saved_ : nullptr};
}

void AlertWay::send(JudgeStage& stage, bool all) {
  SpoolBatch batch;
  batch.alerts = std::exchange(told_, {});
  if (keeps_state_) batch.state = stage.take_changes(all);
  if (!batch.alerts.empty() || !batch.state.empty()) uplink_->submit(std::move(batch));
}

/// On the uplink's thread.
void AlertWay::fill(v1::Heartbeat& heartbeat) const {
  for (uint16_t number = 0; number < table_.lanes(); ++number) {
    const LaneCounters counters = table_.shard(number).read_counters();
    v1::Lane& lane = *heartbeat.add_lanes();
    lane.set_port(lanes_.port_of(number).name());
    lane.set_lane(number);
    set_time(*lane.mutable_clock(), counters.last_time_ns);
    *lane.mutable_coverage() = coverage_of(counters, 0);
  }
  const JudgeThread* judge = judge_.load();
  if (judge == nullptr) return;
  for (const SilencedCounts& counts : judge->report().silenced) {
    v1::Silenced& silenced = *heartbeat.add_silenced();
    silenced.set_name(counts.name);
    silenced.set_findings(counts.findings);
    silenced.set_out_payload_high_bytes(counts.matching_bytes);
    silenced.set_budget_bytes(counts.budget_bytes);
  }
}

}  // namespace weir
