// DPDK's environment: started once a process, from the configuration.
#pragma once

#include <string>
#include <vector>

#include "sensor/config.h"

namespace weir {

/// What the EAL may open: PCI addresses, and virtual devices such as "net_ring0" to make at once.
struct EalDevices {
  std::vector<std::string> virtual_ones = {};
  std::vector<std::string> pci = {};
};

/// Starts the EAL; throws Error (kExitFailed) with what DPDK said and what to do. "auto" huge pages
/// are none. Main thread only, once.
class Eal {
 public:
  Eal(const EalSection& config, const EalDevices& devices);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;
};

}  // namespace weir
