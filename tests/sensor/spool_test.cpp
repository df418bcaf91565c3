// The spool on a real disk: full, deleted, damaged, copied; what it loses it names.
#include "sensor/spool.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "flowtable/error.h"
#include "proto/envelope_codec.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Alert alert(const std::string& incident, uint32_t revision = 1,
                v1::Alert::Severity severity = v1::Alert::HIGH, size_t bytes = 100) {
  v1::Alert alert;
  alert.set_incident_id(incident);
  alert.set_revision(revision);
  alert.set_severity(severity);
  alert.set_host(std::string(bytes, 'h'));
  return alert;
}

SpoolBatch batch_of(std::vector<v1::Alert> alerts, SavedState saved = {}) {
  SpoolBatch batch;
  batch.alerts = std::move(alerts);
  batch.state.saved = std::move(saved);
  return batch;
}

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() {
    std::string folder = std::filesystem::temp_directory_path() / "weir-spool-XXXXXX";
    folder_ = mkdtemp(folder.data());
    options_.state_dir = folder_;
  }
  ~SpoolTest() override {
    spool_.reset();
    std::filesystem::remove_all(folder_);
  }

  Spool& open() {
    spool_.reset();
    said_.clear();
    spool_.emplace(options_, [this](const std::string& sentence) { said_.push_back(sentence); });
    return *spool_;
  }
  bool write(std::vector<v1::Alert> alerts, SavedState saved = {}) {
    SpoolBatch batch = batch_of(std::move(alerts), std::move(saved));
    spool_->add(batch);
    return spool_->write_waiting();
  }
  /// What the collector would get: "1-3" alerts, "gap 4-5 reason".
  std::vector<std::string> contents(uint64_t after = 0) {
    std::vector<std::string> all;
    v1::Envelope envelope;
    for (uint64_t last = after; spool_->next_envelope(last, envelope, last);) {
      EXPECT_LE(envelope.ByteSizeLong(), kEnvelopeMaxBytes);
      if (envelope.has_gap()) {
        EXPECT_EQ(envelope.gap().epoch(), spool_->epoch());
        all.push_back("gap " + std::to_string(envelope.gap().first()) + "-" +
                      std::to_string(envelope.gap().last()) + " " + envelope.gap().reason());
        continue;
      }
      const auto& alerts = envelope.alerts().alerts();
      for (int i = 0; i < alerts.size(); ++i) {
        EXPECT_EQ(alerts[i].epoch(), spool_->epoch());
        EXPECT_EQ(alerts[i].sequence(), alerts[0].sequence() + static_cast<uint64_t>(i));
      }
      all.push_back(std::to_string(alerts[0].sequence()) + "-" + std::to_string(last));
    }
    return all;
  }
  std::string file() const { return folder_ + "/spool.db"; }

  std::string folder_;
  SpoolOptions options_;
  std::optional<Spool> spool_;
  std::vector<std::string> said_;
};

