// Several lanes find what one lane finds, and what lies between them is in the account.
#include "sensor/lanes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "proto/alert_json.h"
#include "sensor/capture_file.h"
#include "sensor/config_schema.h"
#include "sensor/judge_stage.h"
#include "sensor/ledger.h"
#include "tests/flowtable/packet_builder.h"
#include "tests/sensor/capture_corpus.h"
#include "tests/sensor/vdev_lanes.h"

namespace weir {
namespace {

using testing::VdevLanes;

constexpr uint64_t kSecondNs = 1'000'000'000;

struct Outcome {
  std::vector<std::string> alerts;  // as JSON
  std::vector<std::string> rows;    // of the ledger's table
  LaneCounters counters;
};

SensorConfig config_for(const std::string& home) {
  const ConfigSchema schema(detectors());
  return load_config_text(schema,
                          {.file = "",
                           .set = {"detectors.volume.burst.threshold_1h_bytes=100k",
                                   "flow_table.connections=4096", "flow_table.totals=2048",
                                   "flow_table.heavy_hitters=64", "detectors.enabled=volume.*"},
                           .home = home},
                          "");
}

/// The capture through so many lanes; each frame comes in at another lane than the one before.
Outcome outcome_of(const std::string& capture, const std::string& home, uint16_t lanes) {
  const SensorConfig config = config_for(home);
  const Decoding decoding(config);
  FlowTable table(config.flow_table, lanes);
  Outcome outcome;
  JudgeStage judge(config, table, {.epoch = 1}, "", WindowsMemory::kAsNeeded,
                   [&](const v1::Alert& alert) { outcome.alerts.push_back(alert_json(alert)); });
  VdevLanes vdevs(lanes, decoding.decoder, table, 1024);
  uint64_t second = 0, last_ns = 0, number = 0;
  const auto sweep = [&](bool last) {
    std::vector<std::span<const uint32_t>> touched;
    for (uint16_t lane = 0; lane < lanes; ++lane) {
      table.shard(lane).request_touched();
      table.shard(lane).serve_requests();
      touched.push_back(table.shard(lane).touched());
    }
    judge.sweep(last_ns, touched, last);
  };
  CaptureFile file(capture);
  CaptureRecord record;
  while (file.next(record)) {
    // Out of order in the file: a lane whose pairs are older counts at its own, earlier time.
    last_ns = record.time_ns = std::max(last_ns, record.time_ns);
    if (last_ns / kSecondNs > second) {
      if (second != 0) sweep(false);
      second = last_ns / kSecondNs;
    }
    vdevs.feed(record, static_cast<uint16_t>(number++ % lanes));
    vdevs.drain();
  }
  sweep(true);
  judge.finish(last_ns);
  outcome.counters = sum_of_lanes(table);
  std::ostringstream text;
  write_ledger(text, table, decoding.home);
  std::istringstream lines(text.str());
  for (std::string line; std::getline(lines, line);) outcome.rows.push_back(line);
  return outcome;
}

void expect_same(const std::string& capture, const std::string& home) {
  SCOPED_TRACE(capture);
  const Outcome one = outcome_of(capture, home, 1);
  Outcome four = outcome_of(capture, home, 4);
  EXPECT_EQ(one.alerts, four.alerts);
  EXPECT_EQ(one.rows, four.rows);
  EXPECT_EQ(one.counters.packets, four.counters.packets);
  EXPECT_EQ(one.counters.frame_bytes, four.counters.frame_bytes);
  EXPECT_EQ(one.counters.ip_bytes, four.counters.ip_bytes);
  EXPECT_EQ(one.counters.connections, four.counters.connections);
  EXPECT_EQ(one.counters.drop_packets, four.counters.drop_packets);
  EXPECT_EQ(one.counters.handed_over_packets, 0u);
  if (one.counters.packets > 1000) {
    EXPECT_GT(four.counters.handed_over_packets, 0u);
  }
}

TEST(Lanes, four_lanes_on_one_queue_devices_give_the_alerts_of_one) {
  const std::string demo = WEIR_SOURCE_ROOT "/deploy/demo/theft.pcap.gz";
  expect_same(demo, "10.20.0.0/24");
  EXPECT_FALSE(outcome_of(demo, "10.20.0.0/24", 4).alerts.empty());
}

TEST(Lanes, four_lanes_give_the_alerts_of_one_on_real_captures) {
  const auto thefts = testing::read_truth();
  if (thefts.empty()) GTEST_SKIP() << "no captures at " << testing::captures_folder();
  int compared = 0;
  for (const testing::TruthRow& truth : thefts) {
    const std::string path = testing::captures_folder() / truth.path;
    if (std::filesystem::file_size(path) > 8'000'000) continue;
    expect_same(path, truth.home);
    if (++compared == 12) break;
  }
  EXPECT_EQ(compared, 12);
}

CaptureRecord record_of(const std::vector<uint8_t>& frame, uint64_t time_ns) {
  CaptureRecord record;
  record.data = frame.data();
  record.captured_bytes = record.frame_bytes = static_cast<uint32_t>(frame.size());
  record.time_ns = time_ns;
  record.link = LinkType::kEthernet;
  return record;
}

TEST(Lanes, a_full_hand_over_ring_costs_packets_that_stand_in_the_account_with_their_bytes) {
  const SensorConfig config = config_for("");
  const Decoding decoding(config);
  FlowTable table(config.flow_table, 2);
  VdevLanes vdevs(2, decoding.decoder, table, 64);
  const LaneMap map(2);
  uint32_t destination = 0xc6336401;
  const IpAddress host = IpAddress::v4(0x0a000001);
  while (map.lane_of(host, IpAddress::v4(destination)) != 1) ++destination;
  const std::vector<uint8_t> frame = PacketBuilder()
                                         .ethernet()
                                         .ipv4("10.0.0.1", to_string(IpAddress::v4(destination)))
                                         .udp(1000, 2000)
                                         .fill(100)
                                         .build();
  constexpr uint64_t kFrames = 200;
  for (uint64_t i = 0; i < kFrames; ++i) {
    vdevs.feed(record_of(frame, kSecondNs + i), 0);
    vdevs.lane(0).poll();  // its neighbour does not: the ring between them fills
  }
  const LaneCounters first = table.shard(0).read_counters();
  const auto full = static_cast<size_t>(DropReason::kHandoverFull);
  EXPECT_EQ(first.handed_over_packets, 63u);  // a ring of 64 holds one less
  EXPECT_EQ(first.drop_packets[full], kFrames - 63);
  EXPECT_EQ(first.drop_frame_bytes[full], (kFrames - 63) * frame.size());
  EXPECT_EQ(vdevs.handover()->waiting_packets(), 63u);
  vdevs.drain();
  const LaneCounters sum = sum_of_lanes(table);
  EXPECT_EQ(sum.packets, kFrames);
  EXPECT_EQ(sum.frame_bytes, kFrames * frame.size());
  EXPECT_EQ(sum.counted_packets + sum.drop_packets[full], kFrames);
  EXPECT_EQ(table.shard(1).read_counters().counted_packets, 63u);
}

TEST(Lanes, the_sensor_s_own_connection_is_in_no_total_and_stands_in_the_account_by_name) {
  const SensorConfig config = config_for("");
  const Decoding decoding(config);
  FlowTable table(config.flow_table, 1);
  VdevLanes vdevs(1, decoding.decoder, table, 64);
  const OwnTraffic own = {IpAddress::v4(0x0a000001), IpAddress::v4(0xc6336401), 7443};
  vdevs.lane(0).leave_out(own);
  const auto frame = [](const char* from, const char* to, uint16_t source, uint16_t destination) {
    return PacketBuilder().ethernet().ipv4(from, to).tcp(source, destination).fill(100).build();
  };
  const std::vector<std::vector<uint8_t>> left_out = {
      frame("10.0.0.1", "198.51.100.1", 40000, 7443),
      frame("198.51.100.1", "10.0.0.1", 7443, 40000)};
  const std::vector<std::vector<uint8_t>> counted = {
      frame("10.0.0.1", "198.51.100.1", 7443, 443),     // another port of the collector
      frame("10.0.0.2", "198.51.100.1", 40000, 7443),   // another sensor
      frame("10.0.0.1", "198.51.100.2", 40000, 7443)};  // another collector
  uint64_t now_ns = kSecondNs;
  for (const auto& one : left_out) vdevs.feed(record_of(one, now_ns++), 0);
  for (const auto& one : counted) vdevs.feed(record_of(one, now_ns++), 0);
  vdevs.drain();
  const LaneCounters counters = table.shard(0).read_counters();
  const auto reason = static_cast<size_t>(DropReason::kOwnUplink);
  EXPECT_EQ(counters.packets, 5u);
  EXPECT_EQ(counters.counted_packets, 3u);
  EXPECT_EQ(counters.drop_packets[reason], 2u);
  EXPECT_EQ(counters.drop_frame_bytes[reason], left_out[0].size() + left_out[1].size());
  EXPECT_EQ(counters.totals, 3u);
}

TEST(Lanes, what_was_lost_before_the_sensor_is_in_the_account_but_was_never_handed_over) {
  const SensorConfig config = config_for("");
  const Decoding decoding(config);
  FlowTable table(config.flow_table, 1);
  VdevLanes vdevs(1, decoding.decoder, table, 64);
  vdevs.lane(0).report_missed(7, 0);
  vdevs.lane(0).report_missed(3, 2);
  vdevs.lane(0).poll();
  const LaneCounters counters = table.shard(0).read_counters();
  EXPECT_EQ(counters.drop_packets[static_cast<size_t>(DropReason::kNicMissed)], 10u);
  EXPECT_EQ(counters.drop_packets[static_cast<size_t>(DropReason::kNoMbuf)], 2u);
  EXPECT_EQ(counters.packets, 2u);
}

}  // namespace
}  // namespace weir
