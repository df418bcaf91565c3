// HOT. From a keyed hash to a slot: buckets of one cache line, eight bytes a record.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstdint>

#include "flowtable/fixed_memory.h"

namespace weir {

/// Maps 64-bit keyed hashes to slots 0..records-1. Writer only: readers walk the records. An entry
/// is 32 bits: the slot, and above it as many bits of the hash as fit, as a tag; 0 is empty. There
/// are two entries a record, so at most half are in use: a bucket of 16 then overflows for one key
/// in some hundreds, which goes to the bucket's neighbour (the other half of a 128-byte pair).
class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kBucketEntries = 16;
  static constexpr size_t kBytesPerRecord = 2 * sizeof(uint32_t);

  /// `records`: power of two, 16 .. 2^28.
  explicit HashIndex(uint32_t records)
      : slot_mask_(records - 1),
        bucket_mask_(records / kBucketEntries * 2 - 1),
        memory_(size_t{records} * kBytesPerRecord),
        entries_(static_cast<uint32_t*>(memory_.data())),
        spilled_memory_(bucket_mask_ / 8 + 8),
        spilled_(static_cast<uint64_t*>(spilled_memory_.data())) {}

  void prefetch(uint64_t hash) const noexcept { __builtin_prefetch(bucket(hash)); }

  /// The slot whose record `matches(slot)`, or kNone. `matches` decides; the tag only sifts.
  template <typename Matches>
  uint32_t find(uint64_t hash, Matches matches) const noexcept {
    const uint32_t slot = find_in(bucket(hash), hash, matches);
    if (slot != kNone || !spilled(hash)) [[likely]]
      return slot;
    return find_in(neighbour(hash), hash, matches);
  }

  /// The first slot whose tag fits, unchecked: a hint what to prefetch. kNone if none fits.
  uint32_t hint(uint64_t hash) const noexcept {
    return find_in(bucket(hash), hash, [](uint32_t) { return true; });
  }

  /// False when the bucket and its neighbour are full. The key must not be in yet.
  bool insert(uint64_t hash, uint32_t slot) noexcept {
    if (put(bucket(hash), hash, slot)) return true;
    if (!put(neighbour(hash), hash, slot)) return false;
    const uint64_t at = hash & bucket_mask_;
    spilled_[at / 64] |= 1ull << (at % 64);
    return true;
  }

  void erase(uint64_t hash, uint32_t slot) noexcept {
    if (!drop(bucket(hash), hash, slot)) drop(neighbour(hash), hash, slot);
  }

 private:
  uint32_t* bucket(uint64_t hash) const noexcept {
    return entries_ + (hash & bucket_mask_) * kBucketEntries;
  }
  uint32_t* neighbour(uint64_t hash) const noexcept {
    return entries_ + ((hash & bucket_mask_) ^ 1) * kBucketEntries;
  }
  bool spilled(uint64_t hash) const noexcept {
    const uint64_t at = hash & bucket_mask_;
    return (spilled_[at / 64] >> (at % 64) & 1) != 0;
  }
  uint32_t tag(uint64_t hash) const noexcept {  // never 0, so that no entry in use is 0
    const auto bits = static_cast<uint32_t>(hash >> 32) & ~slot_mask_;
    return bits != 0 ? bits : slot_mask_ + 1;
  }

  template <typename Matches>
  uint32_t find_in(const uint32_t* entries, uint64_t hash, Matches matches) const noexcept {
    const __m256i wanted = _mm256_set1_epi32(static_cast<int>(tag(hash)));
    const __m256i tags = _mm256_set1_epi32(static_cast<int>(~slot_mask_));
    const auto* vectors = reinterpret_cast<const __m256i*>(entries);
    const __m256i first = _mm256_and_si256(_mm256_load_si256(vectors), tags);
    const __m256i second = _mm256_and_si256(_mm256_load_si256(vectors + 1), tags);
    auto fits = static_cast<uint32_t>(
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(first, wanted))));
    fits |= static_cast<uint32_t>(
                _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(second, wanted))))
            << 8;
    for (; fits != 0; fits &= fits - 1) {
      const uint32_t slot = entries[std::countr_zero(fits)] & slot_mask_;
      if (matches(slot)) return slot;
    }
    return kNone;
  }
  bool put(uint32_t* entries, uint64_t hash, uint32_t slot) const noexcept {
    for (uint32_t i = 0; i < kBucketEntries; ++i) {
      if (entries[i] == 0) {
        entries[i] = tag(hash) | slot;
        return true;
      }
    }
    return false;
  }
  bool drop(uint32_t* entries, uint64_t hash, uint32_t slot) const noexcept {
    for (uint32_t i = 0; i < kBucketEntries; ++i) {
      if (entries[i] == (tag(hash) | slot)) {
        entries[i] = 0;
        return true;
      }
    }
    return false;
  }

  uint32_t slot_mask_;
  uint64_t bucket_mask_;
  FixedMemory memory_;
  uint32_t* entries_;
  FixedMemory spilled_memory_;
  uint64_t* spilled_;  // a bit a bucket: some key of it went to the neighbour
};

}  // namespace weir
