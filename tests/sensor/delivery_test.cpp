// Ten thousand alerts while sensor, collector and the network between them fail at random: each
// arrives once, in its place, and the incidents are those of an undisturbed run.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "tests/collector/collector_run.h"
#include "tests/sensor/envelope_server.h"
#include "tests/sensor/stalling_proxy.h"

namespace weir::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr uint64_t kAlertsASweep = 20;

/// tests/sensor/synthetic_sensor.cpp as a process.
class SyntheticSensor {
 public:
  explicit SyntheticSensor(std::vector<std::string> words) : words_(std::move(words)) {
    words_.insert(words_.begin(), WEIR_SYNTHETIC_SENSOR);
  }
  ~SyntheticSensor() { kill(); }
  SyntheticSensor(const SyntheticSensor&) = delete;
  SyntheticSensor& operator=(const SyntheticSensor&) = delete;

  void start() {
    std::vector<char*> argv;
    for (std::string& word : words_) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 2, (words_[1] + ".log").c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    ASSERT_EQ(posix_spawn(&process_, argv[0], &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
  }
  /// Its exit code if it ended by itself, else -1.
  int kill() {
    if (process_ < 0) return -1;
    ::kill(process_, SIGKILL);
    return wait();
  }
  int wait() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::vector<std::string> words_;
  pid_t process_ = -1;
};

/// Sensors beside a real weir-collector.
class Delivery : public ::testing::Test {
 protected:
  void SetUp() override {
    collector_.start();
    own_ = collector_.authority().issue("sensor", "weir-1");
  }
  std::vector<std::string> words(const std::string& state, int port, uint64_t sweeps,
                                 int pause_ms) {
    return {collector_.folder() / state,
            "127.0.0.1:" + std::to_string(port),
            collector_.authority().file(),
            own_.certificate,
            own_.key,
            std::to_string(sweeps),
            std::to_string(pause_ms)};
  }
  /// What the collector has stored, in its own words.
  Received stored() const {
    const Said said = collector_.command({"alerts", "--json", "--revisions"});
    EXPECT_EQ(said.exit_code, 0) << said.err;
    Received received;
    std::istringstream lines(said.out);
    for (std::string line; std::getline(lines, line);) {
      v1::Alert alert;
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &alert).ok()) << line;
      if (alert.evidence(0).detector() == "sensor.health") continue;  // the collector's own word
      const bool fresh =
          received.alerts.emplace(std::pair(alert.epoch(), alert.sequence()), alert).second;
      received.repeated += fresh ? 0 : 1;
    }
    return received;
  }
  int random(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }

  /// Every number once; every incident opened once, with five revisions under one id.
  static void expect_undisturbed(const Received& received, uint64_t sweeps) {
    ASSERT_EQ(received.alerts.size(), sweeps * kAlertsASweep);
    EXPECT_EQ(received.repeated, 0u);
    const uint64_t epoch = received.alerts.begin()->first.first;
    uint64_t sequence = 0;
    std::map<std::string, uint32_t> revisions;
    std::map<std::string, std::string> ids;  // by host
    for (const auto& [number, alert] : received.alerts) {
      EXPECT_EQ(number, std::pair(epoch, ++sequence));
      EXPECT_EQ(alert.revision(), ++revisions[alert.incident_id()]);
      const auto [known, first] = ids.emplace(alert.host(), alert.incident_id());
      EXPECT_EQ(known->second, alert.incident_id()) << alert.host() << " opened twice";
      EXPECT_EQ(alert.state(), alert.revision() == 5 ? v1::Alert::CLOSED : v1::Alert::OPEN);
      if (::testing::Test::HasFailure()) break;
    }
    EXPECT_EQ(ids.size(), sweeps / 5 * kAlertsASweep);
  }

  CollectorRun collector_;
  CertificateFiles own_;
  std::minstd_rand random_{20261124};
};

TEST_F(Delivery, two_hundred_kills_of_sensor_and_collector_lose_and_repeat_nothing) {
  constexpr uint64_t kSweeps = 500;
  SyntheticSensor sensor(words("state", collector_.port(), kSweeps, 50));
  sensor.start();
  int early = 0;
  for (int kills = 0; kills < 200; ++kills) {
    std::this_thread::sleep_for(milliseconds(random(1, 80)));
    if (random(0, 1) == 0) {
      collector_.end(SIGKILL);
      collector_.start();
    } else {
      const int code = sensor.kill();
      ASSERT_TRUE(code == -1 || code == 0) << "it ended with " << code;
      early += code == 0 ? 1 : 0;
      sensor.start();
    }
  }
  EXPECT_EQ(sensor.wait(), 0);
  EXPECT_LT(early, 50) << "most kills must hit it at work";
  expect_undisturbed(stored(), kSweeps);
  EXPECT_THAT(collector_.command({"sensors", "--json"}).out, HasSubstr("\"gap_alerts\":\"0\""));
}

TEST_F(Delivery, partitions_between_sensor_and_collector_lose_and_repeat_nothing) {
  constexpr uint64_t kSweeps = 200;
  StallingProxy proxy(collector_.port());
  SyntheticSensor sensor(words("state", proxy.port(), kSweeps, 20));
  sensor.start();
  for (int partition = 0; partition < 8; ++partition) {
    std::this_thread::sleep_for(milliseconds(random(50, 300)));
    proxy.stall(true);
    // One in four outlasts the patience of the sensor.
    std::this_thread::sleep_for(milliseconds(partition % 4 == 0 ? 2500 : random(50, 500)));
    if (random(0, 1) == 0) proxy.cut();
    proxy.stall(false);
  }
  EXPECT_EQ(sensor.wait(), 0);
  expect_undisturbed(stored(), kSweeps);
}

TEST_F(Delivery, of_two_sensors_with_one_id_one_waits_and_both_deliver) {
  constexpr uint64_t kSweeps = 50;
  SyntheticSensor first(words("first", collector_.port(), kSweeps, 5));
  SyntheticSensor second(words("second", collector_.port(), kSweeps, 5));
  first.start();
  second.start();
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(second.wait(), 0);
  const Received received = stored();
  std::map<uint64_t, uint64_t> alerts;  // by epoch
  for (const auto& [number, alert] : received.alerts) ++alerts[number.first];
  ASSERT_EQ(alerts.size(), 2u);
  for (const auto& [epoch, count] : alerts) EXPECT_EQ(count, kSweeps * kAlertsASweep);
  EXPECT_EQ(received.repeated, 0u);
}

}  // namespace
}  // namespace weir::testing
