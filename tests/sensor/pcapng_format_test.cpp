// The pcapng format: sections, interfaces, resolutions, every packet block, and files that lie.
#include "sensor/pcapng_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sensor/capture_reading.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using weir::testing::Endian;
using weir::testing::PcapngBuilder;
using weir::testing::read_capture;

constexpr uint16_t kTimeResolution = 9, kFcsBytes = 13, kTimeOffset = 14, kPacketFlags = 2;

class PcapngInBothByteOrders : public ::testing::TestWithParam<Endian> {};
INSTANTIATE_TEST_SUITE_P(Pcapng, PcapngInBothByteOrders,
                         ::testing::Values(Endian::little, Endian::big));

TEST_P(PcapngInBothByteOrders, each_interface_has_its_own_link_type_and_resolution) {
  PcapngBuilder builder;
  builder.section(GetParam());
  builder.interface(1)
      .interface(101, builder.option(kTimeResolution, "\x09"))
      .interface(105, builder.option(kTimeResolution, "\x8a"));  // 1/1024 s
  builder.packet(0, 1'700'000'000'000'001, "micro", 99)
      .packet(1, 1'700'000'000'000'000'001, "nano");
  builder.packet(2, 3 * 1024 + 512, "binary");
  const auto read = read_capture(builder.bytes());
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.records[0].frame, "micro");
  EXPECT_EQ(read.records[0].record.time_ns, 1'700'000'000'000'001'000u);
  EXPECT_EQ(read.records[0].record.frame_bytes, 99u);
  EXPECT_EQ(read.records[0].record.link, LinkType::kEthernet);
  EXPECT_EQ(read.records[1].record.time_ns, 1'700'000'000'000'000'001u);
  EXPECT_EQ(read.records[1].record.link, LinkType::kRawIp);
  EXPECT_EQ(read.records[1].record.interface, 1);
  EXPECT_EQ(read.records[2].frame, "binary");
  EXPECT_EQ(read.records[2].record.time_ns, 3'500'000'000u);
  EXPECT_EQ(read.records[2].record.link, LinkType::kUnsupported);
  EXPECT_EQ(read.records[2].record.link_number, 105);
}

TEST_P(PcapngInBothByteOrders, a_time_offset_is_added) {
  PcapngBuilder builder;
  builder.section(GetParam());
  builder.interface(1, builder.option(kTimeOffset, builder.writer().u64(1'000'000'000).bytes()));
  builder.interface(1, builder.option(kTimeOffset, builder.writer().u64(UINT64_MAX).bytes()));
  builder.packet(0, 5, "x").packet(1, 1'000'005, "x").packet(1, 5, "x");
  const auto read = read_capture(builder.bytes());
  ASSERT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.records[0].record.time_ns, 1'000'000'000'000'005'000u);
  EXPECT_EQ(read.records[1].record.time_ns, 5'000u) << "an offset of -1 s";
  EXPECT_EQ(read.records[2].record.time_ns, 0u) << "never before 1970";
}

TEST_P(PcapngInBothByteOrders, the_fcs_of_interface_or_packet_is_no_part_of_the_frame) {
  PcapngBuilder builder;
  builder.section(GetParam());
  builder.interface(1, builder.option(kFcsBytes, "\x04"));
  const std::string two_bytes = builder.writer().u32(2 << 5).bytes();
  const std::string unknown = builder.writer().u32(1).bytes();
  builder.packet(0, 0, "frame+FCS4")
      .packet(0, 0, "frame+F2", 8, builder.option(kPacketFlags, two_bytes))
      .packet(0, 0, "frame+FCS4", 10, builder.option(kPacketFlags, unknown));
  const auto read = read_capture(builder.bytes());
  ASSERT_EQ(read.records.size(), 3u);
  for (const auto& each : read.records) {
    EXPECT_EQ(each.frame, "frame+");
    EXPECT_EQ(each.record.frame_bytes, 6u);
  }
}

TEST_P(PcapngInBothByteOrders, obsolete_and_simple_packet_blocks_are_read) {
  PcapngBuilder builder;
  builder.section(GetParam());
  builder.interface(1, {}, 8).interface(113).obsolete_packet(1, 2'000'000, "obsolete");
  builder.simple_packet(3, "abc").simple_packet(1500, "snapped!");
  const auto read = read_capture(builder.bytes());
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.records[0].frame, "obsolete");
  EXPECT_EQ(read.records[0].record.link, LinkType::kLinuxSll);
  EXPECT_EQ(read.records[0].record.interface, 1);
  EXPECT_EQ(read.records[1].frame, "abc");
  EXPECT_EQ(read.records[1].record.time_ns, 2'000'000'000u) << "no stamp: that of the one before";
  EXPECT_EQ(read.records[2].frame, "snapped!");
  EXPECT_EQ(read.records[2].record.frame_bytes, 1500u);
  EXPECT_EQ(read.records[2].record.link, LinkType::kEthernet);
}

TEST(Pcapng, a_new_section_forgets_interfaces_and_may_turn_the_byte_order) {
  PcapngBuilder builder;
  builder.section(Endian::little).interface(1).interface(1).packet(1, 0, "little");
  builder.section(Endian::big).interface(228).packet(0, 0, "big").packet(1, 0, "undeclared");
  const auto read = read_capture(builder.bytes());
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[1].record.link, LinkType::kIpv4);
  EXPECT_THAT(read.error,
              AllOf(HasSubstr("record 3"), HasSubstr("interface 1"), HasSubstr("declares 1")));
}

TEST(Pcapng, unknown_blocks_are_skipped_whatever_their_size) {
  PcapngBuilder builder;
  builder.section().interface(1).block(0x0bad, std::string(3'000'000, 'x'));
  builder.block(5, "stat").packet(0, 0, "after");
  const auto read = read_capture(builder.bytes());
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].frame, "after");
}

TEST(Pcapng, stamps_of_any_resolution_stay_within_the_clock) {
  struct Case {
    uint8_t resolution;
    uint64_t stamp;
    uint64_t time_ns;
  };
  for (const Case& each :
       {Case{0, 5, 5'000'000'000}, Case{3, 5, 5'000'000}, Case{12, 5'999, 5},
        Case{28, UINT64_MAX, 1}, Case{29, 1ull << 63, 0}, Case{127, 1ull << 63, 0},
        Case{0x80, 5, 5'000'000'000}, Case{0xa0, 3ull << 31, 1'500'000'000},
        Case{0xff, 1ull << 63, 0}, Case{0, UINT64_MAX, kLatestTimeNs},
        Case{0x80, UINT64_MAX, kLatestTimeNs}, Case{9, UINT64_MAX, kLatestTimeNs},
        Case{6, UINT64_MAX, kLatestTimeNs}}) {
    PcapngClock clock;
    clock.set_resolution(each.resolution);
    EXPECT_EQ(clock.to_ns(each.stamp), each.time_ns) << int{each.resolution} << " " << each.stamp;
  }
}

TEST(Pcapng, a_capture_cut_anywhere_in_its_last_block_delivers_all_before) {
  PcapngBuilder builder;
  builder.section().interface(1).packet(0, 0, "first");
  const size_t first_ends = builder.bytes().size();
  builder.packet(0, 0, "second");
  for (size_t kept = first_ends; kept < builder.bytes().size(); ++kept) {
    const auto read = read_capture(builder.bytes().substr(0, kept));
    ASSERT_EQ(read.error, "") << kept;
    ASSERT_EQ(read.records.size(), 1u) << kept;
    ASSERT_EQ(read.cut, kept != first_ends) << kept;
  }
}

TEST(Pcapng, a_frame_of_the_largest_size_is_read_and_a_larger_one_refused) {
  const std::string largest(kMaxFrameBytes, 'x');
  PcapngBuilder builder;
  builder.section().interface(1).packet(0, 0, largest).packet(0, 0, largest + "y");
  const auto read = read_capture(builder.bytes());
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].frame, largest);
  EXPECT_THAT(read.error, AllOf(HasSubstr("record 2"), HasSubstr("262145"), HasSubstr("262144")));
}

