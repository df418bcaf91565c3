// HOT. One frame after the other: link, IP, transport, and the one pair the packet counts at.
#include "flowtable/decode.h"

#include <algorithm>
#include <utility>

#include "flowtable/decode_ip.h"
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

/// The link headers; most frames have only one, of Ethernet, and are not worth a call.
inline NextHeader walk_link(Walk& walk, LinkType link) noexcept {
  HeaderView<kEthernetHeaderBytes> ethernet;
  if (link == LinkType::kEthernet && walk.reader.view(ethernet) &&
      ethernet.u16<12>() == kTypeIpv4 && walk.reader.skip(kEthernetHeaderBytes)) [[likely]]
    return NextHeader::kIpv4;
  return reach_ip(walk, next_of_link(walk, link));
}

}  // namespace

Decoder::Decoder(const HomeNetworks& home, DecodeOptions options)
    : home_(home), options_(std::move(options)) {
  options_.decode_depth = std::min(options_.decode_depth, kDeepest);
}

void Decoder::decode(std::span<const Frame> frames, Packet* packets) const noexcept {
  for (size_t i = 0; i < std::min(frames.size(), kPrefetchFrames); ++i)
    __builtin_prefetch(frames[i].data);
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i + kPrefetchFrames < frames.size()) __builtin_prefetch(frames[i + kPrefetchFrames].data);
    decode_frame(frames[i], packets[i]);
  }
}

void Decoder::decode_frame(const Frame& frame, Packet& packet) const noexcept {
  packet = fresh_packet(frame);
  Walk walk{.reader = {frame.data, frame.contiguous_bytes, frame.frame_bytes},
            .layers_left = options_.decode_depth};
  const NextHeader next = walk_link(walk, frame.link);
  if (!read_ip(walk, next, packet)) [[unlikely]] {
    packet = fresh_packet(frame);  // nothing of a header that was refused
    packet.drop = walk.drop;
    return;
  }
  place(frame, walk, packet);
  if (packet.protocol != kProtocolTcp) follow_tunnels(frame, walk, packet);
}

void Decoder::place(const Frame& frame, const Walk& walk, Packet& packet) const noexcept {
  packet.vlan = walk.vlan;
  packet.vni = walk.vni;
  packet.layers = walk.layers;
  packet.network = home_.network_of(frame.port, walk.vlan, walk.vni);
  packet.scope =
      home_.scope_of(packet.network, packet.source, packet.destination, packet.source_home);
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
    const NextHeader next = reach_ip(walk, tunnel.next);
    if (!read_ip(walk, next, inner)) return;  // the header around it stays the innermost valid one
    place(frame, walk, inner);
    packet = inner;
  }
}

bool Decoder::is_decapped(const IpAddress& destination) const noexcept {
  return std::ranges::any_of(options_.decap,
                             [&](const IpRange& range) { return range.contains(destination); });
}

}  // namespace weir
