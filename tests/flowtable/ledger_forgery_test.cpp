// One forged segment, anywhere in a transfer: neither number moves by more than its own payload.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "flowtable/flow_table.h"
#include "tests/flowtable/tcp_talk.h"

namespace weir {
namespace {

const Endpoint kHost{IpAddress::v4(0x0a000001), 40000};
const Endpoint kOutside{IpAddress::v4(0xc6336401), 443};

TotalSnapshot account_of(std::vector<TestPacket> packets) {
  FlowTableOptions options;
  options.connections = 64;
  options.totals = 64;
  options.heavy_hitters = 64;
  FlowTable table(options, 1);
  uint64_t time_ns = kTestStartNs;
  for (TestPacket& each : packets) {
    each.packet.time_ns = time_ns += kMillisecondNs;
    each.packet.ip = each.bytes.data();
    each.packet.readable_bytes = static_cast<uint32_t>(each.bytes.size());
    RecordId connection;
    table.shard(0).update({&each.packet, 1}, &connection);
  }
  TotalSnapshot total;
  EXPECT_EQ(table.shard(0).totals_used(), 1u);
  EXPECT_TRUE(table.shard(0).read_total(0, total));
  return total;
}

uint64_t distance(uint64_t left, uint64_t right) {
  return std::max(left, right) - std::min(left, right);
}

class LedgerForgery : public testing::Test {
 protected:
  /// An upload of 30 segments with its opening, acknowledgements and end.
  std::vector<TestPacket> upload() {
    TcpTalk talk(maker_, clock_, kHost, kOutside, {kHostNumber, kOutsideNumber});
    std::vector<TestPacket> packets{talk.syn(), talk.syn_ack(), talk.ack(Side::kOpener)};
    for (int i = 0; i < 30; ++i) {
      packets.push_back(talk.data(Side::kOpener, 1000));
      if (i % 4 == 3) packets.push_back(talk.ack(Side::kOther));
      if (i % 10 == 9) packets.push_back(talk.data(Side::kOther, 50));
    }
    packets.push_back(talk.fin(Side::kOpener));
    packets.push_back(talk.fin(Side::kOther));
    packets.push_back(talk.ack(Side::kOpener));
    return packets;
  }

  /// Puts one forged segment at every place of the upload, with every kind of number.
  void expect_unmoved_by(uint8_t flags, uint32_t payload_bytes) {
    const std::vector<TestPacket> honest = upload();
    const TotalSnapshot truth = account_of(honest);
    ASSERT_EQ(truth.out.payload_low_bytes, 30'000u);
    ASSERT_EQ(truth.out.payload_high_bytes, 30'000u);
    for (const bool from_host : {true, false}) {
      const uint32_t mine = from_host ? kHostNumber : kOutsideNumber;
      const uint32_t peers = from_host ? kOutsideNumber : kHostNumber;
      for (const uint32_t off : kDistances) {
        const TestSegment segment{mine + off, peers + off, flags, payload_bytes};
        for (size_t place = 0; place <= honest.size(); place += place < 6 ? 1 : 3) {
          SCOPED_TRACE("place " + std::to_string(place) + ", off by " + std::to_string(off) +
                       (from_host ? ", from the host" : ", from outside"));
          std::vector<TestPacket> packets = honest;
          packets.insert(packets.begin() + static_cast<std::ptrdiff_t>(place),
                         from_host ? maker_.tcp(kHost, kOutside, segment, 0)
                                   : maker_.tcp(kOutside, kHost, segment, 0));
          expect_near(account_of(packets), truth, payload_bytes);
          if (HasFailure()) return;
        }
      }
    }
  }

  static void expect_near(const TotalSnapshot& forged, const TotalSnapshot& truth,
                          uint32_t payload_bytes) {
    for (const auto counts : {&TotalSnapshot::out, &TotalSnapshot::in}) {
      EXPECT_LE(distance((forged.*counts).payload_low_bytes, (truth.*counts).payload_low_bytes),
                payload_bytes);
      EXPECT_LE(distance((forged.*counts).payload_high_bytes, (truth.*counts).payload_high_bytes),
                payload_bytes);
    }
  }

  static constexpr uint32_t kHostNumber = 4'294'960'000u;
  static constexpr uint32_t kOutsideNumber = 77;
  static constexpr uint32_t kMebibyte = 1u << 20;
  static constexpr uint32_t kDistances[] = {0,
                                            1,
                                            2,
                                            20'000,
                                            100'000,
                                            8 * kMebibyte,
                                            15 * kMebibyte,
                                            17 * kMebibyte,
                                            500 * kMebibyte,
                                            2047 * kMebibyte,
                                            2049 * kMebibyte,
                                            3000 * kMebibyte,
                                            0u - 17 * kMebibyte,
                                            0u - 8 * kMebibyte,
                                            0u - 100'000u,
                                            0u - 1u};

  PacketMaker maker_;
  TestClock clock_;
};

TEST_F(LedgerForgery, a_forged_syn_ack_moves_nothing) { expect_unmoved_by(kTcpSyn | kTcpAck, 0); }

TEST_F(LedgerForgery, a_forged_reset_moves_nothing_and_ends_nothing) {
  expect_unmoved_by(kTcpRst, 0);
  expect_unmoved_by(kTcpRst | kTcpAck, 0);
}

TEST_F(LedgerForgery, a_forged_acknowledgement_moves_nothing) { expect_unmoved_by(kTcpAck, 0); }

TEST_F(LedgerForgery, a_forged_end_moves_nothing) { expect_unmoved_by(kTcpFin | kTcpAck, 0); }

}  // namespace
}  // namespace weir
