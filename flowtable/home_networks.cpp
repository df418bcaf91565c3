// Builds the tables of home networks and refuses contradictory ones. Lookups by tag.
#include "flowtable/home_networks.h"

#include <algorithm>
#include <set>
#include <utility>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr uint32_t kVlanIds = 4096;
constexpr uint32_t kVnis = 1u << 24;

std::string quoted(const Network& network) { return "[[networks]] \"" + network.name + "\""; }

bool is_default(const Network& network) {
  return network.ports.empty() && network.vlans.empty() && network.vnis.empty();
}

IpRange cidr(const char* text) { return parse_cidr(text).value(); }

std::vector<IpRange> local_use_ranges() {
  return {cidr("0.0.0.0/32"),  cidr("127.0.0.0/8"),        cidr("169.254.0.0/16"),
          cidr("224.0.0.0/4"), cidr("255.255.255.255/32"), cidr("::/128"),
          cidr("::1/128"),     cidr("fe80::/10"),          cidr("ff00::/8")};
}

bool is_v4(const IpRange& range) { return range.first.is_v4() && range.last.is_v4(); }

uint32_t number(const IpAddress& address, uint32_t) { return address.v4_value(); }
IpAddress number(const IpAddress& address, const IpAddress&) { return address; }

IpAddress next(const IpAddress& address) {
  return {address.high + (address.low == UINT64_MAX ? 1 : 0), address.low + 1};
}
uint32_t next(uint32_t address) { return address + 1; }

IpAddress lowest_of_byte(uint32_t byte, const IpAddress&) { return {uint64_t{byte} << 56, 0}; }
uint32_t lowest_of_byte(uint32_t byte, uint32_t) { return byte << 24; }

struct MarkedRange {
  IpRange range;
  uint8_t trait;
};

/// Cuts the line at every end of a range and notes what holds from there on. Quadratic in the
/// ranges of one network, at start only.
template <typename Number, typename Intervals>
void cut_line(const std::vector<MarkedRange>& marked, Intervals& intervals) {
  std::set<Number> cuts{Number{}};
  for (const MarkedRange& mark : marked) {
    cuts.insert(number(mark.range.first, Number{}));
    const Number after = next(number(mark.range.last, Number{}));
    if (after != Number{}) cuts.insert(after);  // zero: the range ends the line
  }
  for (const Number& start : cuts) {
    uint8_t traits = 0;
    for (const MarkedRange& mark : marked)
      if (number(mark.range.first, Number{}) <= start && start <= number(mark.range.last, Number{}))
        traits = static_cast<uint8_t>(traits | mark.trait);
    if (!intervals.traits.empty() && intervals.traits.back() == traits) continue;
    intervals.starts.push_back(start);
    intervals.traits.push_back(traits);
  }
  const auto holding = [&](const Number& address) {
    const auto after = std::ranges::upper_bound(intervals.starts, address);
    return static_cast<uint32_t>(after - intervals.starts.begin() - 1);
  };
  for (uint32_t byte = 0; byte < 256; ++byte)
    intervals.of_first_byte[byte] = holding(lowest_of_byte(byte, Number{}));
  intervals.of_first_byte[256] = static_cast<uint32_t>(intervals.starts.size() - 1);
}

}  // namespace

HomeNetworks::HomeNetworks(std::vector<Network> networks) : networks_(std::move(networks)) {
  if (networks_.empty() || networks_.size() >= kUnclaimed)
    throw Error(kExitUsage, "[[networks]]: " + std::to_string(networks_.size()) +
                                " tables; write between 1 and 65534");
  std::set<std::string> names;
  const Network* default_network = nullptr;
  for (const Network& network : networks_) {
    if (!names.insert(network.name).second)
      throw Error(kExitUsage, quoted(network) + ": the name is taken; give each its own");
    for (const IpRange& range : network.home)
      if (range.last < range.first)
        throw Error(kExitUsage, quoted(network) + ": home range " + to_string(range.first) +
                                    " to " + to_string(range.last) + " is empty; swap its ends");
    if (!is_default(network)) continue;
    if (default_network != nullptr)
      throw Error(kExitUsage, quoted(network) + " and \"" + default_network->name +
                                  "\" both name no port, VLAN or VNI; leave one default network");
    default_network = &network;
    default_network_ = static_cast<uint16_t>(&network - networks_.data());
  }
  if (default_network == nullptr)
    throw Error(kExitUsage,
                "[[networks]]: every network names ports, VLANs or VNIs; add one that names none "
                "and takes the rest");
  read_tags();
  for (const Network& network : networks_) tables_.push_back(make_table(network));
}

