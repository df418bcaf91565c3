// A pair's lane is the one a NIC with the same key would choose.
#include "sensor/lane_map.h"

#include <gtest/gtest.h>
#include <rte_thash.h>

#include <random>
#include <vector>

namespace weir {
namespace {

/// DPDK's own Toeplitz hash over the addresses as a NIC sees them: IPv4 is four bytes.
uint32_t hash_of_nic(const IpAddress& source, const IpAddress& destination) {
  uint8_t key[LaneMap::kKeyBytes];
  for (uint32_t i = 0; i < LaneMap::kKeyBytes; ++i) key[i] = LaneMap::key_byte(i);
  std::vector<uint32_t> words;
  for (const IpAddress& address : {source, destination}) {
    if (!address.is_v4()) {
      words.push_back(static_cast<uint32_t>(address.high >> 32));
      words.push_back(static_cast<uint32_t>(address.high));
      words.push_back(static_cast<uint32_t>(address.low >> 32));
    }
    words.push_back(static_cast<uint32_t>(address.low));
  }
  return rte_softrss(words.data(), static_cast<uint32_t>(words.size()), key);
}

IpAddress random_address(std::mt19937_64& random, bool v4) {
  if (v4) return IpAddress::v4(static_cast<uint32_t>(random()));
  return {random(), random()};
}

TEST(LaneMap, a_pairs_lane_is_that_of_a_NIC_with_the_same_key_in_either_direction) {
  std::mt19937_64 random(7);
  for (const uint16_t lanes : std::initializer_list<uint16_t>{1, 2, 3, 4, 7, 16, 64}) {
    const LaneMap map(lanes);
    for (int i = 0; i < 2000; ++i) {
      const bool v4 = i % 2 == 0;
      const IpAddress one = random_address(random, v4), other = random_address(random, v4);
      const uint16_t lane = map.lane_of(one, other);
      ASSERT_EQ(lane, map.lane_of(other, one));
      ASSERT_EQ(lane, map.lane_of_entry(hash_of_nic(one, other)));
      ASSERT_EQ(lane, map.lane_of_entry(hash_of_nic(other, one)));
      ASSERT_LT(lane, lanes);
    }
  }
}

TEST(LaneMap, neighbours_are_spread_over_all_lanes) {
  const LaneMap map(4);
  std::vector<int> pairs(4, 0);
  for (uint32_t host = 0; host < 64; ++host)
    for (uint32_t destination = 0; destination < 64; ++destination)
      ++pairs[map.lane_of(IpAddress::v4(0x0a140000 + host),
                          IpAddress::v4(0xcb007100 + destination))];
  for (const int count : pairs) EXPECT_NEAR(count, 1024, 256);
}

TEST(LaneMap, more_lanes_than_it_has_room_for_are_refused) {
  EXPECT_THROW(LaneMap(0), std::invalid_argument);
  EXPECT_THROW(LaneMap(65), std::invalid_argument);
}

}  // namespace
}  // namespace weir
