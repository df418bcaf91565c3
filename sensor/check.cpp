// `weir-sensor check`: whether this machine can run the sensor as it is configured.
#include "sensor/check.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <sstream>

#include "flowtable/connection_record.h"
#include "flowtable/error.h"
#include "sensor/cpu_check.h"
#include "sensor/uplink.h"

namespace weir {
namespace {

using Result = CheckLine::Result;

constexpr uint64_t kConnectionBytes =
    sizeof(ConnectionHot) + sizeof(ConnectionCold) + HashIndex::kBytesPerRecord;
constexpr uint64_t kTotalBytes = sizeof(TotalHot) + sizeof(TotalCold) + HashIndex::kBytesPerRecord;
/// Windows of a pair that is active, at most.
constexpr uint64_t kPairWindowsBytes = 640;
/// rte_mbuf, mempool header and cache beside each buffer.
constexpr uint64_t kMbufOverheadBytes = 256;

std::string mib(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

uint64_t lanes_of(const SensorConfig& config) {
  uint64_t lanes = 0;
  for (const PortTable& port : config.ports) lanes += port.lanes;
  return std::max<uint64_t>(lanes, 1);
}

uint64_t mempool_bytes(const SensorConfig& config) {
  return uint64_t{config.mempool.mbufs} * (config.mempool.mbuf_bytes + kMbufOverheadBytes);
}

CheckLine check_cpu(const Machine& machine) {
  const std::string missing = missing_cpu_features(machine.cpu_features);
  if (missing.empty()) return {Result::kOk, "CPU: has AVX2, AES, PCLMUL and what goes with them"};
  return {Result::kFail, "CPU: lacks " + missing + "; run the sensor on a CPU of 2013 or later"};
}

CheckLine check_memory(const SensorConfig& config, const Machine& machine) {
  const FlowTableOptions& table = config.flow_table;
  const uint64_t lanes = lanes_of(config);
  const uint64_t tables = lanes * (table.connections * kConnectionBytes +
                                   table.totals * (kTotalBytes + kPairWindowsBytes));
  const uint64_t needed = tables + mempool_bytes(config);
  const std::string sentence = "memory: tables of " + std::to_string(lanes) +
                               " lane(s) take up to " + mib(tables) + ", packets " +
                               mib(mempool_bytes(config)) + "; " + mib(machine.available_bytes) +
                               " are available";
  const char* remedy = "; lower flow_table.connections, flow_table.totals or mempool.mbufs";
  if (needed > machine.available_bytes) return {Result::kFail, sentence + remedy};
  if (needed > machine.available_bytes / 10 * 9) return {Result::kWarn, sentence + remedy};
  return {Result::kOk, sentence};
}

CheckLine check_huge_pages(const SensorConfig& config, const Machine& machine) {
  const std::string& wanted = config.eal.huge_pages;
  if (wanted == "off") return {Result::kOk, "huge pages: not used (eal.huge_pages = \"off\")"};
  const Result without = wanted == "on" ? Result::kFail : Result::kWarn;
  if (machine.huge_page_bytes == 0) {
    return {without, "huge pages: this kernel has none; set eal.huge_pages = \"off\""};
  }
  const uint64_t needed_bytes =
      std::max(mempool_bytes(config), uint64_t{config.eal.memory_mib} << 20);
  const uint64_t needed = (needed_bytes + machine.huge_page_bytes - 1) / machine.huge_page_bytes;
  const std::string have = "huge pages: " + std::to_string(machine.huge_pages_free) + " of " +
                           mib(machine.huge_page_bytes) + " are free";
  if (machine.huge_pages_free >= needed) return {Result::kOk, have};
  return {without,
          have + ", " + std::to_string(needed) +
              " are wanted; reserve them with `sysctl vm.nr_hugepages=" + std::to_string(needed) +
              "`" + (wanted == "on" ? "" : ", or go on without, slower")};
}

void check_networks(const SensorConfig& config, std::vector<CheckLine>& lines) {
  for (const NetworkTable& network : config.networks) {
    std::string home;
    for (const std::string& cidr : network.home) home += (home.empty() ? "" : ", ") + cidr;
    const std::string sentence = "home networks: " + network.name + " has " + home;
    const bool all = std::any_of(network.home.begin(), network.home.end(),
                                 [](const auto& cidr) { return cidr.ends_with("/0"); });
    if (all) {
      lines.push_back({Result::kWarn, sentence + ", so nothing of that family is outbound; give "
                                                 "the addresses at home alone"});
    } else {
      lines.push_back({Result::kOk, sentence});
    }
  }
}

void check_suppressions(const SensorConfig& config, const Machine& machine,
                        std::vector<CheckLine>& lines) {
  char today[32];
  std::snprintf(today, sizeof today, "%04d-%02u-%02u", static_cast<int>(machine.today.year()),
                static_cast<unsigned>(machine.today.month()),
                static_cast<unsigned>(machine.today.day()));
  for (const SuppressTable& suppress : config.suppress) {
    // Dates in this form compare as text.
    if (suppress.expires >= today) continue;
    lines.push_back({Result::kWarn, "configuration: [[suppress]] " + suppress.name + " of " +
                                        suppress.owner + " expired on " + suppress.expires +
                                        " and silences nothing; renew or remove it"});
  }
}

/// Of the files alone; whether the collector answers is for the running sensor to say.
CheckLine check_uplink(const SensorConfig& config, const Machine& machine) {
  uint64_t expires_s = 0;
  try {
    expires_s = certificate_expires_s(uplink_options(config, ""));
  } catch (const Error& error) {
    return {Result::kFail, "uplink: " + std::string(error.what())};
  }
  const auto today_s = static_cast<uint64_t>(
      std::chrono::sys_days(machine.today).time_since_epoch() / std::chrono::seconds(1));
  const uint64_t left_d = (expires_s - std::min(expires_s, today_s)) / 86400;
  const std::string certificate = "uplink: the certificate for " + config.uplink.collector;
  const std::string remedy = "; issue a new one for " + config.sensor.id;
  if (expires_s <= today_s) return {Result::kFail, certificate + " has expired" + remedy};
  const std::string good = certificate + " holds for " + std::to_string(left_d) + " days";
  if (expires_s - today_s <= kExpiryNotice_s) return {Result::kWarn, good + remedy};
  return {Result::kOk, good};
}

void print(const CheckLine& line, std::ostream& out) {
  constexpr const char* kWords[] = {"ok", "warn", "fail"};
  out << kWords[static_cast<int>(line.result)] << ": " << line.sentence << "\n";
}

}  // namespace

Machine read_machine() {
  Machine machine;
  machine.cpu_features = present_cpu_features();
  machine.today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  std::ifstream meminfo("/proc/meminfo");
  std::string line;
  while (std::getline(meminfo, line)) {
    std::istringstream words(line);
    std::string name;
    uint64_t figure = 0;
    words >> name >> figure;
    if (name == "MemAvailable:") machine.available_bytes = figure << 10;
    if (name == "Hugepagesize:") machine.huge_page_bytes = figure << 10;
    if (name == "HugePages_Free:") machine.huge_pages_free = figure;
  }
  return machine;
}

std::vector<CheckLine> check_machine(const SensorConfig& config, const Machine& machine) {
  std::vector<CheckLine> lines;
  check_suppressions(config, machine, lines);
  if (!config.uplink.collector.empty()) lines.push_back(check_uplink(config, machine));
  lines.push_back(check_cpu(machine));
  lines.push_back(check_memory(config, machine));
  lines.push_back(check_huge_pages(config, machine));
  check_networks(config, lines);
  return lines;
}

int run_check(const ConfigSchema& schema, const ConfigArguments& arguments, std::ostream& out) {
  SensorConfig config;
  try {
    config = load_config(schema, arguments);
  } catch (const Error& error) {
    print({Result::kFail, "configuration: " + std::string(error.what())}, out);
    return error.exit_code();
  }
  print({Result::kOk, "configuration: " + (arguments.file.empty() ? "defaults" : arguments.file) +
                          ", " + std::to_string(schema.detectors().size()) + " detectors, " +
                          std::to_string(config.ports.size()) + " port(s), " +
                          std::to_string(config.suppress.size()) + " suppression(s)"},
        out);
  int exit_code = kExitDone;
  for (const CheckLine& line : check_machine(config, read_machine())) {
    print(line, out);
    if (line.result == Result::kFail) exit_code = kExitFailed;
  }
  return exit_code;
}

}  // namespace weir
