// The history: what a restart remembers, what a kill costs, how it fails.
#include "detectors/history.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "flowtable/error.h"
#include "tests/detectors/traffic.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

const IpAddress kHost = address("10.0.0.5");
const IpAddress kThief = address("2001:db8::66");

class HistoryFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weir_history_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { fs::remove_all(dir_); }

  /// One run of a sensor: the pushes, each a (second after kTestDaySeconds, bytes), then its end or
  /// not.
  void run_sensor(const std::vector<std::pair<uint64_t, uint64_t>>& pushes, bool ends = true,
                  IpAddress destination = kThief) {
    History history(dir_, {});
    Windows windows({}, &history);
    GrowingTotal total(0, kHost, destination);
    for (const auto& [second, bytes] : pushes) {
      windows.begin_sweep((kTestDaySeconds + second) * kTestSecondNs);
      windows.observe(total.push(bytes));
      windows.end_sweep({}, false);
    }
    if (ends) windows.finish();
  }

  /// A new run's first sweep, in which the pair pushes one byte more.
  struct Restart {
    Restart(const fs::path& dir, uint64_t second, IpAddress destination = kThief)
        : history(dir, {}), windows({}, &history), total(0, kHost, destination) {
      windows.begin_sweep((kTestDaySeconds + second) * kTestSecondNs);
      windows.observe(total.push(1));
      const SweepView view = windows.end_sweep({}, false);
      pair = view.pairs[0];
      host = view.hosts[0];
    }
    uint64_t pushed(Window window) const { return windows.pushed_by_pair(pair, window).high_bytes; }

    History history;
    Windows windows;
    GrowingTotal total;
    uint32_t pair;
    uint32_t host;
  };

  fs::path dir_;
};

constexpr uint64_t kDay = 86400;

TEST_F(HistoryFile, days_survive_a_restart) {
  run_sensor({{100, 1'000'000}, {kDay + 7200, 2'000'000}});
  const Restart restart(dir_, 2 * kDay + 600);
  EXPECT_EQ(restart.pushed(Window::kMonth), 3'000'001u);
  EXPECT_EQ(restart.pushed(Window::kWeek), 3'000'001u);
  EXPECT_EQ(restart.pushed(Window::kDay), 1u);
  EXPECT_EQ(restart.windows.first_day_of_pair(restart.pair), kTestDaySeconds / kDay);
  EXPECT_EQ(restart.windows.covered_days(), 2u);
  EXPECT_FALSE(restart.windows.counters().history_was_killed);
}

TEST_F(HistoryFile, todays_bytes_stand_at_midnight_so_that_no_window_is_early) {
  run_sensor({{10 * 3600, 1'000'000}});
  EXPECT_EQ(Restart(dir_, 11 * 3600).pushed(Window::kDay), 1'000'001u);
  EXPECT_EQ(Restart(dir_, 11 * 3600).pushed(Window::kHour), 1u);
  const Restart restart(dir_, 23 * 3600);
  EXPECT_EQ(restart.pushed(Window::kDay), 1'000'001u);
  EXPECT_EQ(restart.windows.pushed_by_host(restart.host, Window::kDay).high_bytes, 1'000'001u);
  EXPECT_EQ(Restart(dir_, kDay).pushed(Window::kDay), 1u);
}

TEST_F(HistoryFile, a_kill_costs_the_last_minute_at_most_and_is_reported) {
  run_sensor({{0, 1'000'000}, {59, 10}, {60, 100'000}, {90, 100'000}}, false);
  const Restart restart(dir_, 300);
  EXPECT_EQ(restart.pushed(Window::kMonth), 1'000'011u);
  EXPECT_TRUE(restart.windows.counters().history_was_killed);
  EXPECT_EQ(restart.windows.counters().history_gap_s, 300u - 59u);
}

TEST_F(HistoryFile, a_day_is_written_to_its_own_day_across_midnight) {
  run_sensor({{kDay - 5, 1'000'000}, {kDay + 5, 2'000'000}});
  History history(dir_, {});
  std::vector<std::pair<uint32_t, uint64_t>> days;
  history.read_days(0, UINT32_MAX, [&](const History::Day& day) {
    if (day.pair.destination == kThief) days.emplace_back(day.day, day.bytes);
  });
  const auto first = static_cast<uint32_t>(kTestDaySeconds / kDay);
  EXPECT_EQ(days, (std::vector<std::pair<uint32_t, uint64_t>>{{first + 1, 2'000'000},
                                                              {first, 1'000'000}}));
}