TEST_F(SpoolTest, numbers_alerts_from_one_and_goes_on_after_a_restart) {
  open();
  const uint64_t epoch = spool_->epoch();
  EXPECT_NE(epoch, 0u);
  EXPECT_TRUE(write({alert("a"), alert("b")}));
  open();
  EXPECT_EQ(spool_->epoch(), epoch);
  EXPECT_EQ(spool_->next_sequence(), 3u);
  EXPECT_EQ(spool_->counters().alerts, 2u);
  EXPECT_TRUE(write({alert("c")}));
  EXPECT_THAT(contents(), ElementsAre("1-3"));
  EXPECT_THAT(contents(2), ElementsAre("3-3"));
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(SpoolTest, only_its_owner_may_read_the_file) {
  open();
  write({alert("a")});
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    struct stat found {};
    ASSERT_EQ(stat(entry.path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST_F(SpoolTest, forgets_what_was_acknowledged) {
  open();
  write({alert("a"), alert("b"), alert("c")});
  spool_->acknowledge(2);
  EXPECT_TRUE(spool_->write_waiting());
  EXPECT_EQ(spool_->counters().alerts, 1u);
  open();
  EXPECT_EQ(spool_->acknowledged(), 2u);
  EXPECT_THAT(contents(2), ElementsAre("3-3"));
}

TEST_F(SpoolTest, a_collector_that_lost_its_store_is_told_what_is_gone) {
  open();
  write({alert("a"), alert("b"), alert("c")});
  spool_->acknowledge(2);
  spool_->write_waiting();
  EXPECT_THAT(contents(0), ElementsAre(HasSubstr("gap 1-2 acknowledged before"), "3-3"));
}

TEST_F(SpoolTest, saves_erases_and_erases_by_prefix) {
  open();
  write({}, {{"incident/1", "one"}, {"incident/2", "two"}, {"stormed/x", ""}, {"stormed/y", ""}});
  SpoolBatch batch;
  batch.state.erased_below = {"stormed/"};
  batch.state.erased = {"incident/1"};
  batch.state.saved = {{"stormed/z", std::string("\0z", 2)}};
  spool_->add(batch);
  spool_->write_waiting();
  open();
  EXPECT_THAT(spool_->read_state(),
              ElementsAre(std::make_pair("incident/2", "two"),
                          std::make_pair("stormed/z", std::string("\0z", 2))));
}

TEST_F(SpoolTest, fills_envelopes_up_to_a_mebibyte) {
  open();
  std::vector<v1::Alert> alerts(30, alert("a", 1, v1::Alert::LOW, 100000));
  write(alerts);
  EXPECT_THAT(contents(), ElementsAre("1-10", "11-20", "21-30"));
}

TEST_F(SpoolTest, an_alert_larger_than_an_envelope_is_a_gap) {
  open();
  write({alert("a"), alert("b", 1, v1::Alert::LOW, 1 << 20), alert("c")});
  EXPECT_THAT(contents(), ElementsAre("1-1", "gap 2-2 larger than an envelope", "3-3"));
}

TEST_F(SpoolTest, when_full_superseded_revisions_go_first_then_the_least_severe_then_the_oldest) {
  options_.max_bytes = 1 << 20;
  open();
  const size_t bytes = 50000;  // nineteen fit
  write({alert("low", 1, v1::Alert::LOW, bytes), alert("critical", 1, v1::Alert::CRITICAL, bytes)});
  for (uint32_t revision = 1; revision <= 16; ++revision)
    write({alert("grows", revision, v1::Alert::HIGH, bytes)});
  EXPECT_THAT(contents(), ElementsAre("1-18"));
  // Fifteen revisions of "grows" go before the one LOW.
  for (int i = 0; i < 15; ++i) write({alert("new" + std::to_string(i), 1, v1::Alert::HIGH, bytes)});
  EXPECT_THAT(contents(), ElementsAre("1-2", HasSubstr("gap 3-"), HasSubstr("-33")));
  // Then the LOW, then the oldest HIGH.
  for (int i = 0; i < 4; ++i) write({alert("late" + std::to_string(i), 1, v1::Alert::HIGH, bytes)});
  EXPECT_THAT(contents(), ElementsAre("gap 1-1 the spool was full", "2-2", HasSubstr("gap 3-"),
                                      HasSubstr("-37")));
  EXPECT_EQ(spool_->counters().dropped_alerts + spool_->counters().alerts, 37u);
  spool_.reset();
  EXPECT_LE(std::filesystem::file_size(file()), options_.max_bytes);
}

TEST_F(SpoolTest, a_gap_goes_when_it_was_acknowledged) {
  options_.keeps_alerts = false;
  open();
  write({alert("a"), alert("b")});
  write({alert("c")});
  EXPECT_THAT(contents(), ElementsAre("gap 1-3 no collector was configured"));
  options_.keeps_alerts = true;
  open();
  write({alert("d")});
  EXPECT_THAT(contents(), ElementsAre("gap 1-3 no collector was configured", "4-4"));
  spool_->acknowledge(2);
  spool_->write_waiting();
  EXPECT_THAT(contents(2), ElementsAre("gap 3-3 no collector was configured", "4-4"));
  spool_->acknowledge(3);
  spool_->write_waiting();
  EXPECT_THAT(contents(3), ElementsAre("4-4"));
}

TEST_F(SpoolTest, deleted_while_in_use_it_is_written_again_with_everything_in_it) {
  open();
  const uint64_t epoch = spool_->epoch();
  write({alert("a"), alert("b")}, {{"incident/1", "one"}});
  std::filesystem::remove_all(folder_);
  EXPECT_TRUE(write({alert("c")}));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("was deleted or replaced while it was in use")));
  EXPECT_EQ(spool_->counters().rebuilds, 1u);
  open();
  EXPECT_EQ(spool_->epoch(), epoch);
  EXPECT_THAT(contents(), ElementsAre("1-3"));
  EXPECT_EQ(spool_->read_state().size(), 1u);
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(SpoolTest, another_file_in_its_place_does_not_get_its_log) {
  open();
  write({alert("a")});
  std::ofstream(folder_ + "/other") << "not a database";
  std::filesystem::rename(folder_ + "/other", file());
  EXPECT_TRUE(write({alert("b")}));
  open();
  EXPECT_THAT(contents(), ElementsAre("1-2"));
}

TEST_F(SpoolTest, a_file_that_is_no_spool_is_moved_aside_at_start) {
  std::ofstream(file()) << std::string(8192, 'x');
  open();
  EXPECT_THAT(said_, ElementsAre(AllOf(HasSubstr("the spool was damaged"),
                                       HasSubstr("was begun under a new epoch"))));
  EXPECT_TRUE(std::filesystem::exists(file() + ".damaged"));
  EXPECT_TRUE(write({alert("a")}));
  EXPECT_THAT(contents(), ElementsAre("1-1"));
}

/// Overwrites the file from `offset` on.
void damage(const std::string& path, off_t offset) {
  const int descriptor = ::open(path.c_str(), O_WRONLY);
  const off_t end = lseek(descriptor, 0, SEEK_END);
  const std::string dirt(4096, '\xee');
  for (off_t at = offset; at < end; at += 4096)
    EXPECT_EQ(pwrite(descriptor, dirt.data(), dirt.size(), at), 4096);
  close(descriptor);
}

TEST_F(SpoolTest, of_a_file_damaged_in_part_what_can_be_read_is_kept_and_the_rest_is_named) {
  open();
  const uint64_t epoch = spool_->epoch();
  for (int i = 0; i < 200; ++i) write({alert("i" + std::to_string(i), 1, v1::Alert::LOW, 3000)});
  spool_.reset();
  damage(file(), static_cast<off_t>(std::filesystem::file_size(file()) / 8192 * 4096));
  open();
  contents();
  EXPECT_EQ(spool_->epoch(), epoch);
  EXPECT_EQ(spool_->next_sequence(), 201u);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("holds what could be read of it")));
  uint64_t told = 0;
  v1::Envelope envelope;
  for (uint64_t last = 0; spool_->next_envelope(last, envelope, last);) {
    if (envelope.has_gap()) {
      EXPECT_EQ(envelope.gap().first(), told + 1);
      told = envelope.gap().last();
    }
    for (const v1::Alert& one : envelope.alerts().alerts()) EXPECT_EQ(one.sequence(), ++told);
  }
  EXPECT_EQ(told, 200u);
  EXPECT_GT(spool_->counters().alerts, 20u);
  EXPECT_GT(spool_->counters().dropped_alerts, 20u);
}

TEST_F(SpoolTest, damaged_while_in_use_it_goes_on_under_its_epoch) {
  options_.max_bytes = 8 << 20;  // checkpoints often, so that the pages are in the file
  open();
  const uint64_t epoch = spool_->epoch();
  for (int i = 0; i < 1500; ++i) write({alert("i" + std::to_string(i), 1, v1::Alert::LOW, 3000)});
  damage(file(), 4096);
  contents();
  EXPECT_TRUE(write({alert("last")}));
  EXPECT_EQ(spool_->counters().rebuilds, 1u);
  EXPECT_EQ(spool_->epoch(), epoch);
  EXPECT_EQ(spool_->next_sequence(), 1502u);
  EXPECT_THAT(contents().back(), HasSubstr("-1501"));
}

TEST_F(SpoolTest, one_directory_is_one_sensor_s) {
  open();
  try {
    Spool second(options_, [](const std::string&) {});
    FAIL() << "opened twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitFailed);
    EXPECT_THAT(error.what(), HasSubstr("another weir-sensor has this state directory"));
  }
}

TEST_F(SpoolTest, a_directory_that_cannot_be_written_is_told_with_the_remedy) {
  std::ofstream(folder_ + "/plain") << "x";
  options_.state_dir = folder_ + "/plain";
  try {
    open();
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("/plain/spool.db: the spool cannot be used"),
                                    HasSubstr("name a state directory")));
  }
}

