// An alert as a person reads it.
#include "sensor/alert_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::Alert theft() {
  v1::Alert alert;
  alert.set_incident_id("0123456789abcdef");
  alert.set_revision(1);
  alert.set_sensor_id("weir-1");
  alert.set_severity(v1::Alert::HIGH);
  alert.set_score(0.75);
  alert.mutable_first_seen()->set_seconds(1772366400);
  alert.mutable_last_seen()->set_seconds(1772366412);
  alert.set_network("default");
  alert.set_host("192.168.100.240");
  alert.mutable_destination()->set_address("185.81.153.102");
  alert.mutable_destination()->set_port(80);
  alert.mutable_destination()->set_protocol("tcp");
  alert.mutable_ledger()->set_out_payload_low_bytes(1240984);
  alert.mutable_ledger()->set_out_payload_high_bytes(1240984);
  alert.mutable_ledger()->set_out_ip_bytes(1336092);
  v1::Evidence& evidence = *alert.add_evidence();
  evidence.set_detector("volume.burst");
  evidence.set_explanation("1.24 MB left within an hour; 100 kB are allowed.");
  evidence.add_attack("T1041");
  evidence.mutable_counterfactual()->set_option("detectors.volume.burst.threshold_1h_bytes");
  evidence.mutable_counterfactual()->set_threshold(1240985);
  v1::Connection& connection = *evidence.add_connections();
  connection.set_protocol("tcp");
  connection.set_host_port(49201);
  connection.set_destination_port(80);
  connection.set_out_payload_low_bytes(1240984);
  connection.set_out_payload_high_bytes(1240984);
  connection.set_community_id("1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  v1::Unread& unread = *alert.mutable_coverage()->add_unread();
  unread.set_cause("no_reader");
  unread.set_bytes(1336092);
  alert.mutable_coverage()->set_out_counted_bytes(1336092);
  return alert;
}

TEST(AlertText, its_first_two_lines_tell_the_story) {
  const std::string text = alert_text(theft(), false);
  EXPECT_THAT(text, ::testing::StartsWith(
                        "HIGH  192.168.100.240 sent 1.24 MB to 185.81.153.102, tcp port 80 in "
                        "12 s.\n  1.24 MB left within an hour; 100 kB are allowed.\n"));
}

TEST(AlertText, its_headline_is_how_the_whole_text_begins) {
  const std::string headline = alert_headline(theft(), false);
  EXPECT_THAT(headline, HasSubstr("incident 0123456789abcdef opened, revision 1"));
  EXPECT_EQ(std::count(headline.begin(), headline.end(), '\n'), 3);
  EXPECT_THAT(alert_text(theft(), false), ::testing::StartsWith(headline));
}

TEST(AlertText, it_says_what_would_silence_it_and_how_to_go_on) {
  const std::string text = alert_text(theft(), false);
  EXPECT_THAT(text, HasSubstr("--set detectors.volume.burst.threshold_1h_bytes=1240985"));
  EXPECT_THAT(text, HasSubstr("volume.burst (ATT&CK T1041)"));
  EXPECT_THAT(text, HasSubstr("tcp 49201 -> 80  1.24 MB out"));
  EXPECT_THAT(text, HasSubstr("1:LQU9qZlK+B5F3KDmev6m5PMibrg="));
  EXPECT_THAT(text, HasSubstr("ip.addr == 192.168.100.240 && ip.addr == 185.81.153.102"));
  EXPECT_THAT(text, HasSubstr("1.34 MB were counted and not read"));
  EXPECT_THAT(text, HasSubstr("no frame was dropped"));
  EXPECT_THAT(text, HasSubstr("hosts = [\"192.168.100.240/32\"]"));
}

TEST(AlertText, an_uncertain_amount_is_a_range) {
  v1::Alert alert = theft();
  alert.mutable_ledger()->set_out_payload_low_bytes(1000000);
  EXPECT_THAT(alert_text(alert, false), HasSubstr("sent between 1 MB and 1.24 MB to"));
}

TEST(AlertText, colours_come_only_when_asked_for) {
  EXPECT_THAT(alert_text(theft(), false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(alert_text(theft(), true), HasSubstr("\x1b[1;31mHIGH\x1b[0m"));
}

TEST(AlertText, bytes_from_the_wire_cannot_move_the_cursor) {
  v1::Alert alert = theft();
  alert.mutable_destination()->set_name("evil\x1b[2J\r\n.example");
  alert.mutable_evidence(0)->set_explanation("\x1b]0;owned\x07");
  const std::string text = alert_text(alert, false);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, HasSubstr("evil\\x1b[2J\\x0d\\x0a.example"));
}

TEST(AlertText, a_host_wide_incident_lists_its_parts) {
  v1::Alert alert = theft();
  alert.mutable_destination()->Clear();
  alert.mutable_destination()->set_address("*");
  v1::Member& member = *alert.add_members();
  member.set_host("192.168.100.240");
  member.set_destination("2001:db8::1");
  member.set_out_payload_low_bytes(500);
  member.set_out_payload_high_bytes(500);
  member.set_incident_id("fedcba9876543210");
  const std::string text = alert_text(alert, false);
  EXPECT_THAT(text, HasSubstr("192.168.100.240 sent 1.24 MB to several destinations in 12 s."));
  EXPECT_THAT(text, HasSubstr("192.168.100.240 -> 2001:db8::1  500 bytes  (incident fedcba"));
}

TEST(AlertText, a_storm_and_the_sensors_own_health_have_their_own_headlines) {
  v1::Alert storm = theft();
  storm.set_host("*");
  storm.mutable_destination()->set_address("*");
  storm.mutable_storm()->set_incidents(30);
  storm.mutable_storm()->set_hosts(30);
  storm.mutable_storm()->set_destinations(7);
  EXPECT_THAT(alert_text(storm, false), HasSubstr("30 more incidents opened too quickly"));
  v1::Alert health = theft();
  health.clear_host();
  health.mutable_destination()->Clear();
  const std::string text = alert_text(health, false);
  EXPECT_THAT(text, HasSubstr("Sensor weir-1 does not see its traffic as it should."));
  EXPECT_THAT(text, Not(HasSubstr("tshark")));
}

}  // namespace
}  // namespace weir
