// volume.burst: one host pushes much to one destination in a short time.
#include <array>

#include "detectors/volume.h"

namespace weir {
namespace {

constexpr std::array kWindows = {Window::kMinute, Window::kTenMinutes, Window::kHour};

const std::array<Option, 3> kOptions = {{
    {.name = "threshold_1min_bytes",
     .standard = int64_t{100'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes a host may push to one destination within a minute; raise it where "
             "fast uploads are daily business."},
    {.name = "threshold_10min_bytes",
     .standard = int64_t{250'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "The same within ten minutes."},
    {.name = "threshold_1h_bytes",
     .standard = int64_t{500'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "The same within an hour; what a destination fetched on connections of its own counts "
             "too, unless the host serves three destinations or more."},
}};
// Exfiltration over a command channel, over an alternative protocol, over a web service.
constexpr std::array<std::string_view, 3> kAttack = {"T1041", "T1048", "T1567"};

}  // namespace

extern const Detector volume_burst_detector;
const Detector volume_burst_detector = {
    .id = "volume.burst",
    .summary = "A host pushed much to one destination within minutes.",
    .family = Family::kVolume,
    .options = kOptions,
    .metrics = {},
    .attack = kAttack,
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<PushedByPair>(kWindows, values);
    },
    .explain =
        [](const Finding& finding) {
          const std::string to = to_string(finding.destination);
          if (finding.detail == 0)
            return moved_words(finding, to_string(finding.host) + " pushed", to);
          return moved_words(finding, to_string(finding.host) + " sent", to) + " Of it " +
                 byte_words(static_cast<uint64_t>(finding.detail)) +
                 " went out on connections that " + to +
                 " opened; next to nobody else comes to this host.";
        },
};

}  // namespace weir
