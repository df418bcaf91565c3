// A judge with rows, inputs and totals of its own, and what it said.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "proto/alert_json.h"
#include "sensor/judge.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr uint64_t kStart_ns = 1772366400 * kSecond_ns;  // 2026-03-01 12:00 UTC

std::string explain(const Finding& finding) {
  return std::to_string(finding.observed) + " bytes, " + std::to_string(finding.threshold) +
         " allowed.";
}

const std::array<Option, 2> kBurstOptions = {
    {{.name = "threshold_1min_bytes", .standard = int64_t{100}, .unit = "bytes", .help = ""},
     {.name = "threshold_1h_bytes", .standard = int64_t{100}, .unit = "bytes", .help = ""}}};
const std::array<std::string_view, 1> kAttack = {"T1041"};

constexpr uint16_t kBurst = 0, kHostWide = 1, kDestinationWide = 2, kNew = 3, kHealth = 4;
const std::array<Detector, 5> kRows = {{
    {"volume.burst", "", Family::kVolume, kBurstOptions, {}, kAttack, nullptr, explain},
    {"volume.host", "", Family::kVolume, kBurstOptions, {}, {}, nullptr, explain},
    {"volume.destination", "", Family::kVolume, kBurstOptions, {}, {}, nullptr, explain},
    {"volume.new_destination", "", Family::kNovelty, kBurstOptions, {}, {}, nullptr, explain},
    {"sensor.health", "", Family::kVolume, kBurstOptions, {}, {}, nullptr, explain},
}};
const std::array<const Detector*, 5> kDetectors = {&kRows[0], &kRows[1], &kRows[2], &kRows[3],
                                                   &kRows[4]};

IpAddress host(uint32_t number) { return IpAddress::v4(0x0a000000u + number); }
IpAddress outside(uint32_t number) { return IpAddress::v4(0xc6336400u + number); }

Finding pair(uint32_t from, uint32_t to, uint64_t observed) {
  Finding finding;
  finding.observed = finding.observed_low = observed;
  finding.threshold = 100;
  finding.window_s = 3600;
  finding.counterfactual = observed + 1;
  finding.score = 0.6;
  finding.host = host(from);
  finding.destination = outside(to);
  finding.total = {from * 1000 + to, 1};
  finding.detector = kBurst;
  finding.option = 1;
  return finding;
}

inline Finding host_wide(uint32_t from, uint64_t observed) {
  Finding finding = pair(from, 0, observed);
  finding.subject = Subject::kHost;
  finding.destination = {};
  finding.total = {};
  finding.detector = kHostWide;
  return finding;
}

inline Finding destination_wide(uint32_t to, uint64_t observed) {
  Finding finding = pair(0, to, observed);
  finding.subject = Subject::kDestination;
  finding.host = {};
  finding.total = {};
  finding.detector = kDestinationWide;
  return finding;
}

inline Member member(uint32_t from, uint32_t to, uint64_t bytes) {
  Member one;
  one.key.host = host(from);
  one.key.destination = outside(to);
  one.out_payload_low_bytes = one.out_payload_high_bytes = bytes;
  return one;
}

/// A judge whose table holds what the test puts there, and the alerts it sent.
class JudgeTest : public ::testing::Test {
 protected:
  void make(JudgeOptions options = {}) {
    alerts_.clear();
    judge_.emplace(std::move(options), kDetectors,
                   JudgeInputs{
                       .total =
                           [this](const Finding& finding, TotalSnapshot& copy) {
                             const auto found = totals_.find(finding.total.slot);
                             if (found == totals_.end()) return false;
                             copy = found->second;
                             return true;
                           },
                       .connection =
                           [this](uint16_t, RecordId id, ConnectionSnapshot& copy) {
                             const auto found = connections_.find(id.slot);
                             if (found == connections_.end()) return false;
                             copy = found->second;
                             return true;
                           },
                       .largest_connections =
                           [this](std::span<const TotalPlace> places) {
                             ++passes_;
                             std::vector<std::vector<ConnectionSnapshot>> all(places.size());
                             for (size_t index = 0; index < places.size(); ++index)
                               for (const auto& [slot, connection] : connections_)
                                 if (connection.total == places[index].total)
                                   all[index].push_back(connection);
                             return all;
                           },
                       .members = [this](const Finding&) { return members_; },
                       .counters = [this] { return counters_; },
                   },
                   [this](const v1::Alert& alert) { alerts_.push_back(alert); });
  }
  void SetUp() override { make(); }

  /// One sweep, and the alerts it sent.
  std::vector<v1::Alert> sweep(uint64_t second, std::vector<Finding> findings) {
    alerts_.clear();
    judge_->sweep(kStart_ns + second * kSecond_ns, findings);
    return alerts_;
  }
  std::vector<v1::Alert> close_all(uint64_t second) {
    alerts_.clear();
    judge_->close_all(kStart_ns + second * kSecond_ns);
    return alerts_;
  }

  std::map<uint32_t, TotalSnapshot> totals_;            // by slot
  std::map<uint32_t, ConnectionSnapshot> connections_;  // by slot
  std::vector<Member> members_;
  LaneCounters counters_;
  int passes_ = 0;
  std::optional<Judge> judge_;
  std::vector<v1::Alert> alerts_;
};

}  // namespace
}  // namespace weir
