// The judge, sweep by sweep: when an incident opens, escalates, absorbs and closes, and what its
#include "tests/sensor/judge_fixture.h"

namespace weir {
namespace {

TEST_F(JudgeTest, the_first_finding_of_a_pair_opens_an_incident) {
  const auto alerts = sweep(0, {pair(1, 1, 150)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].revision(), 1u);
  EXPECT_EQ(alerts[0].sequence(), 1u);
  EXPECT_EQ(alerts[0].state(), v1::Alert::OPEN);
  EXPECT_EQ(alerts[0].severity(), v1::Alert::MEDIUM);
  EXPECT_EQ(alerts[0].host(), "10.0.0.1");
  EXPECT_EQ(alerts[0].destination().address(), "198.51.100.1");
  EXPECT_EQ(alerts[0].network(), "default");
  ASSERT_EQ(alerts[0].evidence_size(), 1);
  EXPECT_EQ(alerts[0].evidence(0).detector(), "volume.burst");
  EXPECT_EQ(alerts[0].evidence(0).unit(), "bytes");
  EXPECT_EQ(alerts[0].evidence(0).attack(0), "T1041");
  EXPECT_EQ(alerts[0].incident_id(),
            incident_id("weir-1", "default", "10.0.0.1", "198.51.100.1", kStart_ns));
}

TEST_F(JudgeTest, it_stays_silent_until_the_figure_is_four_times_what_it_last_said) {
  sweep(0, {pair(1, 1, 150)});
  EXPECT_THAT(sweep(1, {pair(1, 1, 599)}), IsEmpty());
  const auto alerts = sweep(2, {pair(1, 1, 600)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].revision(), 2u);
  EXPECT_EQ(alerts[0].evidence(0).observed(), 600u);
  EXPECT_THAT(sweep(3, {pair(1, 1, 2399)}), IsEmpty());
  EXPECT_EQ(sweep(4, {pair(1, 1, 2400)}).size(), 1u);
}

TEST_F(JudgeTest, a_new_detector_and_a_newly_crossed_option_are_revisions) {
  sweep(0, {pair(1, 1, 150)});
  Finding other_option = pair(1, 1, 160);
  other_option.option = 0;
  EXPECT_EQ(sweep(1, {pair(1, 1, 160), other_option}).at(0).evidence_size(), 2);
  Finding other_detector = pair(1, 1, 160);
  other_detector.detector = kNew;
  other_detector.family = Family::kNovelty;
  other_detector.score = 0.5;
  const auto alerts = sweep(2, {pair(1, 1, 160), other_detector});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].revision(), 3u);
  EXPECT_EQ(alerts[0].severity(), v1::Alert::HIGH);
  EXPECT_NEAR(alerts[0].score(), 0.8, 1e-12);
}

TEST_F(JudgeTest, what_is_said_in_one_sweep_is_one_revision) {
  Finding other = pair(1, 1, 150);
  other.option = 0;
  const auto alerts = sweep(0, {pair(1, 1, 150), other});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].evidence_size(), 2);
}

TEST_F(JudgeTest, the_closing_revision_carries_the_maximum_and_the_final_ledger) {
  TotalSnapshot& total = totals_[1001];
  total.id = {1001, 1};
  total.protocol = kProtocolTcp;
  total.destination_port = 443;
  total.first_seen_ns = kStart_ns - kSecond_ns;
  total.last_seen_ns = kStart_ns;
  total.out = {3, 300, 150, 150};
  sweep(0, {pair(1, 1, 150)});
  sweep(1, {pair(1, 1, 580)});
  sweep(2, {pair(1, 1, 300)});  // the window moved on
  total.out = {9, 900, 700, 720};
  total.last_seen_ns = kStart_ns + 3 * kSecond_ns;
  const auto alerts = close_all(5);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].state(), v1::Alert::CLOSED);
  EXPECT_EQ(alerts[0].revision(), 2u);
  EXPECT_EQ(alerts[0].evidence(0).observed(), 580u);
  EXPECT_EQ(alerts[0].ledger().out_payload_low_bytes(), 700u);
  EXPECT_EQ(alerts[0].ledger().out_payload_high_bytes(), 720u);
  EXPECT_EQ(alerts[0].ledger().out_packets(), 9u);
  EXPECT_EQ(alerts[0].destination().protocol(), "tcp");
  EXPECT_EQ(alerts[0].destination().port(), 443u);
  EXPECT_EQ(alerts[0].last_seen().seconds(), 1772366403);
  EXPECT_EQ(judge_->open_incidents(), 0u);
}

TEST_F(JudgeTest, the_counterfactual_is_that_of_the_largest_figure_and_names_the_option) {
  sweep(0, {pair(1, 1, 150)});
  sweep(1, {pair(1, 1, 580)});
  const auto alerts = close_all(2);
  const v1::Counterfactual& other = alerts.at(0).evidence(0).counterfactual();
  EXPECT_EQ(other.option(), "detectors.volume.burst.threshold_1h_bytes");
  EXPECT_EQ(other.threshold(), 581u);
  EXPECT_EQ(other.text(),
            "volume.burst would be silent with detectors.volume.burst.threshold_1h_bytes=581; one "
            "below, it fires.");
}

