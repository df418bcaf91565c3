// What the sensor gives up once it listens: privileges, capabilities, system calls, core dumps.
#pragma once

#include <string>

namespace weir {

/// No memory of packets on disk: no core dumps, none taken by others. Throws Error.
void forbid_core_dumps();

/// The account the sensor runs as when it was started by root.
inline constexpr const char* kServiceUser = "weir";

/// Makes a folder that the service user may write to, where root runs this; else only makes it.
/// In one that is the user's already, files that root left behind become the user's too. Throws
/// Error (kExitFailed).
void prepare_folder(const std::string& folder, unsigned mode);

/// As root: becomes the service user where it exists; in any case gives up every capability, on
/// all threads DPDK has started so far. Returns what was done, a sentence. After the ports are
/// open, before other threads start. Throws Error (kExitFailed).
std::string drop_privileges();

/// From here on every thread, those that exist too, may only make the system calls that the
/// sensor's own work takes; another fails with EPERM. Throws Error (kExitFailed).
void allow_only_needed_calls();

}  // namespace weir
