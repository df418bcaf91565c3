// `weir-collector alerts` and `sensors`: what is in the store, for people and as JSON lines.
#pragma once

#include <iosfwd>
#include <string>

#include "collector/config.h"
#include "collector/store.h"

namespace weir::collector {

struct ListArguments {
  AlertFilter filter;
  bool json = false;
  bool follow = false;  // go on as alerts arrive, until SIGINT
};

/// "2026-11-24", "2026-11-24T10:00:00Z", or so long ago: "90s", "15m", "2h", "7d". Throws Error
/// (kExitUsage).
int64_t parse_time(const std::string& text, int64_t now_ns);

/// INFO, LOW, MEDIUM, HIGH, CRITICAL, in any case. Throws Error (kExitUsage).
int parse_severity(const std::string& text);

void list_alerts(Store& store, const ListArguments& arguments, std::ostream& out);
void list_sensors(Store& store, const Config& config, bool json, std::ostream& out);

}  // namespace weir::collector
