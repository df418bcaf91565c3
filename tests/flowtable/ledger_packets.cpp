// Packets for tests of the flow table, header by header (RFC 791, 8200, 9293, 768, 792).
#include "tests/flowtable/ledger_packets.h"

#include <algorithm>

namespace weir {
namespace {

constexpr uint32_t kSnapBytes = 128;  // bytes kept of each packet
constexpr uint32_t kEthernetHeaderBytes = 14;
constexpr uint32_t kTcpHeaderBytes = 20, kOtherHeaderBytes = 8;

void put(std::vector<uint8_t>& bytes, uint64_t value, int width_bytes) {
  for (int i = width_bytes - 1; i >= 0; --i) bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
}

void put_address(std::vector<uint8_t>& bytes, const IpAddress& address) {
  put(bytes, address.high, 8);
  put(bytes, address.low, 8);
}

bool is_multicast(const IpAddress& address) {
  return address.is_v4() ? address.v4_value() >> 28 == 0xe : address.high >> 56 == 0xff;
}

void set_scope(Packet& packet) {
  packet.source_home = is_test_home(packet.source);
  const bool destination_home = is_test_home(packet.destination);
  if (is_multicast(packet.destination)) {
    packet.scope = Scope::kLocal;
  } else if (packet.source_home && destination_home) {
    packet.scope = Scope::kInternal;
  } else if (packet.source_home || destination_home) {
    packet.scope = Scope::kOutbound;
  } else {
    packet.scope = Scope::kTransit;
  }
}

/// Header and addresses; `content_bytes` follow. The id stands where nothing else is read.
TestPacket ip_packet(uint8_t protocol, const IpAddress& from, const IpAddress& to,
                     uint32_t content_bytes, uint16_t id, uint64_t time_ns) {
  TestPacket made;
  std::vector<uint8_t>& bytes = made.bytes;
  const bool v4 = from.is_v4();
  if (v4) {
    put(bytes, 0x4500, 2);
    put(bytes, 20 + content_bytes, 2);
    put(bytes, id, 2);
    put(bytes, 0x4000, 2);
    put(bytes, 64, 1);
    put(bytes, protocol, 1);
    put(bytes, 0xbeef, 2);
    put(bytes, from.v4_value(), 4);
    put(bytes, to.v4_value(), 4);
  } else {
    put(bytes, 0x60000000u | id, 4);
    put(bytes, content_bytes, 2);
    put(bytes, protocol, 1);
    put(bytes, 64, 1);
    put_address(bytes, from);
    put_address(bytes, to);
  }
  Packet& packet = made.packet;
  packet.source = from;
  packet.destination = to;
  packet.time_ns = time_ns;
  packet.protocol = protocol;
  packet.transport_offset = static_cast<uint16_t>(bytes.size());
  packet.ip_bytes = packet.transport_offset + content_bytes;
  packet.frame_bytes = kEthernetHeaderBytes + packet.ip_bytes;
  packet.transport_readable = true;
  set_scope(packet);
  return made;
}

/// Adds what the snap length leaves of the payload.
void add_payload(TestPacket& made, uint32_t payload_bytes) {
  made.packet.payload_bytes = payload_bytes;
  made.packet.payload_offset = static_cast<uint16_t>(made.bytes.size());
  const uint64_t room = kSnapBytes - made.bytes.size();
  made.bytes.resize(made.bytes.size() + std::min<uint64_t>(room, payload_bytes), 0x77);
}

void set_ports(TestPacket& made, const Endpoint& from, const Endpoint& to) {
  made.packet.source_port = from.port;
  made.packet.destination_port = to.port;
  put(made.bytes, from.port, 2);
  put(made.bytes, to.port, 2);
}

}  // namespace

bool is_test_home(const IpAddress& address) {
  return address.is_v4() ? address.v4_value() >> 24 == 10 : address.high >> 56 == 0xfd;
}

TestPacket PacketMaker::tcp(const Endpoint& from, const Endpoint& to, const TestSegment& segment,
                            uint64_t time_ns) {
  TestPacket made = ip_packet(kProtocolTcp, from.address, to.address,
                              kTcpHeaderBytes + segment.payload_bytes, next_id_++, time_ns);
  set_ports(made, from, to);
  put(made.bytes, segment.sequence, 4);
  put(made.bytes, segment.acknowledgement, 4);
  put(made.bytes, 0x5000u | segment.flags, 2);
  put(made.bytes, 0xffff0000u, 4);
  put(made.bytes, 0, 2);
  made.packet.sequence = segment.sequence;
  made.packet.acknowledgement = segment.acknowledgement;
  made.packet.tcp_flags = segment.flags;
  add_payload(made, segment.payload_bytes);
  return made;
}

TestPacket PacketMaker::udp(const Endpoint& from, const Endpoint& to, uint32_t payload_bytes,
                            uint64_t time_ns) {
  TestPacket made = ip_packet(kProtocolUdp, from.address, to.address,
                              kOtherHeaderBytes + payload_bytes, next_id_++, time_ns);
  set_ports(made, from, to);
  put(made.bytes, kOtherHeaderBytes + payload_bytes, 2);
  put(made.bytes, 0, 2);
  add_payload(made, payload_bytes);
  return made;
}

TestPacket PacketMaker::other(uint8_t protocol, const Endpoint& from, const Endpoint& to,
                              uint32_t payload_bytes, uint64_t time_ns) {
  TestPacket made = ip_packet(protocol, from.address, to.address, kOtherHeaderBytes + payload_bytes,
                              next_id_++, time_ns);
  if (protocol == kProtocolSctp) {
    set_ports(made, from, to);
    put(made.bytes, 0, 4);
  } else {
    put(made.bytes, 0x0800, 8);
  }
  add_payload(made, payload_bytes);
  return made;
}

TestPacket PacketMaker::later_fragment(uint8_t protocol, const IpAddress& from, const IpAddress& to,
                                       uint32_t payload_bytes, uint64_t time_ns) {
  TestPacket made = ip_packet(protocol, from, to, payload_bytes, next_id_++, time_ns);
  made.packet.fragment = FragmentKind::kLater;
  made.packet.transport_readable = false;
  add_payload(made, payload_bytes);
  return made;
}

TestPacket span_copy(const TestPacket& original, uint64_t time_ns, uint16_t vlan) {
  TestPacket copy = original;
  copy.packet.time_ns = time_ns;
  copy.packet.vlan = vlan;
  if (original.packet.source.is_v4()) {
    --copy.bytes[8];
    ++copy.bytes[10];
  } else {
    --copy.bytes[7];
  }
  return copy;
}

TestPacket without_transport(TestPacket original) {
  Packet& packet = original.packet;
  original.bytes.resize(packet.transport_offset + 2u);
  packet.transport_readable = false;
  packet.payload_offset = 0;
  packet.source_port = packet.destination_port = 0;
  packet.sequence = packet.acknowledgement = 0;
  packet.tcp_flags = 0;
  return original;
}

}  // namespace weir
