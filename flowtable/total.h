// A total: what one host and one destination exchanged. And the copy of it that readers get.
#pragma once

#include <cstdint>

#include "flowtable/ip_address.h"
#include "flowtable/packet.h"

namespace weir {

/// Names a record of a shard for as long as it lives: a reused slot has another generation.
struct RecordId {
  uint32_t slot = UINT32_MAX;
  uint32_t generation = 0;
  friend constexpr bool operator==(const RecordId&, const RecordId&) = default;
  constexpr bool valid() const { return slot != UINT32_MAX; }
};

/// Bytes of one direction. payload low..high encloses the distinct payload bytes.
struct DirectionCounts {
  uint64_t packets = 0;
  uint64_t ip_bytes = 0;
  uint64_t payload_low_bytes = 0;
  uint64_t payload_high_bytes = 0;
  friend bool operator==(const DirectionCounts&, const DirectionCounts&) = default;
};

inline void add(DirectionCounts& sum, const DirectionCounts& counts) {
  sum.packets += counts.packets;
  sum.ip_bytes += counts.ip_bytes;
  sum.payload_low_bytes += counts.payload_low_bytes;
  sum.payload_high_bytes += counts.payload_high_bytes;
}

/// A consistent copy of a total. out = from host to destination.
struct TotalSnapshot {
  RecordId id;
  uint16_t lane = 0;
  uint16_t network = 0;
  Scope scope = Scope::kTransit;
  TunnelKind outer_tunnel = TunnelKind::kNone;  // last seen around the pair
  TunnelKind inner_tunnel = TunnelKind::kNone;  // last seen inside it
  uint8_t protocol = 0;                         // of the connection that opened the total
  uint16_t destination_port = 0;
  IpAddress host;
  IpAddress destination;
  IpAddress outer_source;
  IpAddress outer_destination;
  uint64_t connections = 0;
  uint64_t first_seen_ns = 0;
  uint64_t last_seen_ns = 0;
  DirectionCounts out;
  DirectionCounts in;
  DirectionCounts served;  // the part of `out` that went to connections the outside opened
};

/// A consistent copy of a connection, oriented as its total.
struct ConnectionSnapshot {
  RecordId id;
  RecordId total;
  uint16_t host_port = 0;
  uint16_t destination_port = 0;
  uint8_t protocol = 0;
  bool served = false;  // the outside opened it
  uint64_t first_seen_ns = 0;
  uint64_t last_seen_ns = 0;
  uint64_t out_ip_bytes = 0, in_ip_bytes = 0;
  uint64_t out_payload_low_bytes = 0, out_payload_high_bytes = 0;
  uint64_t in_payload_low_bytes = 0, in_payload_high_bytes = 0;
};

}  // namespace weir
