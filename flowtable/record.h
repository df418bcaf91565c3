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
#include <iterator>
#include <thread>
#include <type_traits>

#include "flowtable/fixed_memory.h"

namespace weir {

/// How often a reader looks before it lets the writer have its CPU.
inline constexpr int kTriesBetweenYields = 256;

// A word of a record, whatever members lie in it: the compiler must take it for an alias of them.
using AliasWord32 [[gnu::may_alias]] = uint32_t;
using AliasWord64 [[gnu::may_alias]] = uint64_t;

inline void store_word(void* at, uint32_t value, int order) noexcept {
  __atomic_store_n(static_cast<AliasWord32*>(at), value, order);
}
inline void store_word(void* at, uint64_t value, int order) noexcept {
  __atomic_store_n(static_cast<AliasWord64*>(at), value, order);
}
inline void load_word(const void* at, uint32_t& value, int order) noexcept {
  value = __atomic_load_n(static_cast<const AliasWord32*>(at), order);
}
inline void load_word(const void* at, uint64_t& value, int order) noexcept {
  value = __atomic_load_n(static_cast<const AliasWord64*>(at), order);
}

/// Stores a POD from its `first`th word on, each word a release.
template <typename Word, typename T>
inline void store_words(T& shared, const T& value, size_t first = 0) noexcept {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(Word) == 0);
  auto* to = reinterpret_cast<char*>(&shared);
  const auto* from = reinterpret_cast<const char*>(&value);
  for (size_t at = first * sizeof(Word); at < sizeof(T); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, from + at, sizeof(word));
    store_word(to + at, word, __ATOMIC_RELEASE);
  }
}

/// Loads a POD by the words it is stored by, each an acquire.
template <typename Word, typename T>
inline T load_words(const T& shared) noexcept {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(Word) == 0);
  Word copy[sizeof(T) / sizeof(Word)];
  const auto* at = reinterpret_cast<const char*>(&shared);
  for (size_t i = 0; i < std::size(copy); ++i)
    load_word(at + i * sizeof(Word), copy[i], __ATOMIC_ACQUIRE);
  T value;
  std::memcpy(static_cast<void*>(&value), copy, sizeof(T));
  return value;
}

/// An array of records, each a hot part of one cache line, whose first 32 bits are the version, and
/// a cold part. `Hot` has a member `uint32_t version` at offset 0; `Word` is what a change of it
/// stores at a time.
template <typename Hot, typename Cold, typename Word>
class RecordArray {
  static_assert(sizeof(Hot) == 64, "the hot part of a record is one cache line");
  static_assert(std::endian::native == std::endian::little, "the version is word 0's low half");

 public:
  explicit RecordArray(uint32_t records)
      : records_(records),
        hot_memory_(size_t{records} * sizeof(Hot)),
        cold_memory_(size_t{records} * sizeof(Cold)),
        hot_(static_cast<Hot*>(hot_memory_.data())),
        cold_(static_cast<Cold*>(cold_memory_.data())) {}

  uint32_t records() const noexcept { return records_; }

  void prefetch(uint32_t slot) const noexcept { __builtin_prefetch(&hot_[slot], 1); }

  // ---- the writer ----
  /// Its own records race with nobody's write: it reads them as they lie, each member alone where a
  /// packet before may just have changed one (a wide load would wait for that store to leave the
  /// core).
  const Hot& own_hot(uint32_t slot) const noexcept { return hot_[slot]; }
  const Cold& own_cold(uint32_t slot) const noexcept { return cold_[slot]; }
  void write(uint32_t slot, Hot& hot) noexcept {
    open(slot, hot);
    close(slot, hot);
  }
  void write(uint32_t slot, Hot& hot, const Cold& cold) noexcept {
    open(slot, hot);
    store_words<uint64_t>(cold_[slot], cold);
    close(slot, hot);
  }
  /// A change of a few words where they lie, of one record, for as long as this object lives: the
  /// fewest instructions a write can have.
  class Change {
   public:
    Change(const RecordArray& array, uint32_t slot) noexcept : hot_(&array.hot_[slot]) {
      load_word(hot_, first_, __ATOMIC_RELAXED);
      store_word(hot_, static_cast<Word>(first_ | 1), __ATOMIC_RELAXED);
    }
    ~Change() {
      constexpr Word kVersion = UINT32_MAX;  // beside it, other members may lie in the word
      const auto even = static_cast<Word>(((first_ | 1) + 1) & kVersion);
      store_word(hot_, static_cast<Word>((first_ & ~kVersion) | even), __ATOMIC_RELEASE);
    }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    /// `at`: offset of the word in bytes; not of word 0.
    void set(size_t at, Word value) noexcept {
      store_word(reinterpret_cast<char*>(hot_) + at, value, __ATOMIC_RELEASE);
    }

   private:
    Hot* hot_;
    Word first_;
  };

  // ---- any reader ----
  /// One word of the hot part as it is now; consistent with nothing else.
  Word peek_word(uint32_t slot, size_t at) const noexcept {
    Word value;
    load_word(reinterpret_cast<const char*>(&hot_[slot]) + at, value, __ATOMIC_ACQUIRE);
    return value;
  }
  /// A copy of both parts from one write. Waits out a write under way: nanoseconds, unless the
  /// writer lost its CPU in the middle of one; then the reader gives up its own for a while.
  void read(uint32_t slot, Hot& hot, Cold& cold) const noexcept {
    for (int tries = 1;; ++tries) {
      hot = load_words<Word>(hot_[slot]);
      if ((hot.version & 1) == 0) {
        cold = load_words<uint64_t>(cold_[slot]);
        Word again;
        load_word(&hot_[slot], again, __ATOMIC_RELAXED);
        if (static_cast<uint32_t>(again) == hot.version) return;
      }
      if (tries % kTriesBetweenYields == 0) std::this_thread::yield();
    }
  }

 private:
  void open(uint32_t slot, Hot& hot) noexcept {
    hot.version |= 1;
    store_word(&hot_[slot], first_of(hot), __ATOMIC_RELAXED);
  }
  void close(uint32_t slot, Hot& hot) noexcept {
    store_words<Word>(hot_[slot], hot, 1);
    hot.version += 1;
    store_word(&hot_[slot], first_of(hot), __ATOMIC_RELEASE);
  }
  static Word first_of(const Hot& hot) noexcept {
    Word value;
    std::memcpy(&value, &hot, sizeof(value));
    return value;
  }

  uint32_t records_;
  FixedMemory hot_memory_;
  FixedMemory cold_memory_;
  Hot* hot_;
  Cold* cold_;
};

/// One record that is larger than a line and rarely read: version beside the words.
template <typename T>
class SharedValue {
 public:
  void write(const T& value) noexcept {
    version_.store(++own_version_, std::memory_order_relaxed);
    store_words<uint64_t>(value_, value);
    version_.store(++own_version_, std::memory_order_release);
  }
  T read() const noexcept {
    for (int tries = 1;; ++tries) {
      const uint64_t before = version_.load(std::memory_order_acquire);
      const T copy = load_words<uint64_t>(value_);
      if ((before & 1) == 0 && version_.load(std::memory_order_relaxed) == before) return copy;
      if (tries % kTriesBetweenYields == 0) std::this_thread::yield();
    }
  }

 private:
  std::atomic<uint64_t> version_{0};
  alignas(8) T value_{};
  uint64_t own_version_ = 0;
};

}  // namespace weir
