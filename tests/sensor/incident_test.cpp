// Keys, identifiers, score and severity of incidents.
#include "sensor/incident.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

Incident with(std::initializer_list<std::pair<Family, double>> evidence) {
  Incident incident;
  uint16_t detector = 0;
  for (const auto& [family, score] : evidence) {
    Evidence& one = incident.evidence[{detector++, uint16_t{0}}];
    one.peak.family = family;
    one.peak.score = score;
    one.learning = false;
    one.certain = true;
  }
  return incident;
}

TEST(Incident, its_id_depends_on_each_of_the_five_and_on_nothing_else) {
  const std::string id = incident_id("weir-1", "default", "10.0.0.1", "192.0.2.1", 5);
  EXPECT_EQ(id.size(), 16u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(id, incident_id("weir-1", "default", "10.0.0.1", "192.0.2.1", 5));
  EXPECT_NE(id, incident_id("weir-2", "default", "10.0.0.1", "192.0.2.1", 5));
  EXPECT_NE(id, incident_id("weir-1", "office", "10.0.0.1", "192.0.2.1", 5));
  EXPECT_NE(id, incident_id("weir-1", "default", "10.0.0.2", "192.0.2.1", 5));
  EXPECT_NE(id, incident_id("weir-1", "default", "10.0.0.1", "192.0.2.2", 5));
  EXPECT_NE(id, incident_id("weir-1", "default", "10.0.0.1", "192.0.2.1", 6));
}

TEST(Incident, its_id_is_the_sha256_of_the_five_lines) {
  // printf 'weir-1\ndefault\n10.0.0.1\n192.0.2.1\n5' | sha256sum
  EXPECT_EQ(incident_id("weir-1", "default", "10.0.0.1", "192.0.2.1", 5), "4fe9191484bbef3d");
}

TEST(Incident, within_a_family_the_largest_score_counts) {
  EXPECT_NEAR(score_of(with({{Family::kVolume, 0.4}, {Family::kVolume, 0.6}}), false), 0.6, 1e-12);
}

TEST(Incident, families_confirm_each_other) {
  EXPECT_NEAR(score_of(with({{Family::kVolume, 0.6}, {Family::kNovelty, 0.5}}), false), 0.8, 1e-12);
}

TEST(Incident, learning_evidence_adds_no_score) {
  Incident incident = with({{Family::kVolume, 0.6}, {Family::kNovelty, 0.5}});
  incident.evidence.rbegin()->second.learning = true;
  EXPECT_NEAR(score_of(incident, false), 0.6, 1e-12);
}

TEST(Incident, severity_has_its_steps_at_three_five_seven_and_nine_tenths) {
  EXPECT_EQ(severity_of(0.29), v1::Alert::INFO);
  EXPECT_EQ(severity_of(0.3), v1::Alert::LOW);
  EXPECT_EQ(severity_of(0.5), v1::Alert::MEDIUM);
  EXPECT_EQ(severity_of(0.7), v1::Alert::HIGH);
  EXPECT_EQ(severity_of(0.9), v1::Alert::CRITICAL);
  for (const double step : {0.3, 0.5, 0.7, 0.9})
    EXPECT_EQ(severity_of(score_of(with({{Family::kVolume, step}}), false)), severity_of(step));
}

TEST(Incident, a_threshold_that_only_the_high_end_passes_lowers_severity_by_one_step) {
  Incident incident = with({{Family::kVolume, 0.95}});
  EXPECT_EQ(judge_incident(incident).severity, v1::Alert::CRITICAL);
  EXPECT_FALSE(judge_incident(incident).lowered);
  incident.evidence.begin()->second.certain = false;
  EXPECT_EQ(judge_incident(incident).severity, v1::Alert::HIGH);
  EXPECT_TRUE(judge_incident(incident).lowered);
}

TEST(Incident, uncertain_evidence_does_not_lower_what_certain_evidence_supports_alone) {
  Incident incident = with({{Family::kVolume, 0.75}, {Family::kNovelty, 0.1}});
  incident.evidence.rbegin()->second.certain = false;
  EXPECT_EQ(judge_incident(incident).severity, v1::Alert::HIGH);
  EXPECT_FALSE(judge_incident(incident).lowered);
}

TEST(Incident, members_are_kept_largest_first_and_never_shrink) {
  std::vector<Member> members;
  for (uint32_t host = 0; host < 100; ++host) {
    Member member;
    member.key.host = IpAddress::v4(host);
    member.out_payload_high_bytes = host;
    merge_member(members, member);
  }
  ASSERT_EQ(members.size(), kMembersKept);
  EXPECT_EQ(members.front().out_payload_high_bytes, 99u);
  Member smaller = members.front();
  smaller.out_payload_high_bytes = 1;
  merge_member(members, smaller);
  EXPECT_EQ(members.front().out_payload_high_bytes, 99u);
  EXPECT_EQ(members.size(), kMembersKept);
}

TEST(Incident, bytes_of_a_record_that_made_room_stay_in_the_ledger) {
  Incident incident;
  TotalSnapshot reading;
  reading.id = {1, 1};
  reading.first_seen_ns = 10;
  reading.out.payload_high_bytes = 100;
  update_ledger(incident, reading);
  reading.out.payload_high_bytes = 300;
  update_ledger(incident, reading);
  reading.id = {1, 2};
  reading.first_seen_ns = 50;
  reading.out.payload_high_bytes = 7;
  update_ledger(incident, reading);
  EXPECT_EQ(incident.ledger.out.payload_high_bytes + incident.carried_out.payload_high_bytes, 307u);
  EXPECT_EQ(incident.ledger.first_seen_ns, 10u);
}

}  // namespace
}  // namespace weir
