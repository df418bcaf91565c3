// `weir-sensor replay`: capture files through the one pipeline, stepped by one thread.
#include "sensor/replay.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>

#include "flowtable/error.h"
#include "proto/alert_json.h"
#include "sensor/alert_text.h"
#include "sensor/metrics.h"
#include "sensor/replay_epoch.h"
#include "sensor/terminal.h"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint32_t kMbufs = 8191;  // a burst of the largest frames; more would only be cold memory
constexpr uint32_t kMemoryMib = 96;

std::atomic<bool> interrupted{false};  // NOLINT: a signal handler can reach nothing else

void on_signal(int) { interrupted.store(true, std::memory_order_relaxed); }

/// Ctrl-C ends the run cleanly; a second one ends the process.
void handle_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

EalSection replay_eal(const SensorConfig& config) {
  EalSection eal = config.eal;
  eal.memory_mib = std::min(eal.memory_mib, kMemoryMib);
  return eal;
}

FlowTableOptions replay_table(const SensorConfig& config, const ReplayArguments& arguments) {
  FlowTableOptions options = config.flow_table;
  options.hash_key = arguments.hash_key;
  return options;
}

/// Where alerts go to changes nothing about them.
std::string epoch_text(const ConfigSchema& schema, SensorConfig config) {
  config.uplink = {};
  config.spool = {};
  return effective_text(schema, config);
}

/// Where `--json` and the like write: stdout for "-", else a file opened now, so that a mistake is
/// told before the work and not after it.
std::ostream* output(const std::string& target, std::ofstream& file) {
  if (target.empty()) return nullptr;
  if (target == "-") return &std::cout;
  file.open(target, std::ios::binary | std::ios::trunc);
  if (!file)
    throw Error(kExitFailed, target + ": cannot be written (" + std::strerror(errno) +
                                 "); name another file, or - for stdout");
  return &file;
}

}  // namespace

Replay::Replay(const ConfigSchema& schema, const SensorConfig& config,
               const ReplayArguments& arguments)
    : schema_(schema),
      config_(config),
      arguments_(arguments),
      json_(output(arguments.json, json_file_)),
      ledger_(output(arguments.ledger, ledger_file_)),
      metrics_(output(arguments.metrics, metrics_file_)),
      home_(home_networks(config)),
      decoder_(home_, decode_options(config)),
      table_(replay_table(config, arguments), 1),
      eal_(replay_eal(config), {.virtual_ones = {CapturePort::kDevice}}),
      port_(std::min(config.mempool.mbufs, kMbufs), config.mempool.mbuf_bytes),
      lane_(port_.queue(), decoder_, table_.shard(0)) {}

int Replay::run() {
  handle_signals();
  const auto& captures = arguments_.captures;
  if (!arguments_.each) start_state(captures);
  for (const std::string& capture : captures) {
    if (interrupted.load(std::memory_order_relaxed)) break;
    if (arguments_.each) start_state({&capture, 1});
    replay_capture(capture);
    if (arguments_.each) finish(capture);
  }
  if (!arguments_.each) finish("");
  if (interrupted.load(std::memory_order_relaxed)) return kExitInterrupted;
  return failed_ ? kExitFailed : kExitDone;
}

/// Everything as it was at the start of the process, for `captures` to come.
void Replay::start_state(std::span<const std::string> captures) {
  table_.shard(0).clear();
  summary_ = {};
  second_ = 0;
  judge_.reset();  // closes its history before the next one opens it
  uplink_.reset();
  JudgeStart start{.epoch = replay_epoch(captures, epoch_text(schema_, config_))};
  SavedState saved;
  if (!arguments_.collector.empty() || !arguments_.state.empty()) {
    uplink_ = std::make_unique<ReplayUplink>(config_, arguments_, start.epoch);
    saved = uplink_->take_saved();
    start.epoch = uplink_->epoch();
    start.next_sequence = uplink_->next_sequence();
    if (!arguments_.state.empty()) start.saved = &saved;
  }
  judge_ = std::make_unique<JudgeStage>(
      config_, table_, start, arguments_.state,
      arguments_.each ? WindowsMemory::kAsNeeded : WindowsMemory::kAtStart,
      [this](const v1::Alert& alert) { write_alert(alert); });
}

void Replay::replay_capture(const std::string& path) {
  summary_.captures += 1;
  try {
    port_.open(path);
    step_through(path);
    summary_.captures_cut += port_.file().cut() ? 1 : 0;
    if (port_.file().cut()) say(path + ": ends inside a record; everything before it was counted");
    report_unsupported_links(path);
  } catch (const Error& error) {
    fail(error.what());
  }
}

