// What an alert says of itself is true: silent at its counterfactual, firing one below, and its
// bytes are the ledger's.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sensor/capture_corpus.h"
#include "tests/sensor/sensor_run.h"

namespace weir::testing {
namespace {

using Options = std::vector<std::string>;

/// The ids of evidence in incidents of the pair, as "detector option".
std::vector<std::string> evidence_of_pair(const CaptureAccount& account, const v1::Alert& pair) {
  std::vector<std::string> found;
  for (const v1::Alert& alert : account.closed())
    if (alert.network() == pair.network() && alert.host() == pair.host() &&
        alert.destination().address() == pair.destination().address())
      for (const v1::Evidence& evidence : alert.evidence())
        found.push_back(evidence.detector() + " " + evidence.counterfactual().option());
  return found;
}

bool fires_at(const std::string& capture, Options options, const v1::Alert& alert,
              const v1::Evidence& evidence, uint64_t threshold) {
  const std::string option = evidence.counterfactual().option();
  options.insert(options.end(), {"--set", option + "=" + std::to_string(threshold)});
  const EachRun run = replay_each({capture}, options);
  EXPECT_EQ(run.captures.size(), 1u) << run.err;
  if (run.captures.size() != 1) return false;
  const auto found = evidence_of_pair(run.captures[0], alert);
  return std::find(found.begin(), found.end(), evidence.detector() + " " + option) != found.end();
}

/// The rows of the ledger that the incident speaks of, against what it says. What the sensor says
/// of itself speaks of no pair.
void expect_the_ledgers_bytes(const CaptureAccount& account, const v1::Alert& alert) {
  // What closed for idleness speaks of its time; the pair may have gone on in another incident.
  for (const v1::Alert& other : account.closed())
    if (other.network() == alert.network() && other.host() == alert.host() &&
        other.sequence() > alert.sequence() &&
        other.destination().address() == alert.destination().address())
      return;
  if (alert.has_storm() || alert.host().empty()) return;
  DirectionCounts out, in;
  for (const LedgerRow& row : account.rows) {
    if (row.network != alert.network() || row.scope != "outbound") continue;
    if (alert.host() != "*" && row.host != alert.host()) continue;
    if (alert.destination().address() != "*" && row.destination != alert.destination().address())
      continue;
    add(out, row.out);
    add(in, row.in);
  }
  const v1::Ledger& ledger = alert.ledger();
  const DirectionCounts said_out{ledger.out_packets(), ledger.out_ip_bytes(),
                                 ledger.out_payload_low_bytes(), ledger.out_payload_high_bytes()};
  const DirectionCounts said_in{ledger.in_packets(), ledger.in_ip_bytes(),
                                ledger.in_payload_low_bytes(), ledger.in_payload_high_bytes()};
  EXPECT_EQ(said_out, out) << account.line.capture << " " << alert.ShortDebugString();
  EXPECT_EQ(said_in, in) << account.line.capture << " " << alert.ShortDebugString();
}

/// Returns how many pieces of evidence were replayed.
int expect_explained(const CaptureAccount& account, const Options& options) {
  int replayed = 0;
  for (const v1::Alert& alert : account.closed()) {
    expect_the_ledgers_bytes(account, alert);
    for (const v1::Evidence& evidence : alert.evidence()) {
      const uint64_t threshold = evidence.counterfactual().threshold();
      SCOPED_TRACE(account.line.capture + " " + alert.host() + " " + alert.destination().address() +
                   " " + evidence.counterfactual().text());
      EXPECT_FALSE(fires_at(account.line.capture, options, alert, evidence, threshold));
      EXPECT_TRUE(fires_at(account.line.capture, options, alert, evidence, threshold - 1));
      ++replayed;
    }
  }
  return replayed;
}

Options burst_threshold(uint64_t bytes) {
  return {"--set", "detectors.volume.burst.threshold_1h_bytes=" + std::to_string(bytes)};
}

TEST(ReplayExplanation, every_incident_of_a_theft_is_silent_at_its_counterfactual_and_fires_below) {
  const std::vector<TruthRow> thefts = read_truth();
  if (thefts.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  int replayed = 0;
  for (const TruthRow& truth : thefts) {
    if (truth.out_payload_bytes != 0 && truth.out_payload_bytes <= 100'000) continue;
    Options options = burst_threshold(100'000);
    if (!truth.home.empty()) options.insert(options.end(), {"--home", truth.home});
    const EachRun run = replay_each({captures_folder() / truth.path}, options);
    ASSERT_EQ(run.captures.size(), 1u) << truth.path;
    replayed += expect_explained(run.captures[0], options);
  }
  EXPECT_GE(replayed, 20);
}

TEST(ReplayExplanation, so_is_every_fifth_lone_incident_of_benign_captures_at_one_byte) {
  if (read_index().empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  const Options options = burst_threshold(1);
  const EachRun run = replay_each(captures_below("benign/"), options);
  int number = 0;
  int replayed = 0;
  for (const CaptureAccount& account : run.captures) {
    for (const v1::Alert& alert : account.closed()) expect_the_ledgers_bytes(account, alert);
    // A storm speaks of many pairs; alone among few, an incident is a pair's.
    if (account.closed().size() != 1 || number++ % 5 != 0) continue;
    replayed += expect_explained(account, options);
  }
  EXPECT_GE(replayed, 3);
}

// One detector at a time: at other limits another incident would take the same evidence in.
TEST(ReplayExplanation, other_detectors_counterfactuals_hold_too) {
  const auto path = captures_folder() / "exfil/http/formbook-2018_9x154kB-posts.pcap";
  if (!exists(path)) GTEST_SKIP() << "no capture " << path;
  const auto explained_with = [&](const std::string& limit) {
    const Options options = {"--home", "10.1.4.0/24", "--set", limit};
    const EachRun run = replay_each({path}, options);
    EXPECT_EQ(run.captures.size(), 1u);
    return run.captures.size() == 1 ? expect_explained(run.captures[0], options) : 0;
  };
  EXPECT_GE(explained_with("detectors.volume.slow.threshold_24h_bytes=150000"), 8);
  EXPECT_GE(explained_with("detectors.volume.host.threshold_1h_bytes=1M"), 1);
  EXPECT_GE(explained_with("detectors.volume.host.threshold_24h_bytes=1M"), 1);
}

}  // namespace
}  // namespace weir::testing
