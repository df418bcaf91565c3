// Defaults, then the file, then --set, then --home: each value goes through its option's row.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "flowtable/error.h"
#include "sensor/config.h"
#include "sensor/config_relations.h"
#include "sensor/config_schema.h"
#include "sensor/nearest_word.h"
#include "sensor/option_value.h"
#include "sensor/toml_tree.h"

namespace weir {
namespace {

constexpr size_t kFileMaxBytes = size_t{16} << 20;
constexpr size_t kTablesMax = 1024;  // of one [[section]]

class ConfigLoader {
 public:
  explicit ConfigLoader(const ConfigSchema& schema)
      : schema_(schema), config_(default_config(schema)) {}

  void apply_file(std::string_view text, const std::string& file) {
    file_ = file;
    apply_table(parse_toml(text, file), "");
  }

  void apply_argument(const std::string& argument);
  void apply_home(const std::string& cidrs);

  SensorConfig finish() {
    check_required();
    check_relations(schema_, config_, places_);
    return std::move(config_);
  }

 private:
  std::string place(const TomlNode& node) const { return file_ + ":" + std::to_string(node.line); }

  void apply_table(const TomlNode& table, const std::string& path);
  void apply_member(const std::string& key, const TomlNode& node, const std::string& path);
  void apply_tables(const ConfigSection& section, const TomlNode& node);
  void set(const ConfigSection& section, size_t index, const ConfigRow& row, const TomlNode& node,
           const std::string& place);
  const ConfigSection* section_of(const std::string& key, const std::string& place) const;
  size_t table_index(const ConfigSection& section, const std::string& selector,
                     const std::string& place);
  void check_required() const;

  /// "a is no option of [b]; did you mean c?"
  [[noreturn]] void refuse_key(const std::string& place, const std::string& path,
                               const std::string& key) const;

