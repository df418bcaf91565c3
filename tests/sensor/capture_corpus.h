// The real captures at hand, if they are: what their index and their truth say of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace weir::testing {

/// The folder beside the tree, or where WEIR_SHARED points.
inline std::filesystem::path shared_folder() {
  const char* shared = getenv("WEIR_SHARED");
  return std::filesystem::path(shared ? shared : WEIR_SOURCE_ROOT "/../shared").lexically_normal();
}

inline std::filesystem::path captures_folder() { return shared_folder() / "captures"; }

/// Rows below the header of a TSV file, each with at least `columns` values; none without a file.
inline std::vector<std::vector<std::string>> read_tsv(const std::filesystem::path& path,
                                                      size_t columns) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> values;
    std::istringstream fields(line);
    for (std::string value; std::getline(fields, value, '\t');) values.push_back(value);
    values.resize(std::max(values.size(), columns));
    rows.push_back(std::move(values));
  }
  return rows;
}

struct IndexRow {
  std::string path;        // below captures_folder()
  std::string packets;     // a number, or words where there is none
  std::string data_bytes;  // sum of the original lengths
};

inline std::vector<IndexRow> read_index() {
  std::vector<IndexRow> rows;
  for (const auto& values : read_tsv(captures_folder() / "INDEX.tsv", 8))
    rows.push_back({values[0], values[6], values[7]});
  return rows;
}

/// What a theft in a capture looks like.
struct TruthRow {
  std::string path;
  std::string home;  // for --home; empty where the defaults serve
  std::string host;
  std::string destination;
  uint64_t out_payload_bytes = 0;  // distinct
  std::string must;                // detectors of which one has to fire
};

inline std::vector<TruthRow> read_truth() {
  std::vector<TruthRow> rows;
  for (const auto& values : read_tsv(captures_folder() / "TRUTH.tsv", 9))
    rows.push_back({values[0], values[1], values[2], values[3],
                    strtoull(values[5].c_str(), nullptr, 10), values[6]});
  return rows;
}

/// Absolute paths of all captures whose path below the folder begins so.
inline std::vector<std::string> captures_below(std::string_view folder) {
  std::vector<std::string> paths;
  for (const IndexRow& row : read_index())
    if (row.path.starts_with(folder)) paths.push_back(captures_folder() / row.path);
  return paths;
}

}  // namespace weir::testing
