// Tunnel headers, slowly.
#include "tests/flowtable/slow_walk.h"

namespace weir {
namespace {

/// EtherTypes that lead to an IP header, directly or through tags.
bool is_known_type(unsigned type) {
  for (const unsigned known :
       {0x0800u, 0x86ddu, 0x8100u, 0x88a8u, 0x9100u, 0x9200u, 0x8847u, 0x8848u, 0x8864u, 0x8926u,
        0x880bu, 0x893fu, 0x8903u, 0x88e7u, 0x88e5u, 0x894fu})
    if (type == known) return true;
  return false;
}

uint32_t vni_of(uint64_t word) { return static_cast<uint32_t>(word / 256); }

}  // namespace

std::optional<Inside> SlowWalk::tunnel(Region at, const Packet& outer) const {
  if (outer.fragment == FragmentKind::kLater) return {};
  if (outer.protocol == 47) return gre(at);
  if (outer.protocol == 4 || outer.protocol == 41) {
    const unsigned version = outer.protocol == 4 ? 4 : 6;
    if (!at.has(1) || at.u8(0) / 16 != version) return {};
    const unsigned around = outer.ip[0] / 16;
    const Carries carries = version == 4 ? Carries::kIpv4 : Carries::kIpv6;
    if (around == version) return Inside{TunnelKind::kIpInIp, at, carries};
    return Inside{version == 6 ? TunnelKind::k6in4 : TunnelKind::k4in6, at, carries};
  }
  if (outer.protocol != 17 || !outer.transport_readable) return {};
  const Region inside = at.from(8);
  if (outer.destination_port == 4789 || outer.destination_port == 8472) return vxlan(inside);
  if (outer.destination_port == 6081) return geneve(inside);
  if (outer.destination_port == 2152) return gtp(inside);
  if (outer.destination_port == 3544) return teredo(inside);
  if (outer.source_port == 2152) return gtp(inside);
  if (outer.source_port == 3544) return teredo(inside);
  return {};
}

std::optional<Inside> SlowWalk::gre(Region at) const {
  if (!at.has(4)) return {};
  const bool checksum = at.u8(0) & 0x80, routing = at.u8(0) & 0x40, key = at.u8(0) & 0x20,
             sequence = at.u8(0) & 0x10, acknowledgement = at.u8(1) & 0x80;
  const unsigned version = at.u8(1) % 8;
  const unsigned type = at.u16(2);
  if (version == 1) {
    if (type != 0x880b || !key) return {};
    const unsigned bytes = 8u + (sequence ? 4 : 0) + (acknowledgement ? 4 : 0);
    if (at.wire() <= bytes) return {};
    return Inside{TunnelKind::kGre, at.from(bytes), Carries::kPpp};
  }
  if (version != 0 || routing) return {};
  unsigned bytes = 4u + (checksum ? 4 : 0);
  uint32_t vsid = 0;
  if (key) {
    if (!at.has(bytes + 4)) return {};
    vsid = vni_of(at.u32(bytes));
    bytes += 4;
  }
  if (sequence) bytes += 4;
  if (at.wire() < bytes) return {};
  const Region inside = at.from(bytes);
  if (type == 0x88be || type == 0x22eb) return erspan(inside, type, sequence);
  if (type == 0x6558 && key && !checksum && !sequence)
    return Inside{TunnelKind::kNvgre, inside, Carries::kEthernet, 0, vsid};
  if (type == 0x6558) return Inside{TunnelKind::kGre, inside, Carries::kEthernet};
  if (type == 0x883e) {
    if (!inside.has(1)) return {};
    if (inside.u8(0) / 16 == 4) return Inside{TunnelKind::kGre, inside, Carries::kIpv4};
    if (inside.wire() < 4) return {};
    return Inside{TunnelKind::kGre, inside.from(4), Carries::kIpv4};
  }
  if (!is_known_type(type)) return {};
  return Inside{TunnelKind::kGre, inside, Carries::kEtherType, type};
}

std::optional<Inside> SlowWalk::erspan(Region at, unsigned type, bool sequence) const {
  if (type == 0x88be && !sequence) return Inside{TunnelKind::kErspan, at, Carries::kEthernet};
  if (type == 0x88be) {
    if (!at.has(8) || at.u8(0) / 16 != 1) return {};
    return Inside{TunnelKind::kErspan, at.from(8), Carries::kEthernet};
  }
  if (!at.has(12) || at.u8(0) / 16 != 2) return {};
  const unsigned bytes = at.u8(11) % 2 == 1 ? 20 : 12;
  if (at.wire() < bytes) return {};
  const bool carries_ip = at.u8(10) / 4 % 32 == 2;
  return Inside{TunnelKind::kErspan, at.from(bytes),
                carries_ip ? Carries::kAnyIp : Carries::kEthernet};
}

std::optional<Inside> SlowWalk::vxlan(Region at) const {
  if (!at.has(8) || at.u32(0) != 0x08000000 || at.u8(7) != 0) return {};
  return Inside{TunnelKind::kVxlan, at.from(8), Carries::kEthernet, 0, vni_of(at.u32(4))};
}

std::optional<Inside> SlowWalk::geneve(Region at) const {
  if (!at.has(8) || at.u8(0) / 64 != 0) return {};
  const unsigned bytes = 8 + at.u8(0) % 64 * 4u;
  if (at.wire() < bytes) return {};
  const uint32_t vni = vni_of(at.u32(4));
  const unsigned type = at.u16(2);
  if (type == 0x6558)
    return Inside{TunnelKind::kGeneve, at.from(bytes), Carries::kEthernet, 0, vni};
  if (!is_known_type(type)) return {};
  return Inside{TunnelKind::kGeneve, at.from(bytes), Carries::kEtherType, type, vni};
}

std::optional<Inside> SlowWalk::gtp(Region at) const {
  if (!at.has(8) || at.u8(0) / 16 != 3 || at.u8(1) != 255) return {};
  const unsigned flags = at.u8(0) % 8;
  if (flags == 0) return Inside{TunnelKind::kGtpU, at.from(8), Carries::kAnyIp};
  if (!at.has(12)) return {};
  unsigned extension = flags >= 4 ? at.u8(11) : 0;
  Region rest = at.from(12);
  for (int i = 0; extension != 0; ++i) {
    if (i == 8 || !rest.has(1)) return {};
    const unsigned bytes = rest.u8(0) * 4u;
    if (bytes == 0 || !rest.has(bytes)) return {};
    extension = rest.u8(bytes - 1);
    rest = rest.from(bytes);
  }
  return Inside{TunnelKind::kGtpU, rest, Carries::kAnyIp};
}

std::optional<Inside> SlowWalk::teredo(Region at) const {
  if (at.has(4) && at.u16(0) == 1) {
    const unsigned bytes = 4u + at.u8(2) + at.u8(3) + 9u;
    if (at.wire() < bytes) return {};
    at = at.from(bytes);
  }
  if (at.has(4) && at.u16(0) == 0) {
    if (at.wire() < 8) return {};
    at = at.from(8);
  }
  if (!at.has(1) || at.u8(0) / 16 != 6) return {};
  return Inside{TunnelKind::kTeredo, at, Carries::kIpv6};
}

}  // namespace weir
