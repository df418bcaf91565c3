// `weir-sensor status | top | flows | explain`: asks the sensor that runs, shows what it says.
#pragma once

#include <string>

#include "sensor/command_line.h"

namespace weir {

/// Asks at `path` and prints the answer; `top` on a terminal goes on until q or Ctrl-C. Returns the
/// exit code; throws Error (kExitFailed) where no sensor answers or it refuses.
int run_control(const std::string& path, const ControlArguments& arguments);

}  // namespace weir
