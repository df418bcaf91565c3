// Handles signals, applies a reload, and keeps systemd told.
#include "sensor/control.h"

#include <pthread.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <iostream>
#include <sstream>

#include "flowtable/error.h"
#include "sensor/metrics.h"
#include "sensor/reload.h"

namespace weir {
namespace {

void say(const std::string& sentence) { std::cerr << "weir-sensor: " << sentence << std::endl; }

}  // namespace

Control::Control(const LiveView& view)
    : view_(view), now_(view.config), signals_(context_), watchdog_(context_) {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) signals_.add(signal);
  if (!now_.sensor.control.empty())
    socket_ = std::make_unique<ControlSocket>(context_, now_.sensor.control, view_);
  if (!now_.sensor.metrics.empty())
    metrics_ = std::make_unique<MetricsServer>(context_, now_.sensor.metrics,
                                               [this] { return metrics_page(); });
  if (sd_watchdog_enabled(0, &watchdog_us_) <= 0) watchdog_us_ = 0;
}

void Control::run() {
  wait_for_signal();
  feed_watchdog();
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  context_.run();
}

void Control::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& failure, int signal) {
    if (failure) return;
    if (signal != SIGHUP) {
      say("stops");
      context_.stop();
      return;
    }
    reload();
    wait_for_signal();
  });
}

/// A configuration that does not load changes nothing.
void Control::reload() {
  sd_notify(0, "RELOADING=1");
  if (!view_.outputs.reopen())
    say("alerts.file " + now_.alerts.file + " cannot be opened anew; the old file stays in use");
  view_.uplink.reload_certificates();
  try {
    SensorConfig fresh = load_config(view_.schema, view_.arguments);
    const std::string left = keep_what_needs_a_restart(view_.schema, now_, fresh);
    if (!left.empty()) say("reload: " + left + " change(s) with a restart only; the rest is taken");
    if (home_changed(now_, fresh)) view_.lanes.decode_by(fresh, view_.judge.report().sweeps);
    view_.judge.before_next_sweep([fresh](JudgeStage& stage) { stage.reload(fresh); });
    now_ = fresh;
    say("reload: thresholds, suppressions and home networks are those of the configuration");
  } catch (const Error& error) {
    say(std::string("reload: nothing changes, ") + error.what());
  }
  sd_notify(0, "READY=1");
}

/// Twice as often as systemd wants it, as long as the judge sweeps.
void Control::feed_watchdog() {
  if (watchdog_us_ == 0) return;
  const uint64_t silent_ns = view_.clock.now_ns() - view_.judge.report().time_ns;
  if (view_.judge.report().sweeps == 0 || silent_ns < watchdog_us_ * 1000)
    sd_notify(0, "WATCHDOG=1");
  watchdog_.expires_after(std::chrono::microseconds(watchdog_us_ / 2));
  watchdog_.async_wait([this](const boost::system::error_code& failure) {
    if (!failure) feed_watchdog();
  });
}

std::string Control::metrics_page() const {
  std::vector<LaneMetrics> lanes;
  for (uint16_t lane = 0; lane < view_.table.lanes(); ++lane)
    lanes.push_back(
        {view_.lanes.port_of(lane).name(), lane, view_.table.shard(lane).read_counters()});
  const JudgeReport report = view_.judge.report();
  SensorMetrics sensor;
  sensor.incidents = report.counters.incidents;
  sensor.open_incidents = report.open_incidents;
  sensor.alerts = report.counters.alerts;
  sensor.lost_alert_lines = view_.outputs.lost_lines();
  sensor.clock_ahead_s = static_cast<double>(report.clock_ahead_ns) * 1e-9;
  sensor.sweep_s = static_cast<double>(report.sweep_ns) * 1e-9;
  std::vector<uint64_t> findings = report.counters.findings;
  findings.resize(detectors().size());
  std::ostringstream text;
  write_metrics(text, lanes, detectors(), findings, metrics_of(view_.uplink.status()), &sensor);
  return text.str();
}

}  // namespace weir
