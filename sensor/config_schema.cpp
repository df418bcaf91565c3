// The schema: the sensor's own sections, with those of the detectors in their place.
#include "sensor/config_schema.h"

#include <algorithm>

#include "sensor/config_section.h"

namespace weir {
namespace {

/// The section of detector `index`, from its own table.
ConfigSection detector_section(const Detector& detector, size_t index) {
  ConfigSection made =
      section("detectors." + std::string(detector.id), std::string(detector.summary), {});
  for (size_t i = 0; i < detector.options.size(); ++i) {
    made.rows.push_back(
        {detector.options[i],
         [=](const SensorConfig& config, size_t) { return config.detector_options[index][i]; },
         [=](SensorConfig& config, size_t, const OptionValue& value) {
           config.detector_options[index][i] = value;
         }});
  }
  return made;
}

}  // namespace

const ConfigRow* ConfigSection::row(std::string_view option_name) const {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const ConfigRow& candidate) {
    return candidate.option.name == option_name;
  });
  return found == rows.end() ? nullptr : &*found;
}

ConfigSchema::ConfigSchema(std::span<const Detector* const> detectors) : detectors_(detectors) {
  sections_ = capture_sections();
  for (ConfigSection& verdict : verdict_sections()) {
    sections_.push_back(std::move(verdict));
    if (sections_.back().name != "detectors") continue;
    for (size_t i = 0; i < detectors.size(); ++i) {
      sections_.push_back(detector_section(*detectors[i], i));
    }
  }
}

const ConfigSection* ConfigSchema::section(std::string_view name) const {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [&](const ConfigSection& s) { return s.name == name; });
  return found == sections_.end() ? nullptr : &*found;
}

bool ConfigSchema::is_leading(std::string_view name) const {
  const std::string start = std::string(name) + ".";
  return std::any_of(sections_.begin(), sections_.end(),
                     [&](const ConfigSection& s) { return s.name.starts_with(start); });
}

}  // namespace weir
