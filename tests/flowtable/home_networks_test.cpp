// Home membership and scope of pairs, networks by tag, and the tables that are refused.
#include "flowtable/home_networks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "flowtable/error.h"

namespace weir {
namespace {

IpAddress at(const char* text) { return parse_ip_address(text).value(); }

std::vector<IpRange> ranges(std::initializer_list<const char*> texts) {
  std::vector<IpRange> all;
  for (const char* text : texts) all.push_back(parse_cidr(text).value());
  return all;
}

HomeNetworks default_home() {
  return HomeNetworks({{.home = ranges({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                        "100.64.0.0/10", "fc00::/7"})}});
}

Scope scope(const HomeNetworks& home, const char* source, const char* destination) {
  bool source_home = false;
  return home.scope_of(0, at(source), at(destination), source_home);
}

std::string refusal(std::vector<Network> networks) {
  try {
    const HomeNetworks home(std::move(networks));
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitUsage);
    return error.what();
  }
  return "accepted";
}

TEST(HomeNetworks, a_pair_is_outbound_internal_or_transit_by_its_ends_at_home) {
  const HomeNetworks home = default_home();
  EXPECT_EQ(scope(home, "10.1.2.3", "8.8.8.8"), Scope::kOutbound);
  EXPECT_EQ(scope(home, "8.8.8.8", "172.31.255.255"), Scope::kOutbound);
  EXPECT_EQ(scope(home, "10.1.2.3", "192.168.0.1"), Scope::kInternal);
  EXPECT_EQ(scope(home, "9.255.255.255", "172.32.0.0"), Scope::kTransit);
  EXPECT_EQ(scope(home, "fd00::1", "2001:db8::1"), Scope::kOutbound);
  EXPECT_EQ(scope(home, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), Scope::kInternal);
  EXPECT_EQ(scope(home, "2001:db8::1", "fe00::1"), Scope::kTransit);
}

TEST(HomeNetworks, source_home_tells_which_end_is_at_home) {
  const HomeNetworks home = default_home();
  bool source_home = false;
  home.scope_of(0, at("10.1.2.3"), at("8.8.8.8"), source_home);
  EXPECT_TRUE(source_home);
  home.scope_of(0, at("8.8.8.8"), at("10.1.2.3"), source_home);
  EXPECT_FALSE(source_home);
}

TEST(HomeNetworks, addresses_no_router_forwards_make_a_pair_local_whatever_is_home) {
  const HomeNetworks everything({{.home = ranges({"0.0.0.0/0", "::/0"})}});
  for (const char* local : {"224.0.0.1", "239.255.255.250", "255.255.255.255", "0.0.0.0",
                            "127.0.0.1", "127.255.255.255", "169.254.1.1"}) {
    EXPECT_EQ(scope(default_home(), "10.0.0.1", local), Scope::kLocal) << local;
    EXPECT_EQ(scope(default_home(), local, "8.8.8.8"), Scope::kLocal) << local;
    EXPECT_EQ(scope(everything, "10.0.0.1", local), Scope::kLocal) << local;
  }
  for (const char* local : {"ff02::1", "ff0e::1", "::", "::1", "fe80::1", "febf::1"})
    EXPECT_EQ(scope(default_home(), "fd00::1", local), Scope::kLocal) << local;
  EXPECT_EQ(scope(default_home(), "10.0.0.1", "223.255.255.255"), Scope::kOutbound);
  EXPECT_EQ(scope(default_home(), "10.0.0.1", "240.0.0.1"), Scope::kOutbound);
  EXPECT_EQ(scope(default_home(), "10.0.0.1", "0.0.0.1"), Scope::kOutbound);
  EXPECT_EQ(scope(default_home(), "fd00::1", "fec0::1"), Scope::kOutbound);
}

TEST(HomeNetworks, a_home_of_all_ipv6_leaves_ipv4_outside) {
  const HomeNetworks home({{.home = ranges({"::/0"})}});
  EXPECT_TRUE(home.is_home(0, at("2001:db8::1")));
  EXPECT_FALSE(home.is_home(0, at("10.0.0.1")));
}

TEST(HomeNetworks, membership_equals_a_walk_over_the_ranges_for_random_tables) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Network network;
    for (int i = 0; i < 20; ++i) {
      const uint64_t prefix = random() % 33;
      const uint64_t size = 1ull << (32 - prefix);
      // Few first bytes, so that ranges overlap, nest and touch.
      const uint32_t low =
          static_cast<uint32_t>((random() & 0x03ffffffu) & ~static_cast<uint32_t>(size - 1));
      network.home.push_back(
          {IpAddress::v4(low), IpAddress::v4(static_cast<uint32_t>(low + (size - 1)))});
      const uint64_t high = uint64_t{random() % 4} << 62 | random() % 8;
      network.home.push_back({{high, random() % 4}, {high + random() % 3, UINT64_MAX}});
    }
    const HomeNetworks home({network});
    for (int i = 0; i < 2000; ++i) {
      const IpRange& near = network.home[random() % network.home.size()];
      IpAddress address = random() % 2 == 0 ? near.first : near.last;
      address.low += random() % 3 - 1u;
      const bool expected = std::ranges::any_of(network.home, [&](const IpRange& range) {
        return range.contains(address) && range.first.is_v4() == address.is_v4();
      });
      EXPECT_EQ(home.is_home(0, address), expected) << to_string(address);
    }
  }
}

