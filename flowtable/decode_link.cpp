// HOT. Link headers, VLAN tags, MPLS labels and PPPoE, down to the first IP header.
#include <cstdint>

#include "flowtable/decode_walk.h"

namespace weir {
namespace {

constexpr uint32_t kMacBytes = 12;
constexpr uint16_t kLargest8023Length = 1500;  // IEEE 802.3 3.2.6
constexpr uint16_t kSmallestEtherType = 0x0600;
constexpr uint16_t kBridgedEthernet = 0x6558;
constexpr int kMplsLabels = 16;       // deeper label stacks are not real
constexpr int kNflogAttributes = 32;  // the kernel writes about fifteen

NextHeader read_ether_type(Walk& walk) noexcept {
  HeaderView<2> type;
  if (!walk.reader.take(type)) return walk.stop(DropReason::kLinkMalformed);
  const uint16_t value = type.u16<0>();
  if (value >= kSmallestEtherType) return next_of_ether_type(walk, value);
  if (value <= kLargest8023Length) return NextHeader::kLlc;
  return walk.stop(DropReason::kNotIp);
}

NextHeader read_ethernet(Walk& walk) noexcept {
  if (!walk.reader.skip(kMacBytes)) return walk.stop(DropReason::kLinkMalformed);
  return read_ether_type(walk);
}

/// IEEE 802.1Q 9.6: priority and VLAN id, then an EtherType again.
NextHeader read_vlan(Walk& walk) noexcept {
  HeaderView<2> tag;
  if (!walk.reader.take(tag)) return walk.stop(DropReason::kLinkMalformed);
  if (!walk.enter_layer()) return walk.stop(DropReason::kTunnelMalformed);
  if (walk.vlan == 0) walk.vlan = tag.u16<0>() & 0x0fff;
  return read_ether_type(walk);
}

/// Steps over a tag of a known size; false, with Walk::drop set, if it is cut or too deep.
template <uint32_t kBytes>
bool skip_tag(Walk& walk) noexcept {
  HeaderView<kBytes> tag;
  if (!walk.reader.take(tag)) {
    walk.drop = DropReason::kLinkMalformed;
    return false;
  }
  if (walk.enter_layer()) return true;
  walk.drop = DropReason::kTunnelMalformed;
  return false;
}

/// A tag between two EtherTypes: Cisco's VN-Tag has four bytes, the E-Tag of IEEE 802.1BR six.
template <uint32_t kBytes>
NextHeader read_tag(Walk& walk) noexcept {
  return skip_tag<kBytes>(walk) ? read_ether_type(walk) : NextHeader::kNothing;
}

/// A tag around a whole Ethernet frame: FabricPath's has two bytes, the I-TAG of IEEE 802.1ah four.
template <uint32_t kBytes>
NextHeader read_frame_tag(Walk& walk) noexcept {
  return skip_tag<kBytes>(walk) ? NextHeader::kEthernet : NextHeader::kNothing;
}

/// IEEE 802.1AE 9.3: control, short length, packet number, and an identifier of eight bytes where
/// the control says so. Only what is authenticated but not encrypted can be read on.
NextHeader read_macsec(Walk& walk) noexcept {
  constexpr uint8_t kVersion = 0x80, kIdentifier = 0x20, kEncrypted = 0x0c;
  HeaderView<1> control;
  if (!walk.reader.view(control)) return walk.stop(DropReason::kLinkMalformed);
  if ((control.u8<0>() & (kVersion | kEncrypted)) != 0) return walk.stop(DropReason::kNotIp);
  return (control.u8<0>() & kIdentifier) != 0 ? read_tag<14>(walk) : read_tag<6>(walk);
}

/// RFC 8300 2.2: a length in words and a next protocol.
NextHeader read_nsh(Walk& walk) noexcept {
  HeaderView<4> base;
  if (!walk.reader.view(base)) return walk.stop(DropReason::kLinkMalformed);
  const uint32_t bytes = (base.u8<1>() & 0x3fu) * 4u;
  if (bytes < 8 || !walk.reader.skip(bytes)) return walk.stop(DropReason::kLinkMalformed);
  if (!walk.enter_layer()) return walk.stop(DropReason::kTunnelMalformed);
  constexpr uint8_t kIpv4 = 1, kIpv6 = 2, kEthernet = 3, kNested = 4, kMpls = 5;
  switch (base.u8<3>()) {
    case kIpv4:
      return NextHeader::kIpv4;
    case kIpv6:
      return NextHeader::kIpv6;
    case kEthernet:
      return NextHeader::kEthernet;
    case kNested:
      return NextHeader::kNsh;
    case kMpls:
      return NextHeader::kMpls;
    default:
      return walk.stop(DropReason::kNotIp);
  }
}

/// RFC 3032 2.1; what follows the stack by RFC 4385 3 (first nibble).
NextHeader read_mpls(Walk& walk) noexcept {
  if (!walk.enter_layer()) return walk.stop(DropReason::kTunnelMalformed);
  bool bottom = false;
  for (int label = 0; label < kMplsLabels && !bottom; ++label) {
    HeaderView<4> entry;
    if (!walk.reader.take(entry)) return walk.stop(DropReason::kTunnelMalformed);
    bottom = (entry.u8<2>() & 1) != 0;
  }
  HeaderView<1> first;
  if (!bottom || !walk.reader.view(first)) return walk.stop(DropReason::kTunnelMalformed);
  switch (first.u8<0>() >> 4) {
    case 4:
      return NextHeader::kIpv4;
    case 6:
      return NextHeader::kIpv6;
    case 0:  // pseudowire control word, then the Ethernet frame
      return walk.reader.skip(4) ? NextHeader::kEthernet : walk.stop(DropReason::kTunnelMalformed);
    default:
      return walk.stop(DropReason::kNotIp);
  }
}

/// RFC 2516 4. The length field is not trusted: the IP header inside has its own.
NextHeader read_pppoe(Walk& walk) noexcept {
  HeaderView<6> header;
  if (!walk.reader.take(header) || header.u8<0>() != 0x11 || header.u8<1>() != 0 ||
      !walk.enter_layer())
    return walk.stop(DropReason::kTunnelMalformed);
  return NextHeader::kPpp;
}

/// RFC 1661 2 and RFC 1662 3.1: address and control (ff 03) may be left out, and the high byte of
/// the protocol where it is zero.
NextHeader read_ppp(Walk& walk) noexcept {
  const DropReason cut =
      walk.layers == 0 ? DropReason::kLinkMalformed : DropReason::kTunnelMalformed;
  HeaderView<2> two;
  if (walk.reader.view(two) && two.u16<0>() == 0xff03 && !walk.reader.skip(2))
    return walk.stop(cut);
  HeaderView<1> low;
  if (!walk.reader.take(low)) return walk.stop(cut);
  uint32_t protocol = low.u8<0>();
  if ((protocol & 1) == 0) {
    const uint32_t high = protocol << 8;
    if (!walk.reader.take(low)) return walk.stop(cut);
    protocol = high | low.u8<0>();
  }
  switch (protocol) {
    case 0x0021:
      return NextHeader::kIpv4;
    case 0x0057:
      return NextHeader::kIpv6;
    case 0x0281:
    case 0x0283:
      return NextHeader::kMpls;
    default:
      return walk.stop(DropReason::kNotIp);
  }
}

/// The first byte of HDLC framing tells PPP (ff) from Cisco (0f unicast, 8f broadcast).
NextHeader read_ppp_serial(Walk& walk) noexcept {
  HeaderView<1> address;
  if (!walk.reader.view(address)) return walk.stop(DropReason::kLinkMalformed);
  const bool cisco = (address.u8<0>() & 0x7f) == 0x0f;
  return cisco ? NextHeader::kCiscoHdlc : NextHeader::kPpp;
}

/// Address, control, then a protocol that is an EtherType.
NextHeader read_cisco_hdlc(Walk& walk) noexcept {
  HeaderView<4> header;
  if (!walk.reader.take(header)) return walk.stop(DropReason::kLinkMalformed);
  return next_of_ether_type(walk, header.u16<2>());
}

/// Behind an organisation of RFC 2427 bridging (00-80-c2): MAC frames with and without FCS.
NextHeader read_snap(Walk& walk) noexcept {
  HeaderView<5> snap;
  if (!walk.reader.take(snap)) return walk.stop(DropReason::kLinkMalformed);
  const uint32_t organisation = snap.u32<0>() >> 8;
  const uint16_t protocol = snap.u16<3>();
  if (organisation == 0x000000 || organisation == 0x0000f8)  // RFC 1042; IEEE 802.1H bridge tunnel
    return next_of_ether_type(walk, protocol);
  if (organisation == 0x0080c2 && (protocol == 0x0001 || protocol == 0x0007))
    return next_of_ether_type(walk, kBridgedEthernet);
  return walk.stop(DropReason::kNotIp);
}

/// IEEE 802.2: DSAP, SSAP, control. SNAP (aa aa 03) and the SAP of IP (06 06 03) carry IP.
NextHeader read_llc(Walk& walk) noexcept {
  HeaderView<3> header;
  if (!walk.reader.take(header)) return walk.stop(DropReason::kLinkMalformed);
  const uint16_t access_points = header.u16<0>();
  if (header.u8<2>() == 0x03 && access_points == 0xaaaa) return read_snap(walk);
  if (header.u8<2>() == 0x03 && access_points == 0x0606) return NextHeader::kIpv4;
  return walk.stop(DropReason::kNotIp);
}

/// RFC 2427: Q.922 address of two to four bytes, control, padding, NLPID. Without the control
/// byte it is Cisco's framing: an EtherType behind the address.
NextHeader read_frame_relay(Walk& walk) noexcept {
  HeaderView<1> byte;
  int address_bytes = 0;
  do {
    if (address_bytes == 4 || !walk.reader.take(byte)) return walk.stop(DropReason::kLinkMalformed);
    ++address_bytes;
  } while ((byte.u8<0>() & 1) == 0);
  HeaderView<2> two;
  if (address_bytes < 2 || !walk.reader.view(two)) return walk.stop(DropReason::kLinkMalformed);
  if (two.u8<0>() != 0x03) return read_ether_type(walk);
  const bool padded = two.u8<1>() == 0;
  if (!walk.reader.skip(padded ? 2 : 1) || !walk.reader.take(byte))
    return walk.stop(DropReason::kLinkMalformed);
  switch (byte.u8<0>()) {
    case 0xcc:
      return NextHeader::kIpv4;
    case 0x8e:
      return NextHeader::kIpv6;
    case 0x80:
      return read_snap(walk);
    case 0xcf:  // RFC 1973
      return NextHeader::kPpp;
    default:
      return walk.stop(DropReason::kNotIp);
  }
}

/// BSD loopback: the address family in the byte order of whoever captured.
NextHeader read_null_loop(Walk& walk) noexcept {
  HeaderView<4> header;
  if (!walk.reader.take(header)) return walk.stop(DropReason::kLinkMalformed);
  uint32_t family = header.u32<0>();
  if (family > 0xffff) family = __builtin_bswap32(family);
  switch (family) {
    case 2:
      return NextHeader::kIpv4;
    case 10:  // Linux
    case 24:  // NetBSD, OpenBSD
    case 28:  // FreeBSD
    case 30:  // Darwin
      return NextHeader::kIpv6;
    default:
      return walk.stop(DropReason::kNotIp);
  }
}

/// LINKTYPE_LINUX_SLL: 16 bytes, the last two an EtherType, or 4 for 802.2.
NextHeader read_linux_cooked(Walk& walk) noexcept {
  HeaderView<16> header;
  if (!walk.reader.take(header)) return walk.stop(DropReason::kLinkMalformed);
  const uint16_t protocol = header.u16<14>();
  return protocol == 4 ? NextHeader::kLlc : next_of_ether_type(walk, protocol);
}

/// LINKTYPE_LINUX_SLL2: 20 bytes, the first two an EtherType, or 4 for 802.2.
NextHeader read_linux_cooked2(Walk& walk) noexcept {
  HeaderView<20> header;
  if (!walk.reader.take(header)) return walk.stop(DropReason::kLinkMalformed);
  const uint16_t protocol = header.u16<0>();
  return protocol == 4 ? NextHeader::kLlc : next_of_ether_type(walk, protocol);
}

/// LINKTYPE_NFLOG: attributes in the byte order of the capturing machine, one of them the packet.
/// Types are small, so a first one above 255 shows the other order.
NextHeader read_nflog(Walk& walk) noexcept {
  HeaderView<4> attribute;
  if (!walk.reader.take(attribute)) return walk.stop(DropReason::kLinkMalformed);
  bool big_endian = false;
  for (int i = 0; i < kNflogAttributes && walk.reader.wire_bytes() != 0; ++i) {
    if (!walk.reader.take(attribute)) return walk.stop(DropReason::kLinkMalformed);
    uint16_t attribute_bytes = attribute.u16<0>();
    uint16_t type = attribute.u16<2>();
    if (i == 0) big_endian = type <= 0xff;
    if (!big_endian) {
      attribute_bytes = __builtin_bswap16(attribute_bytes);
      type = __builtin_bswap16(type);
    }
    if (attribute_bytes < 4) return walk.stop(DropReason::kLinkMalformed);
    constexpr uint16_t kPayload = 9;  // NFULA_PAYLOAD of linux/netfilter/nfnetlink_log.h
    if (type == kPayload) return NextHeader::kIpByVersion;
    const uint32_t value_bytes = ((attribute_bytes + 3u) & ~3u) - 4;
    if (!walk.reader.skip(value_bytes)) return walk.stop(DropReason::kLinkMalformed);
  }
  return walk.stop(DropReason::kNotIp);
}

NextHeader read_ip_version(Walk& walk) noexcept {
  HeaderView<1> first;
  if (!walk.reader.view(first)) return walk.stop(DropReason::kIpMalformed);
  switch (first.u8<0>() >> 4) {
    case 4:
      return NextHeader::kIpv4;
    case 6:
      return NextHeader::kIpv6;
    default:
      return walk.stop(DropReason::kIpMalformed);
  }
}

}  // namespace

NextHeader next_of_ether_type(Walk& walk, uint16_t ether_type) noexcept {
  switch (ether_type) {
    case 0x0800:
      return NextHeader::kIpv4;
    case 0x86dd:
      return NextHeader::kIpv6;
    case 0x8100:  // IEEE 802.1Q
    case 0x88a8:  // IEEE 802.1ad
    case 0x9100:  // stacked tags before 802.1ad
    case 0x9200:
      return NextHeader::kVlan;
    case 0x8847:
    case 0x8848:
      return NextHeader::kMpls;
    case 0x8864:
      return NextHeader::kPppoe;
    case 0x8926:
      return NextHeader::kVnTag;
    case 0x893f:
      return NextHeader::kETag;
    case 0x88e5:
      return NextHeader::kMacsec;
    case 0x8903:
      return NextHeader::kFabricPath;
    case 0x88e7:
      return NextHeader::kBackboneTag;
    case 0x894f:
      return NextHeader::kNsh;
    case 0x880b:
      return NextHeader::kPpp;
    case kBridgedEthernet:  // costs a layer, or a frame could nest frames without end
      return walk.enter_layer() ? NextHeader::kEthernet : walk.stop(DropReason::kTunnelMalformed);
    default:
      return walk.stop(DropReason::kNotIp);
  }
}

NextHeader next_of_link(Walk& walk, LinkType link) noexcept {
  switch (link) {
    case LinkType::kEthernet:
      return NextHeader::kEthernet;
    case LinkType::kRawIp:
      return NextHeader::kIpByVersion;
    case LinkType::kIpv4:
      return NextHeader::kIpv4;
    case LinkType::kIpv6:
      return NextHeader::kIpv6;
    case LinkType::kNull:
    case LinkType::kLoop:
      return NextHeader::kNullLoop;
    case LinkType::kPpp:  // old captures hold Cisco's framing too
    case LinkType::kPppSerial:
      return NextHeader::kPppSerial;
    case LinkType::kPppEther:
      return NextHeader::kPppoe;
    case LinkType::kCiscoHdlc:
      return NextHeader::kCiscoHdlc;
    case LinkType::kFrameRelay:
      return NextHeader::kFrameRelay;
    case LinkType::kLinuxSll:
      return NextHeader::kLinuxCooked;
    case LinkType::kLinuxSll2:
      return NextHeader::kLinuxCooked2;
    case LinkType::kNflog:
      return NextHeader::kNflog;
    case LinkType::kUnsupported:
      break;
  }
  return walk.stop(DropReason::kLinkUnsupported);
}

NextHeader reach_ip(Walk& walk, NextHeader next) noexcept {
  for (;;) {  // ends: every header takes bytes, and tags take layers
    switch (next) {
      case NextHeader::kNothing:
      case NextHeader::kIpv4:
      case NextHeader::kIpv6:
        return next;
      case NextHeader::kIpByVersion:
        return read_ip_version(walk);
      case NextHeader::kEthernet:
        next = read_ethernet(walk);
        break;
      case NextHeader::kVlan:
        next = read_vlan(walk);
        break;
      case NextHeader::kVnTag:
        next = read_tag<4>(walk);
        break;
      case NextHeader::kETag:
        next = read_tag<6>(walk);
        break;
      case NextHeader::kMacsec:
        next = read_macsec(walk);
        break;
      case NextHeader::kFabricPath:
        next = read_frame_tag<2>(walk);
        break;
      case NextHeader::kBackboneTag:
        next = read_frame_tag<4>(walk);
        break;
      case NextHeader::kNsh:
        next = read_nsh(walk);
        break;
      case NextHeader::kMpls:
        next = read_mpls(walk);
        break;
      case NextHeader::kPppoe:
        next = read_pppoe(walk);
        break;
      case NextHeader::kPpp:
        next = read_ppp(walk);
        break;
      case NextHeader::kPppSerial:
        next = read_ppp_serial(walk);
        break;
      case NextHeader::kCiscoHdlc:
        next = read_cisco_hdlc(walk);
        break;
      case NextHeader::kFrameRelay:
        next = read_frame_relay(walk);
        break;
      case NextHeader::kLlc:
        next = read_llc(walk);
        break;
      case NextHeader::kNullLoop:
        next = read_null_loop(walk);
        break;
      case NextHeader::kLinuxCooked:
        next = read_linux_cooked(walk);
        break;
      case NextHeader::kLinuxCooked2:
        next = read_linux_cooked2(walk);
        break;
      case NextHeader::kNflog:
        next = read_nflog(walk);
        break;
    }
  }
}

}  // namespace weir
