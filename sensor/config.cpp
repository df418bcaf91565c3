// What the rest of the sensor takes from the configuration.
#include "sensor/config.h"

#include <algorithm>

namespace weir {

bool matches_detector(const std::vector<std::string>& patterns, std::string_view detector_id) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    if (pattern == "*" || pattern == detector_id) return true;
    if (!pattern.ends_with(".*")) return false;
    pattern.remove_suffix(1);  // the dot stays: "volume.*" is not "volumes.x"
    return detector_id.starts_with(pattern);
  });
}

std::vector<IpRange> ip_ranges(const std::vector<std::string>& cidrs) {
  std::vector<IpRange> ranges;
  for (const std::string& cidr : cidrs) {
    // IPv4 lies inside ::/0, as ::ffff:0:0/96.
    if (const auto range = parse_cidr(cidr == "*" ? "::/0" : cidr)) ranges.push_back(*range);
  }
  return ranges;
}

std::vector<Network> home_networks(const SensorConfig& config) {
  std::vector<Network> networks;
  for (const NetworkTable& table : config.networks) {
    Network& network = networks.emplace_back();
    network.name = table.name;
    for (const uint32_t port : table.ports) network.ports.push_back(static_cast<uint16_t>(port));
    for (const uint32_t vlan : table.vlans) network.vlans.push_back(static_cast<uint16_t>(vlan));
    network.vnis = table.vnis;
    network.home = ip_ranges(table.home);
  }
  return networks;
}

DecodeOptions decode_options(const SensorConfig& config) {
  DecodeOptions options;
  options.decap = ip_ranges(config.capture.decap);
  options.decode_depth = config.capture.decode_depth;
  return options;
}

}  // namespace weir
