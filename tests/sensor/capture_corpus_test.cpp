// Every real capture at hand reads as its index says; every malformed one ends in a sentence.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "flowtable/error.h"
#include "sensor/capture_file.h"

namespace weir {
namespace {

struct IndexRow {
  std::string path;
  std::string packets;
  std::string data_bytes;  // sum of the original lengths
};

std::filesystem::path captures_folder() {
  const char* shared = getenv("WEIR_SHARED");
  return std::filesystem::path(shared ? shared : WEIR_SOURCE_ROOT "/../shared") / "captures";
}

std::vector<IndexRow> read_index() {
  std::vector<IndexRow> rows;
  std::ifstream index(captures_folder() / "INDEX.tsv");
  std::string line;
  std::getline(index, line);  // the header
  while (std::getline(index, line)) {
    std::istringstream columns(line);
    std::vector<std::string> values(8);
    for (std::string& value : values) std::getline(columns, value, '\t');
    rows.push_back({values[0], values[6], values[7]});
  }
  return rows;
}

TEST(CaptureCorpus, every_capture_has_the_packets_and_bytes_of_its_index) {
  const auto rows = read_index();
  if (rows.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  int read = 0;
  for (const IndexRow& row : rows) {
    if (row.path.starts_with("malformed/")) continue;
    try {
      CaptureFile file(captures_folder() / row.path);
      CaptureRecord record;
      uint64_t data_bytes = 0;
      while (file.next(record)) data_bytes += record.frame_bytes;
      EXPECT_EQ(std::to_string(file.records()), row.packets) << row.path;
      EXPECT_EQ(std::to_string(data_bytes), row.data_bytes) << row.path;
      ++read;
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  EXPECT_GT(read, 1000);
}

TEST(CaptureCorpus, every_malformed_capture_is_read_or_refused_in_one_sentence) {
  const auto rows = read_index();
  if (rows.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  int refused = 0;
  for (const IndexRow& row : rows) {
    if (!row.path.starts_with("malformed/")) continue;
    const std::string path = captures_folder() / row.path;
    try {
      CaptureFile file(path);
      CaptureRecord record;
      while (file.next(record)) ASSERT_LE(record.captured_bytes, record.frame_bytes) << path;
    } catch (const Error& error) {
      const std::string sentence = error.what();
      EXPECT_TRUE(sentence.starts_with(path + ": ")) << sentence;
      EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace weir
