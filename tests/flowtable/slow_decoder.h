// The decoder's slow twin: one header a function, recursive, every byte read through a check that
// throws. It shares types with the product and no code.
#pragma once

#include <vector>

#include "flowtable/decode.h"
#include "flowtable/home_networks.h"

namespace weir {

/// What the decoder must make of a frame of which `contiguous_bytes` can be read.
Packet slow_decode(const Frame& frame, const std::vector<Network>& networks,
                   const DecodeOptions& options);

/// Empty if the two agree in every field, else the first difference in words.
std::string difference(const Packet& fast, const Packet& slow);

}  // namespace weir
