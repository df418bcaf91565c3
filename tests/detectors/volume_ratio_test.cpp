// volume.ratio: one-sided pairs.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

const IpAddress kHost = address("10.0.0.5");
const IpAddress kThief = address("185.81.153.102");

TEST(VolumeRatio, fires_at_the_ratio_and_not_just_below_it) {
  for (const uint64_t received : {1000u, 1001u}) {
    DetectorRun run("volume.ratio", {{"floor_1h_bytes", int64_t{9000}}});
    GrowingTotal total(0, kHost, kThief);
    total.receive(received);
    const auto findings = run.sweep(kTestDaySeconds, {total.push(9000)});
    EXPECT_EQ(findings.size(), received == 1000 ? 1u : 0u);
    if (findings.empty()) continue;
    EXPECT_DOUBLE_EQ(findings[0].detail, 0.8);
    EXPECT_EQ(run.detector->options[findings[0].option].name, "floor_1h_bytes");
    EXPECT_EQ(findings[0].counterfactual, 9001u);
    EXPECT_DOUBLE_EQ(findings[0].score, 0.3);
    EXPECT_EQ(run.detector->explain(findings[0]),
              "10.0.0.5 pushed 9 kB (9,000 bytes) to 185.81.153.102 within 1 hour; the limit is 9 "
              "kB (9,000 bytes). Of the bytes between them 90 % went out.");
  }
}

TEST(VolumeRatio, below_the_floor_no_ratio_matters) {
  DetectorRun run("volume.ratio", {{"floor_1h_bytes", int64_t{9000}}});
  GrowingTotal total(0, kHost, kThief);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.push(8999)}).empty());
  EXPECT_EQ(run.sweep(kTestDaySeconds, {total.push(1)}).size(), 1u);
}

TEST(VolumeRatio, a_download_of_another_hour_does_not_hide_an_upload) {
  DetectorRun run("volume.ratio", {{"floor_1h_bytes", int64_t{9000}}});
  GrowingTotal total(0, kHost, kThief);
  total.receive(1'000'000);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.push(10)}).empty());
  EXPECT_EQ(run.sweep(kTestDaySeconds + 7200, {total.push(9000)}).size(), 1u);
}

}  // namespace
}  // namespace weir
