// `weir-sensor check`: whether this machine can run the sensor as it is configured.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "sensor/config.h"
#include "sensor/config_schema.h"

namespace weir {

/// What the check asks of a machine.
struct Machine {
  uint32_t cpu_features = 0;  // present_cpu_features()
  uint64_t available_bytes = 0;
  uint64_t huge_page_bytes = 0;  // size of one; 0 = the kernel has none
  uint64_t huge_pages_free = 0;
  std::chrono::year_month_day today;  // UTC
};

/// Reads /proc/meminfo, the CPU and the clock.
Machine read_machine();

struct CheckLine {
  enum class Result : uint8_t { kOk, kWarn, kFail };
  Result result = Result::kOk;
  std::string sentence;
};

/// One line or more for each of: configuration, CPU, memory, huge pages, home networks.
std::vector<CheckLine> check_machine(const SensorConfig& config, const Machine& machine);

/// The whole command: prints "ok: ...", "warn: ..." or "fail: ..." a line. Exit code 0, 1 when
/// something fails, 2 when the configuration does not load.
int run_check(const ConfigSchema& schema, const ConfigArguments& arguments, std::ostream& out);

}  // namespace weir
