// The collector as sensors and users meet it: a real process, real TLS, a real store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "collector/store.h"
#include "tests/collector/collector_run.h"
#include "tests/collector/plain_sensor.h"

namespace weir {
namespace {

using collector::AlertFilter;
using collector::Store;
using testing::alert_of;
using testing::CollectorRun;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::PlainSensor;

constexpr uint64_t kEpoch = 77;

class CollectorTest : public ::testing::Test {
 protected:
  std::unique_ptr<PlainSensor> sensor(const std::string& id) {
    if (!certificates_.contains(id))
      certificates_[id] = collector_.authority().issue("s-" + id, id);
    return std::make_unique<PlainSensor>(collector_.port(), collector_.authority().file(),
                                         certificates_[id]);
  }
  /// Sequences of all that is stored of an epoch, in order of arrival.
  std::vector<uint64_t> stored(uint64_t epoch = kEpoch) {
    std::vector<uint64_t> sequences;
    Store store(collector_.store(), Store::Access::kRead);
    AlertFilter filter;
    filter.revisions = true;
    store.alerts(filter, 0, [&](const v1::Alert& alert) {
      if (alert.epoch() == epoch) sequences.push_back(alert.sequence());
    });
    return sequences;
  }
  bool becomes(const std::string& metric, double value) {
    for (int tries = 0; tries < 1000; ++tries) {
      if (collector_.metric(metric) == value) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  double refused(const std::string& reason) {
    return collector_.metric("weir_collector_refused_total{reason=\"" + reason + "\"}");
  }

  CollectorRun collector_;
  std::map<std::string, testing::CertificateFiles> certificates_;
};

std::vector<uint64_t> one_to(uint64_t last) {
  std::vector<uint64_t> all(last);
  for (uint64_t i = 0; i < last; ++i) all[i] = i + 1;
  return all;
}

TEST_F(CollectorTest, what_is_acknowledged_is_stored_and_listed) {
  collector_.start();
  const auto a = sensor("site-a");
  ASSERT_EQ(a->greet("site-a", kEpoch), 0u);
  ASSERT_TRUE(a->alerts("site-a", kEpoch, 1, 6));
  ASSERT_TRUE(a->acknowledged(6)) << collector_.log();
  EXPECT_EQ(stored(), one_to(6));
  EXPECT_EQ(collector_.metric("weir_collector_alerts_total{sensor=\"site-a\"}"), 6);
  const auto table = collector_.command({"alerts"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("site-a"));
  EXPECT_THAT(table.out, HasSubstr("10.0.0.3 > 198.51.100.7"));
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 1 + 4);  // four incidents
  const auto json = collector_.command({"alerts", "--json", "--revisions"});
  EXPECT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 6);
  EXPECT_THAT(json.out, HasSubstr("\"sensor_id\":\"site-a\""));
}

TEST_F(CollectorTest, filters_choose_what_is_listed) {
  collector_.start();
  const auto a = sensor("site-a"), b = sensor("site-b");
  ASSERT_TRUE(a->greet("site-a", kEpoch) && b->greet("site-b", kEpoch + 1));
  ASSERT_TRUE(a->alerts("site-a", kEpoch, 1, 10) && b->alerts("site-b", kEpoch + 1, 1, 10));
  ASSERT_TRUE(a->acknowledged(10) && b->acknowledged(10));
  const auto lines = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"alerts", "--json"});
    const auto said = collector_.command(words);
    EXPECT_EQ(said.exit_code, 0) << said.err;
    return std::count(said.out.begin(), said.out.end(), '\n');
  };
  EXPECT_EQ(lines({}), 12);
  EXPECT_EQ(lines({"--sensor", "site-b"}), 6);
  EXPECT_EQ(lines({"--sensor", "site-b", "--severity", "critical"}), 1);
  EXPECT_EQ(lines({"--host", "10.0.0.3"}), 2);
  EXPECT_EQ(lines({"--destination", "203.0.113.1"}), 0);
  EXPECT_EQ(lines({"--incident", "site-a-2", "--revisions"}), 2);
  EXPECT_EQ(lines({"--closed"}), 10);
  EXPECT_EQ(lines({"--since", "1h", "--limit", "3"}), 3);
  EXPECT_EQ(lines({"--since", "2040-01-01"}), 0);
}