TEST(HomeNetworks, a_frame_belongs_to_the_network_of_its_vni_else_vlan_else_port) {
  const HomeNetworks home({{.name = "default"},
                           {.name = "by port", .ports = {3}},
                           {.name = "by vlan", .vlans = {100, 4094}},
                           {.name = "by vni", .vnis = {70000, 5}}});
  EXPECT_EQ(home.network_of(0, 0, 0), 0);
  EXPECT_EQ(home.network_of(3, 0, 0), 1);
  EXPECT_EQ(home.network_of(3, 100, 0), 2);
  EXPECT_EQ(home.network_of(3, 4094, 6), 2);
  EXPECT_EQ(home.network_of(3, 100, 70000), 3);
  EXPECT_EQ(home.network_of(4, 101, 5), 3);
  EXPECT_EQ(home.network_of(65535, 4095, 16777215), 0);
}

TEST(HomeNetworks, the_same_address_is_at_home_in_one_network_and_outside_in_another) {
  const HomeNetworks home({{.name = "default", .home = ranges({"10.0.0.0/8"})},
                           {.name = "lab", .vlans = {7}, .home = ranges({"192.0.2.0/24"})}});
  EXPECT_TRUE(home.is_home(0, at("10.1.1.1")));
  EXPECT_FALSE(home.is_home(1, at("10.1.1.1")));
  EXPECT_TRUE(home.is_home(1, at("192.0.2.9")));
}

TEST(HomeNetworks, contradictory_tables_are_refused_with_place_value_and_remedy) {
  EXPECT_EQ(refusal({}), "[[networks]]: 0 tables; write between 1 and 65534");
  EXPECT_EQ(refusal({{.name = "a", .vlans = {7}}}),
            "[[networks]]: every network names ports, VLANs or VNIs; add one that names none and "
            "takes the rest");
  EXPECT_EQ(
      refusal({{.name = "a"}, {.name = "b"}}),
      "[[networks]] \"b\" and \"a\" both name no port, VLAN or VNI; leave one default network");
  EXPECT_EQ(refusal({{.name = "a"}, {.name = "a", .ports = {1}}}),
            "[[networks]] \"a\": the name is taken; give each its own");
  EXPECT_EQ(refusal({{}, {.name = "a", .vlans = {7}}, {.name = "b", .vlans = {8, 7}}}),
            "[[networks]] \"b\": VLAN 7 is already taken by \"a\"; name it in one of them");
  EXPECT_EQ(refusal({{}, {.name = "a", .ports = {7}}, {.name = "b", .ports = {7}}}),
            "[[networks]] \"b\": port 7 is already taken by \"a\"; name it in one of them");
  EXPECT_EQ(refusal({{}, {.name = "a", .vnis = {7}}, {.name = "b", .vnis = {7}}}),
            "[[networks]] \"b\": VNI 7 is already taken by \"a\"; name it in one of them");
  EXPECT_EQ(refusal({{}, {.name = "a", .vlans = {4095}}}),
            "[[networks]] \"a\": VLAN 4095 does not exist; write 1 to 4094");
  EXPECT_EQ(refusal({{}, {.name = "a", .vnis = {16777216}}}),
            "[[networks]] \"a\": VNI 16777216 does not exist; write 1 to 16777215");
  EXPECT_EQ(refusal({{.home = {{at("10.0.0.9"), at("10.0.0.1")}}}}),
            "[[networks]] \"default\": home range 10.0.0.9 to 10.0.0.1 is empty; swap its ends");
}

}  // namespace
}  // namespace weir
