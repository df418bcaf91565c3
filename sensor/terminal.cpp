// What the standard streams are connected to.
#include "sensor/terminal.h"

#include <unistd.h>

#include <cstdlib>

namespace weir {

bool stdout_takes_colour() {
  static const bool colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return colour;
}

}  // namespace weir
