// `weir-sensor replay`: capture files through the one pipeline, stepped by one thread.
#pragma once

#include <cstdint>
#include <fstream>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flowtable/decode.h"
#include "flowtable/flow_table.h"
#include "flowtable/home_networks.h"
#include "sensor/capture_port.h"
#include "sensor/command_line.h"
#include "sensor/config.h"
#include "sensor/config_schema.h"
#include "sensor/eal.h"
#include "sensor/judge_stage.h"
#include "sensor/lane.h"
#include "sensor/ledger.h"
#include "sensor/progress.h"
#include "sensor/replay_uplink.h"

namespace weir {

/// Steps: burst, flow table; before the first packet of a new second, sweep and judge. Same
/// functions as live, no waiting, no clock but the captures', so that two runs are byte-identical.
class Replay {
 public:
  /// Throws Error: EAL, memory, state directory or an output file.
  Replay(const ConfigSchema& schema, const SensorConfig& config, const ReplayArguments& arguments);

  /// Runs all captures; returns the exit code. Ctrl-C (SIGINT) or SIGTERM ends it after the burst,
  /// with ledger line.
  int run();

 private:
  void start_state(std::span<const std::string> captures);
  void replay_capture(const std::string& path);
  void step_through(const std::string& path);
  void sweep(bool last);
  void report_unsupported_links(const std::string& path);
  void say(const std::string& sentence);
  void fail(const std::string& sentence);
  void finish(const std::string& capture);
  void submit(bool last);
  void deliver();
  void say_uplink();
  void write_alert(const v1::Alert& alert);

  const ConfigSchema& schema_;
  const SensorConfig& config_;
  const ReplayArguments& arguments_;
  std::ofstream json_file_, ledger_file_, metrics_file_;
  std::ostream* json_ = nullptr;     // null: for people
  std::ostream* ledger_ = nullptr;   // null: no table
  std::ostream* metrics_ = nullptr;  // null: none
  HomeNetworks home_;
  Decoder decoder_;
  FlowTable table_;
  Eal eal_;
  CapturePort port_;
  Lane lane_;
  std::unique_ptr<ReplayUplink> uplink_;  // null: alerts go nowhere and no state is kept
  std::unique_ptr<JudgeStage> judge_;
  std::vector<v1::Alert> told_;  // since the last submit
  RunSummary summary_;
  Progress progress_;
  uint64_t second_ = 0;  // of the lane's clock
  bool failed_ = false;
};

}  // namespace weir
