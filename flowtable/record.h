// HOT. Records that one thread writes and any thread copies: a version in each, no lock, no fence.
//
// The writer makes the version odd, stores the words, makes it even again. Every store of a word is
// a release, every load by a reader an acquire. So a reader that has seen any word of a write has
// also seen that the version went odd before it: on its second look at the version it finds a
// change and tries again. A reader that finds the same even version twice has words of one write.
// No fence is needed (and ThreadSanitizer, which knows none, can follow); on x86-64 all of these
// are plain moves. The writer reads its own words relaxed: nobody else writes them.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <thread>
#include <type_traits>

#include "flowtable/fixed_memory.h"

namespace weir {

/// How often a reader looks before it lets the writer have its CPU.
inline constexpr int kTriesBetweenYields = 256;

/// A POD of whole 64-bit words, stored as atomic words.
template <typename T>
struct SharedWords {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
  static_assert(sizeof(std::atomic<uint64_t>) == 8 && std::atomic<uint64_t>::is_always_lock_free);
  static constexpr size_t kWords = sizeof(T) / 8;
  std::atomic<uint64_t> words[kWords];

  /// The writer's copy. It races with nobody's write, so it may be read in one piece: loading words
  /// into a copy and the copy into wide registers would wait for the words to leave the core.
  T own() const noexcept {
    T value;
    std::memcpy(static_cast<void*>(&value), static_cast<const void*>(words), sizeof(T));
    return value;
  }
  T load(std::memory_order order) const noexcept {
    uint64_t copy[kWords];
    for (size_t i = 0; i < kWords; ++i) copy[i] = words[i].load(order);
    T value;
    std::memcpy(static_cast<void*>(&value), copy, sizeof(T));
    return value;
  }
  void store(const T& value, size_t first_word = 0) noexcept {
    uint64_t copy[kWords];
    std::memcpy(copy, &value, sizeof(T));
    for (size_t i = first_word; i < kWords; ++i) words[i].store(copy[i], std::memory_order_release);
  }
};

/// An array of records, each a hot part of one cache line, whose first 32 bits are the version, and
/// a cold part. `Hot` has a member `uint32_t version` at offset 0.
template <typename Hot, typename Cold>
class RecordArray {
  static_assert(sizeof(Hot) == 64, "the hot part of a record is one cache line");

 public:
  explicit RecordArray(uint32_t records)
      : records_(records),
        hot_memory_(size_t{records} * sizeof(Hot)),
        cold_memory_(size_t{records} * sizeof(Cold)),
        hot_(static_cast<SharedWords<Hot>*>(hot_memory_.data())),
        cold_(static_cast<SharedWords<Cold>*>(cold_memory_.data())) {}

  uint32_t records() const noexcept { return records_; }

  void prefetch(uint32_t slot) const noexcept { __builtin_prefetch(&hot_[slot], 1); }
  void prefetch_cold(uint32_t slot) const noexcept { __builtin_prefetch(&cold_[slot], 1); }

  // ---- the writer ----
  Hot own_hot(uint32_t slot) const noexcept { return hot_[slot].own(); }
  Cold own_cold(uint32_t slot) const noexcept { return cold_[slot].own(); }
  /// One word of the hot part, for a look before the whole is loaded.
  uint64_t own_word(uint32_t slot, size_t word) const noexcept {
    return hot_[slot].words[word].load(std::memory_order_relaxed);
  }
  void write(uint32_t slot, Hot& hot) noexcept {
    open(slot, hot);
    close(slot, hot);
  }
  void write(uint32_t slot, Hot& hot, const Cold& cold) noexcept {
    open(slot, hot);
    cold_[slot].store(cold);
    close(slot, hot);
  }
  /// A change of a few words where they lie: begin, set_word for each, end. Faster than a copy that
  /// is changed field by field and stored word by word, since such a store waits for the fields.
  void begin(uint32_t slot) noexcept {
    hot_[slot].words[0].store(own_word(slot, 0) | 1, std::memory_order_relaxed);
  }
  void set_word(uint32_t slot, size_t word, uint64_t value) noexcept {
    hot_[slot].words[word].store(value, std::memory_order_release);
  }
  void end(uint32_t slot) noexcept {
    const uint64_t word = own_word(slot, 0);
    const auto version = static_cast<uint32_t>(word) + 1;
    hot_[slot].words[0].store((word >> 32) << 32 | version, std::memory_order_release);
  }

  // ---- any reader ----
  /// One word of the hot part as it is now; consistent with nothing else.
  uint64_t peek_word(uint32_t slot, size_t word) const noexcept {
    return hot_[slot].words[word].load(std::memory_order_acquire);
  }
  /// A copy of both parts from one write. Waits out a write under way: nanoseconds, unless the
  /// writer lost its CPU in the middle of one; then the reader gives up its own for a while.
  void read(uint32_t slot, Hot& hot, Cold& cold) const noexcept {
    for (int tries = 1;; ++tries) {
      hot = hot_[slot].load(std::memory_order_acquire);
      if ((hot.version & 1) == 0) {
        cold = cold_[slot].load(std::memory_order_acquire);
        const uint64_t again = hot_[slot].words[0].load(std::memory_order_relaxed);
        if (static_cast<uint32_t>(again) == hot.version) return;
      }
      if (tries % kTriesBetweenYields == 0) std::this_thread::yield();
    }
  }

 private:
  void open(uint32_t slot, Hot& hot) noexcept {
    hot.version |= 1;
    hot_[slot].words[0].store(first_word(hot), std::memory_order_relaxed);
  }
  void close(uint32_t slot, Hot& hot) noexcept {
    hot_[slot].store(hot, 1);
    hot.version += 1;
    hot_[slot].words[0].store(first_word(hot), std::memory_order_release);
  }
  static uint64_t first_word(const Hot& hot) noexcept {
    uint64_t word;
    std::memcpy(&word, &hot, sizeof(word));
    return word;
  }

  uint32_t records_;
  FixedMemory hot_memory_;
  FixedMemory cold_memory_;
  SharedWords<Hot>* hot_;
  SharedWords<Cold>* cold_;
};

/// One record that is larger than a line and rarely read: version beside the words.
template <typename T>
class SharedValue {
 public:
  void write(const T& value) noexcept {
    version_.store(++own_version_, std::memory_order_relaxed);
    value_.store(value);
    version_.store(++own_version_, std::memory_order_release);
  }
  T read() const noexcept {
    for (int tries = 1;; ++tries) {
      const uint64_t before = version_.load(std::memory_order_acquire);
      const T copy = value_.load(std::memory_order_acquire);
      if ((before & 1) == 0 && version_.load(std::memory_order_relaxed) == before) return copy;
      if (tries % kTriesBetweenYields == 0) std::this_thread::yield();
    }
  }

 private:
  std::atomic<uint64_t> version_{0};
  SharedWords<T> value_{};
  uint64_t own_version_ = 0;
};

}  // namespace weir
