// volume.slow: a drip that no hour shows.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

const IpAddress kHost = address("10.0.0.5");
const IpAddress kThief = address("185.81.153.102");

TEST(VolumeSlow, two_megabytes_a_day_for_thirty_days_are_sixty_in_the_month) {
  DetectorRun run("volume.slow", {{"threshold_30d_bytes", int64_t{60'000'000}}});
  DetectorRun burst("volume.burst");
  GrowingTotal total(0, kHost, kThief);
  std::vector<Finding> findings;
  for (uint64_t day = 0; day < 30; ++day) {
    for (uint64_t hour = 0; hour < 20; ++hour) {
      const uint64_t now_s = kTestDaySeconds + day * 86400 + hour * 3600;
      const TotalSnapshot& copy = total.push(100'000);
      EXPECT_TRUE(burst.sweep(now_s, {copy}).empty());
      findings = run.sweep(now_s, {copy});
      EXPECT_EQ(findings.size(), day == 29 && hour == 19 ? 1u : 0u) << day << " " << hour;
    }
  }
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].observed, 60'000'000u);
  EXPECT_EQ(findings[0].counterfactual, 60'000'001u);
  EXPECT_EQ(findings[0].baseline, 60'000'000u);
  EXPECT_EQ(run.detector->explain(findings[0]),
            "10.0.0.5 pushed 60 MB (60,000,000 bytes) to 185.81.153.102 within 30 days; the limit "
            "is 60 MB (60,000,000 bytes). Usual in such a time: 60 MB (60,000,000 bytes).");
}

TEST(VolumeSlow, fires_at_each_threshold_and_not_one_byte_below) {
  struct Case {
    std::string_view option;
    uint64_t window_s;
  };
  for (const Case& each : {Case{"threshold_24h_bytes", 86400}, Case{"threshold_7d_bytes", 604800},
                           Case{"threshold_30d_bytes", 2592000}}) {
    DetectorRun run("volume.slow", {{each.option, int64_t{1000}}});
    GrowingTotal total(0, kHost, kThief);
    EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.push(999)}).empty());
    const auto findings = run.sweep(kTestDaySeconds, {total.push(1)});
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].window_s, each.window_s);
    EXPECT_EQ(run.detector->options[findings[0].option].name, each.option);
  }
}

TEST(VolumeSlow, what_is_older_than_the_window_is_forgotten) {
  DetectorRun run("volume.slow", {{"threshold_24h_bytes", int64_t{1000}}});
  GrowingTotal total(0, kHost, kThief);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.push(999)}).empty());
  EXPECT_TRUE(run.sweep(kTestDaySeconds + 86400, {total.push(999)}).empty());
  EXPECT_EQ(run.sweep(kTestDaySeconds + 86400 + 3600, {total.push(1)}).size(), 1u);
}

}  // namespace
}  // namespace weir
