// volume.new_destination: what is new, and when it can be known.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

const IpAddress kHost = address("10.0.0.5");

TEST(VolumeNewDestination, is_only_learning_until_the_days_it_speaks_of_were_seen) {
  DetectorRun run("volume.new_destination", {{"threshold_24h_bytes", int64_t{1000}}});
  GrowingTotal total(0, kHost, address("192.0.2.1"));
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.push(999)}).empty());
  const auto findings = run.sweep(kTestDaySeconds, {total.push(1)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_TRUE(findings[0].learning);
  EXPECT_EQ(findings[0].score, 0);
  EXPECT_EQ(findings[0].family, Family::kNovelty);
  EXPECT_EQ(findings[0].counterfactual, 1001u);
  EXPECT_NE(run.detector->explain(findings[0]).find("still learning"), std::string::npos);
}

TEST(VolumeNewDestination, after_them_a_new_one_scores_and_an_old_one_is_silent) {
  DetectorRun run("volume.new_destination", {{"threshold_24h_bytes", int64_t{1000}}});
  GrowingTotal old(0, kHost, address("192.0.2.1"));
  for (uint64_t day = 0; day < 14; ++day)
    EXPECT_TRUE(run.sweep(kTestDaySeconds + day * 86400, {old.push(10)}).empty());
  const uint64_t now_s = kTestDaySeconds + 14 * 86400;
  EXPECT_TRUE(run.sweep(now_s, {old.push(5000)}).empty());
  GrowingTotal fresh(1, kHost, address("192.0.2.2"));
  auto findings = run.sweep(now_s, {fresh.push(5000)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_FALSE(findings[0].learning);
  EXPECT_DOUBLE_EQ(findings[0].score, 0.5);
  EXPECT_EQ(findings[0].destination, address("192.0.2.2"));
  EXPECT_NE(run.detector->explain(findings[0]).find("The host first sent to it today."),
            std::string::npos);
  findings = run.sweep(now_s + 3 * 86400, {fresh.push(2000)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_NE(run.detector->explain(findings[0]).find("first sent to it 3 days ago."),
            std::string::npos);
}

}  // namespace
}  // namespace weir
