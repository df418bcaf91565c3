// HOT. The heavy-hitter sketch of pairs without a total.
#include "flowtable/heavy_hitters.h"

#include <algorithm>

namespace weir {

HeavyHitters::HeavyHitters(uint32_t counters)
    : groups_(counters / kGroupCounters), group_(std::make_unique<Group[]>(groups_)) {}

uint64_t HeavyHitters::add(uint64_t pair_hash, uint64_t bytes) noexcept {
  Group& group = group_[(pair_hash >> 32) & (groups_ - 1)];
  uint32_t smallest = 0;
  for (uint32_t i = 0; i < kGroupCounters; ++i) {
    if (group.hash[i] == pair_hash) {
      group.count[i] += bytes;
      return group.count[i] - group.error[i];
    }
    if (group.count[i] < group.count[smallest]) smallest = i;
  }
  if (bytes == 0) return 0;  // nothing sent: no reason to displace anybody
  group.hash[smallest] = pair_hash;
  group.error[smallest] = group.count[smallest];
  group.count[smallest] += bytes;
  error_bytes_ = std::max(error_bytes_, group.error[smallest]);
  return bytes;
}

void HeavyHitters::remove(uint64_t pair_hash) noexcept {
  Group& group = group_[(pair_hash >> 32) & (groups_ - 1)];
  for (uint32_t i = 0; i < kGroupCounters; ++i)
    if (group.hash[i] == pair_hash) {
      group.hash[i] = 0;  // the count stays: who comes next may have been pushed out below it
      group.error[i] = group.count[i];
    }
}

void HeavyHitters::clear() noexcept {
  std::fill_n(group_.get(), groups_, Group{});
  error_bytes_ = 0;
}

}  // namespace weir
