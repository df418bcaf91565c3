// `weir-sensor run`: the sensor on live ports, from start to stop.
#pragma once

#include "sensor/config.h"
#include "sensor/config_schema.h"

namespace weir {

/// Runs until SIGTERM or SIGINT; SIGHUP reloads. Returns the exit code; throws Error when it cannot
/// start. Once a process, on the main thread.
int run_sensor(const ConfigSchema& schema, const ConfigArguments& arguments);

}  // namespace weir
