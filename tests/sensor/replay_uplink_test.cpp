// A replay that reports to a collector: the program itself, over TLS, killed and told again.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/sensor/envelope_server.h"
#include "tests/sensor/sensor_run.h"

namespace weir::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kDemo = WEIR_SOURCE_ROOT "/deploy/demo/theft.pcap.gz";

class ReplayUplink : public ::testing::Test {
 protected:
  ReplayUplink()
      : folder_(make_folder()),
        authority_(folder_, "authority"),
        own_(authority_.issue("replay", "weir-1")),
        server_(std::make_unique<EnvelopeServer>(authority_.file(),
                                                 authority_.issue("server", "127.0.0.1"))) {}
  ~ReplayUplink() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "weir-replay-XXXXXX";
    return mkdtemp(folder.data());
  }

  std::vector<std::string> words(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"replay",
                                    "--home",
                                    "10.20.0.0/24",
                                    "--collector",
                                    server_->address(),
                                    "--set",
                                    "detectors.volume.burst.threshold_1h_bytes=500k",
                                    "--set",
                                    "uplink.ca_file=" + authority_.file(),
                                    "--set",
                                    "uplink.certificate_file=" + own_.certificate,
                                    "--set",
                                    "uplink.key_file=" + own_.key,
                                    "--set",
                                    "uplink.heartbeat_s=1",
                                    "--set",
                                    "flow_table.connections=1024",
                                    "--set",
                                    "flow_table.totals=1024"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::string folder_;
  Authority authority_;
  CertificateFiles own_;
  std::unique_ptr<EnvelopeServer> server_;
};