TEST_F(JudgeTest, an_incident_closes_after_the_idle_time_and_not_before) {
  sweep(0, {pair(1, 1, 150)});
  sweep(1000, {pair(1, 1, 160)});  // no revision, but evidence
  EXPECT_THAT(sweep(1000 + 86399, {}), IsEmpty());
  const auto alerts = sweep(1000 + 86400, {});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].state(), v1::Alert::CLOSED);
  EXPECT_THAT(close_all(200000), IsEmpty());
}

TEST_F(JudgeTest, a_drip_that_comes_once_a_day_is_one_incident) {
  Finding drip = pair(1, 1, 150);
  drip.window_s = 30 * 86400;
  EXPECT_EQ(sweep(0, {drip}).size(), 1u);
  for (uint64_t day = 1; day < 5; ++day) EXPECT_THAT(sweep(day * 90000, {drip}), IsEmpty());
  EXPECT_EQ(close_all(500000).size(), 1u);
}

TEST_F(JudgeTest, a_transfer_after_the_idle_time_is_another_incident) {
  const std::string first = sweep(0, {pair(1, 1, 150)}).at(0).incident_id();
  const auto alerts = sweep(365 * 86400, {pair(1, 1, 150)});
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].state(), v1::Alert::CLOSED);
  EXPECT_EQ(alerts[0].incident_id(), first);
  EXPECT_EQ(alerts[1].revision(), 1u);
  EXPECT_NE(alerts[1].incident_id(), first);
}

TEST_F(JudgeTest, two_pairs_are_two_incidents) {
  const auto alerts = sweep(0, {pair(1, 1, 150), pair(1, 2, 150)});
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_NE(alerts[0].incident_id(), alerts[1].incident_id());
  EXPECT_EQ(judge_->counters().incidents, 2u);
}

TEST_F(JudgeTest, the_same_addresses_in_two_networks_are_two_incidents) {
  JudgeOptions options;
  options.networks = {"office", "lab"};
  make(options);
  Finding other = pair(1, 1, 150);
  other.network = 1;
  const auto alerts = sweep(0, {pair(1, 1, 150), other});
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].network(), "office");
  EXPECT_EQ(alerts[1].network(), "lab");
}

TEST_F(JudgeTest, a_suppression_silences_within_its_budget_and_over_it_the_alert_says_so) {
  JudgeOptions options;
  SuppressionOptions& backup = options.suppressions.emplace_back();
  backup.name = "backup";
  backup.expires_ns = kStart_ns + 86400 * kSecond_ns;
  backup.hosts = {parse_cidr("10.0.0.0/8").value()};
  backup.destinations = {parse_cidr("198.51.100.0/24").value()};
  backup.budget_bytes = 1000;
  make(options);
  TotalSnapshot total;
  total.id = {1001, 1};
  total.scope = Scope::kOutbound;
  total.host = host(1);
  total.destination = outside(1);
  total.out.payload_high_bytes = 1000;
  judge_->observe(kStart_ns, total);
  EXPECT_THAT(sweep(0, {pair(1, 1, 1000)}), IsEmpty());
  EXPECT_EQ(judge_->counters().silenced_findings, 1u);
  EXPECT_EQ(judge_->counters().findings_total, 1u) << "silenced is not uncounted";
  total.out.payload_high_bytes = 1001;
  judge_->observe(kStart_ns + kSecond_ns, total);
  const auto alerts = sweep(1, {pair(1, 1, 1001)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].revision(), 1u);
  EXPECT_THAT(alerts[0].evidence(0).explanation(), HasSubstr("allow-list \"backup\""));
  EXPECT_THAT(alerts[0].evidence(0).explanation(), HasSubstr("budget is exceeded"));
}

TEST_F(JudgeTest, severity_drops_a_step_where_only_the_high_end_passes_and_the_alert_says_so) {
  Finding uncertain = pair(1, 1, 150);
  uncertain.observed_low = 99;
  const auto alerts = sweep(0, {uncertain});
  EXPECT_EQ(alerts.at(0).severity(), v1::Alert::LOW);
  EXPECT_THAT(alerts.at(0).evidence(0).explanation(), HasSubstr("Only 99 bytes are certain"));
}

TEST_F(JudgeTest, learning_evidence_is_listed_without_score_and_alone_it_is_info) {
  Finding learning = pair(1, 1, 150);
  learning.learning = true;
  const auto alerts = sweep(0, {learning});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].severity(), v1::Alert::INFO);
  EXPECT_EQ(alerts[0].score(), 0);
  EXPECT_TRUE(alerts[0].evidence(0).learning());
  EXPECT_THAT(alerts[0].evidence(0).explanation(), HasSubstr("Learning"));
  const auto known = sweep(1, {pair(1, 1, 150)});
  ASSERT_EQ(known.size(), 1u) << "what is no longer learning is news";
  EXPECT_EQ(known[0].severity(), v1::Alert::MEDIUM);
}

