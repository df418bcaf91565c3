// The epoch of a replay: the same captures and configuration give the same number.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// First 8 bytes of SHA-256 over each capture's size, its first and last 64 KiB, and the effective
/// configuration. A pipe, and what cannot be read, counts by its path. Whole captures are not
/// hashed: that would take longer than the replay.
uint64_t replay_epoch(std::span<const std::string> captures, std::string_view effective_config);

}  // namespace weir
