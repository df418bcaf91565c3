// Tunnels: which of the nested pairs a packet counts at, and what is kept as evidence.
#include <gtest/gtest.h>

#include "tests/flowtable/decoded.h"

namespace weir {
namespace {

constexpr const char* kHost = "10.0.0.1";
constexpr const char* kPeer = "10.9.9.9";
constexpr const char* kOutside = "192.0.2.9";
constexpr const char* kHost6 = "fd00::1";
constexpr const char* kPeer6 = "fd00::2";

using Step = PacketBuilder& (*)(PacketBuilder&);
struct TunnelCase {
  TunnelKind kind;
  bool inner_v6;
  Step step;  // between the outer and the inner IP header
};
const TunnelCase kTunnels[] = {
    {TunnelKind::kGre, false, [](PacketBuilder& b) -> PacketBuilder& { return b.gre(); }},
    {TunnelKind::kGre, true,
     [](PacketBuilder& b) -> PacketBuilder& {
       return b.gre({.key = 9, .sequence = 8, .checksum = true});
     }},
    {TunnelKind::kGre, false,
     [](PacketBuilder& b) -> PacketBuilder& { return b.gre().ethernet().vlan(9); }},
    {TunnelKind::kGre, false, [](PacketBuilder& b) -> PacketBuilder& { return b.gre().mpls(7); }},
    {TunnelKind::kGre, false,
     [](PacketBuilder& b) -> PacketBuilder& {
       return b.gre({.key = 9, .sequence = 1, .version = 1}).ppp();
     }},
    {TunnelKind::kGre, false,
     [](PacketBuilder& b) -> PacketBuilder& {
       return b.gre({.type = 0x883e}).raw({0, 1, 2, 3});
     }},
    {TunnelKind::kNvgre, false,
     [](PacketBuilder& b) -> PacketBuilder& { return b.nvgre(4711).ethernet(); }},
    {TunnelKind::kVxlan, false,
     [](PacketBuilder& b) -> PacketBuilder& { return b.vxlan(4711).ethernet(); }},
    {TunnelKind::kVxlan, true,
     [](PacketBuilder& b) -> PacketBuilder& { return b.vxlan(4711, 8472).ethernet().vlan(6); }},
    {TunnelKind::kGeneve, false,
     [](PacketBuilder& b) -> PacketBuilder& { return b.geneve(4711, Bytes(8)).ethernet(); }},
    {TunnelKind::kGeneve, true, [](PacketBuilder& b) -> PacketBuilder& { return b.geneve(4711); }},
    {TunnelKind::kGtpU, false, [](PacketBuilder& b) -> PacketBuilder& { return b.gtp_u(77); }},
    {TunnelKind::kGtpU, true,
     [](PacketBuilder& b) -> PacketBuilder& {
       return b.gtp_u(77, {.sequence = 3, .extensions = {1, 0, 0, 0}, .first_extension = 0x85});
     }},
    {TunnelKind::kIpInIp, false, [](PacketBuilder& b) -> PacketBuilder& { return b; }},
    {TunnelKind::k6in4, true, [](PacketBuilder& b) -> PacketBuilder& { return b; }},
    {TunnelKind::kTeredo, true, [](PacketBuilder& b) -> PacketBuilder& { return b.teredo(); }},
    {TunnelKind::kTeredo, true,
     [](PacketBuilder& b) -> PacketBuilder& {
       return b.teredo({.authentication = true, .origin = true});
     }},
};
const TunnelCase kMirrors[] = {
    {TunnelKind::kErspan, false,
     [](PacketBuilder& b) -> PacketBuilder& { return b.erspan1().ethernet(); }},
    {TunnelKind::kErspan, false,
     [](PacketBuilder& b) -> PacketBuilder& { return b.erspan2().ethernet().vlan(5); }},
    {TunnelKind::kErspan, true,
     [](PacketBuilder& b) -> PacketBuilder& { return b.erspan3().ethernet(); }},
    {TunnelKind::kErspan, false,
     [](PacketBuilder& b) -> PacketBuilder& { return b.erspan3(true).ethernet(); }},
};

Bytes nested(const TunnelCase& tunnel, const char* outer_destination) {
  PacketBuilder builder;
  builder.ethernet().ipv4(kHost, outer_destination);
  tunnel.step(builder).ip(tunnel.inner_v6 ? kHost6 : kHost, tunnel.inner_v6 ? kPeer6 : kPeer);
  return builder.tcp(5000, 80).fill(100).build();
}

std::string name(const TunnelCase& tunnel) {
  return "tunnel kind " + std::to_string(static_cast<int>(tunnel.kind));
}

TEST(DecodeTunnel, a_tunnel_to_the_outside_with_private_inner_addresses_is_counted_at_its_outside) {
  for (const TunnelCase& tunnel : kTunnels) {
    const Bytes frame = nested(tunnel, kOutside);
    const Packet packet = decoded(frame);
    EXPECT_EQ(packet.drop, DropReason::kNone) << name(tunnel);
    EXPECT_EQ(packet.scope, Scope::kOutbound) << name(tunnel);
    EXPECT_EQ(packet.destination, ip_of(kOutside)) << name(tunnel);
    EXPECT_EQ(packet.ip_bytes, frame.size() - 14) << name(tunnel);
    EXPECT_EQ(packet.inner_tunnel, tunnel.kind) << name(tunnel);
    EXPECT_EQ(packet.outer_tunnel, TunnelKind::kNone) << name(tunnel);
    EXPECT_EQ(packet.vni, 0u) << name(tunnel);
  }
}

TEST(DecodeTunnel, a_tunnel_inside_the_home_is_counted_at_its_inner_pair) {
  for (const TunnelCase& tunnel : kTunnels) {
    const Packet packet = decoded(nested(tunnel, kPeer));
    EXPECT_EQ(packet.scope, Scope::kInternal) << name(tunnel);
    EXPECT_EQ(packet.destination, ip_of(tunnel.inner_v6 ? kPeer6 : kPeer)) << name(tunnel);
    EXPECT_EQ(packet.ip_bytes, (tunnel.inner_v6 ? 40u : 20u) + 120) << name(tunnel);
    EXPECT_EQ(packet.payload_bytes, 100u) << name(tunnel);
    EXPECT_EQ(packet.outer_tunnel, tunnel.kind) << name(tunnel);
    EXPECT_EQ(packet.outer_source, ip_of(kHost)) << name(tunnel);
    EXPECT_EQ(packet.outer_destination, ip_of(kPeer)) << name(tunnel);
    EXPECT_EQ(packet.inner_tunnel, TunnelKind::kNone) << name(tunnel);
  }
}

TEST(DecodeTunnel, a_tunnel_that_ends_here_is_stripped_whatever_it_crosses) {
  for (const TunnelCase& tunnel : kTunnels) {
    const Packet packet = decoded(nested(tunnel, kOutside), {.decap = ranges_of({"::/0"})});
    EXPECT_EQ(packet.scope, Scope::kInternal) << name(tunnel);
    EXPECT_EQ(packet.outer_destination, ip_of(kOutside)) << name(tunnel);
    EXPECT_EQ(packet.outer_tunnel, tunnel.kind) << name(tunnel);
  }
  const Packet elsewhere =
      decoded(nested(kTunnels[0], kOutside), {.decap = ranges_of({"192.0.2.8"})});
  EXPECT_EQ(elsewhere.destination, ip_of(kOutside));
}

TEST(DecodeTunnel, a_mirror_is_always_stripped) {
  for (const TunnelCase& mirror : kMirrors)
    for (const char* collector : {kOutside, kPeer}) {
      const Packet packet = decoded(nested(mirror, collector));
      EXPECT_EQ(packet.scope, Scope::kInternal);
      EXPECT_EQ(packet.payload_bytes, 100u);
      EXPECT_EQ(packet.outer_tunnel, TunnelKind::kErspan);
      EXPECT_EQ(packet.outer_destination, ip_of(collector));
    }
}

TEST(DecodeTunnel, a_mirror_of_an_ip_packet_is_read_as_ip) {
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .ipv4(kHost, kPeer)
                          .gre({.sequence = 1, .type = 0x22eb})
                          .raw({0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2 << 2, 0})
                          .ipv4(kHost, kOutside)
                          .udp(1, 2)
                          .build();
  EXPECT_EQ(decoded(frame).destination, ip_of(kOutside));
}

TEST(DecodeTunnel, the_outermost_pair_that_leaves_home_counts_not_the_ones_inside_it) {
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .ipv4(kHost, kPeer)
                          .gre()
                          .ipv4(kHost, kOutside)
                          .vxlan(5)
                          .ethernet()
                          .ipv4(kHost, "198.51.100.1")
                          .udp(1, 2)
                          .fill(10)
                          .build();
  const Packet packet = decoded(frame);
  EXPECT_EQ(packet.destination, ip_of(kOutside));
  EXPECT_EQ(packet.outer_tunnel, TunnelKind::kGre);
  EXPECT_EQ(packet.outer_destination, ip_of(kPeer));
  EXPECT_EQ(packet.inner_tunnel, TunnelKind::kVxlan);
}

TEST(DecodeTunnel, ipv4_in_ipv6_and_ipv6_in_ipv6_are_told_apart) {
  const auto inside = [](const char* source, const char* destination) {
    return PacketBuilder()
        .ethernet()
        .ipv6(kHost6, kPeer6)
        .ip(source, destination)
        .udp(1, 2)
        .build();
  };
  EXPECT_EQ(decoded(inside(kHost, kOutside)).outer_tunnel, TunnelKind::k4in6);
  EXPECT_EQ(decoded(inside(kHost6, "2001:db8::9")).outer_tunnel, TunnelKind::kIpInIp);
}

TEST(DecodeTunnel, a_tunnel_that_carries_no_ip_counts_at_its_outer_pair) {
  const Packet packet = decoded(PacketBuilder()
                                    .ethernet()
                                    .ipv4(kHost, kPeer)
                                    .vxlan(9)
                                    .ethernet({.ether_type = 0x0806})
                                    .fill(46)
                                    .build());
  EXPECT_EQ(packet.drop, DropReason::kNone);
  EXPECT_EQ(packet.destination, ip_of(kPeer));
  EXPECT_EQ(packet.inner_tunnel, TunnelKind::kVxlan);
  EXPECT_EQ(packet.payload_bytes, 8u + 14 + 46);
}

TEST(DecodeTunnel, a_broken_header_inside_a_tunnel_leaves_the_outer_pair_counted) {
  for (const TunnelCase& tunnel : kTunnels) {
    const Bytes whole = nested(tunnel, kPeer);
    for (uint32_t captured = 34; captured < whole.size() - 120 - 40; ++captured) {
      const Packet packet = decoded_cut(whole, captured);
      EXPECT_EQ(packet.drop, DropReason::kNone);
      EXPECT_EQ(packet.destination, ip_of(kPeer));
      EXPECT_EQ(packet.ip_bytes, whole.size() - 14);
    }
  }
}

TEST(DecodeTunnel, deeper_than_the_depth_limit_the_innermost_header_reached_counts) {
  PacketBuilder builder;
  builder.ethernet();
  for (int i = 1; i <= 10; ++i) builder.ipv4(kHost, ("10.0.1." + std::to_string(i)).c_str());
  const Bytes frame = builder.udp(1, 2).build();
  const Packet packet = decoded(frame);  // eight tunnels in
  EXPECT_EQ(packet.destination, ip_of("10.0.1.9"));
  EXPECT_EQ(packet.layers, 8);
  EXPECT_EQ(packet.inner_tunnel, TunnelKind::kIpInIp);
  EXPECT_EQ(decoded(frame, {.decode_depth = 0}).destination, ip_of("10.0.1.1"));
}

TEST(DecodeTunnel, an_inner_length_never_claims_more_than_the_outer_datagram_held) {
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .ipv4(kHost, kPeer)
                          .ipv4(kHost, kOutside, {.total_bytes = 9000})
                          .udp(1, 2, {.length_bytes = 8980})
                          .fill(100)
                          .padding(30)
                          .build();
  const Packet packet = decoded(frame);
  EXPECT_EQ(packet.ip_bytes, 128u);
  EXPECT_EQ(packet.readable_bytes, 128u);
  EXPECT_EQ(packet.payload_bytes, 100u);
}

TEST(DecodeTunnel, a_later_fragment_is_never_opened_and_a_first_one_is) {
  PacketBuilder first, later;
  first.ethernet().ipv4(kHost, kPeer, {.more_fragments = true}).ipv4(kHost, kOutside);
  later.ethernet().ipv4(kHost, kPeer, {.fragment_offset_bytes = 80}).ipv4(kHost, kOutside);
  EXPECT_EQ(decoded(first.udp(1, 2).build()).destination, ip_of(kOutside));
  EXPECT_EQ(decoded(later.udp(1, 2).build()).destination, ip_of(kPeer));
}

TEST(DecodeTunnel, a_vni_selects_the_network_of_the_pair_inside) {
  const HomeNetworks home(
      {{.home = ranges_of({"10.0.0.0/8"})},
       {.name = "tenant", .vnis = {4711}, .home = ranges_of({"192.0.2.0/24"})}});
  const Decoder decoder(home, {});
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .ipv4(kHost, kPeer)
                          .vxlan(4711)
                          .ethernet()
                          .ipv4("192.0.2.1", "10.1.1.1")
                          .udp(1, 2)
                          .build();
  const Frame one = frame_of(frame);
  Packet packet;
  decoder.decode({&one, 1}, &packet);
  EXPECT_EQ(packet.network, 1);
  EXPECT_EQ(packet.vni, 4711u);
  EXPECT_EQ(packet.scope, Scope::kOutbound);
  EXPECT_TRUE(packet.source_home);
}

TEST(DecodeTunnel, a_tunnel_port_without_a_tunnel_header_is_plain_udp) {
  for (const uint16_t port : std::initializer_list<uint16_t>{4789, 8472, 6081, 2152, 3544}) {
    const Packet packet =
        decoded(PacketBuilder().ethernet().ipv4(kHost, kPeer).udp(9, port).fill(60).build());
    EXPECT_EQ(packet.inner_tunnel, TunnelKind::kNone) << port;
    EXPECT_EQ(packet.destination_port, port);
    EXPECT_EQ(packet.payload_bytes, 60u);
  }
}

TEST(DecodeTunnel, signalling_of_gtp_is_no_tunnel) {
  const Packet packet = decoded(PacketBuilder()
                                    .ethernet()
                                    .ipv4(kHost, kPeer)
                                    .gtp_u(1, {.message = 1})
                                    .ipv4(kHost, kOutside)
                                    .build());
  EXPECT_EQ(packet.destination, ip_of(kPeer));
}

}  // namespace
}  // namespace weir
