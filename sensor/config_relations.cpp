// What single options cannot say: relations between them, checked when all are known.
#include "sensor/config_relations.h"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "flowtable/error.h"
#include "sensor/nearest_word.h"

namespace weir {
namespace {

/// Bytes of memory beside its buffer that DPDK spends on an mbuf: rte_mbuf, mempool header, cache.
constexpr uint64_t kMbufOverheadBytes = 256;
/// In flight between the rings: a burst at each end.
constexpr uint64_t kBurstsPackets = 64;

class Relations {
 public:
  Relations(const ConfigSchema& schema, const SensorConfig& config, const ConfigPlaces& places)
      : schema_(schema), config_(config), places_(places) {}

  void check() const {
    networks();
    ports();
    mempool();
    cores("lanes.capture_cores", config_.lanes.capture_cores);
    cores("lanes.detector_cores", config_.lanes.detector_cores);
    detectors("detectors.enabled", config_.detectors.enabled);
    detectors("detectors.shadow", config_.detectors.shadow);
    suppressions();
    uplink();
  }

 private:
  /// Blames the first of `keys` that somebody wrote.
  [[noreturn]] void refuse(std::initializer_list<std::string> keys,
                           const std::string& sentence) const {
    for (const std::string& key : keys) {
      const auto found = places_.find(key);
      if (found != places_.end()) throw Error(kExitUsage, found->second + ": " + sentence);
    }
    throw Error(kExitUsage, "configuration: " + sentence);
  }

  void networks() const;
  void network_tags(const char* name, std::vector<uint32_t> NetworkTable::*tags) const;
  void ports() const;
  void mempool() const;
  void cores(const std::string& key, const std::vector<uint32_t>& cores) const;
  void detectors(const std::string& key, const std::vector<std::string>& patterns) const;
  void suppressions() const;
  void uplink() const;

  uint64_t lanes() const {
    uint64_t lanes = 0;
    for (const PortTable& port : config_.ports) lanes += port.lanes;
    return std::max<uint64_t>(lanes, 1);  // a replay's
  }

