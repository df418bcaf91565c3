// An alert as one line of JSON: what `--json` writes and the collector prints.
#pragma once

#include <string>

#include "weir/v1/alert.pb.h"

namespace weir {

/// Protobuf's canonical mapping with the names of the .proto and defaults printed: 64-bit
/// integers are strings, times RFC 3339. No line break, also not at the end. Equal alerts give
/// equal bytes. Throws std::invalid_argument when a time is outside the years 1 to 9999.
std::string alert_json(const v1::Alert& alert);

}  // namespace weir
