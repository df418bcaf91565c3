// IP and transport headers and the scope of a pair, slowly.
#include <algorithm>
#include <string>

#include "tests/flowtable/slow_walk.h"

namespace weir {
namespace {

bool within(const IpAddress& address, const char* cidr) {
  const IpRange range = parse_cidr(cidr).value();
  return address >= range.first && address <= range.last;
}

bool is_local_use(const IpAddress& address) {
  for (const char* v4 :
       {"0.0.0.0", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255"})
    if (within(address, v4)) return true;
  for (const char* v6 : {"::", "::1", "fe80::/10", "ff00::/8"})
    if (within(address, v6)) return true;
  return false;
}

bool at_home(const Network& network, const IpAddress& address) {
  for (const IpRange& range : network.home) {
    const bool v4_range = range.first.is_v4() && range.last.is_v4();
    if (v4_range == address.is_v4() && address >= range.first && address <= range.last) return true;
  }
  return false;
}

template <typename Number>
bool names(const std::vector<Number>& tags, uint32_t tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

uint16_t network_of(const std::vector<Network>& networks, uint32_t port, uint32_t vlan,
                    uint32_t vni) {
  for (size_t i = 0; i < networks.size(); ++i)
    if (names(networks[i].vnis, vni)) return static_cast<uint16_t>(i);
  for (size_t i = 0; i < networks.size(); ++i)
    if (names(networks[i].vlans, vlan)) return static_cast<uint16_t>(i);
  for (size_t i = 0; i < networks.size(); ++i)
    if (names(networks[i].ports, port)) return static_cast<uint16_t>(i);
  for (size_t i = 0; i < networks.size(); ++i)
    if (networks[i].ports.empty() && networks[i].vlans.empty() && networks[i].vnis.empty())
      return static_cast<uint16_t>(i);
  throw std::logic_error("no default network");
}

}  // namespace

void SlowWalk::place(Packet& packet, const Around& around) const {
  packet.vlan = around.vlan;
  packet.vni = around.vni;
  packet.layers = static_cast<uint8_t>(around.layers);
  packet.outer_tunnel = around.tunnel;
  packet.outer_source = around.source;
  packet.outer_destination = around.destination;
  packet.network = network_of(networks_, frame_.port, around.vlan, around.vni);
  const Network& network = networks_[packet.network];
  packet.source_home = at_home(network, packet.source);
  const bool destination_home = at_home(network, packet.destination);
  if (is_local_use(packet.source) || is_local_use(packet.destination))
    packet.scope = Scope::kLocal;
  else if (packet.source_home && destination_home)
    packet.scope = Scope::kInternal;
  else if (packet.source_home || destination_home)
    packet.scope = Scope::kOutbound;
  else
    packet.scope = Scope::kTransit;
}

Packet SlowWalk::ip(Region at, Around around, unsigned version) {
  return version == 4 ? ipv4(at, around) : ipv6(at, around);
}

Packet SlowWalk::ipv4(Region at, Around around) {
  if (!at.has(20) || at.u8(0) / 16 != 4) return dropped(DropReason::kIpMalformed);
  const unsigned header = at.u8(0) % 16 * 4u;
  const unsigned claimed = at.u16(2);
  const Region datagram = claimed == 0 ? at : at.first(claimed);
  if (header < 20 || header > datagram.wire()) return dropped(DropReason::kIpMalformed);
  Packet packet = dropped(DropReason::kNone);
  packet.source = IpAddress::v4(static_cast<uint32_t>(at.u32(12)));
  packet.destination = IpAddress::v4(static_cast<uint32_t>(at.u32(16)));
  packet.ip = at.frame + at.begin;
  packet.ip_bytes = static_cast<uint32_t>(datagram.wire());
  packet.readable_bytes = static_cast<uint32_t>(
      std::min(datagram.wire(), at.captured > at.begin ? at.captured - at.begin : 0));
  packet.protocol = static_cast<uint8_t>(at.u8(9));
  packet.transport_offset = static_cast<uint16_t>(header);
  const bool more = at.u8(6) & 0x20;
  const unsigned offset = at.u16(6) % 8192;
  if (offset > 0)
    packet.fragment = FragmentKind::kLater;
  else if (more)
    packet.fragment = FragmentKind::kFirst;
  place(packet, around);
  transport(datagram.from(header), packet);
  return tunnelled(datagram.from(header), packet, around);
}

namespace {

/// The jumbo length of a hop-by-hop header at `at`; 0 = none.
uint64_t jumbo(Region at) {
  if (!at.has(2)) return 0;
  Region options = at.first(at.u8(1) * 8u + 8u).from(2);
  for (int i = 0; i < 16; ++i) {
    if (!options.has(1)) return 0;
    if (options.u8(0) == 0) {
      options = options.from(1);
      continue;
    }
    if (!options.has(2)) return 0;
    const unsigned bytes = options.u8(1);
    if (options.u8(0) == 0xc2 && bytes == 4) {
      if (!options.has(6)) return 0;
      return options.u32(2) > 65535 ? options.u32(2) : 0;
    }
    if (options.wire() < 2 + bytes) return 0;
    options = options.from(2 + bytes);
  }
  return 0;
}

}  // namespace

Packet SlowWalk::ipv6(Region at, Around around) {
  if (!at.has(40) || at.u8(0) / 16 != 6) return dropped(DropReason::kIpMalformed);
  Packet packet = dropped(DropReason::kNone);
  packet.source = {at.u64(8), at.u64(16)};
  packet.destination = {at.u64(24), at.u64(32)};
  packet.ip = at.frame + at.begin;
  packet.protocol = static_cast<uint8_t>(at.u8(6));
  Region rest = at.from(40);
  if (at.u16(4) != 0)
    rest = rest.first(at.u16(4));
  else if (packet.protocol == 0 && jumbo(rest) != 0)
    rest = rest.first(jumbo(rest));
  packet.ip_bytes = static_cast<uint32_t>(40 + rest.wire());
  packet.readable_bytes =
      static_cast<uint32_t>(std::min<uint64_t>(packet.ip_bytes, at.captured - at.begin));
  unsigned offset = 40;
  for (int i = 0; i < 16 && packet.fragment != FragmentKind::kLater && rest.has(2); ++i) {
    unsigned bytes = 0;
    switch (packet.protocol) {
      case 44:
        bytes = 8;
        break;
      case 51:
        bytes = (rest.u8(1) + 2u) * 4;
        break;
      case 0:
      case 43:
      case 60:
      case 135:
      case 139:
      case 140:
        bytes = (rest.u8(1) + 1u) * 8;
        break;
      default:
        break;
    }
    if (bytes == 0 || bytes > rest.wire()) break;
    if (packet.protocol == 44) {
      if (!rest.has(8)) break;
      if (rest.u16(2) / 8 != 0)
        packet.fragment = FragmentKind::kLater;
      else if (rest.u16(2) % 2 != 0)
        packet.fragment = FragmentKind::kFirst;
    }
    packet.protocol = static_cast<uint8_t>(rest.u8(0));
    rest = rest.from(bytes);
    offset += bytes;
  }
  packet.transport_offset = static_cast<uint16_t>(offset);
  place(packet, around);
  transport(rest, packet);
  return tunnelled(rest, packet, around);
}

void SlowWalk::transport(Region at, Packet& packet) const {
  packet.payload_bytes = static_cast<uint32_t>(at.wire());
  const bool later = packet.fragment == FragmentKind::kLater;
  if (!later && packet.protocol == 6) return tcp(at, packet);
  if (!later && packet.protocol == 17) return udp(at, packet);
  const bool icmp = packet.protocol == 1 || packet.protocol == 58;
  if (!later && icmp) {
    if (at.wire() >= 8) packet.payload_bytes = static_cast<uint32_t>(at.wire() - 8);
    packet.transport_readable = at.has(8);
    if (at.has(8)) packet.payload_offset = static_cast<uint16_t>(packet.transport_offset + 8);
  } else if (!later && packet.protocol == 132) {
    if (at.has(4)) {
      packet.source_port = static_cast<uint16_t>(at.u16(0));
      packet.destination_port = static_cast<uint16_t>(at.u16(2));
    }
    packet.transport_readable = at.has(12);
    if (at.has(12)) packet.payload_offset = packet.transport_offset;
  } else {
    packet.payload_offset = packet.transport_offset;
  }
}

void SlowWalk::tcp(Region at, Packet& packet) const {
  if (!at.has(4)) return;
  packet.source_port = static_cast<uint16_t>(at.u16(0));
  packet.destination_port = static_cast<uint16_t>(at.u16(2));
  const unsigned header = at.has(13) ? at.u8(12) / 16 * 4u : 20u;
  if (header < 20 || header > at.wire()) return;
  packet.payload_bytes = static_cast<uint32_t>(at.wire() - header);
  if (!at.has(14)) return;
  packet.sequence = static_cast<uint32_t>(at.u32(4));
  packet.acknowledgement = static_cast<uint32_t>(at.u32(8));
  packet.tcp_flags = static_cast<uint8_t>(at.u8(13));
  packet.payload_offset = static_cast<uint16_t>(packet.transport_offset + header);
  packet.transport_readable = true;
}

void SlowWalk::udp(Region at, Packet& packet) const {
  if (!at.has(4)) return;
  packet.source_port = static_cast<uint16_t>(at.u16(0));
  packet.destination_port = static_cast<uint16_t>(at.u16(2));
  if (at.wire() < 8) return;
  uint64_t datagram = at.wire();
  if (at.has(8) && at.u16(4) != 0 && packet.fragment == FragmentKind::kNone) {
    if (at.u16(4) < 8) return;
    datagram = std::min<uint64_t>(datagram, at.u16(4));
  }
  packet.payload_bytes = static_cast<uint32_t>(datagram - 8);
  if (!at.has(8)) return;
  packet.payload_offset = static_cast<uint16_t>(packet.transport_offset + 8);
  packet.transport_readable = true;
}

}  // namespace weir
