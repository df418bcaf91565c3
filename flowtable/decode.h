// HOT. From a frame to a Packet: link layers, tunnels, IP, transport; every length checked.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flowtable/frame.h"
#include "flowtable/home_networks.h"
#include "flowtable/packet.h"

namespace weir {

struct DecodeOptions {
  std::vector<IpRange> decap;  // outer destinations whose tunnels end here
  uint32_t decode_depth = 8;   // link tags and tunnel layers together
};

/// Stateless after construction; one Decoder may serve any number of lanes.
class Decoder {
 public:
  /// `home` must outlive the decoder.
  Decoder(const HomeNetworks& home, DecodeOptions options);

  /// Decodes up to a burst; `packets` holds at least frames.size(). One pass, no copy, never
  /// throws, reads nothing past `contiguous_bytes` of any frame.
  void decode(std::span<const Frame> frames, Packet* packets) const noexcept;

 private:
  const HomeNetworks& home_;
  DecodeOptions options_;
};

}  // namespace weir
