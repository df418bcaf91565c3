// What goes wrong ends in one sentence with place, value and remedy, and the contract's exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/sensor/capture_builder.h"
#include "tests/sensor/sensor_run.h"

namespace weir::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// An Ethernet frame with an IPv4 UDP datagram of 4 payload bytes, 10.0.0.1 to 192.0.2.1.
std::string udp_frame() {
  return ByteWriter(Endian::big)
      .text("\x02\x02\x02\x02\x02\x02\x04\x04\x04\x04\x04\x04")
      .u16(0x0800)
      .u16(0x4500)
      .u16(32)
      .u32(0)
      .u8(64)
      .u8(17)
      .u16(0)
      .u32(0x0a000001)
      .u32(0xc0000201)
      .u16(1000)
      .u16(2000)
      .u16(12)
      .u16(0)
      .u32(0x61626364)
      .bytes();
}

std::string good_capture(int records = 2) {
  PcapBuilder builder;
  for (int i = 0; i < records; ++i) builder.record(static_cast<uint32_t>(i + 1), 0, udp_frame());
  return builder.bytes();
}

SensorRun replay(std::vector<std::string> words) {
  words.insert(words.begin(), {"replay", "--set", "flow_table.connections=1024", "--set",
                               "flow_table.totals=1024"});
  return run_sensor(words);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// One line on stderr, of the program.
void expect_one_sentence(const SensorRun& run, const std::string& place,
                         const std::string& remedy) {
  EXPECT_EQ(lines_of(run.err).size(), 1u) << run.err;
  EXPECT_THAT(run.err, StartsWith("weir-sensor: "));
  EXPECT_THAT(run.err, HasSubstr(place));
  EXPECT_THAT(run.err, HasSubstr(remedy));
}

/// A mistake found before anything ran: no ledger line.
void expect_refused(const SensorRun& run, int exit_code, const std::string& place,
                    const std::string& remedy) {
  EXPECT_EQ(run.exit_code, exit_code) << run.err;
  EXPECT_EQ(run.out, "");
  expect_one_sentence(run, place, remedy);
}

TEST(ReplayErrors, a_good_capture_says_nothing_on_stderr) {
  const TemporaryFile capture(good_capture());
  const SensorRun run = replay({capture.path()});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.err, "");
  const LedgerLine line = ledger_line_of(run.out);
  EXPECT_EQ(line["packets"], 2u);
  EXPECT_EQ(line["out_payload_high_bytes"], 8u);
  EXPECT_EQ(line["captures_failed"], 0u);
}

TEST(ReplayErrors, a_capture_cut_in_its_last_record_is_a_warning) {
  const std::string whole = good_capture();
  const TemporaryFile capture(whole.substr(0, whole.size() - 5));
  const SensorRun run = replay({capture.path()});
  EXPECT_EQ(run.exit_code, 0);
  expect_one_sentence(run, capture.path() + ": ", "ends inside a record");
  const LedgerLine line = ledger_line_of(run.out);
  EXPECT_EQ(line["captures_cut"], 1u);
  EXPECT_EQ(line["captures_failed"], 0u);
  EXPECT_EQ(line["packets"], 1u);
}

TEST(ReplayErrors, of_several_captures_the_good_ones_run_and_the_exit_code_is_1) {
  const TemporaryFile good(good_capture());
  const SensorRun run = replay({good.path(), "/no/such.pcap", good.path()});
  EXPECT_EQ(run.exit_code, 1);
  expect_one_sentence(run, "/no/such.pcap: ", "");
  const LedgerLine line = ledger_line_of(run.out);
  EXPECT_EQ(line["captures"], 3u);
  EXPECT_EQ(line["captures_failed"], 1u);
  EXPECT_EQ(line["packets"], 4u);
}

TEST(ReplayErrors, a_file_that_is_no_capture_fails_with_its_place) {
  std::string corrupt = good_capture();
  corrupt.replace(24 + 8, 4, "\xff\xff\xff\x7f");  // the first record's captured length
  for (const std::string& bytes : {std::string("no capture, but long enough to be one"), corrupt}) {
    const TemporaryFile capture(bytes);
    const SensorRun run = replay({capture.path()});
    EXPECT_EQ(run.exit_code, 1);
    expect_one_sentence(run, capture.path() + ": ", ";");
    EXPECT_EQ(ledger_line_of(run.out)["captures_failed"], 1u);
  }
}

