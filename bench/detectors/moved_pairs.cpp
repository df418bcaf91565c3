// Totals of many pairs that move between sweeps, as a shard's readers would copy them.
#include "bench/detectors/moved_pairs.h"

namespace weir {

IpAddress MovedPairs::host_of(uint32_t number) {
  return IpAddress::v4(0x0a000000 + number / kPairsPerHost);
}

IpAddress MovedPairs::destination_of(uint32_t number) {
  constexpr uint32_t kGroup = kPairsPerHost * kPairsPerHost;
  return IpAddress::v4(0x2d000000 + number / kGroup * kPairsPerHost + number % kPairsPerHost);
}

MovedPairs::MovedPairs(uint32_t pairs) : totals_(pairs) {
  for (uint32_t number = 0; number < pairs; ++number) {
    TotalSnapshot& total = totals_[number];
    total.id = {number, 1};
    total.scope = Scope::kOutbound;
    total.host = host_of(number);
    total.destination = destination_of(number);
    total.protocol = kProtocolTcp;
    total.destination_port = 443;
    total.connections = 1;
  }
}

void MovedPairs::grow(uint32_t number, const PairMove& move) {
  TotalSnapshot& total = totals_[number];
  const uint64_t out_bytes = move.pushed_bytes + move.served_bytes;
  const auto grow_direction = [](DirectionCounts& counts, uint64_t bytes) {
    counts.packets += bytes > 0 ? 1 : 0;
    counts.payload_low_bytes += bytes;
    counts.payload_high_bytes += bytes;
  };
  grow_direction(total.out, out_bytes);
  grow_direction(total.served, move.served_bytes);
  grow_direction(total.in, move.received_bytes);
}

SweepView MovedPairs::sweep(Windows& windows, uint64_t now_s, bool last) const {
  windows.begin_sweep(now_s * 1'000'000'000);
  for (const TotalSnapshot& total : totals_) windows.observe(total);
  return windows.end_sweep({}, last);
}

}  // namespace weir
