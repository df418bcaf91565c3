// volume.served: the outside fetches much from a home host.
#include <array>

#include "detectors/volume.h"

namespace weir {
namespace {

class VolumeServed : public SweepDetector {
 public:
  explicit VolumeServed(std::span<const OptionValue> values)
      : limit_{.window = Window::kHour, .threshold_bytes = whole_of(values[0]), .option = 0} {}

  void sweep(const SweepView& moved, std::vector<Finding>& findings) override {
    for (const uint32_t pair : moved.pairs) {
      if (moved.windows.bound_of_pair(pair) < limit_.threshold_bytes) continue;
      const Amount served = moved.windows.served_by_pair(pair);
      if (served.high_bytes == 0 || served.high_bytes < limit_.threshold_bytes) continue;
      Finding& finding = findings.emplace_back(pair_finding(moved, pair, limit_, served));
      finding.score = stepped_score(0.3, finding.observed, finding.threshold);
      finding.baseline = 0;  // days are kept of pushed bytes
    }
  }

 private:
  ByteLimit limit_;
};

const std::array<Option, 1> kOptions = {{
    {.name = "threshold_1h_bytes",
     .standard = int64_t{5'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes one outside address may fetch from a home host within an hour, over "
             "connections it opened itself; raise it for public servers."},
}};
// Exfiltration over an alternative protocol; a public server that was broken into.
constexpr std::array<std::string_view, 2> kAttack = {"T1048", "T1190"};

}  // namespace

extern const Detector volume_served_detector;
const Detector volume_served_detector = {
    .id = "volume.served",
    .summary = "An outside address fetched much from a home host.",
    .family = Family::kVolume,
    .options = kOptions,
    .metrics = {},
    .attack = kAttack,
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<VolumeServed>(values);
    },
    .explain =
        [](const Finding& finding) {
          return moved_words(finding, to_string(finding.host) + " served",
                             to_string(finding.destination) + ", which opened the connections,");
        },
};

}  // namespace weir