TEST_F(SpoolTest, an_older_copy_of_itself_begins_a_new_epoch_and_sends_all_it_has) {
  open();
  write({alert("a"), alert("b"), alert("c")});
  spool_->acknowledge(1);
  spool_->write_waiting();
  const uint64_t epoch = spool_->epoch();
  EXPECT_TRUE(spool_->agree(3));
  spool_.reset();
  open();
  EXPECT_FALSE(spool_->agree(9));
  EXPECT_NE(spool_->epoch(), epoch);
  EXPECT_EQ(spool_->next_sequence(), 3u);
  EXPECT_THAT(contents(), ElementsAre("1-2"));
  EXPECT_TRUE(write({alert("d")}));
  open();
  EXPECT_THAT(contents(), ElementsAre("1-3"));
}

TEST_F(SpoolTest, a_replay_told_again_stores_only_what_is_new) {
  options_ = {.state_dir = "", .epoch = 77};
  open();
  EXPECT_EQ(spool_->epoch(), 77u);
  EXPECT_TRUE(spool_->agree(2));
  write({alert("a"), alert("b"), alert("c")});
  EXPECT_THAT(contents(2), ElementsAre("3-3"));
}

/// A disk of 2 MiB of its own; skips where mounting is not allowed.
class SmallDisk : public SpoolTest {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("weir", folder_.c_str(), "tmpfs", 0, "size=2m") != 0)
      GTEST_SKIP() << "no mount namespace here";
  }
  void TearDown() override {
    spool_.reset();
    umount2(folder_.c_str(), MNT_DETACH);
  }
  void fill() {
    const std::string path = folder_ + "/filler";
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    const std::string bytes(4096, 'f');
    while (::write(descriptor, bytes.data(), bytes.size()) > 0) continue;
    close(descriptor);
  }
  void free() { std::filesystem::remove(folder_ + "/filler"); }
};

