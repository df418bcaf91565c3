// The configuration: what is in force, after defaults, file, --set and --home.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/option.h"
#include "flowtable/decode.h"
#include "flowtable/flow_table_options.h"
#include "flowtable/home_networks.h"
#include "flowtable/ip_address.h"

namespace weir {

class ConfigSchema;

// One struct a section; what a field means, its range and unit stand once, in its row of
// config_schema.cpp. Defaults stand here and nowhere else.

struct SensorSection {
  std::string id = "weir-1";
  std::string state_dir = "/var/lib/weir";
  std::string control = "/run/weir/control.sock";
  std::string metrics = "127.0.0.1:9177";
};

struct NetworkTable {
  std::string name = "default";
  std::vector<uint32_t> ports, vlans, vnis;
  std::vector<std::string> home = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                   "fc00::/7"};
  bool takes_all() const { return ports.empty() && vlans.empty() && vnis.empty(); }
};

struct ServicesSection {
  std::vector<std::string> resolvers, proxies, mail_relays;
};

struct EalSection {
  std::string huge_pages = "auto";
  uint32_t memory_mib = 1024;
  std::vector<std::string> extra_arguments;
};

struct PortTable {
  std::string device;
  uint32_t lanes = 1;
  uint32_t mtu_bytes = 9216;
  bool promiscuous = true;
  uint32_t rx_descriptors = 1024;
  std::string rss = "auto";
  uint32_t link_wait_s = 10;
};

struct LanesSection {
  std::vector<uint32_t> capture_cores, detector_cores;
  uint32_t reader_ring_packets = 8192;
  uint32_t finding_ring = 1024;
  uint32_t handover_ring_packets = 4096;
};

struct MempoolSection {
  uint32_t mbufs = 65536;
  uint32_t mbuf_bytes = 2304;
};

struct CaptureSection {
  std::vector<std::string> decap;
  uint32_t decode_depth = DecodeOptions{}.decode_depth;
};

struct HistorySection {
  uint64_t floor_bytes_day = 65536;
};

struct DetectorsSection {
  std::vector<std::string> enabled = {"*"};
  std::vector<std::string> shadow;
  std::vector<std::string> scopes = {"outbound"};
};

struct JudgeSection {
  uint32_t escalate_factor = 4;
  uint32_t incident_idle_s = 86400;
};

struct SuppressTable {
  std::string name, owner, reason;
  std::string expires;  // 2027-01-31: the last day on which it holds, UTC
  std::vector<std::string> hosts = {"0.0.0.0/0", "::/0"};
  std::vector<std::string> destinations;
  std::vector<std::string> detectors = {"*"};
  uint64_t budget_bytes = 0;
  uint32_t budget_window_s = 86400;
};

struct AlertsSection {
  std::string file;
  bool syslog = false;
};

struct UplinkSection {
  std::string collector, server_name, ca_file, certificate_file, key_file;
  uint32_t retry_min_ms = 250;
  uint32_t retry_max_ms = 30000;
  uint32_t heartbeat_s = 30;
};

struct SpoolSection {
  uint64_t max_bytes = 1073741824;
};

struct SensorConfig {
  SensorSection sensor;
  std::vector<NetworkTable> networks = {NetworkTable{}};  // index = network id
  ServicesSection services;
  EalSection eal;
  std::vector<PortTable> ports;
  LanesSection lanes;
  MempoolSection mempool;
  CaptureSection capture;
  FlowTableOptions flow_table;
  HistorySection history;
  DetectorsSection detectors;
  std::vector<std::vector<OptionValue>> detector_options;  // [detector][row], as the schema's
  JudgeSection judge;
  std::vector<SuppressTable> suppress;
  AlertsSection alerts;
  UplinkSection uplink;
  SpoolSection spool;
};

/// What the command line says about the configuration.
struct ConfigArguments {
  std::string file;              // "": defaults alone
  std::vector<std::string> set;  // KEY=VALUE, applied in order after the file
  std::string home;              // CIDR,...: home of the default network, applied last; "": none
};

/// Everything at its default.
SensorConfig default_config(const ConfigSchema& schema);

/// Defaults, then the file, then --set, then --home; all checked. Throws Error (kExitUsage; for a
/// file that cannot be read too): one sentence with place, value and remedy.
SensorConfig load_config(const ConfigSchema& schema, const ConfigArguments& arguments);

/// The same with the text of the file at hand; `arguments.file` only names it in messages.
SensorConfig load_config_text(const ConfigSchema& schema, const ConfigArguments& arguments,
                              std::string_view text);

/// The configuration as a commented TOML file that loads as it. Of default_config() it is what
/// `print-config` prints; equal configurations give equal texts, so it may be hashed.
std::string effective_text(const ConfigSchema& schema, const SensorConfig& config);

/// Patterns of `detectors.enabled`, `shadow` and `suppress.detectors`: "*", an id, or a leading
/// part of one with ".*" ("volume.*").
bool matches_detector(const std::vector<std::string>& patterns, std::string_view detector_id);

/// What flow table and decoder take. The texts were checked when they were loaded.
std::vector<IpRange> ip_ranges(const std::vector<std::string>& cidrs);
std::vector<Network> home_networks(const SensorConfig& config);
DecodeOptions decode_options(const SensorConfig& config);

}  // namespace weir
