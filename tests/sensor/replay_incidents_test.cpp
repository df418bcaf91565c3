// The thefts in real captures open incidents; the benign captures open none that they should not.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "flowtable/ip_address.h"
#include "tests/sensor/capture_corpus.h"
#include "tests/sensor/sensor_run.h"

namespace weir::testing {
namespace {

constexpr uint64_t kThresholdBytes = 100'000;

std::vector<std::string> hour_threshold(uint64_t bytes) {
  return {"--set", "detectors.volume.burst.threshold_1h_bytes=" + std::to_string(bytes)};
}

bool has_evidence_of(const v1::Alert& alert, const std::string& detector) {
  return std::any_of(alert.evidence().begin(), alert.evidence().end(),
                     [&](const v1::Evidence& evidence) { return evidence.detector() == detector; });
}

/// Closed incidents with evidence of volume.burst, as "host destination".
std::set<std::string> bursts(const CaptureAccount& account) {
  std::set<std::string> pairs;
  for (const v1::Alert& alert : account.closed())
    if (has_evidence_of(alert, "volume.burst"))
      pairs.insert(alert.host() + " " + alert.destination().address());
  return pairs;
}

/// Replays a capture with the home of its truth and the threshold of this file.
CaptureAccount replay_theft(const TruthRow& truth) {
  std::vector<std::string> options = hour_threshold(kThresholdBytes);
  if (!truth.home.empty()) options.insert(options.end(), {"--home", truth.home});
  EachRun run = replay_each({captures_folder() / truth.path}, options);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  if (run.captures.size() == 1) return std::move(run.captures[0]);
  ADD_FAILURE() << truth.path << " has no ledger line";
  return {};
}

TEST(ReplayIncidents, every_theft_above_the_threshold_opens_an_incident_for_its_pair) {
  const std::vector<TruthRow> thefts = read_truth();
  if (thefts.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  int fired = 0;
  for (const TruthRow& truth : thefts) {
    if (truth.must.find("volume.burst") == std::string::npos ||
        truth.out_payload_bytes <= kThresholdBytes)
      continue;
    const CaptureAccount account = replay_theft(truth);
    EXPECT_TRUE(bursts(account).contains(truth.host + " " + truth.destination)) << truth.path;
    for (const v1::Alert& alert : account.closed()) {
      if (alert.host() != truth.host || alert.destination().address() != truth.destination)
        continue;
      EXPECT_LE(alert.ledger().out_payload_low_bytes(), truth.out_payload_bytes) << truth.path;
      EXPECT_GE(alert.ledger().out_payload_high_bytes(), truth.out_payload_bytes) << truth.path;
    }
    ++fired;
  }
  EXPECT_GE(fired, 10);
}

TEST(ReplayIncidents, formbooks_host_pushed_to_nine_destinations) {
  const std::string path = "exfil/http/formbook-2018_9x154kB-posts.pcap";
  if (!exists(captures_folder() / path)) GTEST_SKIP() << "no captures at " << captures_folder();
  const CaptureAccount account =
      replay_theft({path, "10.1.4.0/24", "10.1.4.102", "*", 0, "volume.burst"});
  const std::set<std::string> pairs = bursts(account);
  EXPECT_EQ(pairs.size(), 9u);
  for (const std::string& pair : pairs) EXPECT_TRUE(pair.starts_with("10.1.4.102 ")) << pair;
}

/// Benign captures that open an incident, as paths below captures_folder().
std::set<std::string> benign_that_fire(const std::vector<std::string>& options) {
  std::set<std::string> fired;
  const EachRun run = replay_each(captures_below("benign/"), options);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_GT(run.captures.size(), 100u);
  for (const CaptureAccount& account : run.captures)
    if (account.line["incidents"] != 0)
      fired.insert(
          std::filesystem::path(account.line.capture).lexically_relative(captures_folder()));
  return fired;
}

TEST(ReplayIncidents, of_the_benign_captures_only_those_that_push_more_than_the_threshold_fire) {
  if (read_index().empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  const std::set<std::string> pushed = {"benign/cloud_upload/ndpi-whatsappfiles.pcap",
                                        "benign/conferencing/ndpi-KakaoTalk_talk.pcap",
                                        "benign/email/attachment-480kB_qq.pcap"};
  EXPECT_EQ(benign_that_fire(hour_threshold(kThresholdBytes)), pushed);
}

TEST(ReplayIncidents, with_a_threshold_of_one_byte_sixty_benign_captures_fire) {
  if (read_index().empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  EXPECT_GE(benign_that_fire(hour_threshold(1)).size(), 60u);
}

TEST(ReplayIncidents, with_the_defaults_no_benign_capture_fires) {
  if (read_index().empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  EXPECT_EQ(benign_that_fire({}), std::set<std::string>());
}

TEST(ReplayIncidents, multicast_never_fires) {
  if (read_index().empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  std::vector<std::string> captures = captures_below("benign/");
  for (const std::string& path : captures_below("protocols/")) captures.push_back(path);
  const EachRun run = replay_each(captures, hour_threshold(1));
  uint64_t multicast_pairs = 0, alerts = 0;
  const auto is_multicast = [](const std::string& address) {
    return address.starts_with("ff") || address.starts_with("239.") || address.starts_with("224.");
  };
  for (const CaptureAccount& account : run.captures) {
    for (const LedgerRow& row : account.rows)
      if (is_multicast(row.destination) && row.out.payload_high_bytes > 1) {
        EXPECT_EQ(row.scope, "local") << row.host << " " << row.destination;
        ++multicast_pairs;
      }
    for (const v1::Alert& alert : account.alerts) {
      EXPECT_FALSE(is_multicast(alert.destination().address())) << account.line.capture;
      EXPECT_FALSE(is_multicast(alert.host())) << account.line.capture;
      EXPECT_NE(alert.destination().address(), "255.255.255.255") << account.line.capture;
      ++alerts;
    }
  }
  EXPECT_GT(multicast_pairs, 100u) << "nothing to tell apart";
  EXPECT_GT(alerts, 100u) << "nothing fired at all";
}

}  // namespace
}  // namespace weir::testing
