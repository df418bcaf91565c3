// volume.host: a theft spread over many destinations.
#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

TEST(VolumeHost, sums_all_destinations_and_fires_at_the_threshold) {
  DetectorRun run("volume.host", {{"threshold_1h_bytes", int64_t{1'000'000}}});
  DetectorRun burst("volume.burst", {{"threshold_1h_bytes", int64_t{1'000'000}}});
  std::vector<TotalSnapshot> touched;
  for (uint32_t slot = 0; slot < 100; ++slot) {
    GrowingTotal total(slot, address("10.0.0.5"), IpAddress::v4(0xc0000200 + slot));
    touched.push_back(total.push(slot == 0 ? 9'999 : 10'000));
  }
  EXPECT_TRUE(run.sweep(kTestDaySeconds, touched).empty());
  EXPECT_TRUE(burst.sweep(kTestDaySeconds, touched).empty());
  ++touched[0].out.payload_high_bytes;
  ++touched[0].out.payload_low_bytes;
  const auto findings = run.sweep(kTestDaySeconds + 1, touched);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].subject, Subject::kHost);
  EXPECT_EQ(findings[0].host, address("10.0.0.5"));
  EXPECT_EQ(findings[0].destination, IpAddress{});
  EXPECT_EQ(findings[0].observed, 1'000'000u);
  EXPECT_EQ(findings[0].observed_low, 1'000'000u);
  EXPECT_EQ(findings[0].counterfactual, 1'000'001u);
  EXPECT_DOUBLE_EQ(findings[0].score, 0.5);
  EXPECT_EQ(run.detector->explain(findings[0]),
            "10.0.0.5 pushed 1 MB (1,000,000 bytes) to all its destinations together within 1 "
            "hour; the limit is 1 MB (1,000,000 bytes).");
}

TEST(VolumeHost, hosts_of_two_networks_with_one_address_are_two_hosts) {
  DetectorRun run("volume.host", {{"threshold_24h_bytes", int64_t{1000}}});
  GrowingTotal one(0, address("10.0.0.5"), address("192.0.2.1"));
  GrowingTotal two(1, address("10.0.0.5"), address("192.0.2.2"));
  two.copy().network = 1;
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {one.push(600), two.push(600)}).empty());
}

TEST(VolumeHost, internal_bytes_do_not_raise_the_outbound_sum) {
  WindowsOptions options;
  options.scopes.set(static_cast<size_t>(Scope::kInternal));
  DetectorRun run("volume.host", {{"threshold_1h_bytes", int64_t{1000}}}, options);
  GrowingTotal out(0, address("10.0.0.5"), address("192.0.2.1"));
  GrowingTotal internal(1, address("10.0.0.5"), address("10.0.0.9"), Scope::kInternal);
  EXPECT_TRUE(run.sweep(kTestDaySeconds, {out.push(600), internal.push(600)}).empty());
  const auto findings = run.sweep(kTestDaySeconds, {internal.push(400)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].scope, Scope::kInternal);
}

}  // namespace
}  // namespace weir
