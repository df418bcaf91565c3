// volume.new_destination: a host pushes much to a destination it did not know until lately.
#include <array>

#include "detectors/volume.h"

namespace weir {
namespace {

class VolumeNewDestination : public SweepDetector {
 public:
  explicit VolumeNewDestination(std::span<const OptionValue> values)
      : limit_{.window = Window::kDay, .threshold_bytes = whole_of(values[0]), .option = 0},
        new_within_d_(whole_of(values[1])) {}

  void sweep(const SweepView& moved, std::vector<Finding>& findings) override {
    constexpr uint64_t kDayNs = kDaySeconds * 1'000'000'000;
    const uint64_t today = moved.now_ns / kDayNs;
    for (const uint32_t pair : moved.pairs) {
      if (moved.windows.bound_of_pair(pair) < limit_.threshold_bytes) continue;
      const Amount pushed = moved.windows.pushed_by_pair(pair, limit_.window);
      if (pushed.high_bytes < limit_.threshold_bytes) continue;
      const uint64_t known_d = today - moved.windows.first_day_of_pair(pair);
      if (known_d >= new_within_d_) continue;
      Finding& finding = findings.emplace_back(pair_finding(moved, pair, limit_, pushed));
      finding.family = Family::kNovelty;
      finding.detail = static_cast<double>(known_d);
      finding.learning = moved.windows.covered_days() < new_within_d_;
      if (!finding.learning)
        finding.score = stepped_score(0.4, finding.observed, finding.threshold);
    }
  }

 private:
  ByteLimit limit_;
  uint64_t new_within_d_;
};

std::string explain(const Finding& finding) {
  std::string words =
      moved_words(finding, to_string(finding.host) + " pushed", to_string(finding.destination));
  if (finding.learning)
    return words + " Whether it is new to the host cannot be told yet: still learning.";
  if (finding.detail < 1) return words + " The host first sent to it today.";
  return words + " The host first sent to it " +
         window_words(static_cast<uint64_t>(finding.detail) * kDaySeconds) + " ago.";
}

const std::array<Option, 2> kOptions = {{
    {.name = "threshold_24h_bytes",
     .standard = int64_t{50'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes a host may push within 24 hours to a destination that is new to it."},
    {.name = "new_within_d",
     .standard = int64_t{14},
     .minimum = 1,
     .maximum = 365,
     .unit = "d",
     .help = "Days after which a destination is no longer new; until the history covers them the "
             "finding adds no score."},
}};
// Exfiltration over an alternative protocol, over a web service, to a cloud account.
constexpr std::array<std::string_view, 3> kAttack = {"T1048", "T1567", "T1537"};

}  // namespace

extern const Detector volume_new_destination_detector;
const Detector volume_new_destination_detector = {
    .id = "volume.new_destination",
    .summary = "A host pushed much to a destination that is new to it.",
    .family = Family::kNovelty,
    .options = kOptions,
    .metrics = {},
    .attack = kAttack,
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<VolumeNewDestination>(values);
    },
    .explain = [](const Finding& finding) { return explain(finding); },
};

}  // namespace weir
