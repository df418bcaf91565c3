// What single options cannot say: relations between them, checked when all are known.
#pragma once

#include <map>
#include <string>

#include "sensor/config.h"
#include "sensor/config_schema.h"

namespace weir {

/// Where options were given: "flow_table.connections" or "port.0.device" -> "weir.toml:12" or
/// "--set ...". A table: "port.0". Those at their default are not in it.
using ConfigPlaces = std::map<std::string, std::string>;

/// Throws Error (kExitUsage): one sentence with the place of an option concerned.
void check_relations(const ConfigSchema& schema, const SensorConfig& config,
                     const ConfigPlaces& places);

}  // namespace weir
