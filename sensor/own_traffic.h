// HOT. The sensor's own connection to its collector: seen by its own SPAN, it is nobody's transfer.
#pragma once

#include <cstdint>

#include "flowtable/ip_address.h"
#include "flowtable/packet.h"

namespace weir {

/// Between the sensor's address and the collector's address and port. The sensor's own port is left
/// open: it changes with each connection, and is known only when the first packet is on the wire.
struct OwnTraffic {
  IpAddress sensor, collector;
  uint16_t collector_port = 0;
  friend bool operator==(const OwnTraffic&, const OwnTraffic&) = default;

  bool covers(const Packet& packet) const noexcept {
    if (packet.protocol != kProtocolTcp) return false;
    if (packet.destination_port == collector_port && packet.destination == collector &&
        packet.source == sensor)
      return true;
    return packet.source_port == collector_port && packet.source == collector &&
           packet.destination == sensor;
  }
};

}  // namespace weir
