// The decoder and its slow twin agree on every field of random, damaged and hostile frames.
#include <gtest/gtest.h>

#include <array>

#include "tests/flowtable/decoded.h"
#include "tests/flowtable/random_frames.h"
#include "tests/flowtable/slow_decoder.h"

namespace weir {
namespace {

constexpr int kRounds = 150;
constexpr int kFramesPerRound = 1000;

std::vector<Network> random_networks(std::mt19937& random) {
  std::vector<Network> networks{{.home = default_home_ranges()}};
  if (random() % 2 == 0)
    networks.push_back({.name = "other",
                        .ports = {2},
                        .vlans = {3, 4},
                        .vnis = {5, 6},
                        .home = ranges_of({"192.0.2.0/24", "2001:db8::/64"})});
  return networks;
}

TEST(DecodeDifferential, the_decoder_equals_its_slow_twin_on_random_and_damaged_frames) {
  std::array<int, kDropReasons + 1> seen{};
  int tunnels = 0, agreed_inside = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::mt19937 random(static_cast<unsigned>(round));
    const std::vector<Network> networks = random_networks(random);
    DecodeOptions options{.decode_depth =
                              random() % 4 == 0 ? static_cast<uint32_t>(random() % 4) : 8};
    if (random() % 3 == 0) options.decap = ranges_of({"::/0"});
    if (random() % 3 == 0) options.decap = ranges_of({"192.0.2.0/24", "2001:db8::9"});
    const HomeNetworks home(networks);
    const Decoder decoder(home, options);
    for (int i = 0; i < kFramesPerRound; ++i) {
      const RandomFrame made = random_frame(random);
      const Frame frame = frame_of(made);
      Packet fast;
      decoder.decode({&frame, 1}, &fast);
      const Packet slow = slow_decode(frame, networks, options);
      ASSERT_EQ(difference(fast, slow), "") << "round " << round << " frame " << i;
      ++seen[static_cast<size_t>(fast.drop)];
      tunnels += fast.inner_tunnel != TunnelKind::kNone ? 1 : 0;
      agreed_inside += fast.outer_tunnel != TunnelKind::kNone ? 1 : 0;
    }
  }
  // The comparison is only worth something if it reaches what it is about.
  EXPECT_GT(seen[static_cast<size_t>(DropReason::kNone)], kRounds * kFramesPerRound / 2);
  for (const DropReason reason : {DropReason::kLinkMalformed, DropReason::kTunnelMalformed,
                                  DropReason::kIpMalformed, DropReason::kNotIp})
    EXPECT_GT(seen[static_cast<size_t>(reason)], 100) << static_cast<int>(reason);
  EXPECT_GT(tunnels, 1000);
  EXPECT_GT(agreed_inside, 1000);
}

TEST(DecodeDifferential, the_decoder_equals_its_slow_twin_at_every_cut_of_a_frame) {
  const std::vector<Network> networks{{.home = default_home_ranges()}};
  const HomeNetworks home(networks);
  const DecodeOptions options;
  const Decoder decoder(home, options);
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    const RandomFrame made = random_frame(random);
    for (size_t held = 0; held <= made.bytes.size(); ++held) {
      const Bytes cut(made.bytes.begin(), made.bytes.begin() + static_cast<ptrdiff_t>(held));
      Frame frame = frame_of(made);
      frame.data = cut.data();  // of its own, so that a sanitizer sees a read beyond
      frame.contiguous_bytes = frame.captured_bytes = static_cast<uint32_t>(held);
      Packet fast;
      decoder.decode({&frame, 1}, &fast);
      ASSERT_EQ(difference(fast, slow_decode(frame, networks, options)), "") << i << " at " << held;
    }
  }
}

}  // namespace
}  // namespace weir