TEST_F(CollectorTest, follow_prints_alerts_as_they_come) {
  collector_.start();
  const auto a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch) && a->alerts("site-a", kEpoch, 1, 1) &&
              a->acknowledged(1));
  testing::Said said;
  std::thread follower([&] {
    said = testing::run_program(
        "/usr/bin/timeout", {"--signal=INT", "2", WEIR_COLLECTOR, "alerts", "--json", "--follow",
                             "--set", "store=" + collector_.store()});
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  ASSERT_TRUE(a->alerts("site-a", kEpoch, 2, 2) && a->acknowledged(3));
  follower.join();
  EXPECT_EQ(std::count(said.out.begin(), said.out.end(), '\n'), 3) << said.err;
}

TEST_F(CollectorTest, what_comes_again_is_stored_once) {
  collector_.start();
  auto a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch) && a->alerts("site-a", kEpoch, 1, 5) &&
              a->acknowledged(5));
  a = sensor("site-a");
  ASSERT_EQ(a->greet("site-a", kEpoch), 5u) << "the Welcome says what is here";
  ASSERT_TRUE(a->alerts("site-a", kEpoch, 3, 5) && a->acknowledged(7));
  EXPECT_EQ(stored(), one_to(7));
  EXPECT_EQ(collector_.metric("weir_collector_duplicate_alerts_total{sensor=\"site-a\"}"), 3);
}

TEST_F(CollectorTest, a_gap_is_kept_by_its_name_and_one_without_a_name_is_noticed) {
  collector_.start();
  const auto a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch) && a->alerts("site-a", kEpoch, 1, 2));
  v1::Envelope envelope;
  envelope.mutable_gap()->set_first(3);
  envelope.mutable_gap()->set_last(9);
  envelope.mutable_gap()->set_reason("the spool was full");
  ASSERT_TRUE(a->send(envelope) && a->acknowledged(9));
  ASSERT_TRUE(a->alerts("site-a", kEpoch, 10, 1) && a->alerts("site-a", kEpoch, 14, 1));
  ASSERT_TRUE(a->acknowledged(14));
  EXPECT_EQ(stored(), (std::vector<uint64_t>{1, 2, 10, 14}));
  EXPECT_EQ(collector_.metric("weir_collector_missing_alerts_total{sensor=\"site-a\"}"), 3);
  EXPECT_THAT(collector_.command({"sensors", "--json"}).out, HasSubstr("\"gap_alerts\":\"10\""));
}

TEST_F(CollectorTest, killed_at_any_moment_it_has_what_it_acknowledged_and_nothing_twice) {
  std::mt19937 random(1);
  constexpr uint64_t kAlerts = 4000;
  uint64_t acknowledged = 0;
  for (int kills = 0; acknowledged < kAlerts; ++kills) {
    collector_.start();
    std::thread killer([&, after = random() % 60] {
      std::this_thread::sleep_for(std::chrono::milliseconds(after));
      if (kills < 25) collector_.send(SIGKILL);
    });
    const auto a = sensor("site-a");
    const auto here = a->greet("site-a", kEpoch);
    if (here) {
      EXPECT_GE(*here, acknowledged) << "acknowledged and lost, after kill " << kills;
      for (uint64_t next = *here + 1; next <= kAlerts; next += 20) {
        if (!a->alerts("site-a", kEpoch, next, std::min<uint64_t>(20, kAlerts - next + 1))) break;
        if (!a->acknowledged(std::min(next + 19, kAlerts))) break;
        acknowledged = std::min(next + 19, kAlerts);
      }
    }
    killer.join();
    collector_.end(SIGKILL);
  }
  EXPECT_EQ(stored(), one_to(kAlerts));
}

TEST_F(CollectorTest, sigterm_acknowledges_what_was_taken_and_a_restart_goes_on) {
  collector_.start();
  auto a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch) && a->alerts("site-a", kEpoch, 1, 500) &&
              a->acknowledged(500));
  EXPECT_EQ(collector_.end(SIGTERM), 0);
  EXPECT_TRUE(a->ends());
  collector_.start();
  a = sensor("site-a");
  EXPECT_EQ(a->greet("site-a", kEpoch), 500u);
}

