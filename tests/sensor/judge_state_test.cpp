// A judge that was killed and one that restored what it had saved say the same.
#include "sensor/incident_state.h"
#include "tests/sensor/judge_fixture.h"

namespace weir {
namespace {

JudgeOptions keeping() {
  JudgeOptions options;
  options.keeps_state = true;
  options.epoch = 7;
  return options;
}

/// A judge, what it saved, and its successors.
class JudgeState : public JudgeTest {
 protected:
  void SetUp() override { make(keeping()); }

  void save(bool all = false) {
    const StateChanges changes = judge_->take_changes(all);
    for (const std::string& prefix : changes.erased_below)
      std::erase_if(saved_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
    for (const std::string& name : changes.erased) saved_.erase(name);
    for (const auto& [name, bytes] : changes.saved) saved_[name] = bytes;
  }

  /// The process is gone, with its table; another one starts.
  size_t restart(JudgeOptions options = keeping()) {
    options.next_sequence = judge_->counters().alerts + 1;
    totals_.clear();
    connections_.clear();
    make(std::move(options));
    return judge_->restore({saved_.begin(), saved_.end()});
  }

  TotalSnapshot& total(uint32_t from, uint32_t to, uint64_t bytes, uint32_t generation = 1) {
    TotalSnapshot& total = totals_[from * 1000 + to];
    total.id = {from * 1000 + to, generation};
    total.scope = Scope::kOutbound;
    total.host = host(from);
    total.destination = outside(to);
    total.out = {1, bytes + 40, bytes, bytes};
    total.first_seen_ns = kStart_ns - kSecond_ns;
    total.last_seen_ns = kStart_ns;
    return total;
  }

  std::map<std::string, std::string> saved_;
};

TEST_F(JudgeState, an_incident_continues_under_its_id_with_the_next_revision) {
  const v1::Alert opened = sweep(0, {pair(1, 2, 100)}).at(0);
  save();
  EXPECT_EQ(restart(), 0u);
  EXPECT_THAT(sweep(1, {pair(1, 2, 399)}), IsEmpty());
  const auto grown = sweep(2, {pair(1, 2, 400)});
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(grown[0].incident_id(), opened.incident_id());
  EXPECT_EQ(grown[0].revision(), 2u);
  EXPECT_EQ(grown[0].sequence(), 2u);
  EXPECT_EQ(grown[0].evidence(0).counterfactual().threshold(), 401u);
}

TEST_F(JudgeState, every_field_of_an_alert_is_the_same_with_and_without_a_restart) {
  JudgeOptions options = keeping();
  options.networks = {"office", "plant"};
  const auto play = [&](bool killed) {
    saved_.clear();
    make(options);
    Finding finding = pair(1, 2, 100);
    finding.network = 1;
    finding.learning = true;
    finding.baseline = 12;
    finding.detail = 0.5;
    total(1, 2, 100).network = 1;
    connections_[9].id = {9, 1};
    connections_[9].total = totals_[1002].id;
    connections_[9].out_payload_high_bytes = 100;
    connections_[9].protocol = 6;
    sweep(0, {finding});
    save();
    if (killed) restart(options);
    totals_.clear();
    connections_.clear();
    auto alerts = sweep(90000, {});
    EXPECT_EQ(alerts.size(), 1u);
    return alerts.empty() ? std::string() : alert_json(alerts[0]);
  };
  const std::string undisturbed = play(false);
  EXPECT_THAT(undisturbed, HasSubstr("\"community_id\":\"1:"));
  EXPECT_EQ(play(true), undisturbed);
}

TEST_F(JudgeState, the_ledger_adds_what_was_read_before_and_after_the_restart) {
  total(1, 2, 1000);
  sweep(0, {pair(1, 2, 1000)});
  save();
  restart();
  // The same slot and generation in another process: another record all the same.
  judge_->observe(kStart_ns + kSecond_ns, total(1, 2, 30));
  const auto alerts = sweep(2, {pair(1, 2, 4000)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].ledger().out_payload_high_bytes(), 1030u);
  EXPECT_EQ(alerts[0].ledger().out_packets(), 2u);
}

TEST_F(JudgeState, what_moved_below_every_threshold_after_the_restart_is_in_the_closing_ledger) {
  total(1, 2, 1000);
  sweep(0, {pair(1, 2, 1000)});
  save();
  restart();
  judge_->observe(kStart_ns + kSecond_ns, total(1, 2, 30, 5));
  const auto closed = close_all(2);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].ledger().out_payload_high_bytes(), 1030u);
}

TEST_F(JudgeState, a_host_wide_incident_keeps_its_members_and_absorbs_later_pairs) {
  for (uint32_t to = 0; to < 12; ++to) members_.push_back(member(1, to, 1000 - to));
  const std::string id = sweep(0, {host_wide(1, 12000)}).at(0).incident_id();
  save();
  restart();
  total(1, 50, 5000);
  const auto alerts = sweep(1, {pair(1, 50, 5000)});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].incident_id(), id);
  ASSERT_EQ(alerts[0].members_size(), 10);
  EXPECT_EQ(alerts[0].members(0).destination(), "198.51.100.50");
  EXPECT_EQ(alerts[0].members(1).out_payload_high_bytes(), 1000u);
}

