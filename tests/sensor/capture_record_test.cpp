// The names and numbers of link types.
#include "sensor/capture_record.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(LinkTypes, every_link_type_of_the_decoder_is_found_under_its_own_number) {
  for (const LinkType link :
       {LinkType::kNull, LinkType::kEthernet, LinkType::kPpp, LinkType::kRawIp,
        LinkType::kPppSerial, LinkType::kPppEther, LinkType::kCiscoHdlc, LinkType::kFrameRelay,
        LinkType::kLoop, LinkType::kLinuxSll, LinkType::kIpv4, LinkType::kIpv6, LinkType::kNflog,
        LinkType::kLinuxSll2}) {
    EXPECT_EQ(link_type_of(static_cast<uint16_t>(link)), link);
  }
}

TEST(LinkTypes, raw_ip_has_two_more_numbers_in_old_files) {
  EXPECT_EQ(link_type_of(12), LinkType::kRawIp);
  EXPECT_EQ(link_type_of(14), LinkType::kRawIp);
}

TEST(LinkTypes, the_others_are_unsupported_and_have_names) {
  for (const int number : {8, 10, 105, 127, 253, 258, 999})
    EXPECT_EQ(link_type_of(static_cast<uint16_t>(number)), LinkType::kUnsupported) << number;
  EXPECT_EQ(link_type_name(127), "IEEE 802.11 with radiotap");
  EXPECT_EQ(link_type_name(258), "pktap");
  EXPECT_EQ(link_type_name(276), "Linux cooked v2");
  EXPECT_EQ(link_type_name(999), "LINKTYPE 999");
}

}  // namespace
}  // namespace weir
