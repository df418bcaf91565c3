// An option is one row: name, kind and default, range, unit, help. Everything else is derived.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir {

/// Text lists, addresses and dates travel as text; who reads them checks them.
using OptionValue = std::variant<int64_t, double, bool, std::string, std::vector<std::string>>;

/// How a row's text is checked beyond its TOML type.
enum class OptionCheck : uint8_t {
  kNone,
  kPowerOfTwo,
  kChoice,        // of a list: every element
  kName,          // 1 to 64 of letters, digits, '.', '_', '-'
  kIntegers,      // a list of integers, each within minimum and maximum
  kCidrs,         // a list of address ranges
  kCidrsOrStar,   // the same, or "*" alone
  kDestinations,  // a list of address ranges and domain names
  kHostPort,      // "" = off
  kDate,          // a TOML date: 2027-01-31
  kFile,          // "" = off
};

/// One row of an option table. Integers are in base units (bytes, seconds): the name ends in it.
struct Option {
  std::string_view name = {};
  OptionValue standard = {};  // the default; its alternative is the TOML type asked for
  double minimum = 0;         // of integers and numbers
  double maximum = static_cast<double>(std::numeric_limits<int64_t>::max());
  std::string_view unit = {};  // "bytes", "s", "" ...
  std::string_view help = {};  // one sentence: what it does, and when to change it
  OptionCheck check = OptionCheck::kNone;
  std::string_view choices = {};  // with kChoice: "auto|on|off"
  bool required = false;          // has no default: print-config writes it commented out
};

}  // namespace weir