TEST_F(JudgeState, figures_that_only_grew_are_saved_once_a_minute) {
  sweep(0, {pair(1, 2, 100)});
  save();
  sweep(1, {pair(1, 2, 150)});
  EXPECT_TRUE(judge_->take_changes(false).saved.empty());
  sweep(61, {pair(1, 2, 150)});
  EXPECT_EQ(judge_->take_changes(false).saved.size(), 1u);
  sweep(62, {pair(1, 2, 160)});
  EXPECT_EQ(judge_->take_changes(true).saved.size(), 1u);
}

TEST_F(JudgeState, evidence_before_the_kill_counts_for_the_idle_time) {
  sweep(0, {pair(1, 2, 100)});
  sweep(80000, {pair(1, 2, 100)});
  save();
  restart();
  EXPECT_THAT(sweep(80000 + 86399, {}), IsEmpty());
  EXPECT_EQ(sweep(80000 + 86400, {}).size(), 1u);
}

TEST_F(JudgeState, a_closed_incident_is_forgotten) {
  sweep(0, {pair(1, 2, 100)});
  save();
  EXPECT_EQ(saved_.size(), 1u);
  close_all(1);
  save();
  EXPECT_TRUE(saved_.empty());
}

TEST_F(JudgeState, what_the_storm_absorbed_opens_nothing_after_the_restart) {
  std::vector<Finding> flood;
  for (uint32_t from = 0; from < 60; ++from) flood.push_back(pair(from, 1, 100));
  const std::string id = [&] {
    for (const v1::Alert& alert : sweep(0, flood))
      if (alert.has_storm()) return alert.incident_id();
    return std::string();
  }();
  save();
  restart();
  EXPECT_EQ(judge_->open_incidents(), 21u);
  EXPECT_THAT(sweep(120, flood), IsEmpty());
  const auto closed = close_all(121);
  ASSERT_EQ(closed.size(), 21u);
  EXPECT_EQ(closed.back().incident_id(), id);
  EXPECT_EQ(closed.back().storm().incidents(), 40u);
  EXPECT_EQ(closed.back().storm().hosts(), 40u);
  save();
  EXPECT_TRUE(saved_.empty());
}

TEST_F(JudgeState, a_health_condition_continues) {
  Finding silence;
  silence.subject = Subject::kSensor;
  silence.detector = kHealth;
  silence.option = 1;
  const auto opened = sweep(0, {silence});
  save();
  restart();
  EXPECT_THAT(sweep(1, {silence}), IsEmpty());
  EXPECT_EQ(close_all(2).at(0).incident_id(), opened.at(0).incident_id());
}

TEST_F(JudgeState, what_a_budget_has_spent_stays_spent) {
  JudgeOptions options = keeping();
  SuppressionOptions& backup = options.suppressions.emplace_back();
  backup.name = "backup";
  backup.expires_ns = kStart_ns + 100000 * kSecond_ns;
  backup.hosts = backup.destinations = {{{}, {UINT64_MAX, UINT64_MAX}}};
  backup.budget_bytes = 1000;
  make(options);
  judge_->observe(kStart_ns, total(1, 2, 1001));
  sweep(0, {});
  save();
  restart(options);
  EXPECT_EQ(sweep(1, {pair(1, 2, 100)}).size(), 1u) << "silenced by a budget granted anew";
}

TEST_F(JudgeState, an_incident_of_a_network_configured_no_more_closes_under_its_name) {
  JudgeOptions options = keeping();
  options.networks = {"office", "plant"};
  make(options);
  Finding finding = pair(1, 2, 100);
  finding.network = 1;
  sweep(0, {finding});
  save();
  options.networks = {"office"};
  restart(options);
  const auto closed = sweep(90000, {});
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].network(), "plant");
}

TEST_F(JudgeState, bytes_that_are_no_incident_are_counted_and_left) {
  saved_["incident/0123456789abcdef"] = "no protobuf";
  EXPECT_EQ(restart(), 1u);
  EXPECT_EQ(judge_->open_incidents(), 0u);
}

TEST_F(JudgeState, a_capture_older_than_a_restored_incident_does_not_close_it) {
  sweep(100000, {pair(1, 2, 100)});
  save();
  restart();
  EXPECT_THAT(sweep(0, {}), IsEmpty());
  EXPECT_EQ(judge_->open_incidents(), 1u);
}

}  // namespace
}  // namespace weir