TEST_F(ReplayUplink, the_collector_gets_what_json_says_and_the_ledger_line_comes_last) {
  const TemporaryPath json;
  const SensorRun run = run_sensor(words({"--json", json.path(), kDemo}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::vector<v1::Alert> told = alerts_of(json.read());
  const Received received = server_->received();
  ASSERT_EQ(received.alerts.size(), told.size());
  EXPECT_EQ(ledger_line_of(run.out)["alerts"], told.size());
  size_t index = 0;
  for (const auto& [number, alert] : received.alerts)
    EXPECT_EQ(alert.SerializeAsString(), told[index++].SerializeAsString());
  EXPECT_THAT(run.out, HasSubstr("\nledger: "));
}

TEST_F(ReplayUplink, told_twice_nothing_is_stored_twice) {
  run_sensor(words({kDemo}));
  const size_t stored = server_->received().alerts.size();
  const SensorRun again = run_sensor(words({kDemo}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(server_->received().alerts.size(), stored);
  EXPECT_EQ(server_->received().repeated, 0u);
  const SensorRun other =
      run_sensor(words({"--set", "detectors.volume.burst.threshold_1h_bytes=510k", kDemo}));
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(server_->received().alerts.size(), 2 * stored) << "another configuration, other alerts";
}

TEST_F(ReplayUplink, each_capture_is_a_replay_of_its_own) {
  const SensorRun run = run_sensor(words({"--each", kDemo, kDemo}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(server_->received().hellos.size(), 2u);
  EXPECT_EQ(server_->received().repeated, 0u);
}

TEST_F(ReplayUplink, without_certificates_one_sentence_says_what_is_missing) {
  const SensorRun run = run_sensor({"replay", "--collector", "127.0.0.1:7443", kDemo});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--collector 127.0.0.1:7443: it knows a sensor by its "
                                 "certificate; give uplink.ca_file"));
  EXPECT_EQ(run_sensor({"replay", "--collector", "7443", kDemo}).exit_code, 2);
}

TEST_F(ReplayUplink, a_refused_certificate_ends_it_with_the_reason_and_the_count) {
  own_ = authority_.issue("expired", "weir-1", -7200, -3600);
  const SensorRun run = run_sensor(words({kDemo}));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("has expired; issue a new one for this sensor"));
  EXPECT_THAT(run.err, HasSubstr("3 alerts are not acknowledged"));
  EXPECT_THAT(run.out, HasSubstr("ledger: "));
}

TEST_F(ReplayUplink, interrupted_while_it_waits_it_says_how_many_are_not_acknowledged) {
  server_->behave({.acknowledges = false});
  SensorProcess process(words({kDemo}));
  ASSERT_TRUE(server_->wait([](const Received& received) { return received.alerts.size() == 3; }));
  process.send(SIGINT);
  const SensorRun run = process.wait();
  EXPECT_EQ(run.exit_code, 130);
  EXPECT_THAT(run.err, HasSubstr("3 alerts are not acknowledged; replay the same captures"));
  EXPECT_THAT(run.out, HasSubstr("ledger: "));
}

/// A capture in two parts, each with the file's header.
std::pair<std::string, std::string> halves_of(const std::string& path, double share) {
  std::string bytes(16 << 20, '\0');
  gzFile file = gzopen(path.c_str(), "rb");
  bytes.resize(
      static_cast<size_t>(gzread(file, bytes.data(), static_cast<unsigned>(bytes.size()))));
  gzclose(file);
  size_t at = 24;
  while (static_cast<double>(at) < share * static_cast<double>(bytes.size())) {
    uint32_t captured_bytes = 0;
    std::memcpy(&captured_bytes, &bytes[at + 8], sizeof(captured_bytes));
    at += 16 + captured_bytes;
  }
  return {bytes.substr(0, at), bytes.substr(0, 24) + bytes.substr(at)};
}

void write_to(int descriptor, const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t wrote = ::write(descriptor, bytes.data() + at, bytes.size() - at);
    if (wrote <= 0) return;
    at += static_cast<size_t>(wrote);
  }
}

TEST_F(ReplayUplink, an_incident_open_across_a_kill_continues_under_its_id_with_its_bytes) {
  const auto [before, after] = halves_of(kDemo, 0.6);
  const std::string pipe = folder_ + "/capture", state = folder_ + "/state";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  {
    SensorProcess process(words({"--state", state, pipe}));
    const int end = ::open(pipe.c_str(), O_WRONLY);
    write_to(end, before);
    EXPECT_TRUE(
        server_->wait([](const Received& received) { return received.alerts.size() == 1; }));
    process.send(SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
    ::close(end);
  }
  std::thread writer([&, rest = after] {
    const int end = ::open(pipe.c_str(), O_WRONLY);
    write_to(end, rest);
    ::close(end);
  });
  const SensorRun run = run_sensor(words({"--state", state, pipe}));
  writer.join();
  EXPECT_EQ(run.exit_code, 0) << run.err;

  const Received received = server_->received();
  ASSERT_GE(received.alerts.size(), 2u);
  const v1::Alert& opened = received.alerts.begin()->second;
  uint32_t revision = 0;
  uint64_t sequence = 0, bytes = 0;
  for (const auto& [number, alert] : received.alerts) {
    EXPECT_EQ(alert.incident_id(), opened.incident_id());
    EXPECT_EQ(alert.revision(), ++revision);
    EXPECT_EQ(number, std::pair(opened.epoch(), ++sequence));
    EXPECT_GE(alert.ledger().out_payload_high_bytes(), bytes);
    bytes = alert.ledger().out_payload_high_bytes();
  }
  const v1::Alert& closed = received.alerts.rbegin()->second;
  EXPECT_EQ(closed.state(), v1::Alert::CLOSED);
  // What was read in the seconds between the last transaction and the kill is lost, and nothing
  // else.
  EXPECT_GT(bytes, opened.ledger().out_payload_high_bytes() + 800'000);
  EXPECT_LE(bytes, 2'143'144u);
  EXPECT_EQ(closed.first_seen().seconds(), opened.first_seen().seconds());
}

TEST_F(ReplayUplink, state_without_a_collector_keeps_no_alerts_and_names_them_to_a_later_one) {
  const std::string state = folder_ + "/state";
  EXPECT_EQ(run_sensor({"replay", "--state", state, "--home", "10.20.0.0/24", "--set",
                        "detectors.volume.burst.threshold_1h_bytes=500k", kDemo})
                .exit_code,
            0);
  const SensorRun run = run_sensor(words({"--state", state, kDemo}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const Received received = server_->received();
  ASSERT_EQ(received.gaps.size(), 1u);
  EXPECT_EQ(received.gaps[0].reason(), "no collector was configured");
  EXPECT_EQ(received.alerts.begin()->first.second, received.gaps[0].last() + 1);
}

}  // namespace
}  // namespace weir::testing
