// Option rows of the collector, and what is derived from them: parser, ranges, print-config.
#include "collector/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <sstream>
#include <variant>

#include "collector/error.h"

namespace weir::collector {
namespace {

enum class Kind : uint8_t { kListen, kPath, kNumber };

/// One option.
struct Row {
  const char* name;
  std::variant<std::string Config::*, uint64_t Config::*> field;
  Kind kind;
  const char* help;
  const char* unit = "";
  uint64_t minimum = 0;
  uint64_t maximum = std::numeric_limits<int64_t>::max();
  bool required = false;
};

const std::array kRows = {
    Row{"listen", &Config::listen, Kind::kListen,
        "Where sensors connect, address:port; TLS 1.3 with client certificates."},
    Row{"http", &Config::http, Kind::kListen,
        "Where Prometheus fetches metrics; keep it on loopback, it asks for no password. \"\" = "
        "off."},
    Row{"store", &Config::store, Kind::kPath, "File of the alerts, an SQLite database."},
    Row{"ca_file", &Config::ca_file, Kind::kPath,
        "Certificates (PEM) of the authority that signed the sensors'.", "", 0, 0, true},
    Row{"certificate_file", &Config::certificate_file, Kind::kPath,
        "Certificate (PEM) that the collector shows to sensors.", "", 0, 0, true},
    Row{"key_file", &Config::key_file, Kind::kPath, "Private key (PEM) of that certificate.", "", 0,
        0, true},
    Row{"retention_days", &Config::retention_days, Kind::kNumber,
        "Alerts received longer ago are deleted.", "days", 1, 36500},
    Row{"max_store_bytes", &Config::max_store_bytes, Kind::kNumber,
        "The store is kept below this: the oldest alerts are deleted first.", "bytes", 10'000'000},
    Row{"silent_after_s", &Config::silent_after_s, Kind::kNumber,
        "A sensor that says nothing for so long is reported as silent, and its connection is "
        "closed; "
        "at least three of its heartbeats.",
        "seconds", 5, 86400},
    Row{"max_connections", &Config::max_connections, Kind::kNumber,
        "Sensors connected at a time; more are refused.", "", 1, 65536},
    Row{"max_alerts_per_s", &Config::max_alerts_per_s, Kind::kNumber,
        "Alerts taken from one sensor; a faster one waits, it loses nothing.", "per second", 1,
        1'000'000},
    Row{"handshake_timeout_s", &Config::handshake_timeout_s, Kind::kNumber,
        "A connection that has not said who it is by then is closed.", "seconds", 1, 600},
};

const Row* find_row(std::string_view name) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) { return name == each.name; });
  return row == kRows.end() ? nullptr : &*row;
}

std::string names() {
  std::string all;
  for (const Row& row : kRows) all += (all.empty() ? "" : ", ") + std::string(row.name);
  return all;
}

[[noreturn]] void refuse(const std::string& place, const std::string& sentence) {
  throw Error(kExitUsage, place + ": " + sentence);
}

std::optional<Endpoint> parse_endpoint(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  Endpoint endpoint{text.substr(0, colon), 0};
  if (endpoint.address.starts_with('[') && endpoint.address.ends_with(']'))
    endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + colon + 1, end, endpoint.port);
  if (error != std::errc() || last != end || endpoint.address.empty()) return std::nullopt;
  return endpoint;
}

void set_text(const Row& row, const std::string& value, const std::string& place, Config& config) {
  const auto* field = std::get_if<std::string Config::*>(&row.field);
  if (field == nullptr)
    refuse(place, std::string(row.name) + " = \"" + value + "\" must be a number of " + row.unit);
  if (row.kind == Kind::kListen && !value.empty() && !parse_endpoint(value))
    refuse(place, std::string(row.name) + " = \"" + value +
                      "\" is not address:port; write for example 0.0.0.0:7443 or [::]:7443");
  config.*(*field) = value;
}

void set_number(const Row& row, int64_t value, const std::string& place, Config& config) {
  const auto* field = std::get_if<uint64_t Config::*>(&row.field);
  if (field == nullptr)
    refuse(place,
           std::string(row.name) + " = " + std::to_string(value) + " must be a text in quotes");
  if (value < 0 || static_cast<uint64_t>(value) < row.minimum ||
      static_cast<uint64_t>(value) > row.maximum)
    refuse(place, std::string(row.name) + " = " + std::to_string(value) +
                      " is out of range; it goes " + "from " + std::to_string(row.minimum) +
                      " to " + std::to_string(row.maximum) + " " + row.unit);
  config.*(*field) = static_cast<uint64_t>(value);
}

