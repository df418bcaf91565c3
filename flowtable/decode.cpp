// HOT. One frame after the other: link, IP, transport, and the one pair the packet counts at.
#include "flowtable/decode.h"

#include <algorithm>
#include <utility>

#include "flowtable/decode_ip.h"
#include "flowtable/decode_tunnel.h"
#include "flowtable/decode_walk.h"

namespace weir {
namespace {

constexpr size_t kPrefetchFrames = 4;  // decoded while the first line of a later frame arrives
constexpr uint32_t kEthernetHeaderBytes = 14;
constexpr uint16_t kTypeIpv4 = 0x0800;
constexpr uint32_t kDeepest = 255;  // Packet::layers is a byte

/// What every packet of a frame starts from.
Packet fresh_packet(const Frame& frame) noexcept {
  Packet packet;
  packet.time_ns = frame.time_ns;
  packet.frame_bytes = frame.frame_bytes;
  return packet;
}

}  // namespace

Decoder::Decoder(const HomeNetworks& home, DecodeOptions options)
    : home_(home), options_(std::move(options)) {
  options_.decode_depth = std::min(options_.decode_depth, kDeepest);
}

[[gnu::always_inline]] inline void Decoder::decode_frame(const Frame& frame,
                                                         Packet& packet) const noexcept {
  ByteReader reader(frame.data, frame.contiguous_bytes, frame.frame_bytes);
  HeaderView<kEthernetHeaderBytes> ethernet;
  if (frame.link != LinkType::kEthernet || !reader.take(ethernet) ||
      ethernet.u16<12>() != kTypeIpv4) [[unlikely]]
    return decode_any(frame, packet);
  packet = fresh_packet(frame);
  if (!read_ipv4(reader, packet)) [[unlikely]]
    return refuse(frame, DropReason::kIpMalformed, packet);
  packet.network = home_.network_of(frame.port, 0, 0);
  packet.scope = home_.scope_of_v4(packet.network, packet.source.v4_value(),
                                   packet.destination.v4_value(), packet.source_home);
  if (may_carry_tunnel(packet)) start_tunnels(frame, reader, packet);
}

void Decoder::decode(std::span<const Frame> frames, Packet* packets) const noexcept {
  const Frame* frame = frames.data();
  const Frame* const end = frame + frames.size();
  const Frame* ahead = frame + std::min(frames.size(), kPrefetchFrames);
  for (const Frame* first = frame; first != ahead; ++first) __builtin_prefetch(first->data);
  for (; frame != end; ++frame, ++packets) {
    if (ahead != end) __builtin_prefetch((ahead++)->data);
    decode_frame(*frame, *packets);
  }
}

void Decoder::decode_any(const Frame& frame, Packet& packet) const noexcept {
  Walk walk{.reader = {frame.data, frame.contiguous_bytes, frame.frame_bytes},
            .layers_left = options_.decode_depth};
  packet = fresh_packet(frame);
  if (!read_ip_header(frame, walk, next_of_link(walk, frame.link), packet))
    return refuse(frame, walk.drop, packet);
  if (may_carry_tunnel(packet)) follow_tunnels(frame, walk, packet);
}

void Decoder::start_tunnels(const Frame& frame, ByteReader reader, Packet& packet) const noexcept {
  Walk walk{.reader = reader, .layers_left = options_.decode_depth};
  follow_tunnels(frame, walk, packet);
}

bool Decoder::read_ip_header(const Frame& frame, Walk& walk, NextHeader next,
                             Packet& packet) const noexcept {
  next = reach_ip(walk, next);
  if (next == NextHeader::kNothing) return false;
  walk.drop = DropReason::kIpMalformed;
  const bool valid =
      next == NextHeader::kIpv4 ? read_ipv4(walk.reader, packet) : read_ipv6(walk.reader, packet);
  if (!valid) return false;
  packet.layers = walk.layers;
  packet.vlan = walk.vlan;
  packet.vni = walk.vni;
  packet.network = home_.network_of(frame.port, walk.vlan, walk.vni);
  packet.scope =
      home_.scope_of(packet.network, packet.source, packet.destination, packet.source_home);
  return true;
}

void Decoder::refuse(const Frame& frame, DropReason reason, Packet& packet) noexcept {
  packet = fresh_packet(frame);  // nothing of a header that was refused
  packet.drop = reason;
}

void Decoder::follow_tunnels(const Frame& frame, Walk& walk, Packet& packet) const noexcept {
  for (;;) {
    const TunnelStep tunnel = enter_tunnel(walk, packet);
    if (tunnel.kind == TunnelKind::kNone) return;
    packet.inner_tunnel = tunnel.kind;
    const bool ends_here = tunnel.kind == TunnelKind::kErspan || is_decapped(packet.destination);
    if (packet.scope == Scope::kOutbound && !ends_here) return;
    if (!walk.enter_layer()) return;
    if (tunnel.vni != 0) walk.vni = tunnel.vni;
    Packet inner = fresh_packet(frame);
    inner.outer_tunnel = tunnel.kind;
    inner.outer_source = packet.source;
    inner.outer_destination = packet.destination;
    // Without a valid header inside, the one around it stays the innermost.
    if (!read_ip_header(frame, walk, tunnel.next, inner)) return;
    packet = inner;
  }
}

bool Decoder::is_decapped(const IpAddress& destination) const noexcept {
  return std::ranges::any_of(options_.decap,
                             [&](const IpRange& range) { return range.contains(destination); });
}

}  // namespace weir
