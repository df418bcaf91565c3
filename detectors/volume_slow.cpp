// volume.slow: one host pushes to one destination little at a time, for days.
#include <array>

#include "detectors/volume.h"

namespace weir {
namespace {

constexpr std::array kWindows = {Window::kDay, Window::kWeek, Window::kMonth};

const std::array<Option, 3> kOptions = {{
    {.name = "threshold_24h_bytes",
     .standard = int64_t{1'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes a host may push to one destination within 24 hours; lower it to catch "
             "a drip sooner."},
    {.name = "threshold_7d_bytes",
     .standard = int64_t{3'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "The same within seven days."},
    {.name = "threshold_30d_bytes",
     .standard = int64_t{8'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "The same within thirty days."},
}};
// Exfiltration in small pieces, at chosen times, over a command channel.
constexpr std::array<std::string_view, 3> kAttack = {"T1030", "T1029", "T1041"};

}  // namespace

extern const Detector volume_slow_detector;
const Detector volume_slow_detector = {
    .id = "volume.slow",
    .summary = "A host pushed much to one destination over days.",
    .family = Family::kVolume,
    .options = kOptions,
    .metrics = {},
    .attack = kAttack,
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<PushedByPair>(kWindows, values);
    },
    .explain =
        [](const Finding& finding) {
          return moved_words(finding, to_string(finding.host) + " pushed",
                             to_string(finding.destination));
        },
};

}  // namespace weir
