// Community ID: the name other tools (Zeek, Suricata, Arkime) give to the same connection.
#pragma once

#include <cstdint>
#include <string>

#include "flowtable/ip_address.h"

namespace weir {

/// One connection, seen from either side. ICMP and ICMPv6: `source_port` is the type and
/// `destination_port` the code of a message; protocols without ports: both 0.
struct ConnectionTuple {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint8_t protocol = 0;
};

/// Community ID version 1 ("1:" and 28 characters), the same for both directions.
/// Source: https://github.com/corelight/community-id-spec. Throws Error if OpenSSL has no SHA-1.
std::string community_id(const ConnectionTuple& connection, uint16_t seed = 0);

}  // namespace weir
