// What of a configuration can change while the sensor runs.
#pragma once

#include <string>

#include "sensor/config.h"
#include "sensor/config_schema.h"

namespace weir {

/// Whether frames are to be decoded otherwise: home addresses, tags of networks, tunnels.
bool home_changed(const SensorConfig& now, const SensorConfig& fresh);

/// Sets back in `fresh` what only a restart can change, and returns the options concerned:
/// "port.0.lanes, flow_table.totals"; "" when there are none.
std::string keep_what_needs_a_restart(const ConfigSchema& schema, const SensorConfig& now,
                                      SensorConfig& fresh);

}  // namespace weir
