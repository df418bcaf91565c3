// The command line of weir-collector.
#include "collector/command_line.h"

#include <CLI/CLI.hpp>

#include "collector/error.h"
#include "collector/writer.h"

namespace weir::collector {
namespace {

constexpr const char* kExamples = R"(
Start with:
  weir-collector print-config > collector.toml     every option with its meaning
  weir-collector check --config collector.toml     are certificates, store and addresses right?
  weir-collector run --config collector.toml       takes alerts until SIGTERM
  weir-collector alerts --since 2h --severity high what was found lately
  weir-collector alerts --json --follow            one JSON object a line, as they come
  weir-collector sensors                           who reports, and what they do not see

Exit codes: 0 done; 1 store, socket or certificate failed; 2 usage or configuration.
)";

/// What CLI11 fills and CommandLine holds in another form.
struct Words {
  std::string since, severity;
  bool open = false, closed = false;
};

void add_config(CLI::App& app, ConfigArguments& config) {
  app.add_option("--config", config.file,
                 "Configuration, TOML; without it the defaults hold (see print-config)")
      ->type_name("FILE");
  app.add_option("--set", config.set,
                 "Change one option after the file; k, M, G are powers of 1000; may stand often")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_alerts(CLI::App& app, ListArguments& list, Words& words) {
  app.add_flag("--json", list.json, "One JSON object a line");
  app.add_flag("--follow", list.follow, "Go on with every alert as it comes, until Ctrl-C");
  app.add_option("--sensor", list.filter.sensor, "Of this sensor")->type_name("ID");
  app.add_option("--since", words.since,
                 "Received since: 2026-11-24, 2026-11-24T10:00:00Z, or 15m, 2h, 7d ago")
      ->type_name("TIME");
  app.add_option("--severity", words.severity, "At least INFO, LOW, MEDIUM, HIGH, CRITICAL")
      ->type_name("NAME");
  app.add_option("--host", list.filter.host, "Of this host")->type_name("ADDRESS");
  app.add_option("--destination", list.filter.destination, "To this destination")
      ->type_name("ADDRESS");
  app.add_option("--incident", list.filter.incident, "Of this incident")->type_name("ID");
  app.add_flag("--open", words.open, "Incidents that are open");
  app.add_flag("--closed", words.closed, "Incidents that are closed");
  app.add_flag("--revisions", list.filter.revisions,
               "Every revision of an incident, not only the last");
  app.add_option("--limit", list.filter.limit, "The latest so many")->type_name("N");
}

void finish(CommandLine& line, const Words& words) {
  AlertFilter& filter = line.list.filter;
  if (words.open && words.closed)
    throw Error(kExitUsage, "--open and --closed exclude each other; leave both away for all");
  if (words.open) filter.state = v1::Alert::OPEN;
  if (words.closed) filter.state = v1::Alert::CLOSED;
  if (!words.since.empty()) filter.since_ns = parse_time(words.since, now_ns());
  if (!words.severity.empty()) filter.minimum_severity = parse_severity(words.severity);
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Words words;
  CLI::App app("weir-collector: takes the alerts of sensors over TLS and keeps each exactly once.",
               "weir-collector");
  app.footer(kExamples);
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", "weir-collector " WEIR_VERSION);
  auto* run =
      app.add_subcommand("run", "Take alerts until SIGTERM; SIGHUP loads certificates anew");
  auto* check = app.add_subcommand("check", "Say whether `run` would start, and why not");
  auto* print =
      app.add_subcommand("print-config", "Print every option with default, range, meaning");
  auto* alerts = app.add_subcommand("alerts", "List alerts, the last revision of each incident");
  auto* sensors =
      app.add_subcommand("sensors", "List sensors: last heard, clock, what was not seen");
  for (CLI::App* command : {run, check, print, alerts, sensors}) add_config(*command, line.config);
  add_alerts(*alerts, line.list, words);
  sensors->add_flag("--json", line.list.json, "One JSON object a line");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success&) {
    const auto given = app.get_subcommands();
    line.text = app.get_option("--version")->count() > 0 ? "weir-collector " WEIR_VERSION "\n"
                : given.empty()                          ? app.help()
                                                         : given.front()->help();
    return line;
  } catch (const CLI::ParseError& error) {
    throw Error(kExitUsage, std::string(error.what()) + "; `weir-collector --help` shows how");
  }
  if (*run)
    line.command = Command::kRun;
  else if (*check)
    line.command = Command::kCheck;
  else if (*print)
    line.command = Command::kPrintConfig;
  else if (*alerts)
    line.command = Command::kAlerts;
  else if (*sensors)
    line.command = Command::kSensors;
  else
    line.text = app.help();
  finish(line, words);
  return line;
}

}  // namespace weir::collector
