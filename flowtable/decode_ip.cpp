// HOT. IPv6, its extension headers, and the transport headers that are neither TCP nor UDP.
#include "flowtable/decode_ip.h"

namespace weir {
namespace {

constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51,
                  kDestinationOptions = 60, kMobility = 135, kHostIdentity = 139, kShim6 = 140;
constexpr int kExtensionHeaders = 16;  // more are not real
constexpr int kHopByHopOptions = 16;
constexpr uint32_t kIcmpHeaderBytes = 8;
constexpr uint32_t kSctpHeaderBytes = 12;
constexpr uint32_t kLargestPlainPayload = 65535;

/// RFC 2675 2: the length of a jumbogram, from a hop-by-hop header that is next; 0 if it has none.
uint32_t jumbo_payload_bytes(ByteReader reader) noexcept {
  HeaderView<2> header;
  if (!reader.take(header)) return 0;
  reader.limit((header.u8<1>() + 1u) * 8u - 2u);
  for (int i = 0; i < kHopByHopOptions; ++i) {
    constexpr uint8_t kPad1 = 0, kJumbo = 0xc2;
    HeaderView<1> type;
    if (!reader.take(type)) return 0;
    if (type.u8<0>() == kPad1) continue;
    HeaderView<1> option_bytes;
    if (!reader.take(option_bytes)) return 0;
    HeaderView<4> jumbo;
    if (type.u8<0>() == kJumbo && option_bytes.u8<0>() == 4)
      return reader.view(jumbo) && jumbo.u32<0>() > kLargestPlainPayload ? jumbo.u32<0>() : 0;
    if (!reader.skip(option_bytes.u8<0>())) return 0;
  }
  return 0;
}

/// Bytes of an extension header of this kind whose length field is `length_field`; 0 = the
/// protocol is no extension header (RFC 8200 4, RFC 4302 2.2; ESP hides what follows).
uint32_t extension_bytes(uint8_t protocol, uint8_t length_field) noexcept {
  switch (protocol) {
    case kHopByHop:
    case kRouting:
    case kDestinationOptions:
    case kMobility:
    case kHostIdentity:
    case kShim6:
      return (length_field + 1u) * 8u;
    case kFragment:
      return 8;
    case kAuthentication:
      return (length_field + 2u) * 4u;
    default:
      return 0;
  }
}

/// Steps over one extension header; false where the chain ends: at another protocol, a later
/// fragment, or a header that is cut.
bool skip_extension(ByteReader& reader, Packet& packet) noexcept {
  HeaderView<2> header;
  if (packet.fragment == FragmentKind::kLater || !reader.view(header)) return false;
  const uint32_t bytes = extension_bytes(packet.protocol, header.u8<1>());
  if (bytes == 0) return false;
  if (packet.protocol == kFragment) {
    HeaderView<8> fragment;
    if (!reader.view(fragment)) return false;
    const uint32_t offset_and_more = fragment.u16<2>() & 0xfff9u;
    if (offset_and_more != 0)
      packet.fragment = offset_and_more == 1 ? FragmentKind::kFirst : FragmentKind::kLater;
  }
  if (!reader.skip(bytes)) return false;
  packet.protocol = header.u8<0>();
  packet.transport_offset = static_cast<uint16_t>(packet.transport_offset + bytes);
  return true;
}

/// RFC 792 and RFC 4443: eight bytes, then what the message carries.
void read_icmp(ByteReader reader, Packet& packet) noexcept {
  if (reader.wire_bytes() < kIcmpHeaderBytes) return;
  packet.payload_bytes = reader.wire_bytes() - kIcmpHeaderBytes;
  if (reader.readable_bytes() < kIcmpHeaderBytes) return;
  packet.payload_offset = static_cast<uint16_t>(packet.transport_offset + kIcmpHeaderBytes);
  packet.transport_readable = true;
}

/// RFC 9260 3.1. Chunks are not taken apart: the payload is the IP payload.
void read_sctp(ByteReader reader, Packet& packet) noexcept {
  HeaderView<4> ports;
  if (!reader.view(ports)) return;
  packet.source_port = ports.u16<0>();
  packet.destination_port = ports.u16<2>();
  if (reader.readable_bytes() < kSctpHeaderBytes) return;
  packet.payload_offset = packet.transport_offset;
  packet.transport_readable = true;
}

}  // namespace

void read_other_transport(ByteReader reader, Packet& packet) noexcept {
  count_whole_ip_payload(reader, packet);
  switch (packet.protocol) {
    case kProtocolIcmp:
    case kProtocolIcmpV6:
      return read_icmp(reader, packet);
    case kProtocolSctp:
      return read_sctp(reader, packet);
    default:
      packet.payload_offset = packet.transport_offset;
  }
}

bool read_ipv6(ByteReader& reader, Packet& packet) noexcept {
  HeaderView<kIpv6HeaderBytes> header;
  if (!reader.view(header) || header.u8<0>() >> 4 != 6) return false;
  packet.source = {header.u64<8>(), header.u64<16>()};
  packet.destination = {header.u64<24>(), header.u64<32>()};
  packet.ip = reader.at();
  packet.protocol = header.u8<6>();
  packet.transport_offset = kIpv6HeaderBytes;
  const uint32_t readable_bytes = reader.readable_bytes();
  if (!reader.skip(kIpv6HeaderBytes)) return false;
  uint32_t payload_bytes = header.u16<4>();
  if (payload_bytes == 0 && packet.protocol == kHopByHop)
    payload_bytes = jumbo_payload_bytes(reader);
  if (payload_bytes != 0) reader.limit(payload_bytes);  // 0: segmentation offload, the whole frame
  packet.ip_bytes = kIpv6HeaderBytes + reader.wire_bytes();
  packet.readable_bytes = std::min(readable_bytes, packet.ip_bytes);
  for (int i = 0; i < kExtensionHeaders && skip_extension(reader, packet); ++i) {
  }
  read_transport(reader, packet.protocol, packet.fragment, packet);
  return true;
}

}  // namespace weir
