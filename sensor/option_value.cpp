// One option's value: read and checked against its row, written as TOML, described for people.
#include "sensor/option_value.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <type_traits>

#include "flowtable/error.h"
#include "flowtable/ip_address.h"
#include "sensor/nearest_word.h"

namespace weir {
namespace {

using Texts = std::vector<std::string>;

std::string number_text(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return {text, end};
}

/// Bounds are held as doubles; as whole numbers they read without an exponent.
std::string bound_text(const Option& option, double bound) {
  if (std::holds_alternative<double>(option.standard)) return number_text(bound);
  return std::to_string(static_cast<int64_t>(bound));
}

bool has_maximum(const Option& option) { return option.maximum < 9e18; }

Texts choices_of(const Option& option) {
  Texts choices;
  std::string_view rest = option.choices;
  while (!rest.empty()) {
    const size_t bar = std::min(rest.find('|'), rest.size());
    choices.emplace_back(rest.substr(0, bar));
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return choices;
}

std::string joined(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string range_text(const Option& option) {
  if (!has_maximum(option)) return " of at least " + bound_text(option, option.minimum);
  return " from " + bound_text(option, option.minimum) + " to " +
         bound_text(option, option.maximum);
}

std::string expected_list(const Option& option) {
  switch (option.check) {
    case OptionCheck::kChoice:
      return "a list of any of " + joined(choices_of(option));
    case OptionCheck::kIntegers:
      return "a list of integers" + range_text(option);
    case OptionCheck::kCidrs:
      return R"(a list of address ranges such as ["10.0.0.0/8", "2001:db8::/32"])";
    case OptionCheck::kCidrsOrStar:
      return R"(a list of address ranges such as ["10.0.0.0/8", "2001:db8::/32"], or ["*"])";
    case OptionCheck::kDestinations:
      return R"(a list of address ranges and domains such as ["198.51.100.0/24", "example.org"])";
    default:
      return "a list of texts";
  }
}

std::string expected_scalar_text(const Option& option) {
  switch (option.check) {
    case OptionCheck::kChoice:
      return "one of " + joined(choices_of(option));
    case OptionCheck::kName:
      return "1 to 64 letters, digits, '.', '_' or '-'";
    case OptionCheck::kHostPort:
      return R"(HOST:PORT such as 127.0.0.1:9177, or "" for none)";
    case OptionCheck::kDate:
      return "a date such as 2027-01-31";
    case OptionCheck::kFile:
      return R"(a path, or "" for none)";
    default:
      return "text";
  }
}

/// Reads one value of one row, knowing where it stands.
class ValueReader {
 public:
  ValueReader(const Option& option, const std::string& place, const std::string& key)
      : option_(option), place_(place), key_(key) {}

  bool read(const TomlNode& node, bool) const {
    if (node.kind != TomlNode::Kind::kBoolean) refuse_kind(node);
    return node.boolean;
  }

  int64_t read(const TomlNode& node, int64_t) const {
    if (node.kind != TomlNode::Kind::kInteger) refuse_kind(node);
    check_range(node, static_cast<double>(node.integer));
    if (option_.check == OptionCheck::kPowerOfTwo &&
        !std::has_single_bit(static_cast<uint64_t>(node.integer))) {
      const uint64_t above = std::bit_ceil(static_cast<uint64_t>(node.integer));
      refuse(node, "no power of two (the next are " + std::to_string(above / 2) + " and " +
                       std::to_string(above) + ")");
    }
    return node.integer;
  }

  double read(const TomlNode& node, double) const {
    const bool integer = node.kind == TomlNode::Kind::kInteger;
    if (!integer && node.kind != TomlNode::Kind::kNumber) refuse_kind(node);
    const double number = integer ? static_cast<double>(node.integer) : node.number;
    if (!std::isfinite(number)) refuse(node, "no number that can be compared");
    check_range(node, number);
    return number;
  }

  std::string read(const TomlNode& node, const std::string&) const {
    const bool date = option_.check == OptionCheck::kDate && node.kind == TomlNode::Kind::kDate;
    if (!date && node.kind != TomlNode::Kind::kText) refuse_kind(node);
    check_text(node);
    return node.text;
  }

  Texts read(const TomlNode& node, const Texts&) const {
    if (node.kind != TomlNode::Kind::kArray) refuse_kind(node);
    Texts texts;
    for (const TomlNode& element : node.elements) {
      if (option_.check == OptionCheck::kIntegers) {
        if (element.kind != TomlNode::Kind::kInteger) refuse_kind(element);
        check_range(element, static_cast<double>(element.integer));
        texts.push_back(std::to_string(element.integer));
      } else {
        if (element.kind != TomlNode::Kind::kText) refuse_kind(element);
        check_text(element);
        texts.push_back(element.text);
      }
    }
    if (option_.check == OptionCheck::kCidrsOrStar && texts.size() > 1 &&
        std::find(texts.begin(), texts.end(), "*") != texts.end()) {
      refuse(node, "\"*\" stands alone");
    }
    return texts;
  }

 private:
  [[noreturn]] void refuse(const TomlNode& node, const std::string& why) const {
    throw Error(kExitUsage, place_ + ": " + key_ + " = " + node.written + ": " + why + "; give " +
                                expected_text(option_));
  }

  [[noreturn]] void refuse_kind(const TomlNode& node) const {
    refuse(node, "this is " + std::string(kind_name(node.kind)));
  }

  void check_range(const TomlNode& node, double number) const {
    if (number < option_.minimum) refuse(node, "too small");
    if (number > option_.maximum) refuse(node, "too large");
  }

  void check_text(const TomlNode& node) const;
  void check_cidr(const TomlNode& node) const;

  const Option& option_;
  const std::string& place_;
  const std::string& key_;
};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "._-") == std::string_view::npos;
}

/// Names as in DNS (RFC 1035 2.3.1, and '_' as used), at least two labels, not all digits.
bool is_domain(std::string_view text) {
  if (text.size() > 253 || text.find('.') == std::string_view::npos) return false;
  if (text.find_first_not_of("0123456789./") == std::string_view::npos) return false;
  while (!text.empty()) {
    const size_t dot = std::min(text.find('.'), text.size());
    if (!is_name(text.substr(0, dot)) || dot > 63) return false;
    if (dot + 1 == text.size()) return false;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return true;
}

template <class Integer>
std::optional<Integer> whole(std::string_view text) {
  Integer integer{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return integer;
}

/// RFC 3986 3.2: a name or IPv4 address, or an IPv6 address in brackets, then the port.
bool is_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto port = whole<uint32_t>(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return false;
  std::string_view host = text.substr(0, colon);
  if (host.front() != '[') return host.size() <= 253 && is_name(host.substr(0, 64));
  if (host.back() != ']') return false;
  host = host.substr(1, host.size() - 2);
  return host.find(':') != std::string_view::npos && parse_ip_address(host).has_value();
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto year = whole<int>(text.substr(0, 4));
  const auto month = whole<unsigned>(text.substr(5, 2));
  const auto day = whole<unsigned>(text.substr(8, 2));
  if (!year || !month || !day) return false;
  return std::chrono::year_month_day{std::chrono::year{*year}, std::chrono::month{*month},
                                     std::chrono::day{*day}}
      .ok();
}

void ValueReader::check_text(const TomlNode& node) const {
  const std::string& text = node.text;
  if (option_.required && text.empty()) refuse(node, "empty");
  switch (option_.check) {
    case OptionCheck::kChoice: {
      const Texts choices = choices_of(option_);
      if (std::find(choices.begin(), choices.end(), text) != choices.end()) return;
      const std::string nearest = nearest_word(text, choices);
      refuse(node, "not known" + (nearest.empty() ? "" : ", did you mean " + nearest + "?"));
    }
    case OptionCheck::kName:
      if (!is_name(text)) refuse(node, "no name");
      return;
    case OptionCheck::kHostPort:
      if (!text.empty() && !is_host_port(text)) refuse(node, "no address with a port");
      return;
    case OptionCheck::kDate:
      if (!is_date(text)) refuse(node, "no date of the calendar");
      return;
    case OptionCheck::kFile:
      if (text.find('\0') != std::string::npos) refuse(node, "no path");
      return;
    case OptionCheck::kCidrs:
      check_cidr(node);
      return;
    case OptionCheck::kCidrsOrStar:
      if (text != "*") check_cidr(node);
      return;
    case OptionCheck::kDestinations:
      if (!is_domain(text)) check_cidr(node);
      return;
    default:
      return;
  }
}

/// The range meant by an address with bits set below its prefix: "10.1.2.3/8" -> "10.0.0.0/8".
std::string masked_cidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return "";
  const auto address = parse_ip_address(text.substr(0, slash));
  const auto prefix = whole<uint32_t>(text.substr(slash + 1));
  if (!address || !prefix || *prefix > (address->is_v4() ? 32u : 128u)) return "";
  const uint32_t kept_bits = address->is_v4() ? *prefix + 96 : *prefix;
  IpAddress masked = *address;
  if (kept_bits < 64) masked.high = kept_bits == 0 ? 0 : masked.high & ~0ull << (64 - kept_bits);
  if (kept_bits <= 64) masked.low = 0;
  if (kept_bits > 64) masked.low &= ~0ull << (128 - kept_bits);
  return to_string(masked) + "/" + std::to_string(*prefix);
}

void ValueReader::check_cidr(const TomlNode& node) const {
  if (parse_cidr(node.text).has_value()) return;
  const std::string meant = masked_cidr(node.text);
  if (meant.empty()) refuse(node, "no address range");
  refuse(node, "has bits below its prefix, did you mean \"" + meant + "\"?");
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

TomlNode text_node(std::string_view text) {
  TomlNode node;
  node.kind = TomlNode::Kind::kText;
  node.text = text;
  node.written = toml_quoted(text);
  return node;
}

/// "100", "2k", "5M", "1G"; text when it is none of them.
TomlNode integer_node(std::string_view text) {
  int64_t factor = 1;
  std::string_view digits = text;
  if (digits.ends_with('k')) factor = 1'000;
  if (digits.ends_with('M')) factor = 1'000'000;
  if (digits.ends_with('G')) factor = 1'000'000'000;
  if (factor != 1) digits.remove_suffix(1);
  const auto base = whole<int64_t>(digits);
  TomlNode node = text_node(text);
  if (!base || __builtin_mul_overflow(*base, factor, &node.integer)) return node;
  node.kind = TomlNode::Kind::kInteger;
  node.written = text;
  return node;
}

TomlNode list_node(const Option& option, std::string_view text) {
  TomlNode node;
  node.kind = TomlNode::Kind::kArray;
  node.written = text;
  while (!trimmed(text).empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view element = trimmed(text.substr(0, comma));
    node.elements.push_back(option.check == OptionCheck::kIntegers ? integer_node(element)
                                                                   : text_node(element));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return node;
}

}  // namespace

std::string expected_text(const Option& option) {
  const std::string unit = option.unit.empty() ? "" : " (" + std::string(option.unit) + ")";
  return std::visit(
      [&](const auto& standard) -> std::string {
        using Type = std::decay_t<decltype(standard)>;
        if constexpr (std::is_same_v<Type, bool>) {
          return "true or false";
        } else if constexpr (std::is_same_v<Type, std::string>) {
          return expected_scalar_text(option);
        } else if constexpr (std::is_same_v<Type, Texts>) {
          return expected_list(option) + unit;
        } else if constexpr (std::is_same_v<Type, double>) {
          return "a number" + range_text(option) + unit;
        } else {
          const bool power = option.check == OptionCheck::kPowerOfTwo;
          return (power ? "a power of two" : "an integer") + range_text(option) + unit;
        }
      },
      option.standard);
}

std::string toml_text(const Option& option, const OptionValue& value) {
  if (const bool* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const double* number = std::get_if<double>(&value)) {
    const std::string text = number_text(*number);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  if (const std::string* text = std::get_if<std::string>(&value)) {
    return option.check == OptionCheck::kDate && !text->empty() ? *text : toml_quoted(*text);
  }
  std::string list;
  for (const std::string& text : std::get<Texts>(value)) {
    list += list.empty() ? "" : ", ";
    list += option.check == OptionCheck::kIntegers ? text : toml_quoted(text);
  }
  return "[" + list + "]";
}

OptionValue read_value(const Option& option, const TomlNode& node, const std::string& place,
                       const std::string& key) {
  const ValueReader reader(option, place, key);
  return std::visit([&](const auto& type) -> OptionValue { return reader.read(node, type); },
                    option.standard);
}

TomlNode argument_node(const Option& option, std::string_view text) {
  text = trimmed(text);
  const bool list = std::holds_alternative<Texts>(option.standard);
  const bool words = std::holds_alternative<std::string>(option.standard);
  if (std::holds_alternative<int64_t>(option.standard)) return integer_node(text);
  const bool toml = list    ? text.starts_with('[')
                    : words ? text.starts_with('"') || text.starts_with('\'')
                            : true;
  if (toml) {
    if (auto node = parse_toml_value(text)) return std::move(*node);
  }
  return list && !toml ? list_node(option, text) : text_node(text);
}

}  // namespace weir
