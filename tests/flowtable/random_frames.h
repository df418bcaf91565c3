// Random frames, well made and then spoilt, for tests that run two decoders side by side.
#pragma once

#include <random>

#include "tests/flowtable/packet_builder.h"

namespace weir {

/// A frame of random headers on a random link, in half of the cases with bytes changed, cut off or
/// repeated. `bytes` is what the capture holds; the wire had `frame_bytes`.
struct RandomFrame {
  Bytes bytes;
  uint32_t frame_bytes = 0;
  LinkType link = LinkType::kEthernet;
  uint16_t port = 0;
};

RandomFrame random_frame(std::mt19937& random);

/// The frame over its bytes.
Frame frame_of(const RandomFrame& random_frame);

}  // namespace weir
