// HOT. Tunnels that start behind an IP header: which packets may carry one, and the step into it.
#pragma once

#include <cstdint>

#include "flowtable/decode_walk.h"
#include "flowtable/packet.h"

namespace weir {

inline constexpr uint8_t kProtocolIpv4 = 4, kProtocolIpv6 = 41, kProtocolGre = 47;
inline constexpr uint16_t kGtpUPort = 2152, kTeredoPort = 3544, kVxlanPort = 4789,
                          kGenevePort = 6081, kVxlanLinuxPort = 8472;

/// Tells by protocol and ports alone; most packets carry none and are done.
inline bool may_carry_tunnel(const Packet& packet) noexcept {
  if (packet.protocol == kProtocolTcp) return false;
  if (packet.protocol != kProtocolUdp)
    return packet.protocol == kProtocolIpv4 || packet.protocol == kProtocolIpv6 ||
           packet.protocol == kProtocolGre;
  switch (packet.destination_port) {
    case kGtpUPort:
    case kTeredoPort:
    case kVxlanPort:
    case kGenevePort:
    case kVxlanLinuxPort:
      return true;
    default:
      return packet.source_port == kGtpUPort || packet.source_port == kTeredoPort;
  }
}

/// A tunnel that the packet carries and the walk has stepped into.
struct TunnelStep {
  TunnelKind kind = TunnelKind::kNone;
  NextHeader next = NextHeader::kNothing;
  uint32_t vni = 0;
};

/// Reads the tunnel header behind the packet's IP header, if there is one.
TunnelStep enter_tunnel(Walk& walk, const Packet& packet) noexcept;

}  // namespace weir
