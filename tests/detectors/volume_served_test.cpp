// volume.served: what the outside fetches.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

const IpAddress kHost = address("10.0.0.5");
const IpAddress kThief = address("185.81.153.102");

TEST(VolumeServed, fires_at_the_threshold_on_served_bytes_alone) {
  DetectorRun run("volume.served", {{"threshold_1h_bytes", int64_t{1000}}});
  GrowingTotal total(0, kHost, kThief);
  total.push(1'000'000);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.serve(999)}).empty());
  const auto findings = run.sweep(kTestDaySeconds, {total.serve(1)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].observed, 1000u);
  EXPECT_EQ(findings[0].counterfactual, 1001u);
  EXPECT_DOUBLE_EQ(findings[0].score, 0.3);
  EXPECT_EQ(run.detector->explain(findings[0]),
            "10.0.0.5 served 1 kB (1,000 bytes) to 185.81.153.102, which opened the connections, "
            "within 1 hour; the limit is 1 kB (1,000 bytes).");
}

TEST(VolumeServed, a_connection_that_turns_out_to_be_served_leaves_the_pushed_bytes) {
  DetectorRun run("volume.served", {{"threshold_1h_bytes", int64_t{1000}}});
  GrowingTotal total(0, kHost, kThief);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {total.push(1000)}).empty());
  total.copy().served = total.copy().out;
  EXPECT_EQ(run.sweep(kTestDaySeconds + 1, {total.copy()}).size(), 1u);
  EXPECT_EQ(run.windows.pushed_by_pair(0, Window::kHour).high_bytes, 0u);
}

}  // namespace
}  // namespace weir
