// weir-collector: one command a run.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iostream>

#include "collector/command_line.h"
#include "collector/config.h"
#include "collector/error.h"
#include "collector/listing.h"
#include "collector/server.h"
#include "collector/store.h"

namespace {

using namespace weir::collector;

int run(const Config& config) {
  require_certificates(config);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("weir-collector"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
  Server(config).run();
  return kExitDone;
}

/// What `run` would open is opened, and closed again.
int check(const Config& config) {
  require_certificates(config);
  make_tls_context(config);
  const Server server(config);
  std::cout << "weir-collector: certificates, store and addresses are right\n";
  return kExitDone;
}

int run_command(const CommandLine& line) {
  if (line.command == Command::kPrintText) {
    std::cout << line.text;
    return kExitDone;
  }
  const Config config = load_config(line.config);
  switch (line.command) {
    case Command::kRun:
      return run(config);
    case Command::kCheck:
      return check(config);
    case Command::kPrintConfig:
      std::cout << config_text(config);
      return kExitDone;
    case Command::kAlerts: {
      Store store(config.store, Store::Access::kRead);
      list_alerts(store, line.list, std::cout);
      return kExitDone;
    }
    case Command::kSensors: {
      Store store(config.store, Store::Access::kRead);
      list_sensors(store, config, line.list.json, std::cout);
      return kExitDone;
    }
    case Command::kPrintText:
      break;
  }
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_command(parse_command_line(argc, argv));
  } catch (const Error& error) {
    std::cerr << "weir-collector: " << error.what() << '\n';
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << "weir-collector: " << error.what() << "; this is a defect, please report it\n";
    return kExitFailed;
  }
}
