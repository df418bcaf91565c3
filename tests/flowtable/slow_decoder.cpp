// Link headers and the choice of the counted pair, slowly.
#include "tests/flowtable/slow_decoder.h"

#include <stdexcept>

#include "tests/flowtable/slow_walk.h"

namespace weir {

SlowWalk::SlowWalk(const Frame& frame, const std::vector<Network>& networks,
                   const DecodeOptions& options)
    : frame_(frame), networks_(networks), options_(options) {}

Packet SlowWalk::dropped(DropReason reason) const {
  Packet packet;
  packet.time_ns = frame_.time_ns;
  packet.frame_bytes = frame_.frame_bytes;
  packet.drop = reason;
  return packet;
}

Packet SlowWalk::link() {
  const Region all{frame_.data, frame_.contiguous_bytes, 0, frame_.frame_bytes};
  switch (static_cast<int>(frame_.link)) {
    case 0:
    case 108:
      return null_loop(all, {});
    case 1:
      return ethernet(all, {});
    case 9:
    case 50:
      if (!all.has(1)) return dropped(DropReason::kLinkMalformed);
      if (all.u8(0) == 0x0f || all.u8(0) == 0x8f) return cisco_hdlc(all, {});
      return ppp(all, {});
    case 51:
      return pppoe(all, {});
    case 101:
      return any_ip(all, {});
    case 104:
      return cisco_hdlc(all, {});
    case 107:
      return frame_relay(all, {});
    case 113:
      return cooked(all, {}, 16, 14);
    case 228:
      return ip(all, {}, 4);
    case 229:
      return ip(all, {}, 6);
    case 239:
      return nflog(all, {});
    case 276:
      return cooked(all, {}, 20, 0);
    default:
      return dropped(DropReason::kLinkUnsupported);
  }
}

Packet SlowWalk::null_loop(Region at, Around around) {
  if (!at.has(4)) return dropped(DropReason::kLinkMalformed);
  const std::vector<unsigned> little{at.u8(0), at.u8(1), at.u8(2), at.u8(3)};
  const std::vector<unsigned> big{at.u8(3), at.u8(2), at.u8(1), at.u8(0)};
  const auto is = [&](unsigned family) {
    const std::vector<unsigned> bytes{family, 0, 0, 0};
    return little == bytes || big == bytes;
  };
  if (is(2)) return ip(at.from(4), around, 4);
  if (is(10) || is(24) || is(28) || is(30)) return ip(at.from(4), around, 6);
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::ethernet(Region at, Around around) {
  if (!at.has(14)) return dropped(DropReason::kLinkMalformed);
  return type_or_length(at.from(12), around);
}

/// Two bytes that are a length up to 1500 and a type from 1536.
Packet SlowWalk::type_or_length(Region at, Around around) {
  if (!at.has(2)) return dropped(DropReason::kLinkMalformed);
  const unsigned value = at.u16(0);
  if (value <= 1500) return llc(at.from(2), around);
  if (value < 1536) return dropped(DropReason::kNotIp);
  return ether_type(value, at.from(2), around);
}

Packet SlowWalk::ether_type(unsigned type, Region at, Around around) {
  const bool full = around.layers == options_.decode_depth;
  if (type == 0x0800) return ip(at, around, 4);
  if (type == 0x86dd) return ip(at, around, 6);
  if (type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200) {
    if (!at.has(2)) return dropped(DropReason::kLinkMalformed);
    if (full) return dropped(DropReason::kTunnelMalformed);
    if (around.vlan == 0) around.vlan = static_cast<uint16_t>(at.u16(0) % 4096);
    ++around.layers;
    return type_or_length(at.from(2), around);
  }
  const auto tag = [&](unsigned bytes, bool frame_follows) {
    if (!at.has(bytes)) return dropped(DropReason::kLinkMalformed);
    if (full) return dropped(DropReason::kTunnelMalformed);
    ++around.layers;
    return frame_follows ? ethernet(at.from(bytes), around)
                         : type_or_length(at.from(bytes), around);
  };
  if (type == 0x8926) return tag(4, false);
  if (type == 0x893f) return tag(6, false);
  if (type == 0x8903) return tag(2, true);
  if (type == 0x88e7) return tag(4, true);
  if (type == 0x88e5) {
    if (!at.has(1)) return dropped(DropReason::kLinkMalformed);
    const bool version = at.u8(0) >= 128, encrypted = at.u8(0) / 4 % 4 != 0;
    if (version || encrypted) return dropped(DropReason::kNotIp);
    return tag(at.u8(0) & 0x20 ? 14 : 6, false);
  }
  if (type == 0x894f) return nsh(at, around);
  if (type == 0x6558) {
    if (full) return dropped(DropReason::kTunnelMalformed);
    ++around.layers;
    return ethernet(at, around);
  }
  if (type == 0x8847 || type == 0x8848) return mpls(at, around);
  if (type == 0x8864) return pppoe(at, around);
  if (type == 0x880b) return ppp(at, around);
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::nsh(Region at, Around around) {
  if (!at.has(4)) return dropped(DropReason::kLinkMalformed);
  const unsigned bytes = at.u8(1) % 64 * 4;
  if (bytes < 8 || bytes > at.wire()) return dropped(DropReason::kLinkMalformed);
  if (around.layers == options_.decode_depth) return dropped(DropReason::kTunnelMalformed);
  ++around.layers;
  const Region inside = at.from(bytes);
  if (at.u8(3) == 1) return ip(inside, around, 4);
  if (at.u8(3) == 2) return ip(inside, around, 6);
  if (at.u8(3) == 3) return ethernet(inside, around);
  if (at.u8(3) == 4) return nsh(inside, around);
  if (at.u8(3) == 5) return mpls(inside, around);
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::llc(Region at, Around around) {
  if (!at.has(3)) return dropped(DropReason::kLinkMalformed);
  const bool unnumbered = at.u8(2) == 3;
  if (unnumbered && at.u8(0) == 0xaa && at.u8(1) == 0xaa) return snap(at.from(3), around);
  if (unnumbered && at.u8(0) == 6 && at.u8(1) == 6) return ip(at.from(3), around, 4);
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::snap(Region at, Around around) {
  if (!at.has(5)) return dropped(DropReason::kLinkMalformed);
  const unsigned organisation = at.u8(0) * 65536 + at.u16(1);
  const unsigned protocol = at.u16(3);
  if (organisation == 0 || organisation == 0xf8) return ether_type(protocol, at.from(5), around);
  if (organisation == 0x80c2 && (protocol == 1 || protocol == 7))
    return ether_type(0x6558, at.from(5), around);
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::mpls(Region at, Around around) {
  if (around.layers == options_.decode_depth) return dropped(DropReason::kTunnelMalformed);
  ++around.layers;
  unsigned labels = 0;
  do {
    if (labels == 16 || !at.has(4 * labels + 4)) return dropped(DropReason::kTunnelMalformed);
    ++labels;
  } while (at.u8(4 * labels - 2) % 2 == 0);
  const Region inside = at.from(4 * labels);
  if (!inside.has(1)) return dropped(DropReason::kTunnelMalformed);
  const unsigned nibble = inside.u8(0) / 16;
  if (nibble == 4 || nibble == 6) return ip(inside, around, nibble);
  if (nibble != 0) return dropped(DropReason::kNotIp);
  if (inside.wire() < 4) return dropped(DropReason::kTunnelMalformed);
  return ethernet(inside.from(4), around);
}

Packet SlowWalk::pppoe(Region at, Around around) {
  if (!at.has(6) || at.u8(0) != 0x11 || at.u8(1) != 0 || around.layers == options_.decode_depth)
    return dropped(DropReason::kTunnelMalformed);
  ++around.layers;
  return ppp(at.from(6), around);
}

Packet SlowWalk::ppp(Region at, Around around) {
  if (at.has(2) && at.u8(0) == 0xff && at.u8(1) == 3) at = at.from(2);
  const DropReason cut =
      around.layers > 0 ? DropReason::kTunnelMalformed : DropReason::kLinkMalformed;
  if (!at.has(1)) return dropped(cut);
  unsigned protocol = at.u8(0);
  unsigned bytes = 1;
  if (protocol % 2 == 0) {
    if (!at.has(2)) return dropped(cut);
    protocol = at.u16(0);
    bytes = 2;
  }
  if (protocol == 0x21) return ip(at.from(bytes), around, 4);
  if (protocol == 0x57) return ip(at.from(bytes), around, 6);
  if (protocol == 0x281 || protocol == 0x283) return mpls(at.from(bytes), around);
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::cisco_hdlc(Region at, Around around) {
  if (!at.has(4)) return dropped(DropReason::kLinkMalformed);
  return ether_type(at.u16(2), at.from(4), around);
}

Packet SlowWalk::frame_relay(Region at, Around around) {
  unsigned address = 0;
  while (at.has(address + 1) && address < 4 && at.u8(address) % 2 == 0) ++address;
  if (address == 4 || !at.has(address + 1)) return dropped(DropReason::kLinkMalformed);
  ++address;
  at = at.from(address);
  if (address < 2 || !at.has(2)) return dropped(DropReason::kLinkMalformed);
  if (at.u8(0) != 3) return type_or_length(at, around);
  at = at.from(at.u8(1) == 0 ? 2 : 1);
  if (!at.has(1)) return dropped(DropReason::kLinkMalformed);
  if (at.u8(0) == 0xcc) return ip(at.from(1), around, 4);
  if (at.u8(0) == 0x8e) return ip(at.from(1), around, 6);
  if (at.u8(0) == 0x80) return snap(at.from(1), around);
  if (at.u8(0) == 0xcf) return ppp(at.from(1), around);
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::cooked(Region at, Around around, unsigned bytes, unsigned type_at) {
  if (!at.has(bytes)) return dropped(DropReason::kLinkMalformed);
  const unsigned type = at.u16(type_at);
  if (type == 4) return llc(at.from(bytes), around);
  return ether_type(type, at.from(bytes), around);
}

Packet SlowWalk::nflog(Region at, Around around) {
  if (!at.has(4)) return dropped(DropReason::kLinkMalformed);
  at = at.from(4);
  bool big = false;
  for (int attribute = 0; attribute < 32; ++attribute) {
    if (at.wire() == 0) break;
    if (!at.has(4)) return dropped(DropReason::kLinkMalformed);
    if (attribute == 0) big = at.u8(2) == 0;
    const auto number = [&](unsigned i) { return big ? at.u16(i) : at.u8(i) + 256 * at.u8(i + 1); };
    unsigned bytes = number(0);
    if (bytes < 4) return dropped(DropReason::kLinkMalformed);
    if (number(2) == 9) return any_ip(at.from(4), around);
    while (bytes % 4 != 0) ++bytes;
    if (bytes > at.wire()) return dropped(DropReason::kLinkMalformed);
    at = at.from(bytes);
  }
  return dropped(DropReason::kNotIp);
}

Packet SlowWalk::any_ip(Region at, Around around) {
  if (!at.has(1)) return dropped(DropReason::kIpMalformed);
  const unsigned version = at.u8(0) / 16;
  if (version != 4 && version != 6) return dropped(DropReason::kIpMalformed);
  return ip(at, around, version);
}

Packet SlowWalk::tunnelled(Region at, const Packet& outer, Around around) {
  const auto inside = tunnel(at, outer);
  if (!inside) return outer;
  Packet kept = outer;
  kept.inner_tunnel = inside->kind;
  bool ends_here = inside->kind == TunnelKind::kErspan;
  for (const IpRange& range : options_.decap)
    if (range.first <= outer.destination && outer.destination <= range.last) ends_here = true;
  if (outer.scope == Scope::kOutbound && !ends_here) return kept;
  if (around.layers == options_.decode_depth) return kept;
  ++around.layers;
  around.tunnel = inside->kind;
  around.source = outer.source;
  around.destination = outer.destination;
  if (inside->vni != 0) around.vni = inside->vni;
  Packet inner;
  switch (inside->carries) {
    case Carries::kEthernet:
      inner = ethernet(inside->at, around);
      break;
    case Carries::kEtherType:
      inner = ether_type(inside->ether_type, inside->at, around);
      break;
    case Carries::kPpp:
      inner = ppp(inside->at, around);
      break;
    case Carries::kAnyIp:
      inner = any_ip(inside->at, around);
      break;
    case Carries::kIpv4:
      inner = ip(inside->at, around, 4);
      break;
    case Carries::kIpv6:
      inner = ip(inside->at, around, 6);
      break;
  }
  return inner.drop == DropReason::kNone ? inner : kept;
}

Packet slow_decode(const Frame& frame, const std::vector<Network>& networks,
                   const DecodeOptions& options) {
  return SlowWalk(frame, networks, options).link();
}

std::string difference(const Packet& fast, const Packet& slow) {
  std::string text;
  const auto field = [&](const char* name, auto a, auto b) {
    if (a != b && text.empty())
      text = std::string(name) + ": decoder " + std::to_string(static_cast<uint64_t>(a)) +
             ", twin " + std::to_string(static_cast<uint64_t>(b));
  };
  const auto address = [&](const char* name, const IpAddress& a, const IpAddress& b) {
    if (a != b && text.empty())
      text = std::string(name) + ": decoder " + to_string(a) + ", twin " + to_string(b);
  };
  field("drop", fast.drop, slow.drop);
  address("source", fast.source, slow.source);
  address("destination", fast.destination, slow.destination);
  field("time_ns", fast.time_ns, slow.time_ns);
  field("ip", reinterpret_cast<uintptr_t>(fast.ip), reinterpret_cast<uintptr_t>(slow.ip));
  field("readable_bytes", fast.readable_bytes, slow.readable_bytes);
  field("frame_bytes", fast.frame_bytes, slow.frame_bytes);
  field("ip_bytes", fast.ip_bytes, slow.ip_bytes);
  field("payload_bytes", fast.payload_bytes, slow.payload_bytes);
  field("sequence", fast.sequence, slow.sequence);
  field("acknowledgement", fast.acknowledgement, slow.acknowledgement);
  field("vni", fast.vni, slow.vni);
  field("payload_offset", fast.payload_offset, slow.payload_offset);
  field("transport_offset", fast.transport_offset, slow.transport_offset);
  field("source_port", fast.source_port, slow.source_port);
  field("destination_port", fast.destination_port, slow.destination_port);
  field("network", fast.network, slow.network);
  field("vlan", fast.vlan, slow.vlan);
  field("protocol", fast.protocol, slow.protocol);
  field("tcp_flags", fast.tcp_flags, slow.tcp_flags);
  field("scope", fast.scope, slow.scope);
  field("fragment", fast.fragment, slow.fragment);
  field("source_home", fast.source_home, slow.source_home);
  field("transport_readable", fast.transport_readable, slow.transport_readable);
  field("outer_tunnel", fast.outer_tunnel, slow.outer_tunnel);
  field("inner_tunnel", fast.inner_tunnel, slow.inner_tunnel);
  field("layers", fast.layers, slow.layers);
  address("outer_source", fast.outer_source, slow.outer_source);
  address("outer_destination", fast.outer_destination, slow.outer_destination);
  return text;
}

}  // namespace weir
