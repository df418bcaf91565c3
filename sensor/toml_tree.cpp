// A TOML file as a tree that remembers its lines.
#include "sensor/toml_tree.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr size_t kWrittenMaxBytes = 80;

TomlNode::Kind kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return TomlNode::Kind::kTable;
    case toml::node_type::array:
      return TomlNode::Kind::kArray;
    case toml::node_type::string:
      return TomlNode::Kind::kText;
    case toml::node_type::integer:
      return TomlNode::Kind::kInteger;
    case toml::node_type::floating_point:
      return TomlNode::Kind::kNumber;
    case toml::node_type::boolean:
      return TomlNode::Kind::kBoolean;
    case toml::node_type::date:
      return TomlNode::Kind::kDate;
    default:
      return TomlNode::Kind::kTime;
  }
}

std::string written(const toml::node& node) {
  std::ostringstream stream;
  node.visit([&](const auto& value) {
    if constexpr (toml::is_array<decltype(value)> || toml::is_table<decltype(value)>) {
      stream << value;
    } else if constexpr (toml::is_string<decltype(value)>) {
      stream << toml_quoted(value.get());
    } else {
      stream << value.get();
    }
  });
  std::string text = stream.str();
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > kWrittenMaxBytes) text = text.substr(0, kWrittenMaxBytes) + "...";
  return text;
}

std::string date_text(const toml::date& date) {
  char text[16];
  std::snprintf(text, sizeof text, "%04u-%02u-%02u", unsigned{date.year}, unsigned{date.month},
                unsigned{date.day});
  return text;
}

TomlNode to_tree(const toml::node& node) {
  TomlNode tree;
  tree.kind = kind_of(node);
  tree.line = node.source().begin.line;
  tree.written = tree.kind == TomlNode::Kind::kTable ? "{...}" : written(node);
  if (const auto* table = node.as_table()) {
    for (const auto& [key, value] : *table) {
      tree.members.push_back({std::string(key.str()), to_tree(value)});
      // A table that only holds others has no line of its own; its key always has.
      tree.members.back().value.line = key.source().begin.line;
    }
    // The library sorts by key; people read, and are told their first mistake, by line.
    std::stable_sort(tree.members.begin(), tree.members.end(),
                     [](const auto& a, const auto& b) { return a.value.line < b.value.line; });
  } else if (const auto* array = node.as_array()) {
    for (const auto& value : *array) tree.elements.push_back(to_tree(value));
  } else if (const auto* text = node.as_string()) {
    tree.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    tree.integer = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    tree.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    tree.boolean = boolean->get();
  } else if (const auto* date = node.as_date()) {
    tree.text = date_text(date->get());
  }
  return tree;
}

}  // namespace

std::string_view kind_name(TomlNode::Kind kind) {
  switch (kind) {
    case TomlNode::Kind::kTable:
      return "a table";
    case TomlNode::Kind::kArray:
      return "a list";
    case TomlNode::Kind::kText:
      return "text";
    case TomlNode::Kind::kInteger:
      return "an integer";
    case TomlNode::Kind::kNumber:
      return "a number";
    case TomlNode::Kind::kBoolean:
      return "a boolean";
    case TomlNode::Kind::kDate:
      return "a date";
    case TomlNode::Kind::kTime:
      return "a time";
  }
  return "";
}

TomlNode parse_toml(std::string_view text, const std::string& file) {
  try {
    return to_tree(toml::parse(text, std::string_view(file)));
  } catch (const toml::parse_error& error) {
    throw Error(kExitUsage, file + ":" + std::to_string(error.source().begin.line) +
                                ": not TOML: " + std::string(error.description()) +
                                "; `weir-sensor print-config` shows a file that loads");
  }
}

std::optional<TomlNode> parse_toml_value(std::string_view text) {
  try {
    TomlNode tree = to_tree(toml::parse("value = " + std::string(text)));
    if (tree.members.size() != 1) return std::nullopt;
    return std::move(tree.members.front().value);
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

std::string toml_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04X", unsigned{byte});
      quoted += escaped;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace weir
