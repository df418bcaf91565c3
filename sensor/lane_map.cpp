// The tables behind a pair's lane.
#include "sensor/lane_map.h"

#include <stdexcept>

namespace weir {
namespace {

/// 32 bits of the key from bit `first` on, counted from the most significant.
uint32_t key_window(uint32_t first) {
  uint32_t window = 0;
  for (uint32_t bit = first; bit < first + 32; ++bit)
    window = window << 1 | (uint32_t{LaneMap::key_byte(bit / 8)} >> (7 - bit % 8) & 1);
  return window;
}

/// Toeplitz: the key's windows of all bits that are set, most significant bit first.
uint32_t hash_of_byte(uint32_t byte, uint32_t first_bit) {
  uint32_t hash = 0;
  for (uint32_t bit = 0; bit < 8; ++bit)
    if ((byte >> (7 - bit) & 1) != 0) hash ^= key_window(first_bit + bit);
  return hash;
}

}  // namespace

LaneMap::LaneMap(uint16_t lanes) {
  if (lanes == 0 || lanes > kLanesMax) throw std::invalid_argument("LaneMap: 1 to 64 lanes");
  static_assert(kEntries <= 256, "an index into the table is a byte");
  for (uint32_t byte = 0; byte < 256; ++byte) {
    hash_of_high_[byte] = static_cast<uint8_t>(hash_of_byte(byte, 0) % kEntries);
    hash_of_low_[byte] = static_cast<uint8_t>(hash_of_byte(byte, 8) % kEntries);
  }
  for (uint32_t entry = 0; entry < kEntries; ++entry)
    lane_of_entry_[entry] = static_cast<uint8_t>(entry % lanes);
}

}  // namespace weir
