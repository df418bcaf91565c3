// sensor.health: each fault of the feed has its finding, a good feed has none.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

/// A feed with nothing wrong, of so many packets.
LaneCounters good_feed(uint64_t packets) {
  LaneCounters lane;
  lane.packets = lane.counted_packets = packets;
  lane.ip_bytes = packets * 1000;
  lane.out_ip_bytes = packets * 400;
  lane.in_ip_bytes = packets * 600;
  return lane;
}

/// What is said at the end of a replay of such a feed.
std::vector<std::string> said_of(const LaneCounters& lane) {
  DetectorRun run("sensor.health");
  run.sweep(kTestDaySeconds, {}, {LaneCounters{}});
  std::vector<std::string> sentences;
  for (const Finding& finding : run.sweep(kTestDaySeconds + 40, {}, {lane}, true)) {
    EXPECT_EQ(finding.subject, Subject::kSensor);
    sentences.push_back(run.detector->explain(finding));
  }
  return sentences;
}

std::string one_sentence(const LaneCounters& lane) {
  const auto sentences = said_of(lane);
  EXPECT_EQ(sentences.size(), 1u);
  return sentences.empty() ? "" : sentences[0];
}

TEST(SensorHealth, a_good_feed_is_silent) { EXPECT_TRUE(said_of(good_feed(100'000)).empty()); }

TEST(SensorHealth, duplicates_above_five_percent_are_reported) {
  LaneCounters lane = good_feed(100'000);
  lane.duplicate_packets = 5000;
  EXPECT_TRUE(said_of(lane).empty());
  lane.duplicate_packets = 5500;
  EXPECT_EQ(one_sentence(lane),
            "5.5 % of the packets were duplicates within 40 seconds; the limit is 5 %: the same "
            "traffic is mirrored more than once.");
}

TEST(SensorHealth, drops_above_one_percent_are_reported_by_name) {
  LaneCounters lane = good_feed(100'000);
  lane.drop_packets[static_cast<size_t>(DropReason::kIpMalformed)] = 1000;
  EXPECT_TRUE(said_of(lane).empty());
  lane.drop_packets[static_cast<size_t>(DropReason::kIpMalformed)] = 1010;
  const std::string sentence = one_sentence(lane);
  EXPECT_NE(sentence.find("1.01 % of the packets were dropped within 40 seconds"),
            std::string::npos);
  EXPECT_NE(sentence.find("IP"), std::string::npos);
}

TEST(SensorHealth, frames_that_are_not_ip_are_no_loss) {
  LaneCounters lane = good_feed(100'000);
  lane.drop_packets[static_cast<size_t>(DropReason::kNotIp)] = 50'000;
  EXPECT_TRUE(said_of(lane).empty());
}

TEST(SensorHealth, what_the_nic_lost_counts_beside_what_it_handed_over) {
  LaneCounters lane = good_feed(99'000);
  lane.drop_packets[static_cast<size_t>(DropReason::kNicMissed)] = 1000;
  EXPECT_TRUE(said_of(lane).empty());
  lane.drop_packets[static_cast<size_t>(DropReason::kNicMissed)] = 1001;
  EXPECT_NE(one_sentence(lane).find("lost in the NIC"), std::string::npos);
}

TEST(SensorHealth, transit_above_a_fifth_points_to_the_home_networks) {
  LaneCounters lane = good_feed(100'000);
  lane.transit_ip_bytes = lane.ip_bytes / 5;
  EXPECT_TRUE(said_of(lane).empty());
  lane.transit_ip_bytes += 1'000'000;
  EXPECT_NE(one_sentence(lane).find("check the home networks"), std::string::npos);
}

TEST(SensorHealth, one_direction_alone_is_reported_with_its_name) {
  LaneCounters lane = good_feed(100'000);
  lane.in_ip_bytes = 1000;
  EXPECT_NE(one_sentence(lane).find("40 MB (40,000,000 bytes) going out"), std::string::npos);
  lane.in_ip_bytes = 50'000'000;
  lane.out_ip_bytes = 0;
  EXPECT_NE(one_sentence(lane).find("coming in, next to nothing going out"), std::string::npos);
}

TEST(SensorHealth, times_that_go_back_are_reported) {
  LaneCounters lane = good_feed(100'000);
  lane.time_backward_packets = 2000;
  EXPECT_NE(one_sentence(lane).find("2 % of the packets had a time before"), std::string::npos);
}

TEST(SensorHealth, a_jump_of_the_clock_is_reported_once) {
  DetectorRun run("sensor.health");
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {}, {good_feed(50'000)}).empty());
  const auto findings = run.sweep(kTestDaySeconds + 86400, {}, {good_feed(50'001)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_NE(run.detector->explain(findings[0]).find("jumped ahead by 86,400 seconds"),
            std::string::npos);
  EXPECT_TRUE(run.sweep(kTestDaySeconds + 86401, {}, {good_feed(50'002)}).empty());
}

TEST(SensorHealth, silence_is_reported_from_a_minute_on_until_packets_come) {
  DetectorRun run("sensor.health");
  size_t reported = 0;
  for (uint64_t second = 0; second <= 61; ++second)
    reported += run.sweep(kTestDaySeconds + second, {}, {good_feed(10)}).size();
  EXPECT_EQ(reported, 2u);
  EXPECT_TRUE(run.sweep(kTestDaySeconds + 62, {}, {good_feed(11)}).empty());
}

TEST(SensorHealth, a_bad_minute_is_reported_when_it_is_over_and_a_small_one_is_not_judged) {
  for (const uint64_t packets : {9'999u, 10'000u}) {
    DetectorRun run("sensor.health");
    run.sweep(kTestDaySeconds, {}, {LaneCounters{}});
    LaneCounters bad = good_feed(packets);
    bad.duplicate_packets = packets / 2;
    EXPECT_TRUE(run.sweep(kTestDaySeconds + 30, {}, {bad}).empty());
    EXPECT_TRUE(run.sweep(kTestDaySeconds + 59, {}, {bad}).empty());
    EXPECT_EQ(run.sweep(kTestDaySeconds + 60, {}, {bad}).size(), packets == 10'000 ? 1u : 0u);
    EXPECT_TRUE(run.sweep(kTestDaySeconds + 61, {}, {bad}).empty());
  }
}

TEST(SensorHealth, a_replay_of_a_few_packets_is_not_judged) {
  LaneCounters lane = good_feed(999);
  lane.duplicate_packets = 999;
  EXPECT_TRUE(said_of(lane).empty());
}

TEST(SensorHealth, lanes_are_judged_together) {
  DetectorRun run("sensor.health");
  run.sweep(kTestDaySeconds, {}, {LaneCounters{}, LaneCounters{}});
  LaneCounters bad = good_feed(10'000);
  bad.duplicate_packets = 600;
  EXPECT_TRUE(run.sweep(kTestDaySeconds + 40, {}, {bad, good_feed(10'000)}, true).empty());
}

}  // namespace
}  // namespace weir