void HomeNetworks::read_tags() {
  only_default_ = networks_.size() == 1;
  network_of_vlan_.assign(kVlanIds, kUnclaimed);
  const auto claim = [&](uint16_t& owner, uint16_t id, const char* kind, uint32_t tag) {
    if (owner != kUnclaimed && owner != id)
      throw Error(kExitUsage, quoted(networks_[id]) + ": " + kind + " " + std::to_string(tag) +
                                  " is already taken by \"" + networks_[owner].name +
                                  "\"; name it in one of them");
    owner = id;
  };
  const auto refuse = [&](const Network& network, const char* kind, uint32_t tag, uint32_t last) {
    throw Error(kExitUsage, quoted(network) + ": " + kind + " " + std::to_string(tag) +
                                " does not exist; write 1 to " + std::to_string(last));
  };
  for (const Network& network : networks_) {
    const auto id = static_cast<uint16_t>(&network - networks_.data());
    for (const uint16_t port : network.ports) {
      if (port >= network_of_port_.size()) network_of_port_.resize(port + 1u, kUnclaimed);
      claim(network_of_port_[port], id, "port", port);
    }
    for (const uint16_t vlan : network.vlans) {
      if (vlan == 0 || vlan >= kVlanIds - 1) refuse(network, "VLAN", vlan, kVlanIds - 2);
      claim(network_of_vlan_[vlan], id, "VLAN", vlan);
    }
    for (const uint32_t vni : network.vnis) {
      if (vni == 0 || vni >= kVnis) refuse(network, "VNI", vni, kVnis - 1);
      const auto at = std::ranges::lower_bound(vni_owners_, vni, {}, &VniOwner::vni);
      if (at != vni_owners_.end() && at->vni == vni)
        claim(at->network, id, "VNI", vni);
      else
        vni_owners_.insert(at, {vni, id});
    }
  }
}

HomeNetworks::Table HomeNetworks::make_table(const Network& network) {
  std::vector<MarkedRange> v4, v6;
  for (const IpRange& range : network.home) (is_v4(range) ? v4 : v6).push_back({range, kHome});
  for (const IpRange& range : local_use_ranges())
    (is_v4(range) ? v4 : v6).push_back({range, kLocalUse});
  Table table;
  cut_line<uint32_t>(v4, table.v4);
  cut_line<IpAddress>(v6, table.v6);
  table.of_v4_16.resize((1u << 16) / 4);
  for (uint32_t high = 0; high < 1u << 16; ++high) {
    const uint32_t first = high << 16;
    const uint32_t last = first | 0xffff;
    const auto begin = std::ranges::upper_bound(table.v4.starts, first);
    const bool uniform = begin == table.v4.starts.end() || *begin > last;
    const uint32_t traits = uniform ? table.v4.find(first >> 24, first) : kLook;
    uint8_t& four = table.of_v4_16[high / 4];
    four = static_cast<uint8_t>(four | traits << (high % 4 * 2));
  }
  return table;
}

uint16_t HomeNetworks::network_by_tag(uint16_t port, uint16_t vlan, uint32_t vni) const noexcept {
  if (vni != 0) {
    const auto at = std::ranges::lower_bound(vni_owners_, vni, {}, &VniOwner::vni);
    if (at != vni_owners_.end() && at->vni == vni) return at->network;
  }
  if (vlan != 0 && vlan < kVlanIds && network_of_vlan_[vlan] != kUnclaimed)
    return network_of_vlan_[vlan];
  if (port < network_of_port_.size() && network_of_port_[port] != kUnclaimed)
    return network_of_port_[port];
  return default_network_;
}

}  // namespace weir
