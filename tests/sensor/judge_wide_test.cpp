// Incidents of several pairs: a host, a destination, a storm.
#include "tests/sensor/judge_fixture.h"

namespace weir {
namespace {

class WideIncident : public JudgeTest {};

TEST_F(WideIncident, a_host_wide_finding_attaches_to_the_pair_that_carries_half_of_it) {
  members_ = {member(1, 1, 500), member(1, 2, 500)};
  const std::string id = sweep(0, {pair(1, 1, 500)}).at(0).incident_id();
  const auto alerts = sweep(1, {host_wide(1, 1000)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].incident_id(), id);
  EXPECT_EQ(alerts[0].evidence(1).detector(), "volume.host");
}

TEST_F(WideIncident, a_host_wide_finding_opens_its_own_when_no_pair_carries_half) {
  members_ = {member(1, 1, 499), member(1, 2, 400), member(1, 3, 101)};
  const std::string id = sweep(0, {pair(1, 1, 499)}).at(0).incident_id();
  const auto alerts = sweep(1, {host_wide(1, 1000)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].host(), "10.0.0.1");
  EXPECT_EQ(alerts[0].destination().address(), "*");
  ASSERT_EQ(alerts[0].members_size(), 3);
  EXPECT_EQ(alerts[0].members(0).out_payload_high_bytes(), 499u);
  EXPECT_EQ(alerts[0].members(0).incident_id(), id);
  EXPECT_EQ(alerts[0].members(1).incident_id(), "");
}

TEST_F(WideIncident, a_host_wide_incident_lists_ten_members_and_absorbs_later_pairs) {
  for (uint32_t to = 0; to < 12; ++to) members_.push_back(member(1, to, 1000 - to));
  const auto opened = sweep(0, {host_wide(1, 12000)});
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].members_size(), 10);
  totals_[1050].out.payload_low_bytes = totals_[1050].out.payload_high_bytes = 5000;
  const auto alerts = sweep(1, {pair(1, 50, 5000)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].incident_id(), opened[0].incident_id());
  EXPECT_EQ(alerts[0].members(0).destination(), "198.51.100.50");
  EXPECT_EQ(alerts[0].members(0).out_payload_high_bytes(), 5000u);
  EXPECT_EQ(sweep(2, {pair(2, 50, 150)}).at(0).host(), "10.0.0.2") << "another host's pair";
}

TEST_F(WideIncident, a_pair_that_is_open_stays_when_its_host_opens) {
  members_ = {member(1, 1, 100)};
  sweep(0, {pair(1, 1, 150)});
  sweep(1, {host_wide(1, 1000)});
  const auto alerts = sweep(2, {pair(1, 1, 600)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].destination().address(), "198.51.100.1");
}

TEST_F(WideIncident, a_destination_wide_incident_lists_and_absorbs_its_hosts) {
  members_ = {member(1, 9, 300), member(2, 9, 300), member(3, 9, 300)};
  const auto opened = sweep(0, {destination_wide(9, 900)});
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].host(), "*");
  EXPECT_EQ(opened[0].destination().address(), "198.51.100.9");
  EXPECT_EQ(opened[0].members(2).host(), "10.0.0.3");
  EXPECT_EQ(sweep(1, {pair(4, 9, 150)}).at(0).incident_id(), opened[0].incident_id());
}

TEST_F(WideIncident, fifty_new_incidents_in_a_minute_are_twenty_and_one_storm) {
  std::vector<Finding> findings;
  for (uint32_t from = 0; from < 50; ++from) findings.push_back(pair(from, from % 7, 150 + from));
  const auto alerts = sweep(0, findings);
  ASSERT_EQ(alerts.size(), 21u);
  const v1::Alert& storm = alerts.back();
  EXPECT_EQ(storm.host(), "*");
  EXPECT_EQ(storm.destination().address(), "*");
  EXPECT_EQ(storm.storm().incidents(), 30u);
  EXPECT_EQ(storm.storm().hosts(), 30u);
  EXPECT_EQ(storm.storm().destinations(), 7u);
  EXPECT_EQ(storm.storm().findings(), 30u);
  for (size_t index = 0; index < 20; ++index)
    EXPECT_GE(alerts[index].evidence(0).observed(), 180u) << "the largest keep their own";
  EXPECT_EQ(judge_->counters().incidents, 21u);
  EXPECT_THAT(sweep(1, findings), IsEmpty()) << "nothing opens twice";
  EXPECT_THAT(sweep(120, {pair(0, 0, 150)}), IsEmpty()) << "what it took stays in the storm";
  EXPECT_EQ(sweep(120, {pair(60, 0, 150)}).at(0).host(), "10.0.0.60") << "a minute later";
}

TEST_F(WideIncident, a_theft_that_grows_inside_a_storm_is_told) {
  std::vector<Finding> findings;
  for (uint32_t from = 0; from < 30; ++from) findings.push_back(pair(from, 1, 150));
  sweep(0, findings);
  totals_[29001].out.payload_high_bytes = 1000000;
  const auto alerts = sweep(1, {pair(29, 1, 1000000)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_TRUE(alerts[0].has_storm());
  EXPECT_EQ(alerts[0].members(0).host(), "10.0.0.29");
  EXPECT_EQ(alerts[0].members(0).out_payload_high_bytes(), 1000000u);
}

}  // namespace
}  // namespace weir
