// Allow-lists are budgets: what they silence, and when they stop doing so.
#include "sensor/suppression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr uint64_t kStart_ns = 1772366400 * kSecond_ns;  // 2026-03-01 12:00 UTC
constexpr std::bitset<kScopes> kOutboundOnly{1};

SuppressTable backup_table() {
  SuppressTable table;
  table.name = "backup";
  table.owner = "ops";
  table.reason = "nightly copy";
  table.expires = "2026-03-02";
  table.hosts = {"10.0.0.0/8"};
  table.destinations = {"192.0.2.0/24"};
  table.detectors = {"volume.*"};
  table.budget_bytes = 1000;
  table.budget_window_s = 640;
  return table;
}

Suppressions of(const SuppressTable& table) {
  return {suppression_options({table}), kOutboundOnly};
}

TotalSnapshot total_of(const char* host, const char* destination, uint64_t out_bytes,
                       uint32_t slot = 1) {
  TotalSnapshot total;
  total.id = {slot, 1};
  total.scope = Scope::kOutbound;
  total.host = parse_ip_address(host).value();
  total.destination = parse_ip_address(destination).value();
  total.out.payload_high_bytes = out_bytes;
  return total;
}

Finding pair_finding(const char* host, const char* destination) {
  Finding finding;
  finding.host = parse_ip_address(host).value();
  finding.destination = parse_ip_address(destination).value();
  finding.observed = 500;
  finding.threshold = 100;
  return finding;
}

TEST(Suppression, traffic_within_its_budget_is_silenced_and_counted) {
  Suppressions suppressions = of(backup_table());
  suppressions.observe(kStart_ns, total_of("10.0.0.1", "192.0.2.9", 1000));
  EXPECT_TRUE(
      suppressions.decide(kStart_ns, pair_finding("10.0.0.1", "192.0.2.9"), "volume.burst", {})
          .silenced);
  const std::vector<SilencedCounts> counts = suppressions.counts();
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts[0].findings, 1u);
  EXPECT_EQ(counts[0].matching_bytes, 1000u);
  EXPECT_EQ(silenced_line(counts[0]),
            "suppress \"backup\" (owner ops): silenced 1 finding; its traffic sent 1,000 payload "
            "bytes, budget 1,000 bytes in 10 min 40 s.");
}

TEST(Suppression, one_byte_above_the_budget_it_silences_nothing_and_says_which_budget) {
  Suppressions suppressions = of(backup_table());
  suppressions.observe(kStart_ns, total_of("10.0.0.1", "192.0.2.9", 600, 1));
  suppressions.observe(kStart_ns, total_of("10.0.0.2", "192.0.2.9", 401, 2));
  const auto decision =
      suppressions.decide(kStart_ns, pair_finding("10.0.0.1", "192.0.2.9"), "volume.burst", {});
  EXPECT_FALSE(decision.silenced);
  EXPECT_THAT(decision.note, HasSubstr("\"backup\" (owner ops, reason: nightly copy)"));
  EXPECT_THAT(decision.note, HasSubstr("budget is exceeded"));
}

TEST(Suppression, a_total_is_charged_with_what_it_sent_since_it_was_last_seen) {
  Suppressions suppressions = of(backup_table());
  for (const uint64_t bytes : {300u, 600u, 900u})
    suppressions.observe(kStart_ns, total_of("10.0.0.1", "192.0.2.9", bytes));
  EXPECT_EQ(suppressions.counts()[0].matching_bytes, 900u);
  TotalSnapshot reused = total_of("10.0.0.3", "192.0.2.9", 50);
  reused.id.generation = 2;
  suppressions.observe(kStart_ns, reused);
  EXPECT_EQ(suppressions.counts()[0].matching_bytes, 950u);
}

TEST(Suppression, a_budget_renews_as_its_window_moves_on) {
  Suppressions suppressions = of(backup_table());
  suppressions.observe(kStart_ns, total_of("10.0.0.1", "192.0.2.9", 5000));
  const Finding finding = pair_finding("10.0.0.1", "192.0.2.9");
  EXPECT_FALSE(suppressions.decide(kStart_ns, finding, "volume.burst", {}).silenced);
  EXPECT_FALSE(
      suppressions.decide(kStart_ns + 600 * kSecond_ns, finding, "volume.burst", {}).silenced);
  EXPECT_TRUE(
      suppressions.decide(kStart_ns + 640 * kSecond_ns, finding, "volume.burst", {}).silenced);
}

TEST(Suppression, it_holds_on_the_day_it_expires_and_not_after) {
  Suppressions suppressions = of(backup_table());
  const uint64_t end_ns = kStart_ns + 36 * 3600 * kSecond_ns;  // midnight after 2026-03-02
  const Finding finding = pair_finding("10.0.0.1", "192.0.2.9");
  EXPECT_TRUE(suppressions.decide(end_ns - 1, finding, "volume.burst", {}).silenced);
  const auto decision = suppressions.decide(end_ns, finding, "volume.burst", {});
  EXPECT_FALSE(decision.silenced);
  EXPECT_THAT(decision.note, HasSubstr("expired on 2026-03-02"));
}

TEST(Suppression, another_host_destination_or_detector_is_not_covered) {
  Suppressions suppressions = of(backup_table());
  EXPECT_FALSE(
      suppressions.decide(kStart_ns, pair_finding("172.16.0.1", "192.0.2.9"), "volume.burst", {})
          .silenced);
  EXPECT_FALSE(
      suppressions.decide(kStart_ns, pair_finding("10.0.0.1", "198.51.100.1"), "volume.burst", {})
          .silenced);
  EXPECT_FALSE(
      suppressions.decide(kStart_ns, pair_finding("10.0.0.1", "192.0.2.9"), "dns.tunnel", {})
          .silenced);
}

TEST(Suppression, scopes_that_feed_no_detector_charge_no_budget) {
  Suppressions suppressions = of(backup_table());
  TotalSnapshot internal = total_of("10.0.0.1", "192.0.2.9", 5000);
  internal.scope = Scope::kInternal;
  suppressions.observe(kStart_ns, internal);
  EXPECT_EQ(suppressions.counts()[0].matching_bytes, 0u);
}

TEST(Suppression, a_host_wide_finding_is_silenced_when_the_rest_stays_below_its_threshold) {
  Suppressions suppressions = of(backup_table());
  Finding finding = pair_finding("10.0.0.1", "192.0.2.9");
  finding.subject = Subject::kHost;
  finding.destination = {};
  std::vector<Member> members(2);
  members[0].key = key_of(pair_finding("10.0.0.1", "192.0.2.9"));
  members[0].out_payload_high_bytes = 401;
  members[1].key = key_of(pair_finding("10.0.0.1", "198.51.100.1"));
  members[1].out_payload_high_bytes = 99;
  EXPECT_TRUE(suppressions.decide(kStart_ns, finding, "volume.host", members).silenced);
  members[0].out_payload_high_bytes = 400;  // 100 bytes of others are left: the threshold
  EXPECT_FALSE(suppressions.decide(kStart_ns, finding, "volume.host", members).silenced);
}

TEST(Suppression, a_domain_silences_nothing_while_names_are_not_resolved_and_says_so) {
  SuppressTable table = backup_table();
  table.destinations = {"backup.example.com"};
  Suppressions suppressions = of(table);
  EXPECT_FALSE(
      suppressions.decide(kStart_ns, pair_finding("10.0.0.1", "192.0.2.9"), "volume.burst", {})
          .silenced);
  EXPECT_THAT(suppressions.warnings(), ElementsAre(HasSubstr("\"backup.example.com\" is a name")));
}

}  // namespace
}  // namespace weir
