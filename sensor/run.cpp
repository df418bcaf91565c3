// The steps of a live run, in order, and what must hold between them.
#include "sensor/run.h"

#include <pthread.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <filesystem>
#include <iostream>

#include "flowtable/error.h"
#include "sensor/alert_outputs.h"
#include "sensor/alert_way.h"
#include "sensor/check.h"
#include "sensor/control.h"
#include "sensor/eal.h"
#include "sensor/hardening.h"
#include "sensor/judge_thread.h"
#include "sensor/lanes.h"
#include "sensor/ledger.h"
#include "sensor/live_clock.h"

namespace weir {
namespace {

void say(const std::string& sentence) { std::cerr << "weir-sensor: " << sentence << std::endl; }

/// Signals wait until the control thread asks for them; no other thread is interrupted.
void hold_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): a reader that went away is no error
}

bool asked_to_stop() {
  sigset_t waiting;
  sigpending(&waiting);
  return sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1;
}

SensorConfig live_config(const ConfigSchema& schema, const ConfigArguments& arguments) {
  SensorConfig config = load_config(schema, arguments);
  if (config.ports.empty())
    throw Error(kExitUsage, (arguments.file.empty() ? "configuration" : arguments.file) +
                                ": there is no [[port]] to listen on; add one, such as `--set "
                                "port.0.device=\"net_af_packet0,iface=eth1\"`");
  if (lanes_of(config) > LaneMap::kLanesMax)
    throw Error(kExitUsage, "configuration: the ports have " + std::to_string(lanes_of(config)) +
                                " lanes in all; at most 64 are possible");
  for (const PortTable& port : config.ports) parse_device(port.device);
  return config;
}

/// "auto" takes huge pages where they suffice.
EalSection live_eal(const SensorConfig& config) {
  EalSection eal = config.eal;
  if (eal.huge_pages != "auto") return eal;
  const Machine machine = read_machine();
  const bool enough = machine.huge_page_bytes * machine.huge_pages_free >= uint64_t{eal.memory_mib}
                                                                               << 20;
  eal.huge_pages = enough ? "on" : "off";
  return eal;
}

EalDevices live_devices(const SensorConfig& config) {
  EalDevices devices;
  for (const PortTable& port : config.ports) {
    const Device device = parse_device(port.device);
    if (device.kind == DeviceKind::kPci) devices.pci.push_back(device.name);
  }
  return devices;
}

template <class Value>
Value random_value() {
  Value value{};
  if (getrandom(&value, sizeof(value), 0) != sizeof(value))
    throw Error(kExitFailed, "the kernel gives no random numbers; see getrandom(2)");
  return value;
}

/// The hash key is secret, so that nobody can aim at a bucket.
FlowTableOptions live_table(const SensorConfig& config) {
  FlowTableOptions options = config.flow_table;
  options.hash_key = random_value<HashKey>();
  return options;
}

void prepare_folders(const SensorConfig& config) {
  prepare_folder(config.sensor.state_dir, 0700);
  prepare_folder(std::filesystem::path(config.sensor.control).parent_path(), 0750);
}

void wait_for_links(const Lanes& lanes) {
  for (const auto& port : lanes.ports()) {
    for (const std::string& remark : port->remarks()) say(remark);
    if (!asked_to_stop() && !port->wait_for_link(asked_to_stop))
      say("port " + port->name() +
          " has no link; check cable and switch, the sensor goes on listening");
  }
}

void print_ledger(const FlowTable& table, const JudgeCounters& judged) {
  RunSummary summary;
  summary.findings = judged.findings_total;
  summary.incidents = judged.incidents;
  summary.alerts = judged.alerts;
  std::cout << ledger_line(summary, sum_of_lanes(table)) << std::endl;
}

}  // namespace

int run_sensor(const ConfigSchema& schema, const ConfigArguments& arguments) {
  const SensorConfig config = live_config(schema, arguments);
  forbid_core_dumps();
  hold_signals();
  const Eal eal(live_eal(config), live_devices(config));
  LiveClock clock;
  FlowTable table(live_table(config), lanes_of(config));
  Lanes lanes(config, table, clock);  // the ports are open: what follows needs no privilege
  prepare_folders(config);
  say(drop_privileges());
  AlertOutputs outputs(config.alerts);
  AlertWay way(config, table, lanes, outputs);
  JudgeStage stage(config, table, way.start(), config.sensor.state_dir, WindowsMemory::kAtStart,
                   [&](const v1::Alert& alert) { way.take(alert); });
  JudgeThread judge(stage, table, lanes, clock, [&] { way.send(stage, false); });
  way.report_by(judge);
  Control control({schema, arguments, config, table, lanes, outputs, judge, way.uplink(), clock});
  allow_only_needed_calls();  // inherited by every thread from here on
  wait_for_links(lanes);
  lanes.start();
  judge.start();
  say("listening on " + std::to_string(lanes.ports().size()) + " port(s), " +
      std::to_string(table.lanes()) + " lane(s)");
  sd_notify(0, "READY=1");
  control.run();  // until a signal ends it
  sd_notify(0, "STOPPING=1");
  judge.stop();
  lanes.stop();
  judge.sweep_the_rest();
  stage.stop();
  way.send(stage, true);
  way.uplink().stop();  // what is not acknowledged stays in the spool
  print_ledger(table, stage.judge().counters());
  return kExitDone;
}

}  // namespace weir
