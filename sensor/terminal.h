// What the standard streams are connected to.
#pragma once

namespace weir {

/// A terminal, and NO_COLOR is not set (no-color.org).
bool stdout_takes_colour();

}  // namespace weir