  const ConfigSchema& schema_;
  SensorConfig config_;
  ConfigPlaces places_;
  std::string file_;
};

std::string key_of(const ConfigSection& section, size_t index, std::string_view option) {
  const std::string table = section.repeated ? "." + std::to_string(index) : "";
  return section.name + table + "." + std::string(option);
}

void ConfigLoader::apply_table(const TomlNode& table, const std::string& path) {
  for (const auto& [key, node] : table.members) apply_member(key, node, path);
}

void ConfigLoader::apply_member(const std::string& key, const TomlNode& node,
                                const std::string& path) {
  const std::string full = path.empty() ? key : path + "." + key;
  const bool is_table = node.kind == TomlNode::Kind::kTable;
  if (const ConfigSection* section = schema_.section(full)) {
    if (section->repeated) return apply_tables(*section, node);
    if (is_table) return apply_table(node, full);
    throw Error(kExitUsage, place(node) + ": " + full + " is a section, and here it is " +
                                std::string(kind_name(node.kind)) + "; write [" + full + "]");
  }
  const ConfigSection* owner = schema_.section(path);
  if (const ConfigRow* row = owner == nullptr ? nullptr : owner->row(key)) {
    return set(*owner, 0, *row, node, place(node));
  }
  if (is_table && schema_.is_leading(full)) return apply_table(node, full);
  refuse_key(place(node), path, key);
}

void ConfigLoader::apply_tables(const ConfigSection& section, const TomlNode& node) {
  const bool tables =
      node.kind == TomlNode::Kind::kArray &&
      std::all_of(node.elements.begin(), node.elements.end(),
                  [](const TomlNode& element) { return element.kind == TomlNode::Kind::kTable; });
  if (!tables) {
    throw Error(kExitUsage, place(node) + ": " + section.name +
                                " may stand several times; write [[" + section.name + "]]");
  }
  if (node.elements.size() > kTablesMax) {
    throw Error(kExitUsage, place(node) + ": " + std::to_string(node.elements.size()) + " [[" +
                                section.name + "]] are too many; give at most " +
                                std::to_string(kTablesMax));
  }
  section.resize(config_, 0);
  section.resize(config_, node.elements.size());
  for (size_t i = 0; i < node.elements.size(); ++i) {
    const TomlNode& table = node.elements[i];
    places_[section.name + "." + std::to_string(i)] = place(table);
    for (const auto& [key, value] : table.members) {
      const ConfigRow* row = section.row(key);
      if (row == nullptr) refuse_key(place(value), section.name, key);
      set(section, i, *row, value, place(value));
    }
  }
}

void ConfigLoader::set(const ConfigSection& section, size_t index, const ConfigRow& row,
                       const TomlNode& node, const std::string& place) {
  const std::string key = key_of(section, index, row.option.name);
  row.write(config_, index, read_value(row.option, node, place, key));
  places_[key] = place;
}

void ConfigLoader::refuse_key(const std::string& place, const std::string& path,
                              const std::string& key) const {
  std::vector<std::string> known;
  if (const ConfigSection* section = schema_.section(path)) {
    for (const ConfigRow& row : section->rows) known.emplace_back(row.option.name);
  }
  const std::string start = path.empty() ? "" : path + ".";
  for (const ConfigSection& section : schema_.sections()) {
    if (section.name.starts_with(start)) {
      const std::string rest = section.name.substr(start.size());
      known.push_back(rest.substr(0, rest.find('.')));
    }
  }
  std::string list;
  for (size_t i = 0; i < known.size(); ++i) {
    if (i > 0 && known[i] == known[i - 1]) continue;
    list += (list.empty() ? "" : ", ") + known[i];
  }
  const std::string nearest = nearest_word(key, known);
  throw Error(kExitUsage,
              place + ": \"" + key + "\" is no " +
                  (path.empty() ? "section" : "option of [" + path + "]") + "; " +
                  (nearest.empty() ? "there are " + list : "did you mean " + nearest + "?"));
}

void ConfigLoader::apply_argument(const std::string& argument) {
  const std::string place = "--set " + argument;
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(kExitUsage, place +
                                ": not KEY=VALUE; write for example --set "
                                "flow_table.connections=65536");
  }
  const std::string key = argument.substr(0, equals);
  const std::string value = argument.substr(equals + 1);
  const ConfigSection* section = section_of(key, place);
  std::string option = key.substr(section->name.size() + 1);
  std::string selector;
  if (section->repeated) {
    const size_t dot = option.rfind('.');
    if (dot == std::string::npos) {
      throw Error(kExitUsage, place + ": say which [[" + section->name + "]]; write " +
                                  section->name + ".0." + option);
    }
    selector = option.substr(0, dot);
    option = option.substr(dot + 1);
  }
  const ConfigRow* row = section->row(option);
  if (row == nullptr) {
    const std::string leading = option.substr(0, option.find('.'));
    if (section->row(leading) == nullptr) refuse_key(place, section->name, leading);
    throw Error(kExitUsage, place + ": " + section->name + "." + leading +
                                " is an option and has none below it; write " + section->name +
                                "." + leading + "=VALUE");
  }
  const size_t index = section->repeated ? table_index(*section, selector, place) : 0;
  set(*section, index, *row, argument_node(row->option, value), place);
}

/// The section that owns the option `key`: the longest whose name leads it.
const ConfigSection* ConfigLoader::section_of(const std::string& key,
                                              const std::string& place) const {
  const ConfigSection* owner = nullptr;
  std::string path;
  size_t first = 0;
  while (first <= key.size()) {
    const size_t dot = std::min(key.find('.', first), key.size());
    const std::string full = key.substr(0, dot);
    const ConfigSection* section = schema_.section(full);
    if (section == nullptr && !schema_.is_leading(full)) {
      if (owner != nullptr && owner->name == path) return owner;
      refuse_key(place, path, key.substr(first, dot - first));
    }
    if (section != nullptr) owner = section;
    path = full;
    first = dot + 1;
  }
  throw Error(kExitUsage, place + ": " + key + " is a section; name an option of it");
}

/// Of the table that `selector` names, by its name or number; the next number adds a table.
size_t ConfigLoader::table_index(const ConfigSection& section, const std::string& selector,
                                 const std::string& place) {
  const size_t count = section.tables(config_);
  std::string known;
  const ConfigRow* name = section.row("name");
  for (size_t i = 0; i < count; ++i) {
    if (selector == std::to_string(i)) return i;
    if (name == nullptr) continue;
    const std::string text = std::get<std::string>(name->read(config_, i));
    if (selector == text) return i;
    known += (known.empty() ? "" : ", ") + text;
  }
  if (selector == std::to_string(count) && count < kTablesMax) {
    section.resize(config_, count + 1);
    places_[section.name + "." + selector] = place;
    return count;
  }
  throw Error(kExitUsage, place + ": there is no [[" + section.name + "]] " + selector + "; " +
                              (known.empty() ? "" : "there are " + known + "; ") + section.name +
                              "." + std::to_string(count) + " adds one");
}

void ConfigLoader::apply_home(const std::string& cidrs) {
  for (size_t i = 0; i < config_.networks.size(); ++i) {
    if (!config_.networks[i].takes_all()) continue;
    const ConfigSection& section = *schema_.section("networks");
    const ConfigRow& row = *section.row("home");
    return set(section, i, row, argument_node(row.option, cidrs), "--home " + cidrs);
  }
}

void ConfigLoader::check_required() const {
  for (const ConfigSection& section : schema_.sections()) {
    const size_t count = section.repeated ? section.tables(config_) : 1;
    for (size_t i = 0; i < count; ++i) {
      for (const ConfigRow& row : section.rows) {
        if (!row.option.required) continue;
        if (places_.contains(key_of(section, i, row.option.name))) continue;
        const auto table = places_.find(section.name + "." + std::to_string(i));
        const std::string where = table == places_.end() ? "configuration" : table->second;
        throw Error(kExitUsage, where + ": " + key_of(section, i, row.option.name) +
                                    " is missing and has no default; give " +
                                    expected_text(row.option) + ": " +
                                    std::string(row.option.help));
      }
    }
  }
}

std::string read_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (stream) {
    text.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  if (!stream || stream.bad()) {
    throw Error(kExitUsage, file + ": cannot be read: " + std::strerror(errno) +
                                "; `weir-sensor print-config` writes one to start from");
  }
  if (text.size() > kFileMaxBytes) {
    throw Error(kExitUsage, file + ": " + std::to_string(text.size()) +
                                " bytes are no configuration; give a file below 16 MiB");
  }
  return text;
}

}  // namespace

SensorConfig default_config(const ConfigSchema& schema) {
  SensorConfig config;
  for (const Detector* detector : schema.detectors()) {
    std::vector<OptionValue>& values = config.detector_options.emplace_back();
    for (const Option& option : detector->options) values.push_back(option.standard);
  }
  return config;
}

SensorConfig load_config_text(const ConfigSchema& schema, const ConfigArguments& arguments,
                              std::string_view text) {
  ConfigLoader loader(schema);
  if (!text.empty()) loader.apply_file(text, arguments.file);
  for (const std::string& argument : arguments.set) loader.apply_argument(argument);
  if (!arguments.home.empty()) loader.apply_home(arguments.home);
  return loader.finish();
}

SensorConfig load_config(const ConfigSchema& schema, const ConfigArguments& arguments) {
  return load_config_text(schema, arguments,
                          arguments.file.empty() ? "" : read_text(arguments.file));
}

}  // namespace weir
