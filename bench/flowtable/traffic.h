// Endless TCP traffic over a given number of connections, computed, so that it needs no memory.
#pragma once

#include <cstdint>
#include <span>

#include "flowtable/packet.h"
#include "flowtable/shard.h"

namespace weir {

inline constexpr uint32_t kHeaderBytes = 96;  // readable of a packet: headers and some payload
inline constexpr uint32_t kClientPayloadBytes = 1000;
inline constexpr uint32_t kServerPayloadBytes = 400;
inline constexpr uint32_t kConnectionsPerTotal = 4;
inline constexpr uint32_t kHandshakeRounds = 3;

/// A packet as a flow table gets it, and what the generator knows besides.
struct TrafficBurst {
  Packet packets[kBurstPackets];
  uint32_t connections[kBurstPackets];  // number of the connection, 0 ..
  uint64_t buckets[kBurstPackets];      // a random number that belongs to the connection
  alignas(64) uint8_t bytes[kBurstPackets][kHeaderBytes];
};

/// Every round brings one packet of every connection, in an order that is random and another one
/// each round: SYN, SYN-ACK, ACK, then data, from client and server in turn, always in order. Four
/// connections share a pair of addresses, as the default sizes of the flow table have it.
class Traffic {
 public:
  explicit Traffic(uint32_t connections);

  uint32_t connections() const { return connections_; }
  uint32_t totals() const {
    return (connections_ + kConnectionsPerTotal - 1) / kConnectionsPerTotal;
  }
  /// Packets of the opening and of one data round in each direction.
  uint64_t opening_packets() const { return uint64_t{connections_} * (kHandshakeRounds + 2); }

  /// The next packets. A burst may span two rounds.
  void next(TrafficBurst& burst);

  // What was sent so far.
  uint64_t packets() const { return packets_; }
  uint64_t ip_bytes() const { return ip_bytes_; }
  uint64_t client_payload_bytes() const { return client_payload_bytes_; }
  uint64_t server_payload_bytes() const { return server_payload_bytes_; }

 private:
  uint32_t shuffled(uint32_t position) const;
  void fill(Packet& packet, uint8_t* bytes, uint32_t connection) const;

  uint32_t connections_;
  int half_bits_;
  uint32_t round_ = 0;
  uint32_t position_ = 0;  // in the round
  uint64_t packets_ = 0;
  uint64_t ip_bytes_ = 0;
  uint64_t client_payload_bytes_ = 0;
  uint64_t server_payload_bytes_ = 0;
};

}  // namespace weir
