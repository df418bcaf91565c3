// volume.host: one host pushes much to all its destinations together.
#include <array>

#include "detectors/volume.h"

namespace weir {
namespace {

constexpr std::array kWindows = {Window::kHour, Window::kDay};

class VolumeHost : public SweepDetector {
 public:
  explicit VolumeHost(std::span<const OptionValue> values)
      : limits_(limits_of(kWindows, values)), least_bytes_(least_threshold(limits_)) {}

  void sweep(const SweepView& moved, std::vector<Finding>& findings) override {
    for (const uint32_t host : moved.hosts) {
      if (moved.windows.bound_of_host(host) < least_bytes_) continue;
      for (const ByteLimit& limit : limits_) {
        const Amount pushed = moved.windows.pushed_by_host(host, limit.window);
        if (pushed.high_bytes < limit.threshold_bytes) continue;
        Finding& finding = findings.emplace_back(host_finding(moved, host, limit, pushed));
        finding.score = stepped_score(0.5, finding.observed, finding.threshold);
      }
    }
  }

 private:
  std::vector<ByteLimit> limits_;
  uint64_t least_bytes_;
};

const std::array<Option, 2> kOptions = {{
    {.name = "threshold_1h_bytes",
     .standard = int64_t{2'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Payload bytes a host may push to all destinations together within an hour; raise it "
             "for busy gateways."},
    {.name = "threshold_24h_bytes",
     .standard = int64_t{8'000'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "The same within 24 hours."},
}};
// Automated exfiltration, over an alternative protocol, over a web service.
constexpr std::array<std::string_view, 3> kAttack = {"T1020", "T1048", "T1567"};

}  // namespace

extern const Detector volume_host_detector;
const Detector volume_host_detector = {
    .id = "volume.host",
    .summary = "A host pushed much to all its destinations together.",
    .family = Family::kVolume,
    .options = kOptions,
    .metrics = {},
    .attack = kAttack,
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<VolumeHost>(values);
    },
    .explain =
        [](const Finding& finding) {
          return moved_words(finding, to_string(finding.host) + " pushed",
                             "all its destinations together");
        },
};

}  // namespace weir
