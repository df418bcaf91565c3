// The first stamp of a connection is kept in the spare bytes of its record.
#include "flowtable/connection_record.h"

namespace weir {

void ConnectionCold::set_first_seen(uint64_t time_ns) noexcept {
  const uint64_t tick = time_ns >> kFirstTickShift;
  for (int i = 0; i < 3; ++i) first_tick_low[i] = static_cast<uint8_t>(tick >> (8 * i));
  for (int i = 0; i < kSides; ++i)
    side[i].first_tick_part = static_cast<uint8_t>(tick >> (24 + 8 * i));
}

uint64_t ConnectionCold::first_seen_ns() const noexcept {
  uint64_t tick = 0;
  for (int i = 0; i < 3; ++i) tick |= static_cast<uint64_t>(first_tick_low[i]) << (8 * i);
  for (int i = 0; i < kSides; ++i)
    tick |= static_cast<uint64_t>(side[i].first_tick_part) << (24 + 8 * i);
  return tick << kFirstTickShift;
}

}  // namespace weir
