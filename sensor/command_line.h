// The command line: commands, their arguments, and what is wrong with them.
#pragma once

#include <string>
#include <vector>

#include "flowtable/flow_table_options.h"
#include "sensor/config.h"

namespace weir {

struct ReplayArguments {
  std::vector<std::string> captures;  // in the order given; at least one
  ConfigArguments config;
  std::string json;       // "" = print for people; "-" = stdout; else a file
  std::string ledger;     // "" = none; "-" = stdout; else a file
  std::string metrics;    // "" = none; "-" = stdout; else a file
  std::string collector;  // "" = alerts stay here; else HOST:PORT
  std::string state;      // "" = no state is read or written; else a directory
  bool each = false;      // every capture by itself, from fresh state
  HashKey hash_key = kReplayHashKey;
};

/// A question to the sensor that runs.
struct ControlArguments {
  ConfigArguments config;  // where its socket is
  std::string control;     // "": as the configuration says
  std::string command;     // status, top, flows, explain
  std::string by = "pairs";
  std::string sort = "out";
  std::string of;  // flows: an address; explain: an incident's id, may be cut short
  uint32_t rows = 20;
  bool once = false;
};

enum class Command {
  kReplay,
  kRun,
  kControl,
  kCheck,
  kPrintConfig,
  kReference,
  kPrintText,  // --help, --version: print `text`, exit 0
};

struct CommandLine {
  Command command = Command::kPrintText;
  ReplayArguments replay;    // kReplay
  ControlArguments control;  // kControl
  ConfigArguments config;    // kRun, kCheck, kPrintConfig
  std::string text;          // kPrintText, with its last line end
};

/// Throws Error (kExitUsage): one sentence and how to go on.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace weir