TEST_F(CollectorTest, only_certificates_of_the_authority_come_in) {
  collector_.start();
  testing::Authority other(collector_.folder(), "other");
  PlainSensor stranger(collector_.port(), collector_.authority().file(),
                       other.issue("stranger", "site-a"));
  EXPECT_FALSE(stranger.greet("site-a", kEpoch));
  PlainSensor nobody(collector_.port(), collector_.authority().file(), std::nullopt);
  EXPECT_FALSE(nobody.greet("site-a", kEpoch));
  PlainSensor late(collector_.port(), collector_.authority().file(),
                   collector_.authority().issue("late", "site-a", -7200, -3600));
  EXPECT_FALSE(late.greet("site-a", kEpoch));
  EXPECT_TRUE(becomes("weir_collector_refused_total{reason=\"tls\"}", 3)) << collector_.log();
  EXPECT_THAT(collector_.log(), HasSubstr("TLS handshake failed"));
  EXPECT_TRUE(stored().empty());
}

TEST_F(CollectorTest, another_id_than_the_certificates_is_refused) {
  collector_.start();
  EXPECT_FALSE(sensor("site-a")->greet("site-b", kEpoch));
  EXPECT_TRUE(becomes("weir_collector_refused_total{reason=\"other_id\"}", 1));
  EXPECT_THAT(collector_.log(),
              HasSubstr("calls itself \"site-b\", and its certificate says \"site-a\""));
}

TEST_F(CollectorTest, an_alert_of_another_sensor_is_not_taken) {
  collector_.start();
  const auto a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch) && a->alerts("site-b", kEpoch, 1, 1));
  EXPECT_TRUE(a->ends());
  EXPECT_EQ(refused("malformed"), 1);
  EXPECT_TRUE(stored().empty());
}

TEST_F(CollectorTest, two_sensors_with_one_id_are_told_apart_by_their_epochs) {
  collector_.start();
  const auto first = sensor("site-a");
  ASSERT_TRUE(first->greet("site-a", kEpoch));
  EXPECT_FALSE(sensor("site-a")->greet("site-a", kEpoch + 1));
  EXPECT_EQ(refused("two_sensors"), 1);
  EXPECT_TRUE(first->alerts("site-a", kEpoch, 1, 1) && first->acknowledged(1));
  const auto again = sensor("site-a");
  EXPECT_EQ(again->greet("site-a", kEpoch), 1u) << "a sensor that comes again is let in";
  EXPECT_TRUE(first->ends());
}

TEST_F(CollectorTest, what_is_no_envelope_ends_the_connection) {
  collector_.start();
  const auto oversize = sensor("site-a");
  ASSERT_TRUE(oversize->send_bytes("\xff\xff\xff\x7f"));
  EXPECT_TRUE(oversize->ends());
  const auto garbage = sensor("site-b");
  ASSERT_TRUE(garbage->send_bytes(std::string("\x05\xff\xff\xff\xff\xff", 6)));
  EXPECT_TRUE(garbage->ends());
  const auto no_hello = sensor("site-c");
  ASSERT_TRUE(no_hello->alerts("site-c", kEpoch, 1, 1));
  EXPECT_TRUE(no_hello->ends());
  EXPECT_TRUE(becomes("weir_collector_refused_total{reason=\"malformed\"}", 3));
}

TEST_F(CollectorTest, who_does_not_say_who_it_is_in_time_is_closed) {
  collector_.start({"handshake_timeout_s=1"});
  const auto slow = sensor("site-a");
  const std::string hello = "\x10";  // an envelope of 16 bytes begins, and never goes on
  ASSERT_TRUE(slow->send_bytes(hello));
  EXPECT_TRUE(slow->ends());
  EXPECT_TRUE(becomes("weir_collector_refused_total{reason=\"slow\"}", 1));
}

TEST_F(CollectorTest, more_connections_than_the_limit_are_refused) {
  collector_.start({"max_connections=1"});
  const auto first = sensor("site-a");
  ASSERT_TRUE(first->greet("site-a", kEpoch));
  EXPECT_FALSE(sensor("site-b")->greet("site-b", kEpoch));
  EXPECT_EQ(refused("too_many"), 1);
}

