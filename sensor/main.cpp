// weir-sensor: one command a run.
#include <iostream>

#include "flowtable/error.h"
#include "sensor/check.h"
#include "sensor/command_line.h"
#include "sensor/config.h"
#include "sensor/config_schema.h"
#include "sensor/control_client.h"
#include "sensor/reference.h"
#include "sensor/replay.h"
#include "sensor/run.h"

namespace {

int run_command(const weir::CommandLine& line) {
  const weir::ConfigSchema schema(weir::detectors());
  switch (line.command) {
    case weir::Command::kReplay: {
      const auto config = weir::load_config(schema, line.replay.config);
      return weir::Replay(schema, config, line.replay).run();
    }
    case weir::Command::kRun:
      return weir::run_sensor(schema, line.config);
    case weir::Command::kControl: {
      const std::string& path = line.control.control;
      return weir::run_control(
          path.empty() ? weir::load_config(schema, line.control.config).sensor.control : path,
          line.control);
    }
    case weir::Command::kCheck:
      return weir::run_check(schema, line.config, std::cout);
    case weir::Command::kPrintConfig:
      std::cout << weir::effective_text(schema, weir::load_config(schema, line.config));
      return weir::kExitDone;
    case weir::Command::kReference:
      std::cout << weir::reference_text(schema);
      return weir::kExitDone;
    case weir::Command::kPrintText:
      std::cout << line.text;
      return weir::kExitDone;
  }
  return weir::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_command(weir::parse_command_line(argc, argv));
  } catch (const weir::Error& error) {
    std::cerr << "weir-sensor: " << error.what() << '\n';
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << "weir-sensor: " << error.what() << "; this is a defect, please report it\n";
    return weir::kExitFailed;
  }
}
