// What a detector is: one row that declares it, and an object that judges what moved.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/finding.h"
#include "detectors/option.h"

namespace weir {

struct SweepView;  // detectors/windows.h: the pairs, hosts and destinations that moved

/// Judges windows once a second, on the judge thread.
class SweepDetector {
 public:
  virtual ~SweepDetector() = default;
  /// Appends a finding for everything that moved since the last sweep and meets a condition now.
  /// The caller, who knows it, fills in Finding::detector.
  virtual void sweep(const SweepView& moved, std::vector<Finding>& findings) = 0;
};

/// A counter a detector exports beside `weir_findings_total{detector}`.
struct Metric {
  std::string_view name;
  std::string_view help;  // tells the operator what to do
};

/// The declaration of a detector. Parser, range check, print-config, reference and metrics are
/// derived from it.
struct Detector {
  std::string_view id;       // stable: "volume.burst"
  std::string_view summary;  // one sentence for people
  Family family = Family::kVolume;
  std::span<const Option> options = {};
  std::span<const Metric> metrics = {};
  std::span<const std::string_view> attack = {};  // ATT&CK technique ids
  /// `values[i]` belongs to `options[i]`.
  std::unique_ptr<SweepDetector> (*make)(std::span<const OptionValue> values);
  /// One sentence an analyst can read aloud.
  std::string (*explain)(const Finding& finding);
};

/// All detectors built in, in the order of detectors/meson.build; Finding::detector indexes it.
std::span<const Detector* const> detectors();

}  // namespace weir
