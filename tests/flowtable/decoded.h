// One frame through the decoder, for tests: home is RFC 1918, 100.64/10 and fc00::/7.
#pragma once

#include <vector>

#include "flowtable/decode.h"
#include "tests/flowtable/packet_builder.h"

namespace weir {

inline std::vector<IpRange> ranges_of(std::initializer_list<const char*> texts) {
  std::vector<IpRange> ranges;
  for (const char* text : texts) ranges.push_back(parse_cidr(text).value());
  return ranges;
}

inline std::vector<IpRange> default_home_ranges() {
  return ranges_of({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"});
}

inline IpAddress ip_of(const char* text) { return parse_ip_address(text).value(); }

/// Decodes one frame. The packet points into the frame.
inline Packet decoded(const Frame& frame, DecodeOptions options = {}) {
  static const HomeNetworks home({{.home = default_home_ranges()}});
  const Decoder decoder(home, std::move(options));
  Packet packet;
  decoder.decode({&frame, 1}, &packet);
  return packet;
}

/// Of all of `bytes`. The packet's pointer must not be used when `bytes` was a temporary.
inline Packet decoded(const Bytes& bytes, DecodeOptions options = {},
                      LinkType link = LinkType::kEthernet) {
  return decoded(frame_of(bytes, link), std::move(options));
}

/// As a capture with a snap length would hold it.
inline Packet decoded_cut(const Bytes& bytes, uint32_t captured_bytes) {
  Frame frame = frame_of(bytes);
  frame.contiguous_bytes = frame.captured_bytes = captured_bytes;
  return decoded(frame);
}

}  // namespace weir
