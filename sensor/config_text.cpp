// The configuration as a commented TOML file: print-config, deploy/sensor.toml, the hash of a
// replay.
#include <algorithm>
#include <string>
#include <string_view>

#include "sensor/config.h"
#include "sensor/config_schema.h"
#include "sensor/option_value.h"

namespace weir {
namespace {

constexpr size_t kColumns = 100;

constexpr std::string_view kHead =
    "Configuration of weir-sensor. Every option stands here with what it means, what it takes and "
    "its default; what is left out holds its default. Integers are in base units: bytes, seconds. "
    "On the command line, --set KEY=VALUE changes one, with k, M, G as powers of 1000.";

/// Appends `text` as comment lines.
void comment(std::string& file, std::string_view text) {
  size_t column = kColumns + 1;
  while (!text.empty()) {
    const size_t word = std::min(text.find(' '), text.size());
    if (column + 1 + word > kColumns) {
      file += column > kColumns ? "#" : "\n#";
      column = 1;
    }
    file += ' ';
    file += text.substr(0, word);
    column += 1 + word;
    text.remove_prefix(std::min(word + 1, text.size()));
  }
  file += '\n';
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

/// `given`: false for a table that is only shown, commented out.
void write_table(std::string& file, const ConfigSection& section, const SensorConfig& config,
                 size_t index, bool given) {
  const std::string_view off = given ? "" : "# ";
  const std::string name = section.repeated ? "[[" + section.name + "]]" : "[" + section.name + "]";
  file += off;
  file += name + "\n";
  for (const ConfigRow& row : section.rows) {
    const Option& option = row.option;
    if (&row != &section.rows.front()) file += '\n';
    comment(file, option.help);
    comment(file, sentence(expected_text(option)) +
                      (option.required ? "; required."
                                       : "; default " + toml_text(option, option.standard) + "."));
    const OptionValue value = given ? row.read(config, index) : option.standard;
    file += off;
    file += std::string(option.name) + " = " + toml_text(option, value) + "\n";
  }
}

}  // namespace

std::string effective_text(const ConfigSchema& schema, const SensorConfig& config) {
  std::string file;
  comment(file, kHead);
  for (const ConfigSection& section : schema.sections()) {
    file += '\n';
    comment(file, section.help);
    const size_t count = section.repeated ? section.tables(config) : 1;
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) file += '\n';
      write_table(file, section, config, i, true);
    }
    if (count == 0) write_table(file, section, config, 0, false);
  }
  return file;
}

}  // namespace weir
