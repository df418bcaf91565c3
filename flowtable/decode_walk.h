// HOT. How the pieces of the decoder hand a frame on: where the walk stands and what comes next.
#pragma once

#include <cstdint>

#include "flowtable/byte_reader.h"
#include "flowtable/frame.h"
#include "flowtable/packet.h"

namespace weir {

/// The header that starts where the walk stands.
enum class NextHeader : uint8_t {
  kNothing,  // nothing readable follows; Walk::drop says why
  kIpv4,
  kIpv6,
  kIpByVersion,  // either, told by the first nibble
  kEthernet,
  kVlan,
  kVnTag,  // these lead to an EtherType, as kVlan
  kETag,
  kMacsec,
  kFabricPath,  // these to an Ethernet frame
  kBackboneTag,
  kNsh,
  kMpls,
  kPppoe,
  kPpp,        // address and control field or not, protocol compressed or not
  kPppSerial,  // or Cisco's HDLC, told by the first byte
  kCiscoHdlc,
  kFrameRelay,
  kLlc,
  kNullLoop,
  kLinuxCooked,
  kLinuxCooked2,
  kNflog,
};

/// State of one frame's walk.
struct Walk {
  ByteReader reader;
  uint32_t layers_left;  // of decode_depth
  uint32_t vni = 0;      // of the innermost tunnel walked into
  uint16_t vlan = 0;     // outermost
  uint8_t layers = 0;
  DropReason drop = DropReason::kNone;

  NextHeader stop(DropReason reason) noexcept {
    drop = reason;
    return NextHeader::kNothing;
  }
  /// Counts a tag or tunnel; false when the walk may go no deeper.
  bool enter_layer() noexcept {
    if (layers_left == 0) return false;
    --layers_left;
    ++layers;
    return true;
  }
};

/// What an EtherType (IEEE 802 numbers) announces.
NextHeader next_of_ether_type(Walk& walk, uint16_t ether_type) noexcept;

/// What a frame of this link type begins with.
NextHeader next_of_link(Walk& walk, LinkType link) noexcept;

/// Walks link headers, tags and labels until an IP header starts: kIpv4, kIpv6 or kNothing.
NextHeader reach_ip(Walk& walk, NextHeader next) noexcept;

}  // namespace weir
