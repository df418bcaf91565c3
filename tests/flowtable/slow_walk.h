// The inside of the slow twin: a region of a frame, and one function a header.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "flowtable/decode.h"

namespace weir {

/// Bytes `begin` to `end` of a frame, of which the capture holds those before `captured`.
struct Region {
  const uint8_t* frame;
  uint64_t captured;
  uint64_t begin;
  uint64_t end;

  uint64_t wire() const { return end - begin; }
  bool has(uint64_t bytes) const { return begin + bytes <= end && begin + bytes <= captured; }
  unsigned u8(uint64_t i) const {
    if (!has(i + 1)) throw std::logic_error("the twin reads what it has not checked");
    return frame[begin + i];
  }
  unsigned u16(uint64_t i) const { return u8(i) * 256 + u8(i + 1); }
  uint64_t u32(uint64_t i) const { return u16(i) * 65536ull + u16(i + 2); }
  uint64_t u64(uint64_t i) const { return u32(i) * 4294967296ull + u32(i + 4); }
  Region from(uint64_t bytes) const {
    if (bytes > wire()) throw std::logic_error("the twin steps over the end");
    return {frame, captured, begin + bytes, end};
  }
  Region first(uint64_t bytes) const {
    return {frame, captured, begin, bytes < wire() ? begin + bytes : end};
  }
};

/// What has been seen outside of where a function reads.
struct Around {
  uint32_t layers = 0;
  uint16_t vlan = 0;
  uint32_t vni = 0;
  TunnelKind tunnel = TunnelKind::kNone;
  IpAddress source = {};
  IpAddress destination = {};
};

enum class Carries : uint8_t { kEthernet, kEtherType, kPpp, kAnyIp, kIpv4, kIpv6 };
struct Inside {
  TunnelKind kind;
  Region at;
  Carries carries;
  unsigned ether_type = 0;
  uint32_t vni = 0;
};

class SlowWalk {
 public:
  SlowWalk(const Frame& frame, const std::vector<Network>& networks, const DecodeOptions& options);
  Packet link();

 private:
  Packet dropped(DropReason reason) const;
  Packet null_loop(Region at, Around around);
  Packet ethernet(Region at, Around around);
  Packet type_or_length(Region at, Around around);
  Packet ether_type(unsigned type, Region at, Around around);
  Packet nsh(Region at, Around around);
  Packet llc(Region at, Around around);
  Packet snap(Region at, Around around);
  Packet mpls(Region at, Around around);
  Packet pppoe(Region at, Around around);
  Packet ppp(Region at, Around around);
  Packet cisco_hdlc(Region at, Around around);
  Packet frame_relay(Region at, Around around);
  Packet cooked(Region at, Around around, unsigned bytes, unsigned type_at);
  Packet nflog(Region at, Around around);

  // slow_ip.cpp
  Packet any_ip(Region at, Around around);
  Packet ip(Region at, Around around, unsigned version);
  Packet ipv4(Region at, Around around);
  Packet ipv6(Region at, Around around);
  void transport(Region at, Packet& packet) const;
  void tcp(Region at, Packet& packet) const;
  void udp(Region at, Packet& packet) const;
  void place(Packet& packet, const Around& around) const;

  // slow_tunnel.cpp
  Packet tunnelled(Region at, const Packet& outer, Around around);
  std::optional<Inside> tunnel(Region at, const Packet& outer) const;
  std::optional<Inside> gre(Region at) const;
  std::optional<Inside> erspan(Region at, unsigned type, bool sequence) const;
  std::optional<Inside> vxlan(Region at) const;
  std::optional<Inside> geneve(Region at) const;
  std::optional<Inside> gtp(Region at) const;
  std::optional<Inside> teredo(Region at) const;

  const Frame& frame_;
  const std::vector<Network>& networks_;
  const DecodeOptions& options_;
};

}  // namespace weir
