// An alert for people: two lines that can be read aloud, then what an analyst needs to go on.
#pragma once

#include <string>

#include "weir/v1/alert.pb.h"

namespace weir {

/// Several lines, the last one ended. Nothing in it can move a terminal's cursor but the colours,
/// which are there only if asked for.
std::string alert_text(const v1::Alert& alert, bool colour);

/// Its first lines alone, for an incident that goes on.
std::string alert_headline(const v1::Alert& alert, bool colour);

}  // namespace weir