TEST_F(JudgeTest, a_shadow_detector_is_counted_and_never_heard) {
  JudgeOptions options;
  options.shadow = {"volume.burst"};
  make(options);
  EXPECT_THAT(sweep(0, {pair(1, 1, 150), pair(1, 2, 150)}), IsEmpty());
  EXPECT_THAT(sweep(1, {pair(1, 1, 150)}), IsEmpty());
  EXPECT_EQ(judge_->counters().findings[kBurst], 3u);
  EXPECT_EQ(judge_->counters().shadow_findings, 3u);
  EXPECT_EQ(judge_->counters().shadow_incidents, 2u);
  EXPECT_EQ(judge_->counters().incidents, 0u);
}

TEST_F(JudgeTest, each_condition_of_the_sensor_is_one_incident_without_addresses) {
  Finding no_traffic = pair(0, 0, 150);
  no_traffic.detector = kHealth;
  no_traffic.subject = Subject::kSensor;
  no_traffic.option = 0;
  no_traffic.host = no_traffic.destination = {};
  Finding duplicates = no_traffic;
  duplicates.option = 1;
  const auto alerts = sweep(0, {no_traffic, duplicates});
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].host(), "");
  EXPECT_EQ(alerts[0].destination().address(), "");
  EXPECT_EQ(alerts[0].evidence(0).detector(), "sensor.health");
  EXPECT_NE(alerts[0].incident_id(), alerts[1].incident_id());
  EXPECT_THAT(sweep(1, {no_traffic, duplicates}), IsEmpty());
}

TEST_F(JudgeTest, the_largest_connections_stay_known_after_they_left_the_table) {
  ConnectionSnapshot connection;
  connection.id = {7, 1};
  connection.total = {1001, 1};
  connection.protocol = kProtocolTcp;
  connection.host_port = 50000;
  connection.destination_port = 443;
  connection.out_payload_high_bytes = 100;
  connections_[7] = connection;
  sweep(0, {pair(1, 1, 150)});
  connections_[7].out_payload_high_bytes = 400;
  sweep(1, {pair(1, 1, 450)});
  connections_.clear();
  const auto alerts = close_all(60);
  const v1::Evidence& evidence = alerts.at(0).evidence(0);
  ASSERT_EQ(evidence.connections_size(), 1);
  EXPECT_EQ(evidence.connections(0).out_payload_high_bytes(), 400u);
  EXPECT_EQ(evidence.connections(0).host_port(), 50000u);
  EXPECT_THAT(evidence.connections(0).community_id(), HasSubstr("1:"));
  EXPECT_EQ(alerts[0].destination().port(), 443u);
}

TEST_F(JudgeTest, one_pass_over_the_shards_serves_all_revisions_of_a_sweep) {
  sweep(0, {pair(1, 1, 150), pair(2, 1, 150), pair(3, 1, 150)});
  EXPECT_EQ(passes_, 1);
}

TEST_F(JudgeTest, every_alert_says_what_was_not_seen) {
  counters_.out_ip_bytes = 5000;
  counters_.duplicate_packets = 3;
  counters_.sketch_error_bytes = 8;
  counters_.drop_packets[static_cast<size_t>(DropReason::kNotIp)] = 2;
  counters_.drop_frame_bytes[static_cast<size_t>(DropReason::kNotIp)] = 120;
  const auto alerts = sweep(0, {pair(1, 1, 150)});
  const v1::Coverage& coverage = alerts.at(0).coverage();
  EXPECT_EQ(coverage.out_counted_bytes(), 5000u);
  EXPECT_EQ(coverage.out_read_bytes(), 0u);
  EXPECT_EQ(coverage.unread(0).cause(), "no_reader");
  EXPECT_EQ(coverage.unread(0).bytes(), 5000u);
  ASSERT_EQ(coverage.dropped_size(), 1);
  EXPECT_EQ(coverage.dropped(0).reason(), "not_ip");
  EXPECT_EQ(coverage.dropped(0).frame_bytes(), 120u);
  EXPECT_EQ(coverage.duplicate_packets(), 3u);
  EXPECT_EQ(coverage.sketch_error_bytes(), 8u);
}

TEST_F(JudgeTest, the_order_of_findings_within_a_sweep_changes_no_byte_of_the_alerts) {
  members_ = {member(1, 1, 499), member(1, 2, 400)};
  std::vector<Finding> findings;
  for (uint32_t from = 0; from < 40; ++from) findings.push_back(pair(from, from % 5, 150));
  findings.push_back(host_wide(1, 1000));
  findings.push_back(destination_wide(3, 2000));
  Finding learning = pair(1, 1, 700);
  learning.learning = true;
  findings.push_back(learning);
  std::string first;
  std::mt19937 random(1);
  for (int run = 0; run < 20; ++run) {
    make();
    std::string text;
    for (const v1::Alert& alert : sweep(0, findings)) text += alert_json(alert) + "\n";
    for (const v1::Alert& alert : close_all(1)) text += alert_json(alert) + "\n";
    if (run == 0) first = text;
    EXPECT_EQ(text, first);
    std::shuffle(findings.begin(), findings.end(), random);
  }
}

}  // namespace
}  // namespace weir
