// IP and transport headers: which bytes are counted, and what happens when a header is cut.
#include "flowtable/decode_ip.h"

#include <gtest/gtest.h>

#include "tests/flowtable/decoded.h"

namespace weir {
namespace {

constexpr const char* kHost = "10.0.0.1";
constexpr const char* kOutside = "192.0.2.9";
constexpr const char* kHost6 = "fd00::1";
constexpr const char* kOutside6 = "2001:db8::9";

PacketBuilder ether() { return PacketBuilder().ethernet(); }
PacketBuilder ether4(Ipv4Fields fields = {}) {
  return ether().ipv4(kHost, kOutside, std::move(fields));
}
PacketBuilder ether6(Ipv6Fields fields = {}) { return ether().ipv6(kHost6, kOutside6, fields); }

TEST(DecodeIp, a_tcp_segment_is_read_whole) {
  const Bytes frame = ether4()
                          .tcp(49000, 443,
                               {.sequence = 0x01020304,
                                .acknowledgement = 0xa0b0c0d0,
                                .flags = kTcpAck | kTcpFin,
                                .options = {1, 1, 1}})
                          .fill(100)
                          .build();
  const Packet packet = decoded(frame);
  EXPECT_EQ(packet.drop, DropReason::kNone);
  EXPECT_EQ(packet.source, ip_of(kHost));
  EXPECT_EQ(packet.destination, ip_of(kOutside));
  EXPECT_EQ(packet.frame_bytes, 14u + 20 + 24 + 100);
  EXPECT_EQ(packet.ip_bytes, 20u + 24 + 100);
  EXPECT_EQ(packet.readable_bytes, packet.ip_bytes);
  EXPECT_EQ(packet.ip, frame.data() + 14);
  EXPECT_EQ(packet.payload_bytes, 100u);
  EXPECT_EQ(packet.transport_offset, 20);
  EXPECT_EQ(packet.payload_offset, 44);
  EXPECT_EQ(packet.protocol, kProtocolTcp);
  EXPECT_EQ(packet.source_port, 49000);
  EXPECT_EQ(packet.destination_port, 443);
  EXPECT_EQ(packet.sequence, 0x01020304u);
  EXPECT_EQ(packet.acknowledgement, 0xa0b0c0d0u);
  EXPECT_EQ(packet.tcp_flags, kTcpAck | kTcpFin);
  EXPECT_TRUE(packet.transport_readable);
  EXPECT_EQ(packet.scope, Scope::kOutbound);
  EXPECT_TRUE(packet.source_home);
  EXPECT_EQ(packet.layers, 0);
}

TEST(DecodeIp, ethernet_padding_is_not_counted) {
  const Packet packet = decoded(ether4().tcp(1, 2).padding(6).build());
  EXPECT_EQ(packet.frame_bytes, 60u);
  EXPECT_EQ(packet.ip_bytes, 40u);
  EXPECT_EQ(packet.readable_bytes, 40u);
  EXPECT_EQ(packet.payload_bytes, 0u);
}

TEST(DecodeIp, an_ip_length_of_zero_is_the_frame_less_its_headers) {
  const Packet v4 = decoded(ether4({.total_bytes = 0}).tcp(1, 2).fill(3000).build());
  EXPECT_EQ(v4.ip_bytes, 3040u);
  EXPECT_EQ(v4.payload_bytes, 3000u);
  const Packet v6 = decoded(ether6({.payload_bytes = 0}).tcp(1, 2).fill(3000).build());
  EXPECT_EQ(v6.ip_bytes, 3060u);
  EXPECT_EQ(v6.payload_bytes, 3000u);
}

TEST(DecodeIp, an_ip_length_above_the_frame_counts_what_the_frame_held) {
  const Packet v4 = decoded(ether4({.total_bytes = 60000}).udp(1, 2).fill(100).build());
  EXPECT_EQ(v4.ip_bytes, 128u);
  const Packet v6 = decoded(ether6({.payload_bytes = 60000}).tcp(1, 2).fill(100).build());
  EXPECT_EQ(v6.ip_bytes, 160u);
  EXPECT_EQ(v6.payload_bytes, 100u);
}

TEST(DecodeIp, a_jumbo_payload_option_carries_the_length) {
  const uint32_t udp_bytes = 70'008;
  Bytes jumbo{0xc2, 4};
  for (const int shift : {24, 16, 8, 0})
    jumbo.push_back(static_cast<uint8_t>((udp_bytes + 8) >> shift));
  const Bytes frame = ether6({.payload_bytes = 0})
                          .extension(0, {.options = jumbo})
                          .udp(1, 2, {.length_bytes = 0})
                          .fill(70'000)
                          .padding(50)
                          .build();
  const Packet packet = decoded(frame);
  EXPECT_EQ(packet.ip_bytes, 40 + 8 + udp_bytes);
  EXPECT_EQ(packet.payload_bytes, 70'000u);
}

TEST(DecodeIp, a_jumbo_length_that_fits_the_plain_field_is_no_jumbogram) {
  const Bytes frame = ether6({.payload_bytes = 0})
                          .extension(0, {.options = {0xc2, 4, 0, 0, 0, 20}})
                          .udp(1, 2)
                          .fill(100)
                          .build();
  EXPECT_EQ(decoded(frame).ip_bytes, 40u + 8 + 8 + 100);
}

TEST(DecodeIp, a_header_length_that_contradicts_the_total_length_is_no_valid_header) {
  EXPECT_EQ(decoded(ether4({.header_words = 4}).tcp(1, 2).build()).drop, DropReason::kIpMalformed);
  EXPECT_EQ(decoded(ether4({.total_bytes = 19}).tcp(1, 2).build()).drop, DropReason::kIpMalformed);
  EXPECT_EQ(decoded(ether4({.header_words = 15}).build()).drop, DropReason::kIpMalformed);
  EXPECT_EQ(decoded(ether4({.version = 5}).tcp(1, 2).build()).drop, DropReason::kIpMalformed);
  EXPECT_EQ(decoded(ether6({.version = 4}).tcp(1, 2).build()).drop, DropReason::kIpMalformed);
}

TEST(DecodeIp, a_refused_header_leaves_nothing_in_the_packet) {
  const Packet packet = decoded(ether4({.header_words = 15}).build());
  EXPECT_EQ(packet.ip, nullptr);
  EXPECT_EQ(packet.ip_bytes, 0u);
  EXPECT_EQ(packet.frame_bytes, 34u);
}

TEST(DecodeIp, options_are_stepped_over) {
  const Packet packet =
      decoded(ether4({.options = {7, 7, 4, 0, 0, 0, 0, 0}}).tcp(1, 2).fill(10).build());
  EXPECT_EQ(packet.transport_offset, 28);
  EXPECT_EQ(packet.payload_bytes, 10u);
  EXPECT_EQ(packet.destination_port, 2);
}

TEST(DecodeIp, a_capture_cut_inside_the_options_still_counts_the_pair) {
  const Bytes frame = ether4({.options = Bytes(8)}).tcp(1, 2).fill(10).build();
  const Packet packet = decoded_cut(frame, 14 + 22);
  EXPECT_EQ(packet.drop, DropReason::kNone);
  EXPECT_EQ(packet.ip_bytes, 28u + 20 + 10);
  EXPECT_EQ(packet.readable_bytes, 22u);
  EXPECT_FALSE(packet.transport_readable);
}

TEST(DecodeIp, a_snap_length_cut_above_the_ip_header_changes_no_count) {
  const Bytes frame = ether4().tcp(49000, 443, {.options = Bytes(4)}).fill(500).build();
  for (uint32_t captured = 34; captured <= frame.size(); ++captured) {
    const Packet packet = decoded_cut(frame, captured);
    EXPECT_EQ(packet.drop, DropReason::kNone);
    EXPECT_EQ(packet.ip_bytes, 544u);
    EXPECT_EQ(packet.readable_bytes, captured - 14);
    EXPECT_EQ(packet.transport_readable, captured >= 34 + 14) << captured;
    EXPECT_EQ(packet.destination_port, captured >= 38 ? 443 : 0) << captured;
    // Without ports: all that IP carried. With ports alone: less the smallest header.
    const uint32_t expected = captured < 38 ? 524 : captured < 47 ? 504 : 500;
    EXPECT_EQ(packet.payload_bytes, expected) << captured;
  }
}

TEST(DecodeIp, an_ip_header_cut_by_the_capture_is_malformed) {
  EXPECT_EQ(decoded_cut(ether4().tcp(1, 2).build(), 33).drop, DropReason::kIpMalformed);
  EXPECT_EQ(decoded_cut(ether6().tcp(1, 2).build(), 53).drop, DropReason::kIpMalformed);
}

TEST(DecodeIp, a_tcp_header_that_cannot_be_is_counted_as_a_whole_ip_payload) {
  for (const uint8_t words : std::initializer_list<uint8_t>{0, 4, 15}) {
    const Packet packet = decoded(ether4().tcp(1, 2, {.header_words = words}).fill(10).build());
    EXPECT_EQ(packet.drop, DropReason::kNone);
    EXPECT_FALSE(packet.transport_readable);
    EXPECT_EQ(packet.payload_bytes, 30u);
    EXPECT_EQ(packet.tcp_flags, 0);
  }
}

TEST(DecodeIp, a_tcp_segment_shorter_than_a_header_is_counted_as_a_whole_ip_payload) {
  const Packet packet = decoded(ether4().protocol(6).fill(12).build());
  EXPECT_FALSE(packet.transport_readable);
  EXPECT_EQ(packet.payload_bytes, 12u);
}

TEST(DecodeIp, a_udp_datagram_counts_its_length_less_eight) {
  const Packet packet = decoded(ether4().udp(5353, 53).fill(77).build());
  EXPECT_EQ(packet.payload_bytes, 77u);
  EXPECT_EQ(packet.payload_offset, 28);
  EXPECT_EQ(packet.source_port, 5353);
  EXPECT_EQ(packet.destination_port, 53);
  EXPECT_TRUE(packet.transport_readable);
}

TEST(DecodeIp, bytes_behind_the_udp_length_are_no_payload_and_a_longer_length_adds_none) {
  EXPECT_EQ(decoded(ether4().udp(1, 2, {.length_bytes = 28}).fill(77).build()).payload_bytes, 20u);
  EXPECT_EQ(decoded(ether4().udp(1, 2, {.length_bytes = 999}).fill(77).build()).payload_bytes, 77u);
}

TEST(DecodeIp, a_udp_length_of_zero_leaves_the_ip_payload_less_eight) {
  EXPECT_EQ(decoded(ether4().udp(1, 2, {.length_bytes = 0}).fill(77).build()).payload_bytes, 77u);
}

TEST(DecodeIp, a_udp_length_below_its_header_is_counted_as_a_whole_ip_payload) {
  const Packet packet = decoded(ether4().udp(1, 2, {.length_bytes = 7}).fill(77).build());
  EXPECT_FALSE(packet.transport_readable);
  EXPECT_EQ(packet.payload_bytes, 85u);
}

TEST(DecodeIp, icmp_of_both_families_counts_past_its_eight_bytes) {
  const Packet v4 = decoded(ether4().icmp().fill(56).build());
  EXPECT_EQ(v4.payload_bytes, 56u);
  EXPECT_EQ(v4.payload_offset, 28);
  EXPECT_EQ(v4.source_port, 0);
  const Packet v6 = decoded(ether6().icmp6().fill(56).build());
  EXPECT_EQ(v6.payload_bytes, 56u);
  EXPECT_EQ(v6.payload_offset, 48);
}

TEST(DecodeIp, sctp_has_ports_and_counts_the_ip_payload) {
  const Packet packet = decoded(ether4().sctp(1000, 2905).fill(30).build());
  EXPECT_EQ(packet.protocol, kProtocolSctp);
  EXPECT_EQ(packet.source_port, 1000);
  EXPECT_EQ(packet.destination_port, 2905);
  EXPECT_EQ(packet.payload_bytes, 42u);
  EXPECT_TRUE(packet.transport_readable);
}

TEST(DecodeIp, any_other_protocol_counts_the_ip_payload) {
  for (const uint8_t number : std::initializer_list<uint8_t>{2, 50, 89, 112, 255}) {
    const Packet packet = decoded(ether4().protocol(number).fill(64).build());
    EXPECT_EQ(packet.protocol, number);
    EXPECT_EQ(packet.payload_bytes, 64u);
    EXPECT_EQ(packet.payload_offset, 20);
  }
}

TEST(DecodeIp, a_first_fragment_has_ports_and_counts_what_it_holds) {
  const Packet packet =
      decoded(ether4({.more_fragments = true}).udp(1, 2, {.length_bytes = 4008}).fill(72).build());
  EXPECT_EQ(packet.fragment, FragmentKind::kFirst);
  EXPECT_EQ(packet.destination_port, 2);
  EXPECT_EQ(packet.payload_bytes, 72u);
}

TEST(DecodeIp, a_first_fragment_of_udp_ignores_even_a_small_udp_length) {
  const Packet packet =
      decoded(ether4({.more_fragments = true}).udp(1, 2, {.length_bytes = 9}).fill(72).build());
  EXPECT_EQ(packet.payload_bytes, 72u);
}

TEST(DecodeIp, a_later_fragment_has_no_ports_and_counts_its_ip_payload) {
  for (const bool more : {false, true}) {
    const Packet packet =
        decoded(ether4({.more_fragments = more, .fragment_offset_bytes = 80, .protocol = 17})
                    .fill(80)
                    .build());
    EXPECT_EQ(packet.fragment, FragmentKind::kLater);
    EXPECT_EQ(packet.protocol, kProtocolUdp);
    EXPECT_EQ(packet.destination_port, 0);
    EXPECT_EQ(packet.payload_bytes, 80u);
    EXPECT_FALSE(packet.transport_readable);
  }
}

TEST(DecodeIp, ipv6_fragments_are_first_later_or_atomic) {
  const Packet first = decoded(ether6().fragment6(0, true).udp(1, 2).fill(72).build());
  EXPECT_EQ(first.fragment, FragmentKind::kFirst);
  EXPECT_EQ(first.payload_bytes, 72u);
  const Packet later = decoded(ether6().fragment6(80, false).protocol(17).fill(50).build());
  EXPECT_EQ(later.fragment, FragmentKind::kLater);
  EXPECT_EQ(later.protocol, kProtocolUdp);
  EXPECT_EQ(later.payload_bytes, 50u);
  const Packet atomic = decoded(ether6().fragment6(0, false).udp(1, 2).fill(72).build());
  EXPECT_EQ(atomic.fragment, FragmentKind::kNone);
  EXPECT_EQ(atomic.payload_bytes, 72u);
}

TEST(DecodeIp, extension_headers_are_stepped_over_in_any_order) {
  const Packet packet = decoded(ether6()
                                    .extension(0)
                                    .extension(60)
                                    .extension(43, {.options = Bytes(22)})
                                    .authentication()
                                    .extension(139)
                                    .extension(140)
                                    .extension(135)
                                    .tcp(1, 443)
                                    .fill(9)
                                    .build());
  EXPECT_EQ(packet.protocol, kProtocolTcp);
  EXPECT_EQ(packet.transport_offset, 40 + 8 + 8 + 24 + 24 + 8 + 8 + 8);
  EXPECT_EQ(packet.destination_port, 443);
  EXPECT_EQ(packet.payload_bytes, 9u);
}

TEST(DecodeIp, encrypted_payload_ends_the_extension_headers) {
  const Packet packet = decoded(ether6().extension(0).protocol(50).fill(64).build());
  EXPECT_EQ(packet.protocol, 50);
  EXPECT_EQ(packet.payload_bytes, 64u);
}

TEST(DecodeIp, an_extension_header_longer_than_the_packet_ends_the_chain_and_is_counted) {
  const Packet packet = decoded(ether6().extension(60, {.length_field = 200}).tcp(1, 2).build());
  EXPECT_EQ(packet.drop, DropReason::kNone);
  EXPECT_EQ(packet.protocol, 60);
  EXPECT_EQ(packet.payload_bytes, 28u);
}

TEST(DecodeIp, more_extension_headers_than_the_limit_are_counted_as_payload) {
  PacketBuilder builder = ether6();
  for (int i = 0; i < 17; ++i) builder.extension(60);
  const Packet packet = decoded(builder.tcp(1, 2).build());
  EXPECT_EQ(packet.protocol, 60);
  EXPECT_EQ(packet.payload_bytes, 28u);
}

}  // namespace
}  // namespace weir