/// The stepping: polls as long as the second of the lane's clock lasts, then lets the judge work.
void Replay::step_through(const std::string& path) {
  const uint64_t before = table_.shard(0).read_counters().packets;
  while (port_.more() && !interrupted.load(std::memory_order_relaxed)) {
    const uint64_t second = port_.next_time_ns() / kSecondNs;
    if (second > second_) {
      if (second_ != 0) sweep(false);
      second_ = second;
    }
    port_.deliver_until(second_ * kSecondNs + (kSecondNs - 1));
    if (lane_.poll() == 0)
      throw Error(kExitFailed, path + ": record " + std::to_string(port_.file().records()) +
                                   " fits in no mbufs; raise mempool.mbufs");
    progress_.show(path, before, port_.file());
  }
  progress_.clear();
}

void Replay::sweep(bool last) {
  Shard& shard = table_.shard(0);
  shard.request_touched();
  shard.serve_requests();  // the capture core's part, on the one thread
  judge_->sweep(shard.read_counters().last_time_ns, {shard.touched()}, last);
  submit(false);
}

/// The alerts of a sweep and what a restart needs, in one transaction.
void Replay::submit(bool last) {
  if (!uplink_) return;
  SpoolBatch batch;
  batch.alerts.swap(told_);
  if (!arguments_.state.empty()) batch.state = judge_->take_changes(last);
  uplink_->submit(std::move(batch));
  say_uplink();
}

void Replay::say_uplink() {
  for (const std::string& sentence : uplink_->sentences()) say(sentence);
}

/// Waits for the collector. Ctrl-C says what it has not.
void Replay::deliver() {
  if (!uplink_ || arguments_.collector.empty()) return;
  while (!uplink_->delivered() && !interrupted.load(std::memory_order_relaxed)) {
    say_uplink();
    if (uplink_->refused()) {
      failed_ = true;
      break;
    }
    progress_.show(uplink_->progress());
  }
  progress_.clear();
  say_uplink();
  if (uplink_->missing() > 0) say(uplink_->missing_line());
}

/// A capture of which no frame could be read is no quiet network: it is said, and counts as failed.
void Replay::report_unsupported_links(const std::string& path) {
  uint64_t frames = 0;
  std::string names;
  for (const auto& [number, count] : port_.unsupported_links()) {
    frames += count;
    names += (names.empty() ? "" : ", ") + link_type_name(number);
  }
  if (frames == 0) return;
  const std::string sentence =
      path + ": " + std::to_string(frames) + " of " + std::to_string(port_.file().records()) +
      " frames are of a link type that is not read (" + names +
      ") and were dropped as link_unsupported; capture on an Ethernet or IP interface instead";
  if (frames == port_.file().records())
    fail(sentence);
  else
    say(sentence);
}

void Replay::say(const std::string& sentence) {
  progress_.clear();
  std::cerr << "weir-sensor: " << sentence << '\n';
}

void Replay::fail(const std::string& sentence) {
  summary_.captures_failed += 1;
  failed_ = true;
  say(sentence);
}

/// The last sweep, the closing alerts, and the account. `capture`: with --each.
void Replay::finish(const std::string& capture) {
  const LaneCounters counters = sum_of_lanes(table_);
  sweep(true);
  judge_->finish(counters.last_time_ns);
  submit(true);
  deliver();
  const JudgeCounters& judged = judge_->judge().counters();
  summary_.interrupted = interrupted.load(std::memory_order_relaxed);
  summary_.findings = judged.findings_total;
  summary_.incidents = judged.incidents;
  summary_.alerts = judged.alerts;
  for (const SilencedCounts& silenced : judge_->judge().suppressions().counts())
    if (silenced.findings > 0) say(silenced_line(silenced));
  if (ledger_ != nullptr) {
    if (!capture.empty()) *ledger_ << "# capture=" << capture << '\n';
    *ledger_ << ledger_header();
    write_ledger(*ledger_, table_, home_);
    ledger_->flush();
  }
  if (metrics_ != nullptr) {
    const LaneMetrics lane{capture.empty() ? "replay" : capture, 0, counters};
    write_metrics(*metrics_, {&lane, 1}, detectors(), judged.findings,
                  uplink_ ? uplink_->metrics() : UplinkMetrics{});
    metrics_->flush();
  }
  if (json_ != nullptr) json_->flush();
  std::ostream& last = json_ == &std::cout ? std::cerr : std::cout;
  last << ledger_line(summary_, counters, capture) << std::endl;
}

/// JSON: every alert, a line each. For people: a line when an incident opens or grows, and the
/// whole story when it closes.
void Replay::write_alert(const v1::Alert& alert) {
  progress_.clear();
  if (uplink_) told_.push_back(alert);
  if (json_ != nullptr) *json_ << alert_json(alert) << '\n';
  if (json_ == &std::cout) return;
  const bool colour = stdout_takes_colour();
  std::cout << (alert.state() == v1::Alert::CLOSED ? alert_text(alert, colour)
                                                   : alert_headline(alert, colour));
}

}  // namespace weir