const Row& row_of(std::string_view name, const std::string& place) {
  const Row* row = find_row(name);
  if (row == nullptr)
    refuse(place, "[collector] has no option " + std::string(name) + "; there are: " + names());
  return *row;
}

void apply_file(const std::string& path, Config& config) {
  toml::table root;
  try {
    root = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    refuse(path + (line != 0 ? ":" + std::to_string(line) : ""),
           std::string(error.description()) + (line != 0 ? "" : "; name a readable TOML file"));
  }
  for (const auto& [section, content] : root) {
    const auto place = path + ":" + std::to_string(content.source().begin.line);
    if (section.str() != "collector" || !content.is_table())
      refuse(place, "[" + std::string(section.str()) +
                        "] is not known here; put the options under " + "[collector]");
    for (const auto& [name, value] : *content.as_table()) {
      const auto at = path + ":" + std::to_string(value.source().begin.line);
      const Row& row = row_of(name.str(), at);
      if (const auto text = value.value_exact<std::string>())
        set_text(row, *text, at, config);
      else if (const auto number = value.value_exact<int64_t>())
        set_number(row, *number, at, config);
      else
        refuse(at, std::string(row.name) + " must be " +
                       (row.kind == Kind::kNumber ? "a whole number" : "a text in quotes"));
    }
  }
}

/// "10M": k, M and G are powers of 1000.
std::optional<int64_t> number_of(std::string text) {
  int64_t factor = 1;
  if (!text.empty()) {
    const char last = text.back();
    factor = last == 'k' ? 1000 : last == 'M' ? 1'000'000 : last == 'G' ? 1'000'000'000 : 1;
    if (factor != 1) text.pop_back();
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 ||
      value > std::numeric_limits<int64_t>::max() / factor)
    return std::nullopt;
  return value * factor;
}

void apply_set(const std::string& assignment, Config& config) {
  const std::string place = "--set " + assignment;
  const size_t equals = assignment.find('=');
  std::string name = assignment.substr(0, equals);
  if (equals == std::string::npos) refuse(place, "write KEY=VALUE, such as silent_after_s=60");
  if (name.starts_with("collector.")) name.erase(0, std::string_view("collector.").size());
  const Row& row = row_of(name, place);
  const std::string value = assignment.substr(equals + 1);
  if (row.kind != Kind::kNumber) return set_text(row, value, place, config);
  const auto number = number_of(value);
  if (!number) refuse(place, "\"" + value + "\" is no whole number; k, M and G may follow it");
  set_number(row, *number, place, config);
}

/// A basic string (TOML 1.0); what has no character of its own is left to toml++.
std::string quoted(const std::string& text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  if (plain) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  }
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

}  // namespace

Config load_config(const ConfigArguments& arguments) {
  Config config;
  if (!arguments.file.empty()) apply_file(arguments.file, config);
  for (const std::string& assignment : arguments.set) apply_set(assignment, config);
  return config;
}

std::string config_text(const Config& config) {
  const Config defaults;
  std::string text = "# Configuration of weir-collector.\n\n[collector]\n";
  for (const Row& row : kRows) {
    text += "\n# " + std::string(row.help) + "\n";
    std::string value;
    bool missing = false;
    if (const auto* field = std::get_if<std::string Config::*>(&row.field)) {
      value = quoted(config.*(*field));
      missing = row.required && (config.*(*field)).empty();
      text += row.required ? "# A text; required.\n"
                           : "# A text; default " + quoted(defaults.*(*field)) + ".\n";
    } else {
      const auto number = std::get<uint64_t Config::*>(row.field);
      value = std::to_string(config.*number);
      text += "# From " + std::to_string(row.minimum) + " to " + std::to_string(row.maximum) +
              (*row.unit != 0 ? std::string(" ") + row.unit : "") + "; default " +
              std::to_string(defaults.*number) + ".\n";
    }
    text += (missing ? "# " : "") + std::string(row.name) + " = " + value + "\n";
  }
  return text;
}

Endpoint endpoint_of(const std::string& text) { return parse_endpoint(text).value_or(Endpoint{}); }

void require_certificates(const Config& config) {
  for (const Row& row : kRows) {
    if (!row.required) continue;
    if ((config.*std::get<std::string Config::*>(row.field)).empty())
      throw Error(kExitUsage, std::string("collector.") + row.name +
                                  " is not set: sensors are only taken with certificates; " +
                                  "deploy/make-certificates makes them");
  }
}

}  // namespace weir::collector
