// One option's value: read and checked against its row, written as TOML, described for people.
#pragma once

#include <string>
#include <string_view>

#include "detectors/option.h"
#include "sensor/toml_tree.h"

namespace weir {

/// What the row asks for: "a power of two from 16 to 1048576 (pairs)".
std::string expected_text(const Option& option);

/// The value as TOML writes it.
std::string toml_text(const Option& option, const OptionValue& value);

/// Checks `node` against the row. Throws Error (kExitUsage) "PLACE: KEY = VALUE: what is wrong;
/// give what the row asks for".
OptionValue read_value(const Option& option, const TomlNode& node, const std::string& place,
                       const std::string& key);

/// The text of `--set KEY=TEXT` as the value of its row: integers with k, M, G, lists as TOML or
/// with commas, text bare or as TOML. What fits no better stays text, which read_value() refuses.
TomlNode argument_node(const Option& option, std::string_view text);

}  // namespace weir
