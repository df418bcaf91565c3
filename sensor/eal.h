// DPDK's environment: started once a process, from the configuration.
#pragma once

#include <string>
#include <vector>

#include "sensor/config.h"

namespace weir {

/// Starts the EAL; throws Error (kExitFailed) with what DPDK said and what to do. `devices`: vdev
/// arguments such as "net_ring0". Main thread only, once.
class Eal {
 public:
  Eal(const EalSection& config, const std::vector<std::string>& devices);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;
};

}  // namespace weir
