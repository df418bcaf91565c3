// The command line: commands, their arguments, and what is wrong with them.
#include "sensor/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "flowtable/error.h"
#include "sensor/nearest_word.h"

namespace weir {
namespace {

constexpr const char* kReplayExamples = R"(
Examples:
  weir-sensor replay case.pcap
      prints each incident and the ledger of the whole capture
  weir-sensor replay --home 192.0.2.0/24,2001:db8::/32 monday.pcap.gz tuesday.pcapng
      two captures as one, with your own addresses at home
  weir-sensor replay --set detectors.volume.burst.threshold_1h_bytes=10M --json - case.pcap
      a lower threshold, one JSON object a line
  weir-sensor replay --each --ledger pairs.tsv cases/*.pcap
      every capture by itself, one ledger line each
  weir-sensor replay --config sensor.toml --collector weir.example:7443 case.pcap
      the alerts also to a collector; told twice, it stores them once

Exit codes: 0 done; 1 a capture or an output failed; 2 usage or configuration; 130 interrupted.
)";

constexpr const char* kRunExamples = R"(
Examples:
  weir-sensor run --config /etc/weir/sensor.toml
      as its systemd unit does; SIGHUP reloads, SIGTERM stops
  weir-sensor run --set 'port.0.device="net_af_packet0,iface=eth1"' --home 192.0.2.0/24
      listens on the kernel's interface eth1, which the mirror port is plugged into
)";

constexpr const char* kExamples = R"(
Start with:
  weir-sensor check                  can this machine run the sensor?
  weir-sensor replay case.pcap       what was stolen in this capture?
  weir-sensor run --help             how to listen on a mirror port
  weir-sensor top                    who sends most, now?
  weir-sensor print-config           every option with its meaning
  weir-sensor replay --help          all that replay takes
)";

[[noreturn]] void refuse(const std::string& sentence, const std::string& command = "") {
  throw Error(kExitUsage, sentence + "; `weir-sensor " + command + (command.empty() ? "" : " ") +
                              "--help` shows how");
}

/// An option that takes one value and may stand once.
CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& takes, const std::string& help) {
  return app.add_option(name, value, help)->type_name(takes);
}

void add_config(CLI::App& app, ConfigArguments& config) {
  add_text(app, "--config", config.file, "FILE",
           "Configuration, TOML; without it the defaults hold (see print-config)");
  app.add_option("--set", config.set,
                 "Change one option after the file; k, M, G are powers of 1000; may stand often")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_text(app, "--home", config.home, "CIDR,...", "Addresses at home in the default network");
}

/// What CLI11 fills and CommandLine does not hold as it is.
struct RawArguments {
  std::string hash_key;
};

CLI::App& add_replay(CLI::App& app, ReplayArguments& replay, RawArguments& raw) {
  CLI::App& command = *app.add_subcommand("replay", "Find thefts in capture files");
  command.footer(kReplayExamples);
  command
      .add_option("CAPTURE", replay.captures,
                  "Capture files, pcap or pcapng, plain or gzip, in order")
      ->type_name("")
      ->required();
  add_config(command, replay.config);
  add_text(command, "--json", replay.json, "FILE|-", "Alerts as JSON, one object a line");
  add_text(command, "--ledger", replay.ledger, "FILE|-",
           "Bytes of every host and destination as TSV");
  add_text(command, "--metrics", replay.metrics, "FILE|-", "Counters as Prometheus text");
  add_text(command, "--state", replay.state, "DIR",
           "Read and keep history and incidents there; without it each run starts fresh");
  add_text(command, "--hash-key", raw.hash_key, "HEX",
           "Key of the flow table's hash, 32 hex digits; fixed otherwise");
  add_text(command, "--collector", replay.collector, "HOST:PORT",
           "Report the alerts to this collector, with the certificates of [uplink]");
  command.add_flag("--each", replay.each,
                   "Every capture by itself, from fresh state; a ledger line for each");
  return command;
}

/// The commands that ask a running sensor.
void add_control(CLI::App& app, ControlArguments& control) {
  const auto add = [&](const char* name, const char* help) -> CLI::App& {
    CLI::App& command = *app.add_subcommand(name, help);
    add_config(command, control.config);
    add_text(command, "--control", control.control, "PATH",
             "Socket of the sensor; sensor.control of the configuration otherwise");
    command.callback([&control, name] { control.command = name; });
    return command;
  };
  const auto add_rows = [&](CLI::App& command) {
    command.add_option("--rows", control.rows, "How many, 1 to 1000; 20 otherwise")
        ->check(CLI::Range(1, 1000))
        ->type_name("N");
  };
  add("status", "Say how the running sensor is: ports, lanes, account, judge, uplink");
  CLI::App& top = add("top", "Show who sends most: hosts and destinations by bytes, refreshed");
  top.add_option("--by", control.by, "What a row is: pairs, hosts or destinations")
      ->check(CLI::IsMember({"pairs", "hosts", "destinations"}))
      ->type_name("WHAT");
  top.add_option("--sort", control.sort, "Largest first by: out, in, rate or packets")
      ->check(CLI::IsMember({"out", "in", "rate", "packets"}))
      ->type_name("FIGURE");
  top.add_flag("--once", control.once, "One look; so it is on a pipe");
  add_rows(top);
  CLI::App& flows = add("flows", "Show the largest connections");
  add_text(flows, "--of", control.of, "ADDRESS", "Only those of this host or destination");
  add_rows(flows);
  CLI::App& explain = add("explain", "Tell the story of an incident; without an id, list them");
  explain.add_option("ID", control.of, "Incident id, or its first digits")->type_name("");
}

/// 32 hex digits. Throws Error.
HashKey parse_hash_key(const std::string& hex) {
  HashKey key{};
  bool good = hex.size() == 2 * key.size();
  for (size_t i = 0; good && i < key.size(); ++i) {
    const char* first = hex.data() + 2 * i;
    good = std::from_chars(first, first + 2, key[i], 16).ptr == first + 2;
  }
  if (!good) refuse("--hash-key " + hex + ": not 32 hex digits (16 bytes)", "replay");
  return key;
}

void finish_replay(ReplayArguments& replay, const RawArguments& raw) {
  const std::pair<const char*, const std::string*> outputs[] = {
      {"--json", &replay.json}, {"--ledger", &replay.ledger}, {"--metrics", &replay.metrics}};
  std::string taken;
  for (const auto& [name, output] : outputs) {
    if (*output != "-") continue;
    if (!taken.empty()) {
      refuse(taken + " - and " + name + " - would both write to stdout, give one of them a file",
             "replay");
    }
    taken = name;
  }
  if (!raw.hash_key.empty()) replay.hash_key = parse_hash_key(raw.hash_key);
}

/// CLI11's words as one of our sentences.
std::string sentence_of(const CLI::ParseError& error) {
  std::string sentence = error.what();
  std::replace(sentence.begin(), sentence.end(), '\n', ' ');
  while (!sentence.empty() && (sentence.back() == '.' || sentence.back() == ' ')) {
    sentence.pop_back();
  }
  return sentence;
}

void check_command_name(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  if (argc < 2) refuse("no command given, there are " + list);
  const std::string word = argv[1];
  const bool asks = word == "-h" || word == "--help" || word == "--version";
  if (asks || std::find(known.begin(), known.end(), word) != known.end()) return;
  const std::string nearest = nearest_word(word, known);
  refuse("\"" + word + "\" is no command, " +
         (nearest.empty() ? "there are " + list : "did you mean " + nearest + "?"));
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  RawArguments raw;
  CLI::App app("Weir: a network sensor that finds data being stolen.", "weir-sensor");
  app.footer(kExamples);
  app.require_subcommand(1);
  app.set_version_flag("--version", "weir-sensor " WEIR_VERSION);
  const CLI::App& replay = add_replay(app, line.replay, raw);
  CLI::App& run = *app.add_subcommand("run", "Listen on the configured ports until SIGTERM");
  add_config(run, line.config);
  run.footer(kRunExamples);
  add_control(app, line.control);
  CLI::App& check = *app.add_subcommand("check", "Say whether this machine can run the sensor");
  add_config(check, line.config);
  CLI::App& print = *app.add_subcommand("print-config",
                                        "Print the configuration in force, every option explained");
  add_config(print, line.config);
  const CLI::App& reference =
      *app.add_subcommand("reference", "Print all options, detectors and metrics as Markdown");
  check_command_name(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.text = app.help();
    return line;
  } catch (const CLI::CallForVersion&) {
    line.text = app.version() + "\n";
    return line;
  } catch (const CLI::ParseError& error) {
    const auto commands = app.get_subcommands();
    refuse(sentence_of(error), commands.empty() ? "" : commands.front()->get_name());
  }
  if (replay.parsed()) {
    finish_replay(line.replay, raw);
    line.command = Command::kReplay;
  } else if (run.parsed()) {
    line.command = Command::kRun;
  } else if (!line.control.command.empty()) {
    line.command = Command::kControl;
  } else if (check.parsed()) {
    line.command = Command::kCheck;
  } else {
    line.command = reference.parsed() ? Command::kReference : Command::kPrintConfig;
  }
  return line;
}

}  // namespace weir