TEST(Pcapng, a_packet_longer_than_its_block_is_refused) {
  PcapngBuilder builder;
  builder.section().interface(1).block(
      6, builder.writer().u32(0).u64(0).u32(400).u32(400).text("only 16 bytes...").bytes());
  EXPECT_THAT(read_capture(builder.bytes()).error,
              AllOf(HasSubstr("block length of 48"), HasSubstr("400 captured bytes")));
}

TEST(Pcapng, lengths_that_disagree_are_refused) {
  PcapngBuilder builder;
  builder.section().interface(1);
  builder.raw(builder.writer().u32(5).u32(16).u32(0).u32(20).bytes());
  EXPECT_THAT(read_capture(builder.bytes()).error, HasSubstr("16 in front and 20 behind"));
}

TEST(Pcapng, impossible_block_lengths_are_refused) {
  for (const uint32_t block_bytes : {0u, 8u, 13u, 0x7ffffffcu}) {
    PcapngBuilder builder;
    builder.section().raw(builder.writer().u32(5).u32(block_bytes).u64(0).bytes());
    EXPECT_THAT(read_capture(builder.bytes()).error, HasSubstr(std::to_string(block_bytes)));
  }
}

TEST(Pcapng, an_interface_option_past_its_block_is_refused) {
  PcapngBuilder builder;
  builder.section().interface(1, builder.writer().u16(kTimeResolution).u16(200).u32(6).bytes());
  EXPECT_THAT(read_capture(builder.bytes()).error, HasSubstr("option that runs past its end"));
}

TEST(Pcapng, a_time_resolution_of_two_bytes_is_refused) {
  PcapngBuilder builder;
  builder.section().interface(1, builder.option(kTimeResolution, "66"));
  EXPECT_THAT(read_capture(builder.bytes()).error, HasSubstr("option of the wrong size"));
}

TEST(Pcapng, a_packet_option_past_its_block_costs_no_packet) {
  PcapngBuilder builder;
  builder.section().interface(1).packet(0, 0, "kept", 4, builder.writer().u16(2).u16(99).bytes());
  const auto read = read_capture(builder.bytes());
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.records.size(), 1u);
}

TEST(Pcapng, an_unknown_version_or_byte_order_is_refused) {
  EXPECT_THAT(read_capture(PcapngBuilder().section(Endian::big, 1, 1).bytes()).error,
              HasSubstr("version 1.1"));
  PcapngBuilder builder;
  builder.block(0x0a0d0d0a, std::string(16, 'x'));
  EXPECT_THAT(read_capture(builder.bytes()).error, HasSubstr("no byte-order magic"));
  EXPECT_THAT(read_capture(PcapngBuilder().section().bytes().substr(0, 20)).error,
              HasSubstr("is cut"));
}

}  // namespace
}  // namespace weir
