// A burst of frames, and the frames of chained mbufs.
#include "flowtable/decode.h"

#include <gtest/gtest.h>

#include "tests/flowtable/decoded.h"

namespace weir {
namespace {

TEST(Decode, every_frame_of_a_burst_gets_its_packet) {
  std::vector<Bytes> bytes;
  std::vector<Frame> frames;
  for (uint16_t i = 0; i < 32; ++i)
    bytes.push_back(
        PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.9").udp(1, i).fill(i).build());
  for (const Bytes& one : bytes) frames.push_back(frame_of(one));
  for (size_t i = 0; i < frames.size(); ++i) frames[i].time_ns = 1000 + i;
  const HomeNetworks home({{.home = default_home_ranges()}});
  const Decoder decoder(home, {});
  std::vector<Packet> packets(33);
  packets[32].destination_port = 77;
  decoder.decode(frames, packets.data());
  for (uint16_t i = 0; i < 32; ++i) {
    EXPECT_EQ(packets[i].destination_port, i);
    EXPECT_EQ(packets[i].payload_bytes, i);
    EXPECT_EQ(packets[i].time_ns, 1000u + i);
  }
  EXPECT_EQ(packets[32].destination_port, 77);
  decoder.decode({}, packets.data());
}

TEST(Decode, only_the_first_segment_of_a_chain_is_read_and_all_of_it_is_counted) {
  const Bytes bytes =
      PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.9").tcp(1, 2).fill(4000).build();
  const Bytes first_segment(bytes.begin(), bytes.begin() + 128);  // nothing behind it
  Frame frame = frame_of(bytes);
  frame.data = first_segment.data();
  frame.contiguous_bytes = 128;
  const Packet packet = decoded(frame);
  EXPECT_EQ(packet.ip_bytes, 4040u);
  EXPECT_EQ(packet.payload_bytes, 4000u);
  EXPECT_EQ(packet.readable_bytes, 114u);
}

TEST(Decode, a_local_pair_is_never_the_one_that_leaves_home) {
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .ipv4("10.0.0.1", "239.1.1.1")
                          .vxlan(7)
                          .ethernet()
                          .ipv4("10.0.0.1", "192.0.2.9")
                          .udp(1, 2)
                          .build();
  EXPECT_EQ(decoded(frame).destination, ip_of("192.0.2.9"));
  EXPECT_EQ(decoded(frame, {.decode_depth = 0}).scope, Scope::kLocal);
}

}  // namespace
}  // namespace weir
