// volume.destination: many hosts, one place.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

const IpAddress kThief = address("185.81.153.102");

TEST(VolumeDestination, fires_when_enough_hosts_reach_the_threshold_together) {
  DetectorRun run("volume.destination", {{"threshold_1h_bytes", int64_t{3000}}});
  GrowingTotal one(0, address("10.0.0.1"), kThief);
  GrowingTotal two(1, address("10.0.0.2"), kThief);
  GrowingTotal three(2, address("10.0.0.3"), kThief);
  EXPECT_TRUE(
      run.sweep(kTestDaySeconds, {one.push(1000), two.push(1000), three.push(999)}).empty());
  const auto findings = run.sweep(kTestDaySeconds + 1, {three.push(1)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].subject, Subject::kDestination);
  EXPECT_EQ(findings[0].host, IpAddress{});
  EXPECT_EQ(findings[0].destination, kThief);
  EXPECT_EQ(findings[0].observed, 3000u);
  EXPECT_DOUBLE_EQ(findings[0].detail, 3);
  EXPECT_DOUBLE_EQ(findings[0].score, 0.4);
  EXPECT_EQ(run.detector->explain(findings[0]),
            "3 hosts together pushed 3 kB (3,000 bytes) to 185.81.153.102 within 1 hour; the "
            "limit is 3 kB (3,000 bytes).");
}

TEST(VolumeDestination, two_hosts_are_too_few_whatever_they_push) {
  DetectorRun run("volume.destination", {{"threshold_1h_bytes", int64_t{3000}}});
  GrowingTotal one(0, address("10.0.0.1"), kThief);
  GrowingTotal two(1, address("10.0.0.2"), kThief);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {one.push(100'000), two.push(100'000)}).empty());
}

TEST(VolumeDestination, a_host_counts_only_while_it_pushed_within_the_window) {
  DetectorRun run("volume.destination", {{"threshold_1h_bytes", int64_t{3000}}});
  GrowingTotal one(0, address("10.0.0.1"), kThief);
  GrowingTotal two(1, address("10.0.0.2"), kThief);
  GrowingTotal three(2, address("10.0.0.3"), kThief);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {one.push(10)}).empty());
  EXPECT_TRUE(run.sweep(kTestDaySeconds + 3600, {two.push(5000), three.push(5000)}).empty());
  EXPECT_EQ(run.sweep(kTestDaySeconds + 3601, {one.push(1)}).size(), 1u);
}

}  // namespace
}  // namespace weir
