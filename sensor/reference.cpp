// The reference in Markdown, from the rows of options, detectors and metrics.
#include "sensor/reference.h"

#include <string_view>

#include "sensor/metrics.h"
#include "sensor/option_value.h"

namespace weir {
namespace {

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kVolume:
      return "volume";
    case Family::kChannel:
      return "channel";
    case Family::kContent:
      return "content";
    case Family::kNovelty:
      return "novelty";
  }
  return "";
}

/// Text of a table's cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void write_options(std::string& page, const ConfigSection& section) {
  if (section.rows.empty()) return;
  page += "| option | takes | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const ConfigRow& row : section.rows) {
    const Option& option = row.option;
    const std::string standard =
        option.required ? "required" : "`" + cell(toml_text(option, option.standard)) + "`";
    page += "| `" + std::string(option.name) + "` | " + cell(expected_text(option)) + " | " +
            standard + " | " + cell(option.help) + " |\n";
  }
  page += '\n';
}

void write_detector(std::string& page, const ConfigSchema& schema, const Detector& detector) {
  page += "### `" + std::string(detector.id) + "`\n\n" + std::string(detector.summary) + "\n\n";
  page += "Family " + std::string(family_name(detector.family)) + ".";
  std::string techniques;
  for (const std::string_view technique : detector.attack) {
    // T1048.003 is at /techniques/T1048/003.
    std::string path(technique);
    if (const size_t dot = path.find('.'); dot != std::string::npos) path[dot] = '/';
    techniques += techniques.empty() ? " ATT&CK " : ", ";
    techniques +=
        "[" + std::string(technique) + "](https://attack.mitre.org/techniques/" + path + "/)";
  }
  if (!techniques.empty()) page += techniques + ".";
  const std::string section = "detectors." + std::string(detector.id);
  page += "\n\n";
  if (!detector.options.empty()) page += "Options, in `[" + section + "]`:\n\n";
  write_options(page, *schema.section(section));
}

void write_metrics_table(std::string& page, const ConfigSchema& schema) {
  page += "| counter | labels | meaning |\n| --- | --- | --- |\n";
  const auto write = [&](const Metric& metric, std::string_view labels) {
    page += "| `" + std::string(metric.name) + "` | " + std::string(labels) + " | " +
            cell(metric.help) + " |\n";
  };
  for (const MetricRow& row : sensor_metrics()) write(row.metric, row.labels);
  for (const Detector* detector : schema.detectors()) {
    for (const Metric& metric : detector->metrics) write(metric, "");
  }
}

}  // namespace

std::string reference_text(const ConfigSchema& schema) {
  std::string page =
      "# Reference of weir-sensor\n\n"
      "Made by `weir-sensor reference > docs/reference.md`; change the rows in the sources.\n\n"
      "## Options\n\n"
      "In the file they are TOML, integers in base units. `--set SECTION.OPTION=VALUE` changes "
      "one, "
      "with k, M, G as powers of 1000; tables that may stand several times are named by number or "
      "name: `--set networks.default.home=192.0.2.0/24`.\n\n";
  for (const ConfigSection& section : schema.sections()) {
    if (section.name.starts_with("detectors.")) continue;
    const std::string name =
        section.repeated ? "[[" + section.name + "]]" : "[" + section.name + "]";
    page += "### `" + name + "`\n\n" + section.help + "\n\n";
    write_options(page, section);
  }
  page += "## Detectors\n\n";
  for (const Detector* detector : schema.detectors()) write_detector(page, schema, *detector);
  page += "## Metrics\n\nPrometheus counters.\n\n";
  write_metrics_table(page, schema);
  return page;
}

}  // namespace weir
