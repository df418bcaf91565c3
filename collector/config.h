// The collector's configuration: what is in force after defaults, file and --set.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::collector {

/// `[collector]`. What a field means, its range and unit stand once, in its row in config.cpp.
struct Config {
  std::string listen = "0.0.0.0:7443";
  std::string http = "127.0.0.1:7480";
  std::string store = "/var/lib/weir/collector.db";
  std::string ca_file, certificate_file, key_file;
  uint64_t retention_days = 400;
  uint64_t max_store_bytes = 100'000'000'000;
  uint64_t silent_after_s = 120;
  uint64_t max_connections = 1024;
  uint64_t max_alerts_per_s = 2000;
  uint64_t handshake_timeout_s = 10;
};

/// Where something listens.
struct Endpoint {
  std::string address;
  uint16_t port = 0;
};

struct ConfigArguments {
  std::string file;              // "": defaults alone
  std::vector<std::string> set;  // KEY=VALUE, after the file
};

/// Defaults, then the file, then --set. Throws Error (kExitUsage): one sentence with file, line,
/// value and remedy.
Config load_config(const ConfigArguments& arguments);

/// The configuration as a commented TOML file that loads as it.
std::string config_text(const Config& config);

/// "127.0.0.1:7480", "[::1]:7480"; the text was checked when it was loaded. An empty text gives
/// port 0.
Endpoint endpoint_of(const std::string& text);

/// Throws Error (kExitUsage) unless all certificates are named: what `run` and `check` need.
void require_certificates(const Config& config);

}  // namespace weir::collector
