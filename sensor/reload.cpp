// Compares two configurations by the rows of their options.
#include "sensor/reload.h"

#include <algorithm>

namespace weir {
namespace {

/// Sections whose options a running sensor takes over.
bool can_change(const std::string& section) {
  return section == "suppress" || section.starts_with("detectors.");
}

bool changes_live(const std::string& section, std::string_view option) {
  if (section == "networks") return option != "name";
  if (section == "detectors") return option != "scopes";
  return section == "capture" || can_change(section);
}

}  // namespace

bool home_changed(const SensorConfig& now, const SensorConfig& fresh) {
  const auto differ = [](const NetworkTable& a, const NetworkTable& b) {
    return a.home != b.home || a.ports != b.ports || a.vlans != b.vlans || a.vnis != b.vnis;
  };
  return !std::equal(now.networks.begin(), now.networks.end(), fresh.networks.begin(),
                     fresh.networks.end(),
                     [&](const auto& a, const auto& b) { return !differ(a, b); }) ||
         now.capture.decap != fresh.capture.decap ||
         now.capture.decode_depth != fresh.capture.decode_depth;
}

std::string keep_what_needs_a_restart(const ConfigSchema& schema, const SensorConfig& now,
                                      SensorConfig& fresh) {
  std::string left;
  const auto name = [&](const std::string& option) { left += (left.empty() ? "" : ", ") + option; };
  // A network's number stands in every record, so their list stays as it is.
  if (fresh.networks.size() != now.networks.size()) {
    name("the number of [[networks]]");
    fresh.networks = now.networks;
  }
  if (fresh.ports.size() != now.ports.size()) {
    name("the number of [[port]]");
    fresh.ports = now.ports;
  }
  for (const ConfigSection& section : schema.sections()) {
    if (can_change(section.name)) continue;
    const size_t tables = section.repeated ? section.tables(now) : 1;
    for (size_t i = 0; i < tables; ++i) {
      for (const ConfigRow& row : section.rows) {
        if (changes_live(section.name, row.option.name)) continue;
        const OptionValue value = row.read(now, i);
        if (row.read(fresh, i) == value) continue;
        row.write(fresh, i, value);
        name(section.name + "." + (section.repeated ? std::to_string(i) + "." : "") +
             std::string(row.option.name));
      }
    }
  }
  return left;
}

}  // namespace weir
