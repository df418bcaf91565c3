// A TOML file as a tree that remembers its lines; the only place that knows the TOML library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct TomlMember;

/// One value of a TOML file.
struct TomlNode {
  enum class Kind : uint8_t { kTable, kArray, kText, kInteger, kNumber, kBoolean, kDate, kTime };

  Kind kind = Kind::kTable;
  uint32_t line = 0;    // from 1; 0 = not from a file
  std::string written;  // as TOML writes it, shortened, for messages
  std::string text;     // kText; kDate as 2027-01-31
  int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::vector<TomlNode> elements;   // kArray
  std::vector<TomlMember> members;  // kTable, in the order of the file
};

/// One key of a table. (A std::pair would be asked about its types before they are complete.)
struct TomlMember {
  std::string key;
  TomlNode value;
};

/// "text", "an integer", ... for messages.
std::string_view kind_name(TomlNode::Kind kind);

/// Parses a whole file. Throws Error (kExitUsage) with `file` and line when it is no TOML.
TomlNode parse_toml(std::string_view text, const std::string& file);

/// Parses a lone value such as `["a", "b"]`; nothing if it is none.
std::optional<TomlNode> parse_toml_value(std::string_view text);

/// A TOML text literal: quoted, escaped.
std::string toml_quoted(std::string_view text);

}  // namespace weir
