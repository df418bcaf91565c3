// One TCP stream at a time: what each kind of segment does to low and high.
#include "flowtable/tcp_ledger.h"

#include <gtest/gtest.h>

#include <cstring>

namespace weir {
namespace {

constexpr uint32_t kClientStart = 1000;
constexpr uint32_t kServerStart = 0xfffffff0;  // wraps at once

/// A connection told segment by segment; side 0 is the client.
class Stream {
 public:
  Stream& handshake() {
    send(0, kClientStart, 0, 0, kTcpSyn);
    send(1, kServerStart, kClientStart + 1, 0, kTcpSyn | kTcpAck);
    return send(0, kClientStart + 1, kServerStart + 1, 0);
  }
  Stream& send(uint8_t side, uint32_t sequence, uint32_t acknowledgement, uint32_t payload_bytes,
               uint8_t flags = kTcpAck) {
    const TcpSegment segment{sequence, acknowledgement, payload_bytes, flags, side};
    ConnectionHot slow_hot = hot_;
    ConnectionCold slow_cold = cold_;
    apply(slow_hot, slow_cold, segment);
    if (!send_in_order(segment)) apply(hot_, cold_, segment);
    for (int s = 0; s < kSides; ++s) {  // the short way must say what the long one says
      const TcpBounds fast = tcp_bounds(hot_, cold_, s), slow = tcp_bounds(slow_hot, slow_cold, s);
      EXPECT_EQ(fast.low, slow.low);
      EXPECT_EQ(fast.high, slow.high);
      EXPECT_EQ(hot_.sequence_end[s], slow_hot.sequence_end[s]);
      EXPECT_EQ(hot_.acknowledged[s], slow_hot.acknowledged[s]);
    }
    return *this;
  }
  /// Client payload at an offset of its stream.
  Stream& data(uint32_t offset, uint32_t payload_bytes, uint8_t flags = kTcpAck) {
    return send(0, kClientStart + 1 + offset, kServerStart + 1, payload_bytes, flags);
  }
  Stream& acknowledged(uint32_t offset) {
    return send(1, kServerStart + 1, kClientStart + 1 + offset, 0);
  }
  void expect(uint64_t low, uint64_t high) const {
    const TcpBounds bounds = tcp_bounds(hot_, cold_, 0);
    EXPECT_EQ(bounds.low, low);
    EXPECT_EQ(bounds.high, high);
  }

 private:
  bool send_in_order(const TcpSegment& segment) {
    ConnectionStep step;
    if (!step_in_order(hot_, segment, step)) return false;
    hot_.extent_low[segment.side] = step.extent_low;
    hot_.sequence_end[segment.side] = step.sequence_end;
    hot_.acknowledged[segment.side ^ 1] = step.peer_acknowledged;
    return true;
  }

  ConnectionHot hot_;
  ConnectionCold cold_;
};

TEST(TcpLedger, a_stream_in_order_is_counted_to_the_byte) {
  Stream().handshake().data(0, 100).data(100, 50).acknowledged(150).expect(150, 150);
}

TEST(TcpLedger, a_retransmission_adds_nothing) {
  Stream().handshake().data(0, 100).data(0, 100).data(50, 50).expect(100, 100);
}

TEST(TcpLedger, a_keep_alive_probe_adds_nothing) {
  Stream().handshake().data(0, 100).data(99, 1).data(99, 0).expect(100, 100);
  Stream().handshake().send(0, kClientStart, kServerStart + 1, 1).data(0, 10).expect(10, 10);
}

TEST(TcpLedger, a_hole_is_missing_until_it_is_filled) {
  Stream().handshake().data(0, 100).data(200, 100).expect(200, 300);
  Stream().handshake().data(0, 100).data(200, 100).data(100, 100).expect(300, 300);
  Stream().handshake().data(0, 100).data(200, 100).data(150, 50).data(100, 50).expect(300, 300);
}

TEST(TcpLedger, a_second_hole_closes_the_first_as_missing) {
  Stream().handshake().data(100, 100).data(300, 100).data(0, 100).data(200, 100).expect(300, 400);
}

TEST(TcpLedger, what_was_acknowledged_twice_but_not_seen_is_in_high) {
  Stream().handshake().data(0, 100).acknowledged(500).expect(100, 100);
  Stream().handshake().data(0, 100).acknowledged(500).acknowledged(500).expect(100, 500);
}

TEST(TcpLedger, the_acknowledgement_of_a_fin_is_no_payload) {
  Stream()
      .handshake()
      .data(0, 100)
      .data(100, 0, kTcpAck | kTcpFin)
      .acknowledged(101)
      .acknowledged(101)
      .expect(100, 100);
}

TEST(TcpLedger, one_forged_segment_without_payload_moves_nothing) {
  for (const uint32_t offset : {1u, 1000u, 1u << 20, 1u << 31, 0xf0000000u}) {
    const auto stream = [] { return Stream().handshake().data(0, 100); };
    const uint32_t at = kClientStart + offset;
    stream().send(0, at, 0, 0, kTcpRst).data(100, 100).expect(200, 200);
    stream().send(0, at, 0, 0, kTcpSyn | kTcpAck).data(100, 100).expect(200, 200);
    stream().send(0, at, kServerStart + offset, 0).data(100, 100).expect(200, 200);
    stream().acknowledged(offset).data(100, 100).expect(200, 200);
  }
}

TEST(TcpLedger, a_forged_syn_ack_before_the_first_byte_moves_nothing) {
  Stream()
      .send(0, 5, 0, 0, kTcpSyn)
      .send(0, kClientStart, 0, 0, kTcpSyn)
      .send(0, 77777, 0, 0, kTcpSyn | kTcpAck)
      .data(0, 100)
      .data(100, 100)
      .expect(200, 200);
}

TEST(TcpLedger, a_jump_of_two_gib_counts_its_own_payload_and_no_more) {
  Stream().handshake().data(0, 100).data(0x7fff0000, 10).expect(100, 110);
  Stream().handshake().data(0, 100).data(0x7fff0000, 10).data(100, 100).expect(200, 210);
}

TEST(TcpLedger, a_jump_that_a_second_segment_confirms_leaves_its_gap_missing) {
  constexpr uint32_t kFar = 1u << 25;
  Stream().handshake().data(0, 100).data(kFar, 10).data(kFar + 10, 10).expect(120, kFar + 20);
}

TEST(TcpLedger, a_stream_joined_in_the_middle_counts_from_there) {
  Stream().data(5000, 100).data(5100, 100).acknowledged(5200).expect(200, 200);
  Stream().data(5100, 100).data(5000, 100).expect(200, 200);  // joined while out of order
}

TEST(TcpLedger, a_one_sided_feed_is_measured_by_its_acknowledgements) {
  Stream().acknowledged(0).acknowledged(1000).acknowledged(2000).acknowledged(2000).expect(0, 2000);
}

}  // namespace
}  // namespace weir
