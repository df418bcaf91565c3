// Builds a section of option rows from the members of its struct: name, help and range stand in the
// row, the default in the struct.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sensor/config_schema.h"

namespace weir {

inline constexpr double kOptionMaxBytes = 9e18, kOptionMaxS = 366.0 * 86400;

template <class Field>
OptionValue to_value(const Field& field) {
  if constexpr (std::is_same_v<Field, bool> || std::is_same_v<Field, std::string> ||
                std::is_same_v<Field, std::vector<std::string>>) {
    return field;
  } else if constexpr (std::is_integral_v<Field>) {
    return static_cast<int64_t>(field);
  } else {
    std::vector<std::string> texts;
    for (const auto element : field) texts.push_back(std::to_string(element));
    return texts;
  }
}

template <class Field>
void from_value(const OptionValue& value, Field& field) {
  if constexpr (std::is_same_v<Field, bool> || std::is_same_v<Field, std::string> ||
                std::is_same_v<Field, std::vector<std::string>>) {
    field = std::get<Field>(value);
  } else if constexpr (std::is_integral_v<Field>) {
    field = static_cast<Field>(std::get<int64_t>(value));
  } else {
    field.clear();
    for (const std::string& text : std::get<std::vector<std::string>>(value)) {
      field.push_back(static_cast<typename Field::value_type>(std::stoull(text)));
    }
  }
}

template <class Table, class Field>
ConfigRow row(Table SensorConfig::*table, Field Table::*field, Option option) {
  option.standard = to_value(Table{}.*field);
  return {std::move(option),
          [=](const SensorConfig& config, size_t) { return to_value(config.*table.*field); },
          [=](SensorConfig& config, size_t, const OptionValue& value) {
            from_value(value, config.*table.*field);
          }};
}

template <class Table, class Field>
ConfigRow row(std::vector<Table> SensorConfig::*tables, Field Table::*field, Option option) {
  option.standard = to_value(Table{}.*field);
  return {std::move(option),
          [=](const SensorConfig& config, size_t index) {
            return to_value((config.*tables)[index].*field);
          },
          [=](SensorConfig& config, size_t index, const OptionValue& value) {
            from_value(value, (config.*tables)[index].*field);
          }};
}

inline ConfigSection section(std::string name, std::string help, std::vector<ConfigRow> rows) {
  return {std::move(name), std::move(help), std::move(rows), false, {}, {}};
}

template <class Table>
ConfigSection repeated(std::vector<Table> SensorConfig::*tables, std::string name, std::string help,
                       std::vector<ConfigRow> rows) {
  return {std::move(name),
          std::move(help),
          std::move(rows),
          true,
          [=](const SensorConfig& config) { return (config.*tables).size(); },
          [=](SensorConfig& config, size_t count) { (config.*tables).resize(count); }};
}

/// The sensor's own sections: the way of a packet, and what is made of it.
std::vector<ConfigSection> capture_sections();
std::vector<ConfigSection> verdict_sections();

}  // namespace weir
