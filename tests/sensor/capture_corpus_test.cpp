// Every real capture at hand reads as its index says; every malformed one ends in a sentence.
#include "tests/sensor/capture_corpus.h"

#include <gtest/gtest.h>

#include "flowtable/error.h"
#include "sensor/capture_file.h"

namespace weir {
namespace {

using testing::captures_folder;
using testing::IndexRow;
using testing::read_index;

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
