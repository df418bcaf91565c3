// Records of the judge: allocated in blocks up to a limit, found through a keyed hash.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace weir {

inline constexpr uint32_t kNoRecord = UINT32_MAX;

/// Numbered records that never move. Memory grows a block at a time up to what `limit` records
/// take; freed records are used again first.
template <class Record>
class RecordStore {
 public:
  explicit RecordStore(uint32_t limit) : limit_(limit) {}

  Record& operator[](uint32_t number) { return blocks_[number / kBlock][number % kBlock]; }
  const Record& operator[](uint32_t number) const {
    return blocks_[number / kBlock][number % kBlock];
  }

  /// A record in its initial state, or kNoRecord when `limit` are in use.
  uint32_t take() {
    if (!free_.empty()) {
      const uint32_t number = free_.back();
      free_.pop_back();
      (*this)[number] = Record{};
      return number;
    }
    if (end_ == limit_) return kNoRecord;
    cover(end_);
    return end_++;
  }

  /// Takes the memory of all records now, so that the resident size does not move later.
  void reserve() {
    for (uint32_t number = 0; number < limit_; number += kBlock) cover(number);
    free_.reserve(limit_);
  }

  void give_back(uint32_t number) { free_.push_back(number); }

  /// Makes `number` addressable without taking it; for stores that are addressed from outside.
  void cover(uint32_t number) {
    while (blocks_.size() <= number / kBlock) blocks_.push_back(nullptr);
    auto& block = blocks_[number / kBlock];
    if (!block) block = std::make_unique<Record[]>(kBlock);
  }

  uint32_t end() const { return end_; }  // all numbers ever taken are below
  uint32_t used() const { return end_ - static_cast<uint32_t>(free_.size()); }

 private:
  // Large enough that the rounding of a block to pages adds little to a record.
  static constexpr uint32_t kBlock = 1024;
  std::vector<std::unique_ptr<Record[]>> blocks_;
  std::vector<uint32_t> free_;
  uint32_t end_ = 0;
  uint32_t limit_;
};

/// Open addressing with linear probing and backward-shift deletion (Knuth, TAOCP 6.4, algorithm
/// R): at most half full, doubled as it fills. Holds the hash beside the record's number.
class RecordIndex {
 public:
  static constexpr uint32_t kSlotBytes = 8;

  RecordIndex() : slots_(kFirstSlots) {}

  template <class Match>
  uint32_t find(uint32_t hash, const Match& match) const {
    for (uint32_t at = hash & mask(); slots_[at].number != kNoRecord; at = (at + 1) & mask())
      if (slots_[at].hash == hash && match(slots_[at].number)) return slots_[at].number;
    return kNoRecord;
  }

  /// The memory for `records` at half load, now.
  void reserve(uint32_t records) {
    while (slots_.size() < 2 * size_t{records}) grow();
  }

  void insert(uint32_t hash, uint32_t number) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    place({hash, number});
    ++used_;
  }

  void erase(uint32_t hash, uint32_t number) {
    uint32_t hole = hash & mask();
    while (slots_[hole].number != number) hole = (hole + 1) & mask();
    for (uint32_t at = (hole + 1) & mask(); slots_[at].number != kNoRecord;
         at = (at + 1) & mask()) {
      // An entry may move back into the hole unless its home lies behind the hole.
      const uint32_t from_home = (at - slots_[at].hash) & mask();
      if (from_home < ((at - hole) & mask())) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = Slot{};
    --used_;
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t number = kNoRecord;
  };
  static_assert(sizeof(Slot) == kSlotBytes);
  static constexpr uint32_t kFirstSlots = 1024;

  uint32_t mask() const { return static_cast<uint32_t>(slots_.size()) - 1; }
  void place(Slot slot) {
    uint32_t at = slot.hash & mask();
    while (slots_[at].number != kNoRecord) at = (at + 1) & mask();
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.number != kNoRecord) place(slot);
  }

  std::vector<Slot> slots_;
  uint32_t used_ = 0;
};

}  // namespace weir
