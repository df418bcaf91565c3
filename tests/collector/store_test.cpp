// The store by itself: what a commit holds, what retention leaves.
#include "collector/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "collector/error.h"
#include "tests/collector/plain_sensor.h"

namespace weir::collector {
namespace {

using ::testing::HasSubstr;
using weir::testing::alert_of;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    std::string folder = std::filesystem::temp_directory_path() / "weir-store-XXXXXX";
    folder_ = mkdtemp(folder.data());
    path_ = folder_ / "collector.db";
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  static Arrival arrival(uint64_t first, uint64_t count, int64_t received_ns = 1000) {
    v1::Alerts alerts;
    for (uint64_t i = 0; i < count; ++i) *alerts.add_alerts() = alert_of("a", 7, first + i);
    return {"a", 7, received_ns, alerts};
  }
  static uint64_t count(Store& store) {
    uint64_t found = 0;
    AlertFilter filter;
    filter.revisions = true;
    store.alerts(filter, 0, [&](const v1::Alert&) { ++found; });
    return found;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(StoreTest, is_readable_by_its_owner_alone) {
  Store store(path_, Store::Access::kWrite);
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(StoreTest, what_retention_deleted_is_not_stored_again) {
  Store store(path_, Store::Access::kWrite);
  store.commit(std::vector<Arrival>{arrival(1, 10, 1000), arrival(11, 10, 2000)});
  EXPECT_EQ(store.retain(1500, 1'000'000'000), 10u);
  EXPECT_EQ(count(store), 10u);
  const auto outcomes = store.commit(std::vector<Arrival>{arrival(1, 20)});
  EXPECT_EQ(outcomes.front().stored, 0u);
  EXPECT_EQ(outcomes.front().duplicates, 20u);
  EXPECT_EQ(outcomes.front().acknowledged_sequence, 20u);
  EXPECT_EQ(count(store), 10u);
}

TEST_F(StoreTest, stays_below_its_size_by_giving_up_the_oldest) {
  Store store(path_, Store::Access::kWrite);
  for (uint64_t first = 1; first < 20'000; first += 1000)
    store.commit(std::vector<Arrival>{arrival(first, 1000)});
  const uint64_t most = store.bytes() / 2;
  while (store.retain(0, most) != 0) {
  }
  EXPECT_LE(store.bytes(), most);
  uint64_t oldest = 0;
  AlertFilter filter;
  filter.revisions = true;
  store.alerts(filter, 0, [&](const v1::Alert& alert) {
    if (oldest == 0) oldest = alert.sequence();
  });
  EXPECT_GT(oldest, 5000u);
  EXPECT_GT(count(store), 0u);
}

TEST_F(StoreTest, epochs_are_counted_apart) {
  Store store(path_, Store::Access::kWrite);
  store.commit(std::vector<Arrival>{arrival(1, 5)});
  Arrival other = arrival(1, 3);
  other.epoch = 8;
  auto& alerts = std::get<v1::Alerts>(other.body);
  for (auto& alert : *alerts.mutable_alerts()) alert.set_epoch(8);
  const auto outcomes = store.commit(std::vector<Arrival>{other});
  EXPECT_EQ(outcomes.front().stored, 3u);
  EXPECT_EQ(outcomes.front().acknowledged_sequence, 3u);
  EXPECT_EQ(count(store), 8u);
}

TEST_F(StoreTest, reports_of_the_collector_itself_are_numbered_in_an_epoch_of_their_own) {
  Store store(path_, Store::Access::kWrite);
  v1::Alert first = alert_of("a", 0, 0), second = alert_of("a", 0, 0);
  store.report(first, 1000);
  store.report(second, 1000);
  EXPECT_EQ(first.sequence(), 1u);
  EXPECT_EQ(second.sequence(), 2u);
  EXPECT_EQ(first.epoch(), second.epoch());
  EXPECT_EQ(count(store), 2u);
}

TEST_F(StoreTest, a_file_that_is_no_store_is_named) {
  std::ofstream(path_) << std::string(10'000, 'x');
  try {
    Store store(path_, Store::Access::kWrite);
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitFailed);
    EXPECT_THAT(error.what(), HasSubstr(path_));
    EXPECT_THAT(error.what(), HasSubstr("move it away"));
  }
}

}  // namespace
}  // namespace weir::collector
