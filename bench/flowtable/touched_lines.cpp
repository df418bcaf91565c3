// HOT. The floor: the cache lines a packet needs, read and written, and nothing else.
#include "bench/flowtable/touched_lines.h"

#include "flowtable/hash_index.h"

namespace weir {

TouchedLines::TouchedLines(uint32_t records, uint32_t totals)
    : buckets_(size_t{records} * HashIndex::kBytesPerRecord / sizeof(Line)),
      records_(records),
      totals_(totals),
      bucket_memory_(buckets_ * sizeof(Line)),
      record_memory_(size_t{records} * sizeof(Line)),
      total_memory_(size_t{totals} * sizeof(Line)),
      bucket_(static_cast<Line*>(bucket_memory_.data())),
      record_(static_cast<Line*>(record_memory_.data())),
      total_(static_cast<Line*>(total_memory_.data())) {}

void TouchedLines::update(const TrafficBurst& burst) noexcept {
  for (const uint64_t bucket : burst.buckets) __builtin_prefetch(&bucket_[bucket & (buckets_ - 1)]);
  for (const uint32_t record : burst.connections) __builtin_prefetch(&record_[record], 1);
  if (totals_ != 0) {
    for (const uint32_t record : burst.connections)
      __builtin_prefetch(&total_[record / kConnectionsPerTotal], 1);
  }
  uint64_t seen = 0;
  for (uint32_t i = 0; i < kBurstPackets; ++i) {
    seen += bucket_[burst.buckets[i] & (buckets_ - 1)].word[0];
    record_[burst.connections[i]].word[0] += 1;
    if (totals_ != 0) total_[burst.connections[i] / kConnectionsPerTotal].word[0] += 1;
  }
  seen_ += seen;
}

uint64_t TouchedLines::writes() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < records_; ++i) sum += record_[i].word[0];
  for (uint32_t i = 0; i < totals_; ++i) sum += total_[i].word[0];
  return sum;
}

}  // namespace weir