TEST_F(SmallDisk, full_alerts_wait_in_memory_and_alert_and_state_arrive_together) {
  open();
  ASSERT_TRUE(write({alert("a")}));
  fill();
  uint32_t sent = 1;
  while (write({alert("b", 1, v1::Alert::LOW, 20000)}, {{"incident/b", std::to_string(++sent)}}))
    ASSERT_LT(sent, 1000u);
  EXPECT_FALSE(write({alert("c")}, {{"incident/c", "c"}}));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("the disk is full")));
  EXPECT_EQ(spool_->counters().waiting_alerts, 2u);
  EXPECT_EQ(spool_->counters().write_failures, 2u);
  EXPECT_THAT(contents(), ElementsAre("1-" + std::to_string(sent - 1)))
      << "nothing is sent that is not on disk";
  free();
  EXPECT_TRUE(spool_->write_waiting());
  EXPECT_THAT(said_.back(), HasSubstr("is written again"));
  open();
  EXPECT_THAT(contents(), ElementsAre("1-" + std::to_string(sent + 1)));
  EXPECT_THAT(spool_->read_state(), ElementsAre(std::make_pair("incident/b", std::to_string(sent)),
                                                std::make_pair("incident/c", "c")));
}

TEST_F(SmallDisk, full_for_long_what_memory_cannot_hold_becomes_a_gap) {
  open();
  fill();
  for (int i = 0; i < 300; ++i)
    write({alert(i == 0 ? "grave" : "i" + std::to_string(i), 1,
                 i == 0 ? v1::Alert::CRITICAL : v1::Alert::LOW, 100000)});
  EXPECT_GT(spool_->counters().dropped_alerts, 100u);
  EXPECT_LT(spool_->counters().waiting_alerts, 170u);
  free();
  options_.max_bytes = 1 << 20;
  EXPECT_FALSE(spool_->write_waiting()) << "16 MiB on a disk of 2";
}

TEST_F(SmallDisk, deleted_and_full_nothing_is_lost_once_there_is_room) {
  open();
  write({alert("a", 1, v1::Alert::LOW, 300000)});
  std::filesystem::remove(file());
  fill();
  EXPECT_FALSE(write({alert("b")}));
  free();
  EXPECT_TRUE(write({alert("c")}));
  open();
  EXPECT_THAT(contents(), ElementsAre("1-3"));
}

}  // namespace
}  // namespace weir
