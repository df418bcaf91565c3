// Which addresses are at home, and which network (address space) a frame belongs to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flowtable/ip_address.h"
#include "flowtable/packet.h"

namespace weir {

/// One `[[networks]]` table. Empty `ports`, `vlans` and `vnis`: the default network.
struct Network {
  std::string name = "default";
  std::vector<uint16_t> ports;
  std::vector<uint16_t> vlans;
  std::vector<uint32_t> vnis;
  std::vector<IpRange> home;
};

/// Immutable after construction, so any thread may read it.
class HomeNetworks {
 public:
  /// `networks[i]` gets network id i. Exactly one takes everything no other names. Throws
  /// Error (kExitUsage) when two claim the same tag or none is the default.
  explicit HomeNetworks(std::vector<Network> networks);

  /// Network of a frame by VNI, else VLAN, else port, else the default one.
  uint16_t network_of(uint16_t port, uint16_t vlan, uint32_t vni) const noexcept;

  bool is_home(uint16_t network, const IpAddress& address) const noexcept;

  /// Scope of a pair; sets `source_home`.
  Scope scope_of(uint16_t network, const IpAddress& source, const IpAddress& destination,
                 bool& source_home) const noexcept;

  const std::vector<Network>& networks() const { return networks_; }

 private:
  struct Table {  // sorted, disjoint ranges
    std::vector<IpRange> ranges;
  };
  std::vector<Network> networks_;
  std::vector<Table> tables_;
  uint16_t default_network_ = 0;
};

}  // namespace weir
