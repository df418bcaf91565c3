// HOT. The counted header: IP, then the transport header behind it. The common case is inline.
#pragma once

#include <algorithm>
#include <cstdint>

#include "flowtable/byte_reader.h"
#include "flowtable/packet.h"

namespace weir {

inline constexpr uint32_t kIpv4HeaderBytes = 20;
inline constexpr uint32_t kIpv6HeaderBytes = 40;
inline constexpr uint32_t kTcpHeaderBytes = 20;
inline constexpr uint32_t kUdpHeaderBytes = 8;

/// Transport headers other than TCP and UDP. `reader` stands behind the IP headers, here and
/// below, and is taken by value: in the common case it then never leaves the registers.
void read_other_transport(ByteReader reader, Packet& packet) noexcept;

/// A transport header that is cut, contradicts the lengths or is of no known kind: the packet is
/// counted with its whole IP payload.
inline void count_whole_ip_payload(ByteReader reader, Packet& packet) noexcept {
  packet.payload_bytes = reader.wire_bytes();
}

/// RFC 9293 3.1. Two things can be wrong: the wire had no whole header (counted as a whole IP
/// payload), or the capture cut it (the payload is computed from the lengths).
[[gnu::always_inline]] inline void read_tcp(ByteReader reader, Packet& packet) noexcept {
  const uint32_t segment_bytes = reader.wire_bytes();
  count_whole_ip_payload(reader, packet);
  HeaderView<14> header;  // up to the flags
  if (!reader.view(header)) [[unlikely]] {
    HeaderView<4> ports;
    if (!reader.view(ports)) return;
    packet.source_port = ports.u16<0>();
    packet.destination_port = ports.u16<2>();
    HeaderView<13> to_offset;
    const bool known = reader.view(to_offset);
    const uint32_t header_bytes = known ? to_offset.u8<12>() / 16u * 4u : kTcpHeaderBytes;
    if (header_bytes >= kTcpHeaderBytes && header_bytes <= segment_bytes)
      packet.payload_bytes = segment_bytes - header_bytes;
    return;
  }
  packet.source_port = header.u16<0>();
  packet.destination_port = header.u16<2>();
  const uint32_t header_bytes = header.u8<12>() / 16u * 4u;
  if (header_bytes < kTcpHeaderBytes || header_bytes > segment_bytes) [[unlikely]]
    return;
  packet.sequence = header.u32<4>();
  packet.acknowledgement = header.u32<8>();
  packet.tcp_flags = header.u8<13>();
  packet.payload_bytes = segment_bytes - header_bytes;
  packet.payload_offset = static_cast<uint16_t>(packet.transport_offset + header_bytes);
  packet.transport_readable = true;
}

/// RFC 768. A length of zero (segmentation offload) or a first fragment leaves the IP length.
[[gnu::always_inline]] inline void read_udp(ByteReader reader, Packet& packet) noexcept {
  const uint32_t datagram_bytes = reader.wire_bytes();
  count_whole_ip_payload(reader, packet);
  HeaderView<4> ports;
  if (!reader.view(ports)) [[unlikely]]
    return;
  packet.source_port = ports.u16<0>();
  packet.destination_port = ports.u16<2>();
  if (datagram_bytes < kUdpHeaderBytes) [[unlikely]]
    return;
  HeaderView<kUdpHeaderBytes> header;
  if (!reader.view(header)) [[unlikely]] {
    packet.payload_bytes = datagram_bytes - kUdpHeaderBytes;
    return;
  }
  uint32_t claimed_bytes = header.u16<4>();
  if (claimed_bytes == 0 || packet.fragment == FragmentKind::kFirst) claimed_bytes = datagram_bytes;
  if (claimed_bytes < kUdpHeaderBytes) [[unlikely]]
    return;
  packet.payload_bytes = std::min(claimed_bytes, datagram_bytes) - kUdpHeaderBytes;
  packet.payload_offset = static_cast<uint16_t>(packet.transport_offset + kUdpHeaderBytes);
  packet.transport_readable = true;
}

/// `protocol` and `fragment` are the packet's, from registers.
[[gnu::always_inline]] inline void read_transport(ByteReader reader, uint8_t protocol,
                                                  FragmentKind fragment, Packet& packet) noexcept {
  if (fragment == FragmentKind::kLater) [[unlikely]] {
    packet.payload_offset = packet.transport_offset;
    count_whole_ip_payload(reader, packet);
  } else if (protocol == kProtocolTcp) {
    read_tcp(reader, packet);
  } else if (protocol == kProtocolUdp) {
    read_udp(reader, packet);
  } else {
    read_other_transport(reader, packet);
  }
}

/// RFC 791 3.1. The checksum is not verified: offloading senders leave it wrong. `packet` is
/// fresh. Afterwards the reader stands behind the IP headers, limited to the datagram. False if
/// this is no valid header.
[[gnu::always_inline]] inline bool read_ipv4(ByteReader& reader, Packet& packet) noexcept {
  HeaderView<kIpv4HeaderBytes> header;
  if (!reader.view(header)) [[unlikely]]
    return false;
  const uint32_t first = header.u8<0>();
  if (first - 0x45u > 0x0fu - 5u) [[unlikely]]
    return false;  // version 4, five words or more
  const uint32_t header_bytes = (first & 0x0f) * 4;
  const uint32_t claimed_bytes = header.u16<2>();
  const uint32_t wire_bytes = reader.wire_bytes();
  const uint32_t ip_bytes = claimed_bytes == 0 ? wire_bytes : std::min(claimed_bytes, wire_bytes);
  if (ip_bytes < header_bytes) [[unlikely]]
    return false;
  packet.source = IpAddress::v4(header.u32<12>());
  packet.destination = IpAddress::v4(header.u32<16>());
  packet.ip = reader.at();
  packet.ip_bytes = ip_bytes;
  const uint8_t protocol = header.u8<9>();
  packet.protocol = protocol;
  packet.transport_offset = static_cast<uint16_t>(header_bytes);
  const uint32_t fragment = header.u16<6>() & 0x3fffu;  // more-fragments bit and offset
  FragmentKind fragment_kind = FragmentKind::kNone;
  if (fragment != 0) [[unlikely]]
    fragment_kind = (fragment & 0x1fff) == 0 ? FragmentKind::kFirst : FragmentKind::kLater;
  reader = reader.first(ip_bytes);
  packet.readable_bytes = reader.readable_bytes();
  if (!reader.skip(header_bytes)) return false;
  packet.fragment = fragment_kind;
  read_transport(reader, protocol, fragment_kind, packet);
  return true;
}

/// RFC 8200 3, extension headers included. As read_ipv4.
bool read_ipv6(ByteReader& reader, Packet& packet) noexcept;

}  // namespace weir
