// HOT. Headers of tunnels that start behind an IP header.
#include "flowtable/decode_tunnel.h"

#include "flowtable/decode_ip.h"

namespace weir {
namespace {

constexpr uint16_t kTypeBridged = 0x6558, kTypeErspan12 = 0x88be, kTypeErspan3 = 0x22eb,
                   kTypePpp = 0x880b, kTypeWccp = 0x883e;
constexpr int kGtpExtensions = 8;
constexpr TunnelStep kNoTunnel{};

/// RFC 2003, 2473, 4213: an IP header behind an IP header. Only a fitting first nibble counts.
TunnelStep enter_ip_in_ip(Walk& walk, const Packet& packet) noexcept {
  HeaderView<1> inner;
  HeaderView<1> outer;
  const ByteReader start(packet.ip, packet.readable_bytes, packet.ip_bytes);
  if (!walk.reader.view(inner) || !start.view(outer)) return kNoTunnel;
  const bool inner_v4 = packet.protocol == kProtocolIpv4;
  if (inner.u8<0>() >> 4 != (inner_v4 ? 4 : 6)) return kNoTunnel;
  const bool outer_v4 = outer.u8<0>() >> 4 == 4;
  const NextHeader next = inner_v4 ? NextHeader::kIpv4 : NextHeader::kIpv6;
  if (inner_v4 == outer_v4) return {TunnelKind::kIpInIp, next};
  return {inner_v4 ? TunnelKind::k4in6 : TunnelKind::k6in4, next};
}

/// Cisco, draft-foschiano-erspan-03 4.2 and 4.3: type I has no header, II eight bytes, III twelve
/// and a platform part of eight more.
TunnelStep enter_erspan(Walk& walk, uint16_t type, bool has_sequence) noexcept {
  constexpr TunnelStep kMirroredFrame{TunnelKind::kErspan, NextHeader::kEthernet};
  if (type == kTypeErspan12) {
    if (!has_sequence) return kMirroredFrame;
    HeaderView<8> header;
    return walk.reader.take(header) && header.u8<0>() >> 4 == 1 ? kMirroredFrame : kNoTunnel;
  }
  HeaderView<12> header;
  if (!walk.reader.take(header) || header.u8<0>() >> 4 != 2) return kNoTunnel;
  const bool platform_part = (header.u8<11>() & 1) != 0;
  if (platform_part && !walk.reader.skip(8)) return kNoTunnel;
  const bool mirrored_ip = (header.u8<10>() >> 2 & 0x1f) == 2;
  return {TunnelKind::kErspan, mirrored_ip ? NextHeader::kIpByVersion : NextHeader::kEthernet};
}

/// RFC 2637 4.1: version 1 carries PPP; the key holds payload length and call.
TunnelStep enter_pptp(Walk& walk, uint16_t flags, uint16_t type) noexcept {
  constexpr uint16_t kKey = 0x2000, kSequence = 0x1000, kAcknowledgement = 0x0080;
  if (type != kTypePpp || (flags & kKey) == 0) return kNoTunnel;
  const uint32_t numbers_bytes =
      4u + ((flags & kSequence) != 0 ? 4u : 0u) + ((flags & kAcknowledgement) != 0 ? 4u : 0u);
  if (!walk.reader.skip(numbers_bytes) || walk.reader.wire_bytes() == 0) return kNoTunnel;
  return {TunnelKind::kGre, NextHeader::kPpp};
}

/// Web cache redirection: an IPv4 packet, from version 2 on behind four bytes of its own.
TunnelStep enter_wccp(Walk& walk) noexcept {
  HeaderView<1> first;
  if (!walk.reader.view(first)) return kNoTunnel;
  if (first.u8<0>() >> 4 != 4 && !walk.reader.skip(4)) return kNoTunnel;
  return {TunnelKind::kGre, NextHeader::kIpv4};
}

/// RFC 2784, 2890; NVGRE is RFC 7637 3.2: bridged Ethernet with a key and nothing else.
TunnelStep enter_gre(Walk& walk) noexcept {
  HeaderView<4> header;
  if (!walk.reader.take(header)) return kNoTunnel;
  constexpr uint16_t kChecksum = 0x8000, kRouting = 0x4000, kKey = 0x2000, kSequence = 0x1000;
  const uint16_t flags = header.u16<0>();
  const uint16_t type = header.u16<2>();
  const uint16_t version = flags & 7;
  if (version == 1) return enter_pptp(walk, flags, type);
  if (version != 0 || (flags & kRouting) != 0) return kNoTunnel;  // source routes: RFC 1701 only
  if ((flags & kChecksum) != 0 && !walk.reader.skip(4)) return kNoTunnel;
  HeaderView<4> key;
  const bool has_key = (flags & kKey) != 0;
  if (has_key && !walk.reader.take(key)) return kNoTunnel;
  const bool has_sequence = (flags & kSequence) != 0;
  if (has_sequence && !walk.reader.skip(4)) return kNoTunnel;
  switch (type) {
    case kTypeErspan12:
    case kTypeErspan3:
      return enter_erspan(walk, type, has_sequence);
    case kTypeWccp:
      return enter_wccp(walk);
    case kTypeBridged:
      if (has_key && (flags & (kChecksum | kSequence)) == 0)
        return {TunnelKind::kNvgre, NextHeader::kEthernet, key.u32<0>() >> 8};
      return {TunnelKind::kGre, NextHeader::kEthernet};
    default: {
      const NextHeader next = next_of_ether_type(walk, type);
      return next == NextHeader::kNothing ? kNoTunnel : TunnelStep{TunnelKind::kGre, next};
    }
  }
}

/// RFC 7348 5: the I flag alone, reserved bits zero.
TunnelStep enter_vxlan(Walk& walk) noexcept {
  HeaderView<8> header;
  if (!walk.reader.take(header)) return kNoTunnel;
  if (header.u32<0>() != 0x08000000 || header.u8<7>() != 0) return kNoTunnel;
  return {TunnelKind::kVxlan, NextHeader::kEthernet, header.u32<4>() >> 8};
}

/// RFC 8926 3.4.
TunnelStep enter_geneve(Walk& walk) noexcept {
  HeaderView<8> header;
  if (!walk.reader.take(header) || header.u8<0>() >> 6 != 0) return kNoTunnel;
  const uint32_t options_bytes = (header.u8<0>() & 0x3fu) * 4u;
  if (!walk.reader.skip(options_bytes)) return kNoTunnel;
  const uint32_t vni = header.u32<4>() >> 8;
  const uint16_t type = header.u16<2>();
  if (type == kTypeBridged) return {TunnelKind::kGeneve, NextHeader::kEthernet, vni};
  const NextHeader next = next_of_ether_type(walk, type);
  return next == NextHeader::kNothing ? kNoTunnel : TunnelStep{TunnelKind::kGeneve, next, vni};
}

/// 3GPP TS 29.281 5.1: version 1, G-PDU; optional fields and extension headers skipped.
TunnelStep enter_gtp_u(Walk& walk) noexcept {
  HeaderView<8> header;
  constexpr uint8_t kVersionAndType = 0xf0, kOptional = 0x07, kExtension = 0x04, kGPdu = 255;
  if (!walk.reader.take(header) || (header.u8<0>() & kVersionAndType) != 0x30 ||
      header.u8<1>() != kGPdu)
    return kNoTunnel;
  constexpr TunnelStep kUserPacket{TunnelKind::kGtpU, NextHeader::kIpByVersion};
  if ((header.u8<0>() & kOptional) == 0) return kUserPacket;
  HeaderView<4> optional;  // sequence, N-PDU number, next extension
  if (!walk.reader.take(optional)) return kNoTunnel;
  uint8_t extension = (header.u8<0>() & kExtension) != 0 ? optional.u8<3>() : 0;
  for (int i = 0; extension != 0; ++i) {
    HeaderView<1> words;
    if (i == kGtpExtensions || !walk.reader.view(words) || words.u8<0>() == 0) return kNoTunnel;
    HeaderView<1> next;
    if (!walk.reader.skip(words.u8<0>() * 4u - 1u) || !walk.reader.take(next)) return kNoTunnel;
    extension = next.u8<0>();
  }
  return kUserPacket;
}

/// RFC 4380 5.1.1: an IPv6 packet behind, perhaps, an authentication and an origin indication.
TunnelStep enter_teredo(Walk& walk) noexcept {
  HeaderView<4> start;
  if (walk.reader.view(start) && start.u16<0>() == 0x0001) {
    const uint32_t client_and_value_bytes = start.u8<2>() + uint32_t{start.u8<3>()};
    if (!walk.reader.skip(4 + client_and_value_bytes + 9)) return kNoTunnel;  // nonce, confirmation
  }
  if (walk.reader.view(start) && start.u16<0>() == 0x0000 && !walk.reader.skip(8)) return kNoTunnel;
  HeaderView<1> version;
  if (!walk.reader.view(version) || version.u8<0>() >> 4 != 6) return kNoTunnel;
  return {TunnelKind::kTeredo, NextHeader::kIpv6};
}

TunnelStep enter_udp_tunnel(Walk& walk, const Packet& packet) noexcept {
  if (!packet.transport_readable || !walk.reader.skip(kUdpHeaderBytes)) return kNoTunnel;
  switch (packet.destination_port) {
    case kVxlanPort:
    case kVxlanLinuxPort:
      return enter_vxlan(walk);
    case kGenevePort:
      return enter_geneve(walk);
    case kGtpUPort:
      return enter_gtp_u(walk);
    case kTeredoPort:
      return enter_teredo(walk);
    default:
      break;
  }
  if (packet.source_port == kGtpUPort) return enter_gtp_u(walk);
  if (packet.source_port == kTeredoPort) return enter_teredo(walk);
  return kNoTunnel;
}

}  // namespace

TunnelStep enter_tunnel(Walk& walk, const Packet& packet) noexcept {
  if (packet.fragment == FragmentKind::kLater) return kNoTunnel;
  switch (packet.protocol) {
    case kProtocolUdp:
      return enter_udp_tunnel(walk, packet);
    case kProtocolIpv4:
    case kProtocolIpv6:
      return enter_ip_in_ip(walk, packet);
    case kProtocolGre:
      return enter_gre(walk);
    default:
      return kNoTunnel;
  }
}

}  // namespace weir
