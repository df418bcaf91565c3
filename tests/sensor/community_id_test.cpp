// Community ID against the vectors that the specification's reference implementation publishes.
#include "sensor/community_id.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string id_of(uint8_t protocol, const char* source, uint16_t source_port,
                  const char* destination, uint16_t destination_port, uint16_t seed = 0) {
  return community_id({.source = parse_ip_address(source).value(),
                       .destination = parse_ip_address(destination).value(),
                       .source_port = source_port,
                       .destination_port = destination_port,
                       .protocol = protocol},
                      seed);
}

TEST(CommunityId, a_tcp_connection_has_the_published_id_in_both_directions) {
  EXPECT_EQ(id_of(6, "128.232.110.120", 34855, "66.35.250.204", 80),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(id_of(6, "66.35.250.204", 80, "128.232.110.120", 34855),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
}

TEST(CommunityId, the_seed_changes_the_id) {
  EXPECT_EQ(id_of(6, "128.232.110.120", 34855, "66.35.250.204", 80, 1),
            "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
}

TEST(CommunityId, ports_are_ordered_as_numbers_and_not_as_text) {
  EXPECT_EQ(id_of(6, "10.0.0.1", 10, "10.0.0.2", 11569), "1:SXBGMX1lBOwhhoDrZynfROxnhnM=");
}

TEST(CommunityId, udp_and_sctp_have_the_published_ids) {
  EXPECT_EQ(id_of(17, "192.168.1.52", 54585, "8.8.8.8", 53), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  EXPECT_EQ(id_of(132, "192.168.170.8", 7, "192.168.170.56", 7), "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
}

TEST(CommunityId, an_icmp_request_and_its_reply_share_an_id) {
  EXPECT_EQ(id_of(1, "192.168.0.89", 8, "192.168.0.1", 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  EXPECT_EQ(id_of(1, "192.168.0.1", 0, "192.168.0.89", 8), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
}

TEST(CommunityId, an_icmp_type_without_a_reply_keeps_its_direction_and_its_code) {
  EXPECT_EQ(id_of(1, "192.168.0.89", 20, "192.168.0.1", 0), "1:3o2RFccXzUgjl7zDpqmY7yJi8rI=");
  EXPECT_EQ(id_of(1, "192.168.0.89", 20, "192.168.0.1", 1), "1:tz/fHIDUHs19NkixVVoOZywde+I=");
}

TEST(CommunityId, icmpv6_types_are_paired_too) {
  EXPECT_EQ(id_of(58, "fe80::200:86ff:fe05:80da", 135, "fe80::260:97ff:fe07:69ea", 0),
            "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
  EXPECT_EQ(id_of(58, "fe80::260:97ff:feb6:7ff0", 134, "ff02::1", 0),
            id_of(58, "ff02::1", 133, "fe80::260:97ff:feb6:7ff0", 0));
  EXPECT_EQ(id_of(58, "3ffe:507:0:1:200:86ff:fe05:80da", 3, "3ffe:507:0:1:260:97ff:fe07:69ea", 0),
            "1:/OGBt9BN1ofenrmSPWYicpij2Vc=");
}

TEST(CommunityId, a_protocol_without_ports_is_named_by_its_addresses_alone) {
  EXPECT_EQ(id_of(47, "10.0.0.1", 0, "10.0.0.2", 0), id_of(47, "10.0.0.2", 5, "10.0.0.1", 6));
}

}  // namespace
}  // namespace weir
