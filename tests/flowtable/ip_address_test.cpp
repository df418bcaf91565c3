// Addresses and prefixes: what is read, how it is written, what is refused.
#include "flowtable/ip_address.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(IpAddress, both_families_read_and_write_as_they_stand) {
  for (const char* text : {"10.0.0.1", "255.255.255.255", "2001:db8::1", "::", "fe80::1:2"})
    EXPECT_EQ(to_string(parse_ip_address(text).value()), text);
}

TEST(IpAddress, a_mapped_v4_address_is_the_v4_address) {
  EXPECT_EQ(parse_ip_address("::ffff:192.0.2.7"), parse_ip_address("192.0.2.7"));
}

TEST(IpAddress, a_prefix_holds_its_first_and_last_address_and_none_beside) {
  const IpRange range = parse_cidr("172.16.0.0/12").value();
  EXPECT_TRUE(range.contains(parse_ip_address("172.16.0.0").value()));
  EXPECT_TRUE(range.contains(parse_ip_address("172.31.255.255").value()));
  EXPECT_FALSE(range.contains(parse_ip_address("172.15.255.255").value()));
  EXPECT_FALSE(range.contains(parse_ip_address("172.32.0.0").value()));
  const IpRange v6 = parse_cidr("fc00::/7").value();
  EXPECT_TRUE(v6.contains(parse_ip_address("fdff::1").value()));
  EXPECT_FALSE(v6.contains(parse_ip_address("fe00::").value()));
  EXPECT_TRUE(parse_cidr("::/0")->contains(parse_ip_address("1.2.3.4").value()));
}

TEST(IpAddress, what_is_no_prefix_is_refused) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "::1/129", "a/8",
                           "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1"})
    EXPECT_FALSE(parse_cidr(text).has_value()) << text;
}

TEST(IpAddress, a_zero_byte_is_no_end_of_the_text) {
  EXPECT_FALSE(parse_ip_address(std::string_view("::\0x", 4)).has_value());
}

}  // namespace
}  // namespace weir
