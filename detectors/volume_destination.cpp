// volume.destination: several hosts push to one destination, each perhaps little.
#include <array>

#include "detectors/volume.h"

namespace weir {
namespace {

constexpr std::array kWindows = {Window::kHour, Window::kDay};

class VolumeDestination : public SweepDetector {
 public:
  explicit VolumeDestination(std::span<const OptionValue> values)
      : limits_(limits_of(kWindows, values)),
        least_bytes_(least_threshold(limits_)),
        minimum_hosts_(whole_of(values[2])) {}

  void sweep(const SweepView& moved, std::vector<Finding>& findings) override {
    for (const uint32_t destination : moved.destinations) {
      if (moved.windows.bound_of_destination(destination) < least_bytes_) continue;
      for (const ByteLimit& limit : limits_) {
        const Amount pushed = moved.windows.pushed_to_destination(destination, limit.window);
        if (pushed.high_bytes < limit.threshold_bytes) continue;
        const uint32_t hosts = moved.windows.hosts_of_destination(destination, limit.window);
        if (hosts < minimum_hosts_) continue;
        Finding& finding =
            findings.emplace_back(destination_finding(moved, destination, limit, pushed));
        finding.score = stepped_score(0.4, finding.observed, finding.threshold);
        finding.detail = hosts;
      }
    }
  }

 private:
  std::vector<ByteLimit> limits_;
  uint64_t least_bytes_;
  uint64_t minimum_hosts_;
};

const std::array<Option, 3> kOptions = {{
    {.name = "threshold_1h_bytes",
     .standard = int64_t{2'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes that all hosts together may push to one destination within an hour."},
    {.name = "threshold_24h_bytes",
     .standard = int64_t{8'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "The same within 24 hours."},
    {.name = "minimum_hosts",
     .standard = int64_t{3},
     .minimum = 2,
     .maximum = 1e6,
     .unit = "hosts",
     .help = "Hosts that must have pushed to the destination within the window; fewer are left to "
             "the other detectors."},
}};
// Exfiltration over a command channel, over a web service; automated.
constexpr std::array<std::string_view, 3> kAttack = {"T1041", "T1567", "T1020"};

}  // namespace

extern const Detector volume_destination_detector;
const Detector volume_destination_detector = {
    .id = "volume.destination",
    .summary = "Several hosts together pushed much to one destination.",
    .family = Family::kVolume,
    .options = kOptions,
    .metrics = {},
    .attack = kAttack,
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<VolumeDestination>(values);
    },
    .explain =
        [](const Finding& finding) {
          return moved_words(
              finding,
              grouped_words(static_cast<uint64_t>(finding.detail)) + " hosts together pushed",
              to_string(finding.destination));
        },
};

}  // namespace weir
