// How durations, times and foreign text are written for people; figures are detectors/words.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// 3600 -> "1 h", 5400 -> "1 h 30 min", 604800 -> "7 d"; the two largest units.
std::string duration_text(uint64_t duration_s);

/// "2026-03-01 12:00:00 UTC" of nanoseconds since 1970.
std::string time_text(uint64_t time_ns);

/// Text from the wire or from a file, safe on a terminal: everything but printable ASCII becomes
/// \xNN; at most `limit_bytes` of it, then "...". Safe text stays as it is.
std::string printable(std::string_view text, size_t limit_bytes = 256);

}  // namespace weir