TEST_F(HistoryFile, small_pairs_are_one_sum_of_their_host_and_are_still_known) {
  {
    History history(dir_, {});
    Windows windows({}, &history);
    windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
    for (uint32_t slot = 0; slot < 10; ++slot) {
      GrowingTotal small(slot, kHost, IpAddress::v4(0xc0000200 + slot));
      windows.observe(small.push(1000));
    }
    GrowingTotal large(10, kHost, kThief);
    windows.observe(large.push(65'536));
    windows.end_sweep({}, false);
    windows.finish();
  }
  size_t days = 0;
  {
    History history(dir_, {});
    history.read_days(0, UINT32_MAX, [&](const History::Day& day) {
      ++days;
      EXPECT_EQ(day.bytes, day.pair.destination == kThief ? 65'536u : 10'000u);
    });
  }
  EXPECT_EQ(days, 2u);
  const Restart same_day(dir_, 3600, IpAddress::v4(0xc0000201));
  EXPECT_EQ(same_day.windows.pushed_by_host(same_day.host, Window::kDay).high_bytes, 75'537u);
  const Restart later(dir_, 20 * kDay, IpAddress::v4(0xc0000201));
  EXPECT_EQ(later.windows.first_day_of_pair(later.pair), kTestDaySeconds / kDay);
}

TEST_F(HistoryFile, a_second_run_of_a_day_goes_on_with_its_sum) {
  run_sensor({{100, 1'000'000}});
  run_sensor({{200, 500'000}});
  EXPECT_EQ(Restart(dir_, 300).pushed(Window::kMonth), 1'500'001u);
}

TEST_F(HistoryFile, what_no_window_reaches_is_dropped) {
  run_sensor({{0, 1'000'000}});
  run_sensor({{40 * kDay, 1'000'000}}, true, address("192.0.2.9"));
  History history(dir_, {});
  size_t days = 0;
  history.read_days(0, UINT32_MAX, [&](const History::Day& day) {
    ++days;
    EXPECT_EQ(day.day, kTestDaySeconds / kDay + 40);
  });
  EXPECT_EQ(days, 2u);  // the pair and the rest of its host
  EXPECT_EQ(history.first_day_of({0, Scope::kOutbound, kHost, kThief}), 0u);
}

TEST_F(HistoryFile, only_its_owner_may_read_it) {
  run_sensor({{0, 1'000'000}});
  const History history(dir_, {});
  for (const auto& entry : fs::directory_iterator(dir_)) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST_F(HistoryFile, a_file_that_is_no_database_is_named_with_the_remedy) {
  std::ofstream(dir_ / "history.db") << std::string(4096, 'x');
  try {
    const History history(dir_, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitFailed);
    const std::string message = error.what();
    EXPECT_NE(message.find((dir_ / "history.db").string()), std::string::npos) << message;
    EXPECT_NE(message.find("move the file away"), std::string::npos) << message;
  }
}

TEST_F(HistoryFile, a_state_directory_that_cannot_be_made_is_named_with_the_remedy) {
  std::ofstream(dir_ / "file") << "in the way";
  try {
    const History history(dir_ / "file" / "state", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("name a state directory"), std::string::npos)
        << error.what();
  }
}

TEST_F(HistoryFile, a_write_that_fails_is_counted_said_and_made_good) {
  History history(dir_, {});
  Windows windows({}, &history);
  GrowingTotal total(0, kHost, kThief);
  const auto push_at = [&](uint64_t second) {
    windows.begin_sweep((kTestDaySeconds + second) * kTestSecondNs);
    windows.observe(total.push(100'000));
    windows.end_sweep({}, false);
  };
  push_at(0);
  {
    History other(dir_, {});  // holds the file's write lock
    other.begin();
    push_at(60);
    EXPECT_EQ(windows.counters().history_failures, 1u);
    EXPECT_NE(windows.history_error().find("history.db"), std::string::npos);
    other.abandon();
  }
  push_at(120);
  EXPECT_EQ(windows.counters().history_failures, 1u);
  EXPECT_TRUE(windows.history_error().empty());
  windows.finish();
  EXPECT_EQ(Restart(dir_, 180).pushed(Window::kMonth), 300'001u);
}

}  // namespace
}  // namespace weir
