// Which addresses are at home, and which network (address space) a frame belongs to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "flowtable/ip_address.h"
#include "flowtable/packet.h"

namespace weir {

/// One `[[networks]]` table. Empty `ports`, `vlans` and `vnis`: the default network.
struct Network {
  std::string name = "default";
  std::vector<uint16_t> ports = {};
  std::vector<uint16_t> vlans = {};  // 1 to 4094
  std::vector<uint32_t> vnis = {};   // 1 to 2^24 - 1
  std::vector<IpRange> home = {};    // either family; ::/0 means IPv6 only, 0.0.0.0/0 IPv4 only
};

/// Immutable after construction, so any thread may read it.
class HomeNetworks {
 public:
  /// `networks[i]` gets network id i. Exactly one takes everything no other names. Throws
  /// Error (kExitUsage) when two share a name or a tag, a tag or range is impossible, or not
  /// exactly one is the default.
  explicit HomeNetworks(std::vector<Network> networks);

  /// Network of a frame by VNI, else VLAN, else port, else the default one. 0 = no such tag.
  uint16_t network_of(uint16_t port, uint16_t vlan, uint32_t vni) const noexcept {
    return only_default_ ? default_network_ : network_by_tag(port, vlan, vni);
  }

  /// Whether a home range of the network holds the address. HOT.
  bool is_home(uint16_t network, const IpAddress& address) const noexcept {
    return (traits_of(network, address) & kHome) != 0;
  }

  /// Scope of a pair; sets `source_home`. HOT.
  Scope scope_of(uint16_t network, const IpAddress& source, const IpAddress& destination,
                 bool& source_home) const noexcept {
    return scope_of_traits(traits_of(network, source), traits_of(network, destination),
                           source_home);
  }

  /// The same for two IPv4 addresses as numbers.
  Scope scope_of_v4(uint16_t network, uint32_t source, uint32_t destination,
                    bool& source_home) const noexcept {
    const Table& table = tables_.data()[network];
    return scope_of_traits(table.traits_of_v4(source), table.traits_of_v4(destination),
                           source_home);
  }

  const std::vector<Network>& networks() const { return networks_; }

 private:
  // Traits of an address. kLocal holds for every network: unspecified, loopback, link-local,
  // multicast, limited broadcast (RFC 6890, RFC 4291 2.4).
  static constexpr uint8_t kHome = 1, kLocalUse = 2;
  static constexpr Scope kScopeOfHomes[] = {Scope::kTransit, Scope::kOutbound, Scope::kInternal};
  static Scope scope_of_traits(uint32_t from, uint32_t to, bool& source_home) noexcept {
    source_home = (from & kHome) != 0;
    if (((from | to) & kLocalUse) != 0) [[unlikely]]
      return Scope::kLocal;
    return kScopeOfHomes[from + to];  // only kHome, one, is left in either
  }

  /// The address line of one family cut into intervals of equal traits; a search starts from the
  /// address's first byte.
  template <typename Number>
  struct Intervals {
    std::array<uint32_t, 257> of_first_byte{};  // interval that holds the lowest address of a byte
    std::vector<Number> starts;                 // ascending; starts[0] is the lowest address
    std::vector<uint8_t> traits;                // of the interval that begins at starts[i]

    [[gnu::always_inline]] uint8_t find(uint32_t first_byte, const Number& address) const noexcept {
      const Number* start = starts.data();
      const uint32_t* of_byte = of_first_byte.data() + first_byte;
      uint32_t from = of_byte[0];
      uint32_t to = of_byte[1];
      while (from < to) {  // the last interval in [from, to] that starts at or before the address
        const uint32_t middle = (from + to + 1) / 2;
        const bool beyond = address < start[middle];
        to = beyond ? middle - 1 : to;
        from = beyond ? from : middle;
      }
      return traits.data()[from];
    }
  };
  struct Table {
    Intervals<uint32_t> v4;
    Intervals<IpAddress> v6;
    // Traits of every /16 of IPv4, four to a byte; kLook = its addresses differ, or are both at
    // home and local. 16 KiB, and nearly every IPv4 address is answered by one load.
    std::vector<uint8_t> of_v4_16;

    [[gnu::always_inline]] uint32_t traits_of_v4(uint32_t address) const noexcept {
      const uint32_t four = of_v4_16.data()[address >> 18];
      const uint32_t traits = four >> ((address >> 16 & 3) * 2) & 3;
      return traits != kLook ? traits : v4.find(address >> 24, address);
    }
  };
  static constexpr uint8_t kLook = 3;

  uint32_t traits_of(uint16_t network, const IpAddress& address) const noexcept {
    const Table& table = tables_.data()[network];
    if (address.is_v4()) [[likely]]
      return table.traits_of_v4(address.v4_value());
    return table.v6.find(static_cast<uint32_t>(address.high >> 56), address);
  }

  static Table make_table(const Network& network);
  void read_tags();
  uint16_t network_by_tag(uint16_t port, uint16_t vlan, uint32_t vni) const noexcept;

  std::vector<Network> networks_;
  std::vector<Table> tables_;
  // A tag that no network names holds kUnclaimed.
  static constexpr uint16_t kUnclaimed = UINT16_MAX;
  std::vector<uint16_t> network_of_port_;
  std::vector<uint16_t> network_of_vlan_;
  struct VniOwner {
    uint32_t vni;
    uint16_t network;
  };
  std::vector<VniOwner> vni_owners_;  // ascending
  uint16_t default_network_ = 0;
  bool only_default_ = true;
};

}  // namespace weir
