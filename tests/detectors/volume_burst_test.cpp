// volume.burst: when it fires, on what, and what it says.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

const IpAddress kHost = address("10.0.0.5");
const IpAddress kThief = address("185.81.153.102");

TEST(VolumeBurst, fires_at_the_threshold_and_not_one_byte_below) {
  DetectorRun run("volume.burst");
  GrowingTotal total(0, kHost, kThief);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.push(99'999'999)}).empty());
  const auto findings = run.sweep(kTestDaySeconds + 1, {total.push(1)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].observed, 100'000'000u);
  EXPECT_EQ(findings[0].observed_low, 100'000'000u);
  EXPECT_EQ(findings[0].window_s, 60u);
  EXPECT_EQ(findings[0].host, kHost);
  EXPECT_EQ(findings[0].destination, kThief);
  EXPECT_EQ(findings[0].total, total.copy().id);
  EXPECT_DOUBLE_EQ(findings[0].score, 0.5);
}

TEST(VolumeBurst, is_silent_at_its_counterfactual_and_fires_one_below) {
  const auto fired = [](int64_t threshold) {
    DetectorRun run("volume.burst", {{"threshold_1h_bytes", threshold}});
    GrowingTotal total(0, kHost, kThief);
    std::vector<Finding> all;
    for (uint64_t minute = 0; minute < 30; ++minute)
      for (const Finding& finding : run.sweep(kTestDaySeconds + 60 * minute, {total.push(41'366)}))
        all.push_back(finding);
    return all;
  };
  const auto findings = fired(100'000);
  ASSERT_FALSE(findings.empty());
  const auto threshold = static_cast<int64_t>(findings.back().counterfactual);
  EXPECT_EQ(threshold, 30 * 41'366 + 1);
  EXPECT_TRUE(fired(threshold).empty());
  EXPECT_EQ(fired(threshold - 1).size(), 1u);
}

TEST(VolumeBurst, two_pairs_at_once_are_two_findings) {
  DetectorRun run("volume.burst", {{"threshold_1min_bytes", int64_t{1000}}});
  GrowingTotal one(0, kHost, kThief);
  GrowingTotal two(1, address("10.0.0.6"), kThief);
  const auto findings = run.sweep(kTestDaySeconds, {one.push(1000), two.push(2000)});
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_NE(findings[0].host, findings[1].host);
}

TEST(VolumeBurst, says_who_sent_how_much_to_whom_and_what_the_limit_is) {
  DetectorRun run("volume.burst", {{"threshold_1h_bytes", int64_t{100'000}}});
  GrowingTotal total(0, kHost, kThief);
  const auto findings = run.sweep(kTestDaySeconds, {total.push(1'240'984)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(run.detector->explain(findings[0]),
            "10.0.0.5 pushed 1.24 MB (1,240,984 bytes) to 185.81.153.102 within 1 hour; the limit "
            "is 100 kB (100,000 bytes).");
}

TEST(VolumeBurst, says_what_was_not_seen_where_that_decides) {
  DetectorRun run("volume.burst", {{"threshold_1h_bytes", int64_t{100'000}}});
  GrowingTotal total(0, kHost, kThief);
  const auto findings = run.sweep(kTestDaySeconds, {total.push(150'000, 60'000)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].observed_low, 90'000u);
  EXPECT_NE(run.detector->explain(findings[0])
                .find("between 90 kB (90,000 bytes) and 150 kB (150,000 bytes): part of the "
                      "transfer was not seen"),
            std::string::npos);
}

TEST(VolumeBurst, scores_a_tenth_more_at_each_fourfold_up_to_nine_tenths) {
  DetectorRun run("volume.burst", {{"threshold_1min_bytes", int64_t{1000}}});
  GrowingTotal total(0, kHost, kThief);
  const auto score = [&](uint64_t bytes) {
    return run.sweep(kTestDaySeconds, {total.push(bytes)}).at(0).score;
  };
  EXPECT_DOUBLE_EQ(score(3999), 0.5);
  EXPECT_DOUBLE_EQ(score(1), 0.6);
  EXPECT_DOUBLE_EQ(score(12'000), 0.7);
  EXPECT_DOUBLE_EQ(score(90'000'000), 0.9);
}

TEST(VolumeBurst, served_bytes_are_not_pushed) {
  DetectorRun run("volume.burst", {{"threshold_1min_bytes", int64_t{1000}}});
  GrowingTotal total(0, kHost, kThief);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.serve(1'000'000)}).empty());
}

TEST(VolumeBurst, what_a_lone_outsider_fetches_counts_in_the_hour_until_the_host_is_a_server) {
  DetectorRun run("volume.burst", {{"threshold_1h_bytes", int64_t{1000}}});
  GrowingTotal first(0, kHost, kThief), second(1, kHost, address("198.51.100.1")),
      third(2, kHost, address("198.51.100.2"));
  const auto alone = run.sweep(kTestDaySeconds, {first.serve(5000)});
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0].observed, 5000u);
  EXPECT_NE(run.detector->explain(alone[0]).find("opened"), std::string::npos);
  EXPECT_TRUE(
      run.sweep(kTestDaySeconds + 1, {first.serve(5000), second.serve(5000), third.serve(5000)})
          .empty());
}

TEST(VolumeBurst, in_the_first_hour_of_1970_counts_each_byte_once) {
  DetectorRun run("volume.burst", {{"threshold_1h_bytes", int64_t{1}}});
  GrowingTotal total(0, kHost, kThief);
  const auto findings = run.sweep(53, {total.push(792)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].observed, 792u);
}

TEST(VolumeBurst, other_scopes_are_silent_unless_chosen_and_multicast_always) {
  for (const Scope scope : {Scope::kInternal, Scope::kTransit, Scope::kLocal}) {
    GrowingTotal total(0, kHost, address("10.0.0.9"), scope);
    DetectorRun standard("volume.burst", {{"threshold_1min_bytes", int64_t{1}}});
    EXPECT_TRUE(standard.sweep(kTestDaySeconds, {total.push(1000)}).empty());
    WindowsOptions all;
    all.scopes.set();
    DetectorRun chosen("volume.burst", {{"threshold_1min_bytes", int64_t{1}}}, all);
    EXPECT_EQ(chosen.sweep(kTestDaySeconds, {total.push(1000)}).size(),
              scope == Scope::kLocal ? 0 : 1);
  }
}

}  // namespace
}  // namespace weir
