// From `[[suppress]]` tables to what the judge takes.
#pragma once

#include <vector>

#include "sensor/config.h"
#include "sensor/suppression.h"

namespace weir {

/// The tables were checked when they were loaded.
std::vector<SuppressionOptions> suppression_options(const SensorConfig& config);

}  // namespace weir