TEST(ReplayErrors, an_empty_file_a_missing_file_and_a_folder_are_each_told_apart) {
  const TemporaryFile empty("");
  for (const std::string& path :
       {empty.path(), std::string("/no/such.pcap"), std::string("/tmp")}) {
    const SensorRun run = replay({path});
    EXPECT_EQ(run.exit_code, 1) << path;
    expect_one_sentence(run, path + ": ", ";");
    EXPECT_EQ(ledger_line_of(run.out)["captures_failed"], 1u);
  }
}

TEST(ReplayErrors, a_link_type_that_is_not_read_is_named) {
  const TemporaryFile capture(
      PcapBuilder(Endian::little, kPcapMicroseconds, 105).record(1, 0, udp_frame()).bytes());
  const SensorRun run = replay({capture.path()});
  EXPECT_EQ(run.exit_code, 1);
  expect_one_sentence(run, capture.path() + ": ", "IEEE 802.11");
  const LedgerLine line = ledger_line_of(run.out);
  EXPECT_EQ(line["captures_failed"], 1u);
  EXPECT_EQ(line["drop_link_unsupported_packets"], 1u);
}

TEST(ReplayErrors, mistakes_on_the_command_line_are_refused_before_anything_runs) {
  const TemporaryFile capture(good_capture());
  const std::string& path = capture.path();
  expect_refused(replay({path, "--set", "detectors.volume.burst.threshold_1h_byte=5"}), 2,
                 "threshold_1h_byte", "threshold_1h_bytes");
  expect_refused(replay({path, "--set", "detectors.volume.burst.threshold_1h_bytes=0"}), 2,
                 "detectors.volume.burst.threshold_1h_bytes", "0");
  expect_refused(replay({path, "--set", "detectors.volume.burst.threshold_1h_bytes=much"}), 2,
                 "detectors.volume.burst.threshold_1h_bytes", "much");
  expect_refused(replay({path, "--home", "10.0.0.0/33"}), 2, "--home", "10.0.0.0/33");
  expect_refused(replay({path, "--home", "office"}), 2, "--home", "office");
  expect_refused(replay({path, "--hash-key", "xyz"}), 2, "--hash-key", "xyz");
  expect_refused(replay({path, "--ledgers", "-"}), 2, "--ledgers", "");
  expect_refused(replay({}), 2, "CAPTURE", "");
  expect_refused(run_sensor({"repaly", path}), 2, "repaly", "replay");
}

TEST(ReplayErrors, an_output_that_cannot_be_written_is_told_before_the_work) {
  const TemporaryFile capture(good_capture());
  for (const std::string option : {"--json", "--ledger"})
    expect_refused(replay({capture.path(), option, "/no/such/folder/file"}), 1,
                   "/no/such/folder/file", ";");
}

TEST(ReplayErrors, a_configuration_mistake_has_file_line_value_and_remedy) {
  const TemporaryFile capture(good_capture());
  const TemporaryFile config("[judge]\nescalate_factor = 1\n");
  const SensorRun run = replay({capture.path(), "--config", config.path()});
  expect_refused(run, 2, config.path() + ":2:", "escalate_factor");
  expect_refused(replay({capture.path(), "--config", "/no/such.toml"}), 2, "/no/such.toml", ";");
}

TEST(ReplayErrors, ctrl_c_ends_the_run_with_its_ledger_line_and_130) {
  // A pipe whose writer goes on for as long as the sensor reads: the capture never ends.
  const TemporaryPath pipe;
  std::filesystem::remove(pipe.path());
  ASSERT_EQ(mkfifo(pipe.path().c_str(), 0600), 0);
  SensorProcess process({"replay", pipe.path(), "--set", "flow_table.connections=1024"});
  std::signal(SIGPIPE, SIG_IGN);
  std::jthread writer([&](const std::stop_token& stop) {
    std::ofstream out(pipe.path(), std::ios::binary);
    out << good_capture(0);
    for (uint32_t second = 1; out && !stop.stop_requested(); ++second)
      out << good_capture(1).substr(24) << std::flush;
  });
  std::this_thread::sleep_for(std::chrono::seconds(3));
  process.send(SIGINT);
  const SensorRun run = process.wait();
  writer.request_stop();
  EXPECT_EQ(run.exit_code, 130);
  const LedgerLine line = ledger_line_of(run.out);
  EXPECT_EQ(line["interrupted"], 1u);
  EXPECT_GT(line["packets"], 0u);
  EXPECT_EQ(lines_of(run.out).back(), line.text);
}

}  // namespace
}  // namespace weir::testing
