// Everything that can be configured, as sections of option rows. Parser, checks, print-config and
// reference walk these rows; nothing about an option is written a second time.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/detector.h"
#include "detectors/option.h"
#include "sensor/config.h"

namespace weir {

/// An option and where its value lives in table `index` of its section (0 unless repeated).
struct ConfigRow {
  Option option;
  std::function<OptionValue(const SensorConfig&, size_t index)> read;
  std::function<void(SensorConfig&, size_t index, const OptionValue&)> write;
};

struct ConfigSection {
  std::string name;  // "flow_table", "detectors.volume.burst"
  std::string help;
  std::vector<ConfigRow> rows;
  bool repeated = false;                              // [[name]]
  std::function<size_t(const SensorConfig&)> tables;  // how many there are; repeated only
  std::function<void(SensorConfig&, size_t)> resize;  // new ones at defaults; repeated only

  const ConfigRow* row(std::string_view option_name) const;
};

class ConfigSchema {
 public:
  /// `detectors` must outlive the schema: detectors() in the product.
  explicit ConfigSchema(std::span<const Detector* const> detectors);

  const std::vector<ConfigSection>& sections() const { return sections_; }
  std::span<const Detector* const> detectors() const { return detectors_; }

  const ConfigSection* section(std::string_view name) const;
  /// Whether `name` is a leading part of a section's name: "detectors.volume".
  bool is_leading(std::string_view name) const;

 private:
  std::vector<ConfigSection> sections_;
  std::span<const Detector* const> detectors_;
};

}  // namespace weir
