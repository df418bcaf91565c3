// The judge thread's work once a second: sweep the totals of all lanes, run the detectors, judge.
#include "sensor/judge_stage.h"

#include <algorithm>
#include <utility>

#include "sensor/ledger.h"
#include "sensor/suppression_config.h"

namespace weir {
namespace {

std::unique_ptr<History> open_history(const SensorConfig& config, const std::string& state_dir) {
  if (state_dir.empty()) return nullptr;
  return std::make_unique<History>(state_dir, HistoryOptions{config.history.floor_bytes_day, 14});
}

WindowsOptions windows_options(const SensorConfig& config, const FlowTable& table,
                               WindowsMemory memory) {
  WindowsOptions options;
  options.pairs = config.flow_table.totals / 2 * table.lanes();
  options.scopes = scopes_of(config.detectors.scopes);
  options.hash_key = config.flow_table.hash_key;
  if (memory == WindowsMemory::kAtStart) {
    options.reserve_lanes = table.lanes();
    options.reserve_totals = config.flow_table.totals;
  }
  return options;
}

JudgeOptions judge_options(const SensorConfig& config, const JudgeStart& start) {
  JudgeOptions options;
  options.sensor_id = config.sensor.id;
  options.epoch = start.epoch;
  options.next_sequence = start.next_sequence;
  options.keeps_state = start.saved != nullptr;
  options.networks.clear();
  for (const NetworkTable& network : config.networks) options.networks.push_back(network.name);
  options.escalate_factor = config.judge.escalate_factor;
  options.incident_idle_s = config.judge.incident_idle_s;
  options.shadow = config.detectors.shadow;
  options.scopes = scopes_of(config.detectors.scopes);
  options.suppressions = suppression_options(config);
  return options;
}

}  // namespace

JudgeStage::JudgeStage(const SensorConfig& config, const FlowTable& table, const JudgeStart& start,
                       const std::string& state_dir, WindowsMemory memory,
                       std::function<void(const v1::Alert&)> sink)
    : table_(table),
      history_(open_history(config, state_dir)),
      windows_(windows_options(config, table, memory), history_.get()),
      judge_(judge_options(config, start), detectors(), inputs(), std::move(sink)) {
  make_detectors(config);
  if (start.saved != nullptr) unreadable_ = judge_.restore(*start.saved);
}

void JudgeStage::make_detectors(const SensorConfig& config) {
  running_.clear();
  const auto all = detectors();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!matches_detector(config.detectors.enabled, all[i]->id) &&
        !matches_detector(config.detectors.shadow, all[i]->id))
      continue;
    running_.push_back({static_cast<uint16_t>(i), all[i]->make(config.detector_options[i])});
  }
}

JudgeInputs JudgeStage::inputs() {
  JudgeInputs inputs;
  inputs.total = [this](const Finding& finding, TotalSnapshot& copy) {
    return read_subject(finding, copy);
  };
  inputs.connection = [this](uint16_t lane, RecordId id, ConnectionSnapshot& copy) {
    return table_.shard(lane).read_connection(id.slot, copy) && copy.id == id;
  };
  inputs.largest_connections = [this](std::span<const TotalPlace> places) {
    return largest_connections(places);
  };
  inputs.members = [this](const Finding& finding) { return members(finding); };
  inputs.counters = [this] { return sum_of_lanes(table_); };
  return inputs;
}

void JudgeStage::sweep(uint64_t now_ns, const std::vector<std::span<const uint32_t>>& touched,
                       bool last, int64_t clock_ahead_ns) {
  windows_.begin_sweep(now_ns);
  std::vector<LaneCounters> counters;
  for (uint16_t lane = 0; lane < table_.lanes(); ++lane) {
    const Shard& shard = table_.shard(lane);
    TotalSnapshot total;
    for (const uint32_t slot : touched[lane]) {
      if (!shard.read_total(slot, total)) continue;
      windows_.observe(total);
      judge_.observe(now_ns, total);
    }
    counters.push_back(shard.read_counters());
  }
  SweepView view = windows_.end_sweep(counters, last);
  view.clock_ahead_ns = clock_ahead_ns;
  findings_.clear();
  for (const Running& running : running_) {
    const size_t before = findings_.size();
    running.detector->sweep(view, findings_);
    for (size_t i = before; i < findings_.size(); ++i) findings_[i].detector = running.index;
  }
  judge_.sweep(now_ns, findings_);
}

void JudgeStage::finish(uint64_t now_ns) {
  judge_.close_all(now_ns);
  windows_.finish();
}

void JudgeStage::stop() { windows_.finish(); }

void JudgeStage::reload(const SensorConfig& config) {
  make_detectors(config);
  judge_.reload(config.detectors.shadow, suppression_options(config));
}

/// The total of a pair; of a host or destination the sum over its totals in the scope.
bool JudgeStage::read_subject(const Finding& finding, TotalSnapshot& copy) const {
  if (finding.subject == Subject::kPair)
    return table_.shard(finding.lane).read_total(finding.total.slot, copy) &&
           copy.id == finding.total && copy.host == finding.host &&
           copy.destination == finding.destination;
  const bool by_host = finding.subject == Subject::kHost;
  bool any = false;
  for (uint16_t lane = 0; lane < table_.lanes(); ++lane) {
    const Shard& shard = table_.shard(lane);
    TotalSnapshot total;
    for (uint32_t slot = 0; slot < shard.totals_used(); ++slot) {
      if (!shard.read_total(slot, total) || total.network != finding.network ||
          total.scope != finding.scope)
        continue;
      if (by_host ? total.host != finding.host : total.destination != finding.destination) continue;
      if (!any) {
        copy = total;
        any = true;
        continue;
      }
      copy.connections += total.connections;
      copy.first_seen_ns = std::min(copy.first_seen_ns, total.first_seen_ns);
      copy.last_seen_ns = std::max(copy.last_seen_ns, total.last_seen_ns);
      add(copy.out, total.out);
      add(copy.in, total.in);
      add(copy.served, total.served);
    }
  }
  return any;
}

std::vector<std::vector<ConnectionSnapshot>> JudgeStage::largest_connections(
    std::span<const TotalPlace> places) const {
  std::vector<std::vector<ConnectionSnapshot>> found(places.size());
  for (uint16_t lane = 0; lane < table_.lanes(); ++lane) {
    std::vector<RecordId> totals;
    std::vector<size_t> place_of;
    for (size_t i = 0; i < places.size(); ++i) {
      if (places[i].lane != lane) continue;
      totals.push_back(places[i].total);
      place_of.push_back(i);
    }
    if (totals.empty()) continue;
    auto largest = table_.shard(lane).largest_connections(totals, kConnectionsListed);
    for (size_t i = 0; i < totals.size(); ++i) found[place_of[i]] = std::move(largest[i]);
  }
  return found;
}

std::vector<Member> JudgeStage::members(const Finding& finding) const {
  std::vector<Member> members;
  for (const Windows::Member& pair : windows_.largest_members(finding, kMembersKept)) {
    Member member;
    member.key.kind = IncidentKind::kPair;
    member.key.network = pair.key.network;
    member.key.host = pair.key.host;
    member.key.destination = pair.key.destination;
    member.out_payload_low_bytes = pair.pushed.low_bytes;
    member.out_payload_high_bytes = pair.pushed.high_bytes;
    members.push_back(member);
  }
  return members;
}

}  // namespace weir
