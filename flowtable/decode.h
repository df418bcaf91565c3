// HOT. From a frame to a Packet: link layers, tunnels, IP, transport; every length checked.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flowtable/byte_reader.h"
#include "flowtable/frame.h"
#include "flowtable/home_networks.h"
#include "flowtable/packet.h"

namespace weir {

enum class NextHeader : uint8_t;
struct Walk;

struct DecodeOptions {
  std::vector<IpRange> decap =
      {};  // outer destinations whose tunnels end here; ::/0 = all, IPv4 too
  // Tags, label stacks and tunnels together. Deeper, the innermost IP header reached counts; a
  // frame without any until there is a kTunnelMalformed drop. At most 255.
  uint32_t decode_depth = 8;
};

/// Stateless after construction; one Decoder may serve any number of lanes.
class Decoder {
 public:
  /// `home` must outlive the decoder.
  Decoder(const HomeNetworks& home, DecodeOptions options);

  /// Decodes a burst; `packets` holds at least frames.size(). One pass, no copy, never
  /// throws, reads nothing past `contiguous_bytes` of any frame.
  void decode(std::span<const Frame> frames, Packet* packets) const noexcept;

 private:
  /// The common case, Ethernet around IPv4, without a call; all else goes to decode_any.
  void decode_frame(const Frame& frame, Packet& packet) const noexcept;
  void decode_any(const Frame& frame, Packet& packet) const noexcept;
  void start_tunnels(const Frame& frame, ByteReader reader, Packet& packet) const noexcept;
  /// Walks on from `next` to an IP header, reads and places it; false, with Walk::drop set, if
  /// none is valid.
  bool read_ip_header(const Frame& frame, Walk& walk, NextHeader next,
                      Packet& packet) const noexcept;
  static void refuse(const Frame& frame, DropReason reason, Packet& packet) noexcept;
  /// Moves the packet inward while its pair does not leave home or its tunnel ends here.
  void follow_tunnels(const Frame& frame, Walk& walk, Packet& packet) const noexcept;
  bool is_decapped(const IpAddress& destination) const noexcept;

  const HomeNetworks& home_;
  DecodeOptions options_;
};

}  // namespace weir
