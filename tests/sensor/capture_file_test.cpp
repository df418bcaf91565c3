// What a capture file is, whatever its format: recognised, unpacked, refused in a sentence.
#include "sensor/capture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/sensor/capture_reading.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using weir::testing::ByteWriter;
using weir::testing::Endian;
using weir::testing::gzip;
using weir::testing::PcapBuilder;
using weir::testing::PcapngBuilder;
using weir::testing::read_capture;
using weir::testing::read_capture_at;
using weir::testing::TemporaryFile;

std::string many_records(int count) {
  PcapBuilder builder;
  for (int i = 0; i < count; ++i) {
    const auto fill = static_cast<char>('a' + i % 26);
    builder.record(static_cast<uint32_t>(i), 0, std::string(static_cast<size_t>(i % 1500), fill));
  }
  return builder.bytes();
}

TEST(CaptureFile, records_across_buffer_borders_are_whole) {
  constexpr int kCount = 6000;  // about 4.5 MB, several buffers
  const std::string bytes = many_records(kCount);
  for (const bool packed : {false, true}) {
    const auto read = read_capture(packed ? gzip(bytes) : bytes);
    ASSERT_EQ(read.error, "");
    ASSERT_EQ(read.records.size(), size_t{kCount});
    for (int i = 0; i < kCount; ++i) {
      const auto fill = static_cast<char>('a' + i % 26);
      ASSERT_EQ(read.records[static_cast<size_t>(i)].frame,
                std::string(static_cast<size_t>(i % 1500), fill));
    }
  }
}

TEST(CaptureFile, progress_ends_at_the_size_of_the_file) {
  for (const std::string& bytes : {many_records(100), gzip(many_records(100))}) {
    const TemporaryFile file(bytes);
    CaptureFile capture(file.path());
    CaptureRecord record;
    while (capture.next(record)) EXPECT_LE(capture.bytes_read(), bytes.size());
    EXPECT_EQ(capture.file_bytes(), bytes.size());
    EXPECT_EQ(capture.bytes_read(), bytes.size());
    EXPECT_EQ(capture.records(), 100u);
    EXPECT_FALSE(capture.next(record)) << "the end stays the end";
  }
}

TEST(CaptureFile, gzip_members_join_and_zero_padding_ends_them) {
  const std::string whole = many_records(50);
  const std::string packed = gzip(whole.substr(0, 333)) + gzip("") + gzip(whole.substr(333));
  EXPECT_EQ(read_capture(packed).records.size(), 50u);
  const auto padded = read_capture(packed + std::string(700, '\0'));
  EXPECT_EQ(padded.error, "");
  EXPECT_EQ(padded.records.size(), 50u);
  EXPECT_FALSE(padded.cut);
}

TEST(CaptureFile, packed_pcapng_is_recognised_too) {
  const auto read =
      read_capture(gzip(PcapngBuilder().section().interface(1).packet(0, 0, "x").bytes()));
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.records.size(), 1u);
}

TEST(CaptureFile, a_gzip_file_cut_anywhere_past_its_headers_is_a_cut_capture) {
  const std::string packed = gzip(many_records(500));
  size_t last = 0;
  for (size_t kept = packed.size() / 4; kept < packed.size(); kept += packed.size() / 16) {
    const auto read = read_capture(packed.substr(0, kept));
    EXPECT_EQ(read.error, "") << kept;
    EXPECT_TRUE(read.cut) << kept;
    EXPECT_GE(read.records.size(), last) << kept;
    last = read.records.size();
  }
  EXPECT_GT(last, 100u);
  const auto without_checksum = read_capture(packed.substr(0, packed.size() - 8));
  EXPECT_EQ(without_checksum.records.size(), 500u);
  EXPECT_TRUE(without_checksum.cut) << "all records are there, but nobody can say so";
}

TEST(CaptureFile, damaged_gzip_delivers_what_is_before_the_damage) {
  std::string packed = gzip(many_records(6000));
  packed[packed.size() - 6] ^= 1;  // in the checksum
  const auto read = read_capture(packed);
  EXPECT_EQ(read.records.size(), 6000u);
  EXPECT_THAT(read.error, AllOf(HasSubstr("gzip data is damaged"), HasSubstr("gzip -dc")));
  const auto trailing = read_capture(gzip(many_records(3)) + "trailing");
  EXPECT_EQ(trailing.records.size(), 3u);
  EXPECT_THAT(trailing.error, HasSubstr("begins no other"));
}

TEST(CaptureFile, snoop_is_read) {
  ByteWriter writer(Endian::big);
  writer.text(std::string_view("snoop\0\0\0", 8)).u32(2).u32(4);
  writer.u32(1500).u32(5).u32(32).u32(0).u32(9).u32(7).text("frame").text("pad");
  writer.u32(3).u32(3).u32(27).u32(0).u32(10).u32(0).text("end");
  const auto read = read_capture(writer.bytes());
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[0].frame, "frame");
  EXPECT_EQ(read.records[0].record.frame_bytes, 1500u);
  EXPECT_EQ(read.records[0].record.time_ns, 9'000'007'000u);
  EXPECT_EQ(read.records[0].record.link, LinkType::kEthernet);
  EXPECT_EQ(read.records[1].frame, "end");
  EXPECT_TRUE(read_capture(writer.bytes() + "cut").cut);
  writer.u32(9).u32(9).u32(25).u32(0).u64(0);
  EXPECT_THAT(read_capture(writer.bytes()).error, HasSubstr("record 3"));
}

TEST(CaptureFile, what_is_no_capture_is_refused_in_a_sentence_that_says_what_it_is) {
  EXPECT_THAT(read_capture("").error, HasSubstr("is empty (0 bytes)"));
  EXPECT_THAT(read_capture(gzip("")).error, HasSubstr("is empty"));
  EXPECT_THAT(read_capture("Hello world").error,
              AllOf(HasSubstr("no capture file"), HasSubstr("0x48656c6c")));
  EXPECT_THAT(read_capture("\xd4").error, HasSubstr("begins with 0xd4"));
  EXPECT_THAT(read_capture("\x28\xb5\x2f\xfd....").error, HasSubstr("zstd -d"));
  EXPECT_THAT(read_capture(gzip("Hello world")).error, HasSubstr("no capture file"));
}

TEST(CaptureFile, missing_files_and_directories_are_refused_in_a_sentence) {
  EXPECT_THAT(read_capture_at("/nowhere/x.pcap").error,
              AllOf(HasSubstr("/nowhere/x.pcap: "), HasSubstr("No such file")));
  EXPECT_THAT(read_capture_at("/tmp").error, HasSubstr("is a directory"));
}

TEST(CaptureFile, a_file_this_user_may_not_read_is_refused_in_a_sentence) {
  const TemporaryFile file(many_records(1));
  ASSERT_EQ(chmod(file.path().c_str(), 0), 0);
  constexpr uid_t kNobody = 65534;
  const uid_t user = geteuid();
  if (user == 0) {  // root may read every file
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  const auto read = read_capture_at(file.path());
  if (user == 0) {
    ASSERT_EQ(seteuid(user), 0);
  }
  EXPECT_THAT(read.error, HasSubstr("Permission denied"));
}

TEST(CaptureFile, errors_carry_the_exit_code_of_a_failed_capture) {
  try {
    CaptureFile("/nowhere");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitFailed);
  }
}

}  // namespace
}  // namespace weir
