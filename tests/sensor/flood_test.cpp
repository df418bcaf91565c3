// A flood cannot hide a theft: ten million connections go through a table of one million, while
// one host pushes a gigabyte and another drips two megabytes a day.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "flowtable/flow_table.h"
#include "sensor/config_schema.h"
#include "sensor/judge_stage.h"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kDaySeconds = 86'400;
constexpr uint64_t kStartNs = 1'700'000'000 * kSecondNs;
constexpr uint64_t kFloodConnections = 10'000'000;
constexpr uint64_t kGreatFlood = 4'000'000;  // in one go, on kTheftDay
constexpr uint64_t kFloodASecond = 50'000;
constexpr uint64_t kDays = 30;
constexpr uint64_t kTheftDay = 3;
constexpr uint64_t kTheftBytes = 1'000'000'000;
constexpr uint64_t kDripBytesADay = 2'000'000;
constexpr uint32_t kSegmentBytes = 1000;
constexpr uint32_t kConnections = 1u << 20;
constexpr uint32_t kTotals = 1u << 18;

/// Slow builds (sanitizers) ask for a table and floods smaller by this power of two, at most 32.
/// The thefts keep their size, since the detectors keep their limits.
uint32_t divisor() {
  const char* text = getenv("WEIR_FLOOD_DIVISOR");
  return text == nullptr ? 1 : static_cast<uint32_t>(strtoul(text, nullptr, 10));
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  uint64_t resident_pages = 0;
  statm >> pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

Packet outbound(const IpAddress& host, const IpAddress& destination, uint8_t protocol,
                uint16_t source_port, uint16_t destination_port, uint32_t payload_bytes) {
  Packet packet;
  packet.source = host;
  packet.destination = destination;
  packet.protocol = protocol;
  packet.source_port = source_port;
  packet.destination_port = destination_port;
  packet.payload_bytes = payload_bytes;
  packet.ip_bytes = payload_bytes + (host.is_v4() ? 20 : 40) + (protocol == kProtocolTcp ? 20 : 8);
  packet.frame_bytes = packet.ip_bytes + 14;
  packet.scope = Scope::kOutbound;
  packet.source_home = true;
  packet.transport_readable = true;
  return packet;
}

/// The one lane of a replay: table and judge, swept before the first packet of a new second.
class FloodedLane {
 public:
  explicit FloodedLane(const SensorConfig& config)
      : table_(config.flow_table, 1),
        judge_(config, table_, JudgeStart{.epoch = 1}, "", WindowsMemory::kAtStart,
               [this](const v1::Alert& alert) { alerts_.push_back(alert); }) {
    burst_.reserve(kBurstPackets);
  }

  void feed(Packet packet) {
    if (now_ns_ / kSecondNs != second_) {
      flush();
      sweep(false);
      second_ = now_ns_ / kSecondNs;
    }
    packet.time_ns = now_ns_;
    burst_.push_back(packet);
    if (burst_.size() == kBurstPackets) flush();
  }

  void wait_until(uint64_t time_ns) { now_ns_ = std::max(now_ns_, time_ns); }

  void finish() {
    flush();
    sweep(true);
    judge_.finish(now_ns_);
  }

  uint64_t now_ns() const { return now_ns_; }
  LaneCounters counters() const { return table_.shard(0).read_counters(); }
  const std::vector<v1::Alert>& alerts() const { return alerts_; }
  const Windows& windows() const { return judge_.windows(); }

 private:
  void flush() {
    RecordId connections[kBurstPackets];
    if (!burst_.empty()) table_.shard(0).update(burst_, connections);
    burst_.clear();
  }

  void sweep(bool last) {
    Shard& shard = table_.shard(0);
    shard.request_touched();
    shard.serve_requests();
    judge_.sweep(shard.read_counters().last_time_ns, {shard.touched()}, last);
  }

  FlowTable table_;
  std::vector<v1::Alert> alerts_;
  JudgeStage judge_;
  std::vector<Packet> burst_;
  uint64_t now_ns_ = kStartNs;
  uint64_t second_ = kStartNs / kSecondNs;
};

/// A TCP upload from a home host, segment by segment.
class Upload {
 public:
  Upload(uint32_t host, uint32_t destination)
      : host_(IpAddress::v4(host)), destination_(IpAddress::v4(destination)) {}

  /// A connection anew: SYN out; the other side's part is not needed.
  void open(FloodedLane& lane, uint16_t port) {
    port_ = port;
    sequence_ = 1000;
    Packet syn = segment(0);
    syn.tcp_flags = kTcpSyn;
    lane.feed(syn);
    ++sequence_;
  }

  void send(FloodedLane& lane) {
    lane.feed(segment(kSegmentBytes));
    sequence_ += kSegmentBytes;
    sent_bytes_ += kSegmentBytes;
  }

  uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  Packet segment(uint32_t payload_bytes) const {
    Packet packet = outbound(host_, destination_, kProtocolTcp, port_, 443, payload_bytes);
    packet.tcp_flags = kTcpAck;
    packet.sequence = sequence_;
    return packet;
  }

  IpAddress host_, destination_;
  uint32_t sequence_ = 0;
  uint16_t port_ = 0;
  uint64_t sent_bytes_ = 0;
};

/// Connection `number` of the flood: SYN or a small datagram, IPv4 or IPv6, a pair of its own.
Packet flood_packet(uint32_t number) {
  const bool v6 = (number & 1) != 0;
  const bool syn = (number & 2) != 0;
  const uint32_t host_number = number % 4096;
  const IpAddress host =
      v6 ? IpAddress{0xfd00'0000'0000'0000, host_number} : IpAddress::v4(0x0a010000 + host_number);
  const IpAddress destination =
      v6 ? IpAddress{0x2001'0db8'0000'0000, number} : IpAddress::v4(0x2d000000 + number);
  Packet packet =
      outbound(host, destination, syn ? kProtocolTcp : kProtocolUdp,
               static_cast<uint16_t>(1024 + number % 50'000), syn ? 80 : 53, syn ? 0 : 20);
  if (syn) packet.tcp_flags = kTcpSyn;
  packet.sequence = number;
  return packet;
}

class FloodTest : public ::testing::Test {
 protected:
  static SensorConfig config() {
    const ConfigSchema schema(detectors());
    // 8 GB in 30 days is no drip; the rest are the defaults, adapted to the size of this run.
    SensorConfig config = load_config_text(schema,
                                           {.file = "",
                                            .set = {"detectors.volume.slow.threshold_30d_bytes=50M",
                                                    "detectors.volume.burst.threshold_1h_bytes=" +
                                                        std::to_string(500'000'000 / divisor())},
                                            .home = ""},
                                           "");
    config.flow_table.connections = kConnections / divisor();
    config.flow_table.totals = kTotals / divisor();
    return config;
  }

  FloodTest() : lane_(config()) {}

  /// The next `connections` of the flood; beside each of its seconds what `beside` does.
  template <class Beside>
  void flood(uint64_t connections, const Beside& beside) {
    for (uint64_t i = 0; i < connections; ++i) {
      lane_.feed(flood_packet(flooded_++));
      if (i % a_second() == a_second() - 1) lane_.wait_until(lane_.now_ns() + kSecondNs);
      beside();
    }
  }

  /// The closed incident of the pair; the test fails without one.
  v1::Alert incident(const std::string& host, const std::string& destination) const {
    for (const v1::Alert& alert : lane_.alerts())
      if (alert.state() == v1::Alert::CLOSED && alert.host() == host &&
          alert.destination().address() == destination)
        return alert;
    ADD_FAILURE() << "no incident for " << host << " and " << destination;
    return {};
  }

  /// What was said of a pair encloses what it sent, but for the bound that the ledger states.
  void expect_within_bound(const v1::Alert& alert, uint64_t sent_bytes) const {
    const uint64_t error_bytes = lane_.counters().sketch_error_bytes;
    EXPECT_GE(alert.ledger().out_payload_high_bytes() + error_bytes, sent_bytes);
    EXPECT_LE(alert.ledger().out_payload_high_bytes(), sent_bytes + error_bytes);
    EXPECT_LE(alert.ledger().out_payload_low_bytes(), sent_bytes);
    EXPECT_LE(error_bytes, sent_bytes / 100) << "the stated bound says nothing";
  }

  static uint64_t a_second() { return kFloodASecond / divisor(); }

  FloodedLane lane_;
  uint32_t flooded_ = 0;
};

std::string evidence_of(const v1::Alert& alert) {
  std::string ids;
  for (const v1::Evidence& evidence : alert.evidence()) ids += evidence.detector() + " ";
  return ids;
}

TEST_F(FloodTest, a_gigabyte_and_a_months_drip_are_reported_from_under_ten_million_connections) {
  const uint64_t constructed_bytes = resident_bytes();
  uint64_t full_bytes = 0;
  Upload theft(0x0a090909, 0xcb007109);
  Upload drip(0x0a080808, 0xcb007108);
  const uint64_t flood_a_day = (kFloodConnections - kGreatFlood) / divisor() / (kDays - 1);

  for (uint64_t day = 0; day < kDays; ++day) {
    lane_.wait_until(kStartNs + day * kDaySeconds * kSecondNs);
    drip.open(lane_, static_cast<uint16_t>(20'000 + day));
    const uint64_t drip_until = (day + 1) * kDripBytesADay;
    const auto drip_on = [&] {
      if (drip.sent_bytes() < drip_until && flooded_ % 2 == 0) drip.send(lane_);
    };
    if (day != kTheftDay) {
      flood(flood_a_day, drip_on);
      continue;
    }
    flood(kGreatFlood / divisor() / 2, drip_on);
    ASSERT_GT(lane_.counters().overflow_connection_bytes, 0u) << "the table is not full yet";
    full_bytes = resident_bytes();
    theft.open(lane_, 30'000);
    flood(kGreatFlood / divisor() / 2, [&] {
      for (uint32_t i = 0; i < divisor() && theft.sent_bytes() < kTheftBytes; ++i)
        theft.send(lane_);
    });
  }
  lane_.finish();
  const uint64_t end_bytes = resident_bytes();

  EXPECT_EQ(theft.sent_bytes(), kTheftBytes);
  EXPECT_EQ(drip.sent_bytes(), kDays * kDripBytesADay);
  EXPECT_GE(flooded_, (kFloodConnections / divisor()) * 99 / 100);
  const v1::Alert thief = incident("10.9.9.9", "203.0.113.9");
  EXPECT_NE(evidence_of(thief).find("volume.burst "), std::string::npos) << evidence_of(thief);
  expect_within_bound(thief, theft.sent_bytes());
  const v1::Alert dripper = incident("10.8.8.8", "203.0.113.8");
  EXPECT_NE(evidence_of(dripper).find("volume.slow "), std::string::npos) << evidence_of(dripper);
  expect_within_bound(dripper, drip.sent_bytes());

  RecordProperty("resident_bytes_constructed", std::to_string(constructed_bytes));
  RecordProperty("resident_bytes_table_full", std::to_string(full_bytes));
  RecordProperty("resident_bytes_at_end", std::to_string(end_bytes));
  if (divisor() != 1) return;  // a sanitizer's own memory grows
  EXPECT_LE(end_bytes, full_bytes + full_bytes / 100);
  EXPECT_LE(end_bytes, constructed_bytes + constructed_bytes / 100);
}

}  // namespace
}  // namespace weir
