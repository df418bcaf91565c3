// The command line of weir-collector.
#pragma once

#include <string>

#include "collector/config.h"
#include "collector/listing.h"

namespace weir::collector {

enum class Command : uint8_t { kRun, kCheck, kPrintConfig, kAlerts, kSensors, kPrintText };

struct CommandLine {
  Command command = Command::kPrintText;
  ConfigArguments config;
  ListArguments list;
  std::string text;  // kPrintText: help or version
};

/// Throws Error (kExitUsage) with a sentence.
CommandLine parse_command_line(int argc, char** argv);

}  // namespace weir::collector
