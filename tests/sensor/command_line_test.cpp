// The command line is the contract's; what is wrong with it is one sentence that says how to go on.
#include "sensor/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flowtable/error.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "weir-sensor");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

std::string refusal(const std::vector<const char*>& words) {
  try {
    parse(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitUsage);
    return error.what();
  }
  return "(accepted)";
}

TEST(CommandLine, replay_takes_everything_of_the_contract_in_any_order) {
  const CommandLine line = parse({"replay",
                                  "--each",
                                  "a.pcap",
                                  "--set",
                                  "a.b=1",
                                  "b.pcap",
                                  "--set",
                                  "c.d=[1,2]",
                                  "--config",
                                  "weir.toml",
                                  "--home",
                                  "10.0.0.0/8,fd00::/8",
                                  "--json",
                                  "-",
                                  "--ledger",
                                  "pairs.tsv",
                                  "--metrics=m.txt",
                                  "--state",
                                  "dir",
                                  "--hash-key",
                                  "000102030405060708090A0b0c0d0eff",
                                  "c.pcap"});
  EXPECT_EQ(line.command, Command::kReplay);
  const ReplayArguments& replay = line.replay;
  EXPECT_THAT(replay.captures, ElementsAre("a.pcap", "b.pcap", "c.pcap"));
  EXPECT_THAT(replay.config.set, ElementsAre("a.b=1", "c.d=[1,2]"));
  EXPECT_EQ(replay.config.file, "weir.toml");
  EXPECT_EQ(replay.config.home, "10.0.0.0/8,fd00::/8");
  EXPECT_EQ(replay.json, "-");
  EXPECT_EQ(replay.ledger, "pairs.tsv");
  EXPECT_EQ(replay.metrics, "m.txt");
  EXPECT_EQ(replay.state, "dir");
  EXPECT_TRUE(replay.each);
  EXPECT_EQ(replay.hash_key[9], 0x09);
  EXPECT_EQ(replay.hash_key[10], 0x0a);
  EXPECT_EQ(replay.hash_key[15], 0xff);
}

TEST(CommandLine, a_lone_capture_is_enough) {
  const ReplayArguments replay = parse({"replay", "a.pcap"}).replay;
  EXPECT_THAT(replay.captures, ElementsAre("a.pcap"));
  EXPECT_THAT(replay.config.set, IsEmpty());
  EXPECT_EQ(replay.json, "");
  EXPECT_EQ(replay.state, "");
  EXPECT_FALSE(replay.each);
  EXPECT_EQ(replay.hash_key, kReplayHashKey);
}

TEST(CommandLine, the_other_commands_take_a_configuration_or_nothing) {
  EXPECT_EQ(parse({"check", "--config", "w.toml"}).command, Command::kCheck);
  EXPECT_EQ(parse({"check", "--config", "w.toml"}).config.file, "w.toml");
  EXPECT_EQ(parse({"print-config"}).command, Command::kPrintConfig);
  EXPECT_EQ(parse({"reference"}).command, Command::kReference);
}

TEST(CommandLine, a_running_sensor_is_asked_by_command) {
  const CommandLine top = parse({"top", "--by", "hosts", "--sort", "rate", "--rows", "5"});
  EXPECT_EQ(top.command, Command::kControl);
  EXPECT_EQ(top.control.command, "top");
  EXPECT_EQ(top.control.by, "hosts");
  EXPECT_EQ(top.control.sort, "rate");
  EXPECT_EQ(top.control.rows, 5u);
  EXPECT_EQ(parse({"explain", "87763f"}).control.of, "87763f");
  EXPECT_EQ(parse({"flows", "--of", "10.0.0.1"}).control.command, "flows");
  EXPECT_EQ(parse({"status", "--control", "c.sock"}).control.control, "c.sock");
  EXPECT_EQ(parse({"run", "--config", "w.toml"}).command, Command::kRun);
  EXPECT_EQ(parse({"run", "--config", "w.toml"}).config.file, "w.toml");
}

TEST(CommandLine, help_has_examples_and_names_only_what_exists) {
  const std::string general = parse({"--help"}).text;
  EXPECT_THAT(general, AllOf(HasSubstr("replay"), HasSubstr("check"), HasSubstr("print-config"),
                             HasSubstr("reference"), HasSubstr("--version")));
  EXPECT_THAT(general, AllOf(HasSubstr("\n  run "), HasSubstr("\n  top "), HasSubstr("\n  flows "),
                             HasSubstr("\n  explain "), HasSubstr("\n  status ")));
  EXPECT_THAT(general, Not(HasSubstr("\n  rules ")));
  const std::string replay = parse({"replay", "--help"}).text;
  EXPECT_THAT(replay, AllOf(HasSubstr("Examples:"), HasSubstr("--hash-key"), HasSubstr("--each"),
                            HasSubstr("Exit codes: 0 done")));
  EXPECT_EQ(parse({"--version"}).text.find("weir-sensor "), 0u);
  EXPECT_EQ(parse({"--version"}).command, Command::kPrintText);
}

struct Refused {
  std::vector<const char*> words;
  const char* sentence;
};

TEST(CommandLine, a_mistake_is_one_sentence_with_a_hint) {
  const Refused refused[] = {
      {{}, "no command given, there are replay, run, status, top, flows, explain, check"},
      {{"reply", "a.pcap"}, "\"reply\" is no command, did you mean replay?; `weir-sensor --help`"},
      {{"rules"}, "\"rules\" is no command, there are replay, run"},
      {{"top", "--sort", "size"}, "--sort"},
      {{"top", "--rows", "0"}, "--rows"},
      {{"replay"}, "CAPTURE is required"},
      {{"-x"}, "\"-x\" is no command, there are replay"},
      {{"replay", "--foo", "a.pcap"}, "--foo"},
      {{"replay", "a.pcap", "--json"}, "--json"},
      {{"replay", "a.pcap", "--json", "-", "--ledger", "-"}, "--json - and --ledger - would both"},
      {{"replay", "a.pcap", "--ledger", "-", "--metrics", "-"}, "--ledger - and --metrics - would"},
      {{"replay", "a.pcap", "--hash-key", "12"}, "--hash-key 12: not 32 hex digits"},
      {{"replay", "a.pcap", "--hash-key", "0x0102030405060708090a0b0c0d0e0f"}, "not 32 hex digits"},
      {{"check", "extra"}, "extra"},
      {{"replay", "a", "--config", "b", "--config", "c"}, "--config"},
  };
  for (const auto& [words, sentence] : refused) {
    const std::string said = refusal(words);
    EXPECT_THAT(said, HasSubstr(sentence));
    EXPECT_THAT(said, Not(HasSubstr("\n")));
  }
  EXPECT_THAT(refusal({"replay", "--foo"}), HasSubstr("`weir-sensor replay --help` shows how"));
}

}  // namespace
}  // namespace weir
