// volume.ratio: a host sends a destination much more than it gets from there.
#include <array>

#include "detectors/volume.h"

namespace weir {
namespace {

class VolumeRatio : public SweepDetector {
 public:
  explicit VolumeRatio(std::span<const OptionValue> values)
      : minimum_ratio_(std::get<double>(values[0])),
        floor_{.window = Window::kHour, .threshold_bytes = whole_of(values[1]), .option = 1} {}

  void sweep(const SweepView& moved, std::vector<Finding>& findings) override {
    for (const uint32_t pair : moved.pairs) {
      if (moved.windows.bound_of_pair(pair) < floor_.threshold_bytes) continue;
      const Amount pushed = moved.windows.pushed_by_pair(pair, floor_.window);
      if (pushed.high_bytes == 0 || pushed.high_bytes < floor_.threshold_bytes) continue;
      const auto out = static_cast<double>(pushed.high_bytes);
      const auto in = static_cast<double>(moved.windows.received_by_pair(pair));
      const double ratio = (out - in) / (out + in);
      if (ratio < minimum_ratio_) continue;
      Finding& finding = findings.emplace_back(pair_finding(moved, pair, floor_, pushed));
      finding.score = stepped_score(0.3, finding.observed, finding.threshold);
      finding.detail = ratio;
    }
  }

 private:
  double minimum_ratio_;
  ByteLimit floor_;
};

const std::array<Option, 2> kOptions = {{
    {.name = "minimum_ratio",
     .standard = 0.8,
     .minimum = -1,
     .maximum = 1,
     .help = "(out - in) / (out + in) of the payload of an hour from which on a pair counts as "
             "one-sided: 1 is only out, 0 as much as in."},
    {.name = "floor_1h_bytes",
     .standard = int64_t{100'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes pushed within an hour below which the ratio is not looked at."},
}};
// Exfiltration over a command channel, over an alternative protocol, over a web service.
constexpr std::array<std::string_view, 3> kAttack = {"T1041", "T1048", "T1567"};

}  // namespace

extern const Detector volume_ratio_detector;
const Detector volume_ratio_detector = {
    .id = "volume.ratio",
    .summary = "A host sent a destination much more than it got back.",
    .family = Family::kVolume,
    .options = kOptions,
    .metrics = {},
    .attack = kAttack,
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<VolumeRatio>(values);
    },
    .explain =
        [](const Finding& finding) {
          return moved_words(finding, to_string(finding.host) + " pushed",
                             to_string(finding.destination)) +
                 " Of the bytes between them " + percent_words(50 * (1 + finding.detail)) +
                 " went out.";
        },
};

}  // namespace weir
