// Link types, tags and labels: each leads to the IP header inside, or names why not.
#include <gtest/gtest.h>

#include "tests/flowtable/decoded.h"

namespace weir {
namespace {

constexpr const char* kHost = "10.0.0.1";
constexpr const char* kOutside = "192.0.2.9";

/// The IP header and 50 bytes of UDP payload behind `link` headers.
Bytes udp_behind(PacketBuilder link) {
  return link.ipv4(kHost, kOutside).udp(1, 2).fill(50).build();
}
Bytes udp6_behind(PacketBuilder link) {
  return link.ipv6("fd00::1", "2001:db8::9").udp(1, 2).fill(50).build();
}

void expect_udp(const Packet& packet, uint32_t ip_header_bytes = 20) {
  EXPECT_EQ(packet.drop, DropReason::kNone);
  EXPECT_EQ(packet.ip_bytes, ip_header_bytes + 58);
  EXPECT_EQ(packet.payload_bytes, 50u);
  EXPECT_EQ(packet.destination_port, 2);
}

TEST(DecodeLink, ethernet_carries_both_families) {
  expect_udp(decoded(udp_behind(PacketBuilder().ethernet())));
  expect_udp(decoded(udp6_behind(PacketBuilder().ethernet())), 40);
}

TEST(DecodeLink, an_802_3_frame_with_llc_and_snap_carries_ip) {
  expect_udp(decoded(udp_behind(PacketBuilder().ethernet({.length_and_llc_snap = true}))));
  expect_udp(decoded(
      udp_behind(PacketBuilder().ethernet({.ether_type = 0x0100}).raw({0x06, 0x06, 0x03}))));
}

TEST(DecodeLink, stacked_tags_of_all_kinds_are_stepped_over_and_the_outermost_id_is_kept) {
  const Packet packet = decoded(udp_behind(
      PacketBuilder().ethernet().vlan(11, 0x88a8).vlan(12, 0x9100).vlan(13, 0x9200).vlan(14)));
  expect_udp(packet);
  EXPECT_EQ(packet.vlan, 11);
  EXPECT_EQ(packet.layers, 4);
}

TEST(DecodeLink, a_priority_tag_is_no_vlan) {
  EXPECT_EQ(decoded(udp_behind(PacketBuilder().ethernet().vlan(0x6000).vlan(12))).vlan, 12);
}

TEST(DecodeLink, tags_of_bridges_and_fabrics_are_stepped_over) {
  const auto behind = [](uint16_t type, Bytes tag) {
    return PacketBuilder().ethernet({.ether_type = type}).raw(std::move(tag));
  };
  expect_udp(decoded(udp_behind(behind(0x8926, {0x80, 1, 0, 0, 0x08, 0x00}))));        // VN-Tag
  expect_udp(decoded(udp_behind(behind(0x893f, {0x10, 0, 0, 1, 0, 0, 0x08, 0x00}))));  // E-Tag
  expect_udp(decoded(udp_behind(behind(0x8903, {0, 1}).ethernet())));                  // FabricPath
  expect_udp(decoded(udp_behind(behind(0x88e7, {0, 0, 0, 1}).ethernet())));            // 802.1ah
  expect_udp(decoded(udp_behind(behind(0x894f, {0, 2, 2, 1, 0, 0, 1, 2}))));           // NSH
  expect_udp(decoded(udp_behind(behind(0x894f, {0, 2, 2, 3, 0, 0, 1, 2}).ethernet())));
}

TEST(DecodeLink, a_frame_that_is_only_authenticated_is_read_and_an_encrypted_one_is_not) {
  Bytes tag{0x20, 0, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0x08, 0x00};
  const auto frame = [&] {
    return udp_behind(PacketBuilder().ethernet({.ether_type = 0x88e5}).raw(tag));
  };
  expect_udp(decoded(frame()));
  tag[0] = 0x2c;
  EXPECT_EQ(decoded(frame()).drop, DropReason::kNotIp);
}

TEST(DecodeLink, labels_lead_to_ip_by_its_first_nibble) {
  const Packet packet = decoded(udp_behind(PacketBuilder().ethernet().mpls(100).mpls(200)));
  expect_udp(packet);
  EXPECT_EQ(packet.layers, 1);
  expect_udp(decoded(udp6_behind(PacketBuilder().ethernet().mpls(100))), 40);
  expect_udp(decoded(udp_behind(PacketBuilder().ethernet({.ether_type = 0x8848}).mpls(100))));
}

TEST(DecodeLink, a_pseudowire_carries_an_ethernet_frame_behind_its_control_word) {
  expect_udp(
      decoded(udp_behind(PacketBuilder().ethernet().mpls(100).pseudowire().ethernet().vlan(5))));
}

TEST(DecodeLink, a_pppoe_session_carries_ip) {
  expect_udp(decoded(udp_behind(PacketBuilder().ethernet().pppoe())));
  expect_udp(decoded(udp6_behind(PacketBuilder().ethernet().vlan(7).pppoe())), 40);
  expect_udp(decoded(udp_behind(PacketBuilder().pppoe()), {}, LinkType::kPppEther));
}

TEST(DecodeLink, ppp_is_read_with_and_without_framing_and_compression) {
  for (const bool framing : {false, true})
    for (const bool compressed : {false, true})
      for (const LinkType link : {LinkType::kPpp, LinkType::kPppSerial}) {
        expect_udp(decoded(udp_behind(PacketBuilder().ppp(framing, compressed)), {}, link));
        expect_udp(decoded(udp6_behind(PacketBuilder().ppp(framing, compressed)), {}, link), 40);
      }
  expect_udp(decoded(udp_behind(PacketBuilder().ppp().mpls(9)), {}, LinkType::kPpp));
}

TEST(DecodeLink, a_serial_link_may_carry_cisco_framing) {
  expect_udp(decoded(udp_behind(PacketBuilder().cisco_hdlc()), {}, LinkType::kPppSerial));
  expect_udp(decoded(udp_behind(PacketBuilder().cisco_hdlc()), {}, LinkType::kPpp));
}

TEST(DecodeLink, every_other_link_type_leads_to_ip) {
  const auto on = [](LinkType link, PacketBuilder builder) {
    expect_udp(decoded(udp_behind(std::move(builder)), {}, link));
  };
  on(LinkType::kRawIp, PacketBuilder());
  on(LinkType::kIpv4, PacketBuilder());
  on(LinkType::kCiscoHdlc, PacketBuilder().cisco_hdlc());
  on(LinkType::kFrameRelay, PacketBuilder().frame_relay());
  on(LinkType::kFrameRelay, PacketBuilder().frame_relay(true));
  on(LinkType::kFrameRelay, PacketBuilder().raw({0x18, 0x41, 0x08, 0x00}));
  on(LinkType::kFrameRelay, PacketBuilder().raw({0x18, 0x40, 0x00, 0x01, 0x03, 0x00, 0xcc}));
  on(LinkType::kFrameRelay,
     PacketBuilder().raw({0x18, 0x41, 0x03, 0x00, 0x80, 0x00, 0x80, 0xc2, 0, 7}).ethernet());
  on(LinkType::kLinuxSll, PacketBuilder().linux_cooked());
  on(LinkType::kLinuxSll, PacketBuilder().linux_cooked().vlan(3));
  on(LinkType::kLinuxSll2, PacketBuilder().linux_cooked2());
  on(LinkType::kNflog, PacketBuilder().nflog());
  on(LinkType::kNflog, PacketBuilder().nflog(true));
  for (const bool big_endian : {false, true}) {
    on(LinkType::kNull, PacketBuilder().null_loop(2, big_endian));
    on(LinkType::kLoop, PacketBuilder().null_loop(2, big_endian));
    for (const uint32_t family : {10u, 24u, 28u, 30u})
      expect_udp(
          decoded(udp6_behind(PacketBuilder().null_loop(family, big_endian)), {}, LinkType::kNull),
          40);
  }
  expect_udp(decoded(udp6_behind(PacketBuilder()), {}, LinkType::kRawIp), 40);
  expect_udp(decoded(udp6_behind(PacketBuilder()), {}, LinkType::kIpv6), 40);
  expect_udp(decoded(udp6_behind(PacketBuilder().frame_relay()), {}, LinkType::kFrameRelay), 40);
}

TEST(DecodeLink, a_link_type_nobody_reads_is_unsupported) {
  const Bytes frame = udp_behind(PacketBuilder().ethernet());
  EXPECT_EQ(decoded(frame, {}, LinkType::kUnsupported).drop, DropReason::kLinkUnsupported);
  EXPECT_EQ(decoded(frame, {}, LinkType{147}).drop, DropReason::kLinkUnsupported);
}

TEST(DecodeLink, a_cut_link_header_is_malformed) {
  for (uint32_t bytes = 0; bytes < 14; ++bytes)
    EXPECT_EQ(decoded(Bytes(bytes)).drop, DropReason::kLinkMalformed);
  const Bytes tagged = udp_behind(PacketBuilder().ethernet().vlan(5));
  EXPECT_EQ(decoded_cut(tagged, 17).drop, DropReason::kLinkMalformed);
  for (const LinkType link : {LinkType::kNull, LinkType::kLoop, LinkType::kPpp,
                              LinkType::kPppSerial, LinkType::kCiscoHdlc, LinkType::kFrameRelay,
                              LinkType::kLinuxSll, LinkType::kLinuxSll2, LinkType::kNflog})
    EXPECT_EQ(decoded(Bytes{}, {}, link).drop, DropReason::kLinkMalformed)
        << static_cast<int>(link);
}

TEST(DecodeLink, broken_labels_and_sessions_without_ip_are_malformed_tunnels) {
  const Bytes labels = udp_behind(PacketBuilder().ethernet().mpls(1).mpls(2));
  for (const uint32_t captured : {15u, 19u, 22u})
    EXPECT_EQ(decoded_cut(labels, captured).drop, DropReason::kTunnelMalformed) << captured;
  const Bytes session = udp_behind(PacketBuilder().ethernet().pppoe());
  for (const uint32_t captured : {15u, 19u, 20u, 21u})
    EXPECT_EQ(decoded_cut(session, captured).drop, DropReason::kTunnelMalformed) << captured;
  PacketBuilder endless;
  endless.ethernet();
  for (int i = 0; i < 17; ++i) endless.mpls(3);
  EXPECT_EQ(decoded(udp_behind(endless)).drop, DropReason::kTunnelMalformed);
}

TEST(DecodeLink, frames_that_carry_something_else_are_not_ip) {
  for (const uint16_t type :
       std::initializer_list<uint16_t>{0x0806, 0x88cc, 0x8863, 0x8809, 0x05ff})
    EXPECT_EQ(decoded(PacketBuilder().ethernet({.ether_type = type}).fill(46).build()).drop,
              DropReason::kNotIp);
  const Bytes spanning_tree =
      PacketBuilder().ethernet({.ether_type = 38}).payload({0x42, 0x42, 0x03}).build();
  EXPECT_EQ(decoded(spanning_tree).drop, DropReason::kNotIp);
  EXPECT_EQ(decoded(PacketBuilder().ethernet().mpls(1).fill(20, 0x10).build()).drop,
            DropReason::kNotIp);
  EXPECT_EQ(decoded(PacketBuilder().ethernet().pppoe().fill(20).build()).drop, DropReason::kNotIp);
}

TEST(DecodeLink, an_ether_type_of_ip_with_no_ip_header_behind_is_malformed) {
  EXPECT_EQ(decoded(PacketBuilder().ethernet({.ether_type = 0x0800}).fill(46).build()).drop,
            DropReason::kIpMalformed);
  EXPECT_EQ(decoded(Bytes{0x50}, {}, LinkType::kRawIp).drop, DropReason::kIpMalformed);
}

TEST(DecodeLink, tags_beyond_the_depth_limit_without_ip_are_a_malformed_tunnel) {
  PacketBuilder eight, nine;
  eight.ethernet();
  nine.ethernet();
  for (int i = 0; i < 8; ++i) eight.vlan(5);
  for (int i = 0; i < 9; ++i) nine.vlan(5);
  expect_udp(decoded(udp_behind(eight)));
  EXPECT_EQ(decoded(udp_behind(nine)).drop, DropReason::kTunnelMalformed);
  expect_udp(decoded(udp_behind(nine), {.decode_depth = 9}));
}

TEST(DecodeLink, bridged_frames_inside_bridged_frames_end_at_the_depth_limit) {
  PacketBuilder builder;
  builder.ethernet({.ether_type = 0x6558});
  for (int i = 0; i < 9; ++i) builder.ethernet({.ether_type = 0x6558});
  EXPECT_EQ(decoded(udp_behind(builder)).drop, DropReason::kTunnelMalformed);
}

TEST(DecodeLink, a_length_of_a_session_is_not_trusted) {
  Bytes frame = udp_behind(PacketBuilder().ethernet().pppoe());
  frame[18] = frame[19] = 0;
  expect_udp(decoded(frame));
}

}  // namespace
}  // namespace weir
