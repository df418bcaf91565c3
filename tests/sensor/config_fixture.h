// A schema with two detectors declared here, so that these tests do not move with the built-in
// ones.
#pragma once

#include <array>
#include <string>

#include "sensor/config_schema.h"

namespace weir {

inline const std::array<Option, 2> kBurstOptions = {{
    {.name = "threshold_1min_bytes",
     .standard = int64_t{100000000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes out in a minute."},
    {.name = "threshold_1h_bytes",
     .standard = int64_t{500000000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes out in an hour."},
}};
inline const std::array<Option, 1> kRatioOptions = {{
    {.name = "minimum_ratio",
     .standard = 0.8,
     .minimum = 0,
     .maximum = 1,
     .help = "Share of what is sent, (out - in) / (out + in)."},
}};
inline constexpr std::array<Metric, 1> kRatioMetrics = {
    {{"weir_ratio_pairs_total", "Pairs judged; none for long means no traffic."}}};
inline constexpr std::array<std::string_view, 2> kBurstAttack = {"T1041", "T1048"};

inline const Detector kBurst = {.id = "volume.burst",
                                .summary = "Much leaves in a short time.",
                                .family = Family::kVolume,
                                .options = kBurstOptions,
                                .metrics = {},
                                .attack = kBurstAttack,
                                .make = nullptr,
                                .explain = nullptr};
inline const Detector kRatio = {.id = "volume.ratio",
                                .summary = "More leaves than comes.",
                                .family = Family::kVolume,
                                .options = kRatioOptions,
                                .metrics = kRatioMetrics,
                                .attack = {},
                                .make = nullptr,
                                .explain = nullptr};
inline const std::array<const Detector*, 2> kDeclared = {&kBurst, &kRatio};

inline const ConfigSchema& declared_schema() {
  static const ConfigSchema schema(kDeclared);
  return schema;
}

}  // namespace weir
