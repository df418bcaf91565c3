// How bytes, times and the counterfactual are put into words; the only place that does.
#pragma once

#include <cstdint>
#include <string>

#include "detectors/detector.h"
#include "detectors/finding.h"

namespace weir {

/// "1,240,984"
std::string grouped_words(uint64_t number);

/// "1.24 MB (1,240,984 bytes)"; below 1000 "512 bytes". Powers of 1000, three figures.
std::string byte_words(uint64_t bytes);

/// "1.24 MB", "512 bytes": where the exact figure stands nearby.
std::string short_byte_words(uint64_t bytes);

/// "1 hour", "10 minutes", "24 hours", "7 days"
std::string window_words(uint64_t window_s);

/// A share: "12.3 %", "0.04 %"
std::string percent_words(double percent);

/// "detectors.volume.burst.threshold_1h_bytes"
std::string option_name(const Detector& detector, const Finding& finding);

/// What would have to be set for silence, for people.
std::string counterfactual_words(const Detector& detector, const Finding& finding);

}  // namespace weir
