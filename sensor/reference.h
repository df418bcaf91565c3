// `weir-sensor reference`: all options, detectors and metrics as Markdown.
#pragma once

#include <string>

#include "sensor/config_schema.h"

namespace weir {

/// What docs/reference.md holds.
std::string reference_text(const ConfigSchema& schema);

}  // namespace weir
