// What this process holds in memory, as the kernel counts it.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace weir {

/// Pages present, in bytes; 0 where /proc is not there.
inline uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0, resident_pages = 0;
  statm >> pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace weir
