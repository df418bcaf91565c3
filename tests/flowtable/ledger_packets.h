// Packets for tests of the flow table: real header bytes and what a decoder would say of them.
#pragma once

#include <cstdint>
#include <vector>

#include "flowtable/packet.h"
#include "tests/flowtable/slow_ledger.h"

namespace weir {

/// A packet that owns its bytes, and what its author promises about it.
struct TestPacket {
  Packet packet;               // `ip` is set when the packet goes to a table
  std::vector<uint8_t> bytes;  // from the counted IP header on, cut as by a snap length
  Told told;
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
};

struct TestSegment {
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t flags = kTcpAck;
  uint32_t payload_bytes = 0;
};

/// Home in these tests: 10.0.0.0/8 and fd00::/8. Multicast destinations are local.
bool is_test_home(const IpAddress& address);

/// Makes packets that differ in at least one byte from all made before (of the last 65,536), as
/// the packets of real hosts do.
class PacketMaker {
 public:
  TestPacket tcp(const Endpoint& from, const Endpoint& to, const TestSegment& segment,
                 uint64_t time_ns);
  TestPacket udp(const Endpoint& from, const Endpoint& to, uint32_t payload_bytes,
                 uint64_t time_ns);
  /// ICMP, SCTP or any other protocol: an 8-byte header and the payload past it; ports only for
  /// SCTP.
  TestPacket other(uint8_t protocol, const Endpoint& from, const Endpoint& to,
                   uint32_t payload_bytes, uint64_t time_ns);
  /// A fragment other than the first: no ports, all of it payload.
  TestPacket later_fragment(uint8_t protocol, const IpAddress& from, const IpAddress& to,
                            uint32_t payload_bytes, uint64_t time_ns);

 private:
  uint16_t next_id_ = 0;
};

/// The same packet seen once more by a SPAN port behind a router: other TTL, checksum and VLAN.
TestPacket span_copy(const TestPacket& original, uint64_t time_ns, uint16_t vlan = 0);

/// The same packet with its transport header cut off by the snap length.
TestPacket without_transport(TestPacket original);

}  // namespace weir
