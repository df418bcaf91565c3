// The pcap format: byte orders, resolutions, variants, and files that lie.
#include "sensor/pcap_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sensor/capture_reading.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using weir::testing::Endian;
using weir::testing::kPcapMicroseconds;
using weir::testing::kPcapModified;
using weir::testing::kPcapNanoseconds;
using weir::testing::PcapBuilder;
using weir::testing::read_capture;

class PcapInBothByteOrders : public ::testing::TestWithParam<Endian> {};
INSTANTIATE_TEST_SUITE_P(Pcap, PcapInBothByteOrders,
                         ::testing::Values(Endian::little, Endian::big));

TEST_P(PcapInBothByteOrders, microseconds_become_nanoseconds) {
  const auto read = read_capture(PcapBuilder(GetParam())
                                     .record(1'700'000'000, 123'456, "first")
                                     .record(1'700'000'001, 0, "second", 1500)
                                     .bytes());
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_FALSE(read.cut);
  EXPECT_EQ(read.records[0].frame, "first");
  EXPECT_EQ(read.records[0].record.time_ns, 1'700'000'000'123'456'000u);
  EXPECT_EQ(read.records[0].record.frame_bytes, 5u);
  EXPECT_EQ(read.records[0].record.link, LinkType::kEthernet);
  EXPECT_EQ(read.records[1].frame, "second");
  EXPECT_EQ(read.records[1].record.frame_bytes, 1500u);
}

TEST_P(PcapInBothByteOrders, nanoseconds_are_kept) {
  const auto read =
      read_capture(PcapBuilder(GetParam(), kPcapNanoseconds).record(7, 999'999'999, "x").bytes());
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].record.time_ns, 7'999'999'999u);
}

TEST_P(PcapInBothByteOrders, the_modified_format_has_longer_record_headers) {
  const auto read = read_capture(
      PcapBuilder(GetParam(), kPcapModified).record(1, 2, "one").record(3, 4, "two").bytes());
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[1].frame, "two");
  EXPECT_EQ(read.records[1].record.time_ns, 3'000'004'000u);
}

TEST_P(PcapInBothByteOrders, a_declared_fcs_is_no_part_of_the_frame) {
  constexpr uint32_t kFcsOfTwoWords = 0x2400'0001;  // present, 2 words of 16 bits, Ethernet
  const auto read = read_capture(PcapBuilder(GetParam(), kPcapMicroseconds, kFcsOfTwoWords)
                                     .record(0, 0, "frame+FCS4")
                                     .record(0, 0, "snapped", 100)
                                     .record(0, 0, "abc")
                                     .bytes());
  ASSERT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.records[0].frame, "frame+");
  EXPECT_EQ(read.records[0].record.frame_bytes, 6u);
  EXPECT_EQ(read.records[0].record.link, LinkType::kEthernet);
  EXPECT_EQ(read.records[1].frame, "snapped");
  EXPECT_EQ(read.records[1].record.frame_bytes, 96u);
  EXPECT_EQ(read.records[2].record.frame_bytes, 0u);
  EXPECT_EQ(read.records[2].record.captured_bytes, 0u);
}

TEST(Pcap, an_original_length_below_the_captured_one_is_raised_to_it) {
  const auto read = read_capture(PcapBuilder().record(0, 0, "sixteen bytes...", 3).bytes());
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].record.frame_bytes, 16u);
}

TEST(Pcap, before_version_2_3_the_two_lengths_stand_the_other_way_round) {
  const auto read = read_capture(
      PcapBuilder(Endian::little, kPcapMicroseconds, 1, 2).header(0, 0, 900, 4).bytes() + "abcd");
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].frame, "abcd");
  EXPECT_EQ(read.records[0].record.frame_bytes, 900u);
}

TEST(Pcap, a_frame_of_the_largest_size_is_read) {
  const std::string frame(kMaxFrameBytes, 'x');
  const auto read =
      read_capture(PcapBuilder().record(0, 0, frame).record(0, 0, frame).record(0, 0, "y").bytes());
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.records[1].frame, frame);
  EXPECT_EQ(read.records[2].frame, "y");
}

TEST(Pcap, a_larger_frame_is_refused_with_record_value_and_limit) {
  const auto read = read_capture(
      PcapBuilder().record(0, 0, "fine").header(0, 0, kMaxFrameBytes + 1, 262145).bytes());
  EXPECT_EQ(read.records.size(), 1u);
  EXPECT_THAT(read.error, AllOf(HasSubstr("record 2 at byte 44"), HasSubstr("262145"),
                                HasSubstr("limit of 262144"), HasSubstr("editcap")));
}

TEST(Pcap, a_capture_cut_anywhere_in_its_last_record_delivers_all_before) {
  const std::string whole = PcapBuilder().record(0, 0, "first").record(0, 0, "second").bytes();
  constexpr size_t kFirstEnds = 24 + 16 + 5;
  for (size_t kept = kFirstEnds; kept < whole.size(); ++kept) {
    const auto read = read_capture(whole.substr(0, kept));
    ASSERT_EQ(read.error, "") << kept;
    ASSERT_EQ(read.records.size(), 1u) << kept;
    ASSERT_EQ(read.cut, kept != kFirstEnds) << kept;
  }
}

TEST(Pcap, a_cut_file_header_is_refused) {
  EXPECT_THAT(read_capture(PcapBuilder().bytes().substr(0, 20)).error,
              HasSubstr("is cut after 20 of 24 bytes"));
}

TEST(Pcap, an_unknown_version_is_refused) {
  const auto bytes = PcapBuilder(Endian::little, kPcapMicroseconds, 1, 5).bytes();
  EXPECT_THAT(read_capture(bytes).error, HasSubstr("pcap of version 2.5"));
}

TEST(Pcap, a_link_type_nobody_decodes_is_delivered_under_its_number) {
  const auto read =
      read_capture(PcapBuilder(Endian::little, kPcapMicroseconds, 127).record(0, 0, "x").bytes());
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].record.link, LinkType::kUnsupported);
  EXPECT_EQ(read.records[0].record.link_number, 127);
}

TEST(Pcap, a_record_of_no_bytes_is_a_record) {
  const auto read = read_capture(PcapBuilder().record(5, 0, "", 60).record(6, 0, "x").bytes());
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[0].record.captured_bytes, 0u);
  EXPECT_EQ(read.records[0].record.frame_bytes, 60u);
}

}  // namespace
}  // namespace weir
