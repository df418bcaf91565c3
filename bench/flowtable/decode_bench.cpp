// Decoding alone: bursts of frames that lie in the cache, by what they carry.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "flowtable/decode.h"
#include "flowtable/shard.h"

namespace weir {
namespace {

using Bytes = std::vector<uint8_t>;

void append(Bytes& bytes, std::initializer_list<int> values) {
  for (const int value : values) bytes.push_back(static_cast<uint8_t>(value));
}

void append16(Bytes& bytes, size_t value) {
  append(bytes, {static_cast<int>(value >> 8 & 0xff), static_cast<int>(value & 0xff)});
}

void append_ethernet(Bytes& bytes, int ether_type) {
  append(bytes, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ether_type >> 8, ether_type & 0xff});
}

void append_ipv4(Bytes& bytes, uint8_t protocol, size_t carried_bytes, int host) {
  append(bytes, {0x45, 0});
  append16(bytes, 20 + carried_bytes);
  append(bytes, {0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, host, 93, 184, 216, 34});
}

Bytes tcp_payload() {
  Bytes bytes;
  append(bytes, {0xc0, 0, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0});
  bytes.resize(20 + 600, 'w');
  return bytes;
}

Bytes tcp_over_ipv4(bool tagged) {
  Bytes frame;
  append_ethernet(frame, tagged ? 0x8100 : 0x0800);
  if (tagged) append(frame, {0, 42, 8, 0});
  const Bytes carried = tcp_payload();
  append_ipv4(frame, kProtocolTcp, carried.size(), 1);
  frame.insert(frame.end(), carried.begin(), carried.end());
  return frame;
}

Bytes tcp_over_ipv6() {
  Bytes frame;
  append_ethernet(frame, 0x86dd);
  const Bytes carried = tcp_payload();
  append(frame, {0x60, 0, 0, 0});
  append16(frame, carried.size());
  append(frame, {kProtocolTcp, 64});
  append(frame, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  append(frame, {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  frame.insert(frame.end(), carried.begin(), carried.end());
  return frame;
}

/// Between home hosts, so that the pair inside, which leaves home, is the one that counts.
Bytes tcp_in_vxlan() {
  const Bytes inside = tcp_over_ipv4(false);
  Bytes frame;
  append_ethernet(frame, 0x0800);
  append(frame, {0x45, 0});
  append16(frame, 20 + 8 + 8 + inside.size());
  append(frame, {0, 1, 0, 0, 64, kProtocolUdp, 0, 0, 10, 0, 1, 1, 10, 0, 1, 2});
  append(frame, {0xc0, 1, 0x12, 0xb5});
  append16(frame, 8 + 8 + inside.size());
  append(frame, {0, 0, 8, 0, 0, 0, 0, 0, 7, 0});
  frame.insert(frame.end(), inside.begin(), inside.end());
  return frame;
}

void decode_burst(benchmark::State& state, const Bytes& frame) {
  const Network network{.name = "default",
                        .home = {*parse_cidr("10.0.0.0/8"), *parse_cidr("fd00::/8")}};
  const HomeNetworks home({network});
  const Decoder decoder(home, {});
  std::array<Bytes, kBurstPackets> copies;
  std::array<Frame, kBurstPackets> frames;
  for (uint32_t i = 0; i < kBurstPackets; ++i) {
    copies[i] = frame;
    frames[i].data = copies[i].data();
    frames[i].contiguous_bytes = frames[i].captured_bytes = frames[i].frame_bytes =
        static_cast<uint32_t>(frame.size());
  }
  std::array<Packet, kBurstPackets> packets;
  decoder.decode(frames, packets.data());
  for (const Packet& packet : packets) {
    if (packet.drop != DropReason::kNone || packet.scope != Scope::kOutbound ||
        packet.payload_bytes != 600 || packet.destination_port != 443) {
      state.SkipWithError("a packet is not what its frame holds; nothing was timed");
      return;
    }
  }
  for (auto _ : state) {
    decoder.decode(frames, packets.data());
    benchmark::DoNotOptimize(packets);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kBurstPackets);
  state.counters["packet_time"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kBurstPackets,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(decode_burst, tcp_over_ipv4, tcp_over_ipv4(false));
BENCHMARK_CAPTURE(decode_burst, tcp_over_ipv4_tagged, tcp_over_ipv4(true));
BENCHMARK_CAPTURE(decode_burst, tcp_over_ipv6, tcp_over_ipv6());
BENCHMARK_CAPTURE(decode_burst, tcp_in_vxlan, tcp_in_vxlan());

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
