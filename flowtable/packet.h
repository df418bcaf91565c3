// What decoding makes of a frame: the one address pair the packet is counted at, and its transport.
#pragma once

#include <cstdint>

#include "flowtable/frame.h"
#include "flowtable/ip_address.h"

namespace weir {

/// Why a frame is in no total. The order is that of the ledger line.
enum class DropReason : uint8_t {
  kNicMissed,
  kNoMbuf,
  kHandoverFull,
  kLinkUnsupported,
  kLinkMalformed,
  kTunnelMalformed,
  kIpMalformed,
  kNotIp,
  kOwnUplink,  // the sensor's own connection to its collector; set behind the decoder
  kNone,       // counted
};
inline constexpr int kDropReasons = static_cast<int>(DropReason::kNone);

/// Where a packet runs, seen from the home networks.
enum class Scope : uint8_t {
  kOutbound,  // one end at home
  kInternal,  // both
  kTransit,   // none
  kLocal,     // multicast, broadcast, loopback, link-local
};
inline constexpr int kScopes = 4;

enum class FragmentKind : uint8_t { kNone, kFirst, kLater };

/// Tunnel around (stripped) or inside (evidence) the counted pair.
enum class TunnelKind : uint8_t {
  kNone,
  kGre,
  kNvgre,
  kErspan,
  kVxlan,
  kGeneve,
  kGtpU,
  kIpInIp,
  k6in4,
  k4in6,
  kTeredo,
};

inline constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;
inline constexpr uint8_t kProtocolIcmp = 1, kProtocolTcp = 6, kProtocolUdp = 17,
                         kProtocolIcmpV6 = 58, kProtocolSctp = 132;

/// A decoded packet, counted at one address pair. POD; filled by the decoder, read by flow table
/// and detectors; pointers are valid for the burst.
struct Packet {
  IpAddress source;  // of the counted header
  IpAddress destination;
  uint64_t time_ns = 0;         // the frame's stamp
  const uint8_t* ip = nullptr;  // the counted IP header, readable up to `readable_bytes`
  uint32_t readable_bytes = 0;  // contiguous bytes from `ip`
  uint32_t frame_bytes = 0;
  uint32_t ip_bytes = 0;  // IP total length of the counted header, corrected as the ledger says
  // Bytes past the transport header as the headers claim them, within ip_bytes. TCP: segment bytes;
  // UDP: length - 8; ICMP: past 8 bytes; other protocols and later fragments: the IP payload.
  uint32_t payload_bytes = 0;
  uint32_t sequence = 0;          // TCP only
  uint32_t acknowledgement = 0;   // TCP only, valid with kTcpAck
  uint32_t vni = 0;               // of the innermost stripped tunnel; 0 = none
  uint16_t payload_offset = 0;    // of the payload from `ip`; 0 = transport header not readable
  uint16_t transport_offset = 0;  // of the transport header from `ip`
  uint16_t source_port = 0;       // TCP, UDP, SCTP; else 0
  uint16_t destination_port = 0;
  uint16_t network = 0;  // network id
  uint16_t vlan = 0;     // outermost VLAN id; 0 = none
  uint8_t protocol = 0;  // IP protocol after extension headers
  uint8_t tcp_flags = 0;
  DropReason drop = DropReason::kNone;
  Scope scope = Scope::kTransit;
  FragmentKind fragment = FragmentKind::kNone;
  bool source_home = false;
  bool transport_readable = false;  // ports (and for TCP sequence, flags) were captured and valid
  TunnelKind outer_tunnel = TunnelKind::kNone;  // what was stripped around the counted header
  TunnelKind inner_tunnel = TunnelKind::kNone;  // what the counted packet itself carries: evidence
  uint8_t layers = 0;                           // link and tunnel layers walked
  IpAddress outer_source;                       // outer pair of `outer_tunnel`
  IpAddress outer_destination;
};

}  // namespace weir
