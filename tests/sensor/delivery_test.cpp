// Ten thousand alerts while sensor, collector and the network between them fail at random: each
// arrives once, in its place, and the incidents are those of an undisturbed run.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "tests/sensor/envelope_server.h"
#include "tests/sensor/stalling_proxy.h"

namespace weir::testing {
namespace {

using std::chrono::milliseconds;

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

class Delivery : public ::testing::Test {
 protected:
  Delivery()
      : folder_(make_folder()),
        authority_(folder_, "authority"),
        own_(authority_.issue("sensor", "weir-1")),
        server_(authority_.file(), authority_.issue("server", "127.0.0.1")) {}
  ~Delivery() override { std::filesystem::remove_all(folder_); }
  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "weir-delivery-XXXXXX";
    return mkdtemp(folder.data());
  }
  std::vector<std::string> words(const std::string& state, const std::string& collector,
                                 uint64_t sweeps, int pause_ms) const {
    return {folder_ + "/" + state,   collector, authority_.file(),
            own_.certificate,        own_.key,  std::to_string(sweeps),
            std::to_string(pause_ms)};
  }
  int random(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }

  /// Every number once; every incident opened once, with five revisions under one id.
  static void expect_undisturbed(const Received& received, uint64_t sweeps) {
    ASSERT_EQ(received.alerts.size(), sweeps * kAlertsASweep);
    EXPECT_EQ(received.conflicting, 0u) << "a number was given to two alerts";
    EXPECT_TRUE(received.gaps.empty());
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

  std::string folder_;
  Authority authority_;
  CertificateFiles own_;
  EnvelopeServer server_;
  std::minstd_rand random_{20261124};
};

TEST_F(Delivery, two_hundred_kills_of_sensor_and_collector_lose_and_repeat_nothing) {
  constexpr uint64_t kSweeps = 500;
  SyntheticSensor sensor(words("state", server_.address(), kSweeps, 15));
  sensor.start();
  int kills = 0, early = 0;
  while (kills < 200) {
    std::this_thread::sleep_for(milliseconds(random(1, 80)));
    if (random(0, 1) == 0) {
      server_.behave({.hang_up_after = static_cast<uint64_t>(random(0, 60))});
      server_.hang_up();
    } else {
      const int code = sensor.kill();
      ASSERT_TRUE(code == -1 || code == 0) << "it ended with " << code;
      early += code == 0 ? 1 : 0;
      sensor.start();
    }
    ++kills;
  }
  server_.behave({});
  EXPECT_EQ(sensor.wait(), 0);
  EXPECT_LT(early, 30) << "most kills must hit it at work";
  expect_undisturbed(server_.received(), kSweeps);
}

TEST_F(Delivery, partitions_between_sensor_and_collector_lose_and_repeat_nothing) {
  constexpr uint64_t kSweeps = 300;
  StallingProxy proxy(server_.port());
  SyntheticSensor sensor(words("state", proxy.address(), kSweeps, 20));
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
  expect_undisturbed(server_.received(), kSweeps);
}

TEST_F(Delivery, two_sensors_with_one_id_are_told_apart_by_their_epochs) {
  constexpr uint64_t kSweeps = 50;
  SyntheticSensor first(words("first", server_.address(), kSweeps, 5));
  SyntheticSensor second(words("second", server_.address(), kSweeps, 5));
  first.start();
  second.start();
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(second.wait(), 0);
  const Received received = server_.received();
  std::map<uint64_t, uint64_t> alerts;
  for (const auto& [number, alert] : received.alerts) ++alerts[number.first];
  ASSERT_EQ(alerts.size(), 2u);
  for (const auto& [epoch, count] : alerts) EXPECT_EQ(count, kSweeps * kAlertsASweep);
  EXPECT_EQ(received.conflicting, 0u);
}

}  // namespace
}  // namespace weir::testing