TEST_F(CollectorTest, a_faster_sensor_waits_and_loses_nothing) {
  collector_.start({"max_alerts_per_s=100"});
  const auto a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch));
  const auto began = std::chrono::steady_clock::now();
  for (uint64_t next = 1; next <= 400; next += 50)
    ASSERT_TRUE(a->alerts("site-a", kEpoch, next, 50));
  ASSERT_TRUE(a->acknowledged(400));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1000));
  EXPECT_EQ(stored(), one_to(400));
}

TEST_F(CollectorTest, a_sensor_that_falls_silent_is_an_alarm_until_it_is_heard_again) {
  collector_.start({"silent_after_s=5"});
  auto a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch));
  v1::Envelope envelope;
  envelope.mutable_heartbeat()->mutable_time()->set_seconds(time(nullptr) - 60);
  envelope.mutable_heartbeat()->set_epoch(kEpoch);
  ASSERT_TRUE(a->send(envelope) && a->receive());
  EXPECT_TRUE(becomes("weir_collector_sensor_silent{sensor=\"site-a\"}", 0));
  EXPECT_TRUE(becomes("weir_collector_sensor_silent{sensor=\"site-a\"}", 1));
  EXPECT_TRUE(a->ends());
  EXPECT_THAT(collector_.command({"alerts", "--json"}).out,
              HasSubstr("Sensor site-a has said nothing for"));
  EXPECT_THAT(collector_.command({"sensors", "--set", "silent_after_s=5"}).out,
              HasSubstr("SILENT"));
  a = sensor("site-a");
  ASSERT_TRUE(a->greet("site-a", kEpoch) && a->send(envelope) && a->receive());
  EXPECT_TRUE(becomes("weir_collector_sensor_silent{sensor=\"site-a\"}", 0));
  EXPECT_THAT(collector_.command({"alerts", "--json"}).out, HasSubstr("is heard again after"));
  EXPECT_THAT(collector_.command({"sensors"}).out,
              HasSubstr(" -6"));  // its clock is a minute behind
}

TEST_F(CollectorTest, sighup_takes_new_certificates_for_new_connections) {
  collector_.start();
  const auto before = sensor("site-a");
  ASSERT_TRUE(before->greet("site-a", kEpoch));
  testing::Authority next(collector_.folder(), "next");
  std::filesystem::rename(next.file(), collector_.authority().file());
  collector_.send(SIGHUP);
  for (int tries = 0; tries < 500 && collector_.log().find("loaded anew") == std::string::npos;
       ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_THAT(collector_.log(), HasSubstr("certificates are loaded anew"));
  EXPECT_TRUE(before->alerts("site-a", kEpoch, 1, 1) && before->acknowledged(1));
  EXPECT_FALSE(sensor("site-b")->greet("site-b", kEpoch)) << "signed by the authority before";
}

TEST_F(CollectorTest, mistakes_are_answered_with_a_sentence) {
  collector_.start();
  const auto busy = collector_.command({"run"});
  EXPECT_EQ(busy.exit_code, 1);
  EXPECT_THAT(busy.err, HasSubstr("another program listens there already"));
  const auto check = collector_.command({"check"});
  EXPECT_EQ(check.exit_code, 1) << "its ports are taken";
  const auto bare = testing::run_program(WEIR_COLLECTOR, {"run"});
  EXPECT_EQ(bare.exit_code, 2);
  EXPECT_THAT(bare.err, HasSubstr("collector.ca_file is not set"));
  const auto no_store =
      testing::run_program(WEIR_COLLECTOR, {"alerts", "--set", "store=nowhere.db"});
  EXPECT_EQ(no_store.exit_code, 1);
  EXPECT_THAT(no_store.err, HasSubstr("nowhere.db"));
  std::ofstream(collector_.folder() / "bad.pem") << "nothing";
  const auto bad =
      collector_.command({"check", "--set", "listen=127.0.0.1:1", "--set",
                          "certificate_file=" + (collector_.folder() / "bad.pem").string()});
  EXPECT_NE(bad.exit_code, 0);
  const auto since = collector_.command({"alerts", "--since", "yesterday"});
  EXPECT_EQ(since.exit_code, 2);
  EXPECT_THAT(since.err, HasSubstr("write 2026-11-24"));
}

}  // namespace
}  // namespace weir