  const ConfigSchema& schema_;
  const SensorConfig& config_;
  const ConfigPlaces& places_;
};

void Relations::networks() const {
  std::set<std::string> names;
  const NetworkTable* default_network = nullptr;
  for (size_t i = 0; i < config_.networks.size(); ++i) {
    const NetworkTable& network = config_.networks[i];
    const std::string table = "networks." + std::to_string(i);
    if (!names.insert(network.name).second) {
      refuse({table + ".name", table}, "a second network is named \"" + network.name +
                                           "\"; give each [[networks]] a name of its own");
    }
    if (network.home.empty()) {
      refuse({table + ".home", table}, "network \"" + network.name +
                                           "\" has home = [], so nothing would be outbound; give "
                                           "the addresses at home");
    }
    if (!network.takes_all()) continue;
    if (default_network != nullptr) {
      refuse({table, table + ".name"},
             "networks \"" + default_network->name + "\" and \"" + network.name +
                 "\" both take every frame; give one of them ports, vlans or vnis");
    }
    default_network = &network;
  }
  if (default_network == nullptr) {
    refuse({"networks.0"},
           "no network takes the frames that none names; add a [[networks]] without ports, vlans "
           "and vnis");
  }
  network_tags("ports", &NetworkTable::ports);
  network_tags("vlans", &NetworkTable::vlans);
  network_tags("vnis", &NetworkTable::vnis);
}

void Relations::network_tags(const char* name, std::vector<uint32_t> NetworkTable::*tags) const {
  std::map<uint32_t, std::string> owners;
  for (size_t i = 0; i < config_.networks.size(); ++i) {
    const NetworkTable& network = config_.networks[i];
    const std::string table = "networks." + std::to_string(i);
    for (const uint32_t tag : network.*tags) {
      const auto [owner, fresh] = owners.emplace(tag, network.name);
      if (fresh) continue;
      refuse({table + "." + name, table}, std::string(name) + " holds " + std::to_string(tag) +
                                              " in network \"" + owner->second + "\" and in \"" +
                                              network.name + "\"; name it once");
    }
  }
}

void Relations::ports() const {
  std::set<std::string> devices;
  for (size_t i = 0; i < config_.ports.size(); ++i) {
    const std::string& device = config_.ports[i].device;
    if (devices.insert(device).second) continue;
    refuse({"port." + std::to_string(i) + ".device"},
           "device \"" + device +
               "\" is a port already; name each device once, and raise its "
               "lanes for more queues");
  }
}

void Relations::mempool() const {
  const LanesSection& rings = config_.lanes;
  uint64_t needed = 0;
  const uint64_t handover = lanes() > 1 ? rings.handover_ring_packets : 0;
  for (const PortTable& port : config_.ports) {
    needed +=
        port.lanes * (port.rx_descriptors + rings.reader_ring_packets + handover + kBurstsPackets);
  }
  if (config_.ports.empty()) needed = rings.reader_ring_packets + kBurstsPackets;
  if (config_.mempool.mbufs < needed) {
    refuse({"mempool.mbufs", "lanes.reader_ring_packets", "lanes.handover_ring_packets",
            "port.0.lanes", "port.0.rx_descriptors"},
           "mempool.mbufs = " + std::to_string(config_.mempool.mbufs) +
               " cannot fill the rings of " + std::to_string(lanes()) + " lane(s), which hold " +
               std::to_string(needed) +
               " packets; raise mempool.mbufs to that or lower lanes.reader_ring_packets");
  }
  const uint64_t mempool_bytes =
      uint64_t{config_.mempool.mbufs} * (config_.mempool.mbuf_bytes + kMbufOverheadBytes);
  const uint64_t needed_mib = (mempool_bytes >> 20) + 1;
  if (config_.eal.memory_mib < needed_mib) {
    refuse({"mempool.mbufs", "mempool.mbuf_bytes", "eal.memory_mib"},
           "eal.memory_mib = " + std::to_string(config_.eal.memory_mib) + " is less than the " +
               std::to_string(needed_mib) +
               " MiB of mempool.mbufs = " + std::to_string(config_.mempool.mbufs) +
               "; raise eal.memory_mib or lower mempool.mbufs");
  }
}

void Relations::cores(const std::string& key, const std::vector<uint32_t>& cores) const {
  if (cores.empty()) return;
  std::set<uint32_t> distinct;
  for (const uint32_t core : cores) {
    if (distinct.insert(core).second) continue;
    refuse({key}, key + " names core " + std::to_string(core) +
                      " twice; give each lane a core of its own, or [] to have them chosen");
  }
  if (!config_.ports.empty() && cores.size() != lanes()) {
    refuse({key}, key + " names " + std::to_string(cores.size()) + " core(s) for " +
                      std::to_string(lanes()) +
                      " lane(s); name one for each lane, or [] to have them chosen");
  }
}

void Relations::detectors(const std::string& key, const std::vector<std::string>& patterns) const {
  std::vector<std::string> known;
  for (const Detector* detector : schema_.detectors()) known.emplace_back(detector->id);
  for (const std::string& pattern : patterns) {
    const bool any = std::any_of(known.begin(), known.end(), [&](const std::string& id) {
      return matches_detector({pattern}, id);
    });
    if (any || pattern == "*") continue;
    const std::string nearest = nearest_word(pattern, known);
    std::string list;
    for (const std::string& id : known) list += (list.empty() ? "" : ", ") + id;
    refuse({key}, key + " holds \"" + pattern + "\", which is no detector; " +
                      (nearest.empty() ? "there are " + list : "did you mean " + nearest + "?"));
  }
}

void Relations::suppressions() const {
  std::set<std::string> names;
  for (size_t i = 0; i < config_.suppress.size(); ++i) {
    const SuppressTable& suppress = config_.suppress[i];
    const std::string table = "suppress." + std::to_string(i);
    if (!names.insert(suppress.name).second) {
      refuse({table + ".name"}, "a second [[suppress]] is named \"" + suppress.name +
                                    "\"; give each a name of its own");
    }
    detectors(table + ".detectors", suppress.detectors);
  }
}

void Relations::uplink() const {
  const UplinkSection& uplink = config_.uplink;
  if (uplink.retry_min_ms > uplink.retry_max_ms) {
    refuse({"uplink.retry_min_ms", "uplink.retry_max_ms"},
           "uplink.retry_min_ms = " + std::to_string(uplink.retry_min_ms) +
               " is above uplink.retry_max_ms = " + std::to_string(uplink.retry_max_ms) +
               "; lower the first or raise the second");
  }
  if (uplink.collector.empty()) return;
  const std::pair<const char*, const std::string*> files[] = {
      {"ca_file", &uplink.ca_file},
      {"certificate_file", &uplink.certificate_file},
      {"key_file", &uplink.key_file}};
  for (const auto& [name, file] : files) {
    if (!file->empty()) continue;
    refuse({"uplink.collector"}, "uplink.collector = \"" + uplink.collector + "\" needs uplink." +
                                     name + "; give the file, or collector = \"\" for no uplink");
  }
}

}  // namespace

void check_relations(const ConfigSchema& schema, const SensorConfig& config,
                     const ConfigPlaces& places) {
  Relations(schema, config, places).check();
}

}  // namespace weir
