// The byte ledger beyond TCP: datagrams, fragments, copies, networks, scopes, time and room.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/flowtable/ledger_pair.h"
#include "tests/flowtable/tcp_talk.h"

namespace weir {
namespace {

const Endpoint kHost{IpAddress::v4(0x0a000001), 40000};
const Endpoint kNeighbour{IpAddress::v4(0x0a000002), 445};
const Endpoint kOutside{IpAddress::v4(0xc6336401), 443};
const Endpoint kOutsideV6{{0x2001'0db8'0000'0000, 1}, 443};
const Endpoint kHostV6{{0xfd00'0000'0000'0000, 1}, 40000};

class LedgerOther : public testing::Test {
 protected:
  TotalSnapshot total() { return pair_.total(kHost.address, kOutside.address); }

  PacketMaker maker_;
  TestClock clock_;
  LedgerPair pair_;
};

TEST_F(LedgerOther, datagrams_count_their_payload_exactly) {
  for (uint32_t i = 0; i < 50; ++i) {
    pair_.add(maker_.udp(kHost, kOutside, i * 11, clock_.next_ns()));
    pair_.add(maker_.udp(kOutside, kHost, 5, clock_.next_ns()));
    pair_.add(maker_.udp(kHostV6, kOutsideV6, 100, clock_.next_ns()));
  }
  EXPECT_EQ(total().out.payload_low_bytes, 11u * 49 * 50 / 2);
  EXPECT_EQ(total().out.payload_high_bytes, 11u * 49 * 50 / 2);
  EXPECT_EQ(total().connections, 1u);
  EXPECT_EQ(pair_.total(kHostV6.address, kOutsideV6.address).out.payload_low_bytes, 5000u);
}

TEST_F(LedgerOther, each_protocol_of_a_pair_is_a_connection_and_icmp_has_no_ports) {
  pair_.add(maker_.other(kProtocolIcmp, kHost, kOutside, 56, clock_.next_ns()));
  pair_.add(maker_.other(kProtocolIcmp, kOutside, kHost, 56, clock_.next_ns()));
  pair_.add(maker_.other(kProtocolSctp, kHost, kOutside, 100, clock_.next_ns()));
  pair_.add(maker_.other(50, kHost, kOutside, 1000, clock_.next_ns()));
  pair_.add(maker_.udp(kHost, kOutside, 10, clock_.next_ns()));
  EXPECT_EQ(total().connections, 4u);
  EXPECT_EQ(total().out.payload_low_bytes, 56u + 100 + 1000 + 10);
}

TEST_F(LedgerOther, a_later_fragment_of_tcp_is_in_high_alone_and_of_udp_in_both) {
  pair_.add(
      maker_.later_fragment(kProtocolTcp, kHost.address, kOutside.address, 700, clock_.next_ns()));
  EXPECT_EQ(total().out.payload_low_bytes, 0u);
  EXPECT_EQ(total().out.payload_high_bytes, 700u);
  pair_.add(
      maker_.later_fragment(kProtocolUdp, kHost.address, kOutside.address, 30, clock_.next_ns()));
  EXPECT_EQ(total().out.payload_low_bytes, 30u);
  EXPECT_EQ(total().out.payload_high_bytes, 730u);
  EXPECT_EQ(total().connections, 0u);
}

TEST_F(LedgerOther, what_the_snap_length_hid_of_tcp_is_in_high_alone) {
  pair_.add(without_transport(
      maker_.tcp(kHost, kOutside, {.sequence = 1, .payload_bytes = 900}, clock_.next_ns())));
  pair_.add(without_transport(maker_.udp(kHost, kOutside, 40, clock_.next_ns())));
  EXPECT_EQ(total().out.payload_low_bytes, 40u);
  EXPECT_EQ(total().out.payload_high_bytes, 940u);
  EXPECT_EQ(total().connections, 0u);
}

TEST_F(LedgerOther, a_copy_with_another_ttl_and_vlan_adds_packets_but_no_payload) {
  const TestPacket query = maker_.udp(kHost, kOutside, 200, clock_.next_ns());
  pair_.add(query);
  pair_.add(span_copy(query, clock_.next_ns(), 7));
  EXPECT_EQ(total().out.packets, 2u);
  EXPECT_EQ(total().out.ip_bytes, 2u * 228);
  EXPECT_EQ(total().out.payload_low_bytes, 200u);
  EXPECT_EQ(total().out.payload_high_bytes, 200u);
  EXPECT_EQ(pair_.counters().duplicate_packets, 1u);
  const TestPacket v6 = maker_.udp(kHostV6, kOutsideV6, 200, clock_.next_ns());
  pair_.add(v6);
  pair_.add(span_copy(v6, clock_.next_ns(), 7));
  EXPECT_EQ(pair_.total(kHostV6.address, kOutsideV6.address).out.payload_low_bytes, 200u);
}

TEST_F(LedgerOther, the_same_bytes_a_second_later_are_no_copy) {
  const TestPacket query = maker_.udp(kHost, kOutside, 200, clock_.next_ns());
  pair_.add(query);
  pair_.add(span_copy(query, clock_.now_ns() + kSecondNs));
  EXPECT_EQ(total().out.payload_low_bytes, 400u);
  EXPECT_EQ(pair_.counters().duplicate_packets, 0u);
}

TEST_F(LedgerOther, packets_that_differ_in_their_last_byte_alone_are_no_copies) {
  const TestPacket first = maker_.udp(kHost, kOutside, 90, clock_.next_ns());
  TestPacket second = first;
  second.packet.time_ns = clock_.next_ns();
  second.bytes.back() ^= 1;
  pair_.add(first);
  pair_.add(second);
  EXPECT_EQ(total().out.payload_low_bytes, 180u);
}

TEST_F(LedgerOther, a_copy_of_a_tcp_segment_adds_packets_but_no_payload) {
  const TestPacket segment =
      maker_.tcp(kHost, kOutside, {.sequence = 77, .acknowledgement = 5, .payload_bytes = 900},
                 clock_.next_ns());
  pair_.add(segment);
  pair_.add(span_copy(segment, clock_.next_ns(), 9));
  EXPECT_EQ(total().out.packets, 2u);
  EXPECT_EQ(total().out.payload_high_bytes, 900u);
  EXPECT_EQ(pair_.counters().duplicate_packets, 1u);
}

TEST_F(LedgerOther, the_same_addresses_in_two_networks_are_two_pairs) {
  for (uint16_t network = 0; network < 3; ++network) {
    TestPacket packet = maker_.udp(kHost, kOutside, 100u + network, clock_.next_ns());
    packet.packet.network = network;
    pair_.add(packet);
    pair_.add(span_copy(packet, clock_.next_ns()));
  }
  for (uint16_t network = 0; network < 3; ++network) {
    const TotalSnapshot one = pair_.total(kHost.address, kOutside.address, network);
    EXPECT_EQ(one.out.packets, 2u);
    EXPECT_EQ(one.out.payload_low_bytes, 100u + network);
  }
}

TEST_F(LedgerOther, identical_packets_of_two_networks_are_no_copies_of_each_other) {
  TestPacket packet = maker_.udp(kHost, kOutside, 100, clock_.next_ns());
  pair_.add(packet);
  packet.packet.network = 1;
  pair_.add(span_copy(packet, clock_.next_ns()));
  EXPECT_EQ(pair_.total(kHost.address, kOutside.address, 1).out.payload_low_bytes, 100u);
}

TEST_F(LedgerOther, the_host_is_the_end_at_home_and_else_the_one_that_spoke_first) {
  const Endpoint transit{IpAddress::v4(0xcb007101), 53};
  const Endpoint group{IpAddress::v4(0xe00000fb), 5353};
  pair_.add(maker_.udp(kOutside, kHost, 1, clock_.next_ns()));
  pair_.add(maker_.udp(kNeighbour, kHost, 2, clock_.next_ns()));
  pair_.add(maker_.udp(transit, kOutside, 3, clock_.next_ns()));
  pair_.add(maker_.udp(kHost, group, 4, clock_.next_ns()));
  EXPECT_EQ(total().host, kHost.address);
  EXPECT_EQ(total().in.payload_low_bytes, 1u);
  EXPECT_EQ(pair_.total(kHost.address, kNeighbour.address).host, kNeighbour.address);
  EXPECT_EQ(pair_.total(kHost.address, kNeighbour.address).scope, Scope::kInternal);
  EXPECT_EQ(pair_.total(transit.address, kOutside.address).host, transit.address);
  EXPECT_EQ(pair_.total(kHost.address, group.address).scope, Scope::kLocal);
}

TEST_F(LedgerOther, what_the_outside_asked_for_is_served_and_the_rest_pushed) {
  const Endpoint visitor{IpAddress::v4(0xc6336402), 51000};
  const Endpoint service{kHost.address, 80};
  TcpTalk asked(maker_, clock_, visitor, service, {1, 2});
  pair_.add(asked.syn());
  pair_.add(asked.syn_ack());
  pair_.add(asked.data(Side::kOther, 5000));
  TcpTalk pushed(maker_, clock_, kHost, visitor, {3, 4});
  pair_.add(pushed.syn());
  pair_.add(pushed.data(Side::kOpener, 70));
  TcpTalk answered(maker_, clock_, {visitor.address, 51001}, service, {5, 6});
  pair_.add(answered.syn_ack());
  pair_.add(answered.data(Side::kOther, 600));
  pair_.add(maker_.udp({visitor.address, 9}, {kHost.address, 9}, 1, clock_.next_ns()));
  pair_.add(maker_.udp({kHost.address, 9}, {visitor.address, 9}, 8, clock_.next_ns()));
  const TotalSnapshot both = pair_.total(kHost.address, visitor.address);
  EXPECT_EQ(both.out.payload_low_bytes, 5678u);
  EXPECT_EQ(both.served.payload_low_bytes, 5608u);
  EXPECT_EQ(both.served.payload_high_bytes, 5608u);
}

TEST_F(LedgerOther, silence_beyond_the_limit_of_its_protocol_ends_a_connection) {
  const FlowTableOptions options = roomy_options();
  struct Case {
    uint8_t protocol;
    uint32_t idle_s;
  };
  for (const Case& each :
       {Case{kProtocolUdp, options.udp_idle_s}, Case{kProtocolIcmp, options.other_idle_s},
        Case{kProtocolTcp, options.tcp_idle_s}}) {
    const Endpoint to{IpAddress::v4(0xc0000200u + each.protocol), 7};
    const auto send = [&] {
      if (each.protocol == kProtocolTcp) {
        pair_.add(maker_.tcp(kHost, to, {.sequence = 1, .payload_bytes = 5}, clock_.next_ns()));
      } else if (each.protocol == kProtocolUdp) {
        pair_.add(maker_.udp(kHost, to, 5, clock_.next_ns()));
      } else {
        pair_.add(maker_.other(each.protocol, kHost, to, 5, clock_.next_ns()));
      }
    };
    send();
    clock_.skip_s(each.idle_s - 2);
    send();
    EXPECT_EQ(pair_.total(kHost.address, to.address).connections, 1u);
    clock_.skip_s(each.idle_s + 2);
    send();
    EXPECT_EQ(pair_.total(kHost.address, to.address).connections, 2u);
  }
}

TEST_F(LedgerOther, a_closed_connection_is_forgotten_soon) {
  TcpTalk brief(maker_, clock_, kHost, kOutside, {1, 2});
  pair_.add(brief.syn());
  pair_.add(brief.syn_ack());
  pair_.add(brief.fin(Side::kOpener));
  pair_.add(brief.fin(Side::kOther));
  clock_.skip_s(3);
  pair_.add(brief.ack(Side::kOpener));
  EXPECT_EQ(total().connections, 1u);
  clock_.skip_s(roomy_options().tcp_closed_s + 2);
  pair_.add(brief.ack(Side::kOpener));
  EXPECT_EQ(total().connections, 2u);
}

TEST_F(LedgerOther, a_stamp_that_goes_back_counts_at_the_current_time) {
  pair_.add(maker_.udp(kHost, kOutside, 5, kTestStartNs + 100 * kSecondNs));
  pair_.add(maker_.udp(kHost, kOutside, 5, kTestStartNs));
  EXPECT_EQ(total().first_seen_ns, kTestStartNs + 100 * kSecondNs);
  EXPECT_EQ(total().last_seen_ns, kTestStartNs + 100 * kSecondNs);
  EXPECT_EQ(pair_.counters().time_backward_packets, 1u);
}

TEST_F(LedgerOther, a_gap_of_ten_years_between_two_packets_is_one_step) {
  pair_.add(maker_.udp(kHost, kOutside, 5, clock_.next_ns()));
  clock_.skip_s(10ull * 365 * 86400);
  pair_.add(maker_.udp(kHost, kOutside, 5, clock_.next_ns()));
  EXPECT_EQ(total().connections, 2u);
  EXPECT_EQ(total().out.payload_low_bytes, 10u);
}

TEST_F(LedgerOther, a_dropped_frame_is_counted_under_its_reason_and_nowhere_else) {
  pair_.add(maker_.udp(kHost, kOutside, 5, clock_.next_ns()));
  TestPacket broken = maker_.udp(kHost, kOutside, 5, clock_.next_ns());
  broken.packet.drop = DropReason::kIpMalformed;
  pair_.add(broken);
  const LaneCounters counters = pair_.counters();
  EXPECT_EQ(counters.packets, 2u);
  EXPECT_EQ(counters.counted_packets, 1u);
  EXPECT_EQ(counters.drop_packets[static_cast<size_t>(DropReason::kIpMalformed)], 1u);
}

}  // namespace
}  // namespace weir
