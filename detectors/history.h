// What outlives a restart: the days of every pair that sent enough, and when it was first seen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "detectors/windows.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weir {

struct HistoryOptions {
  uint64_t floor_bytes_day = 65536;  // pairs below are summed per host
  uint32_t new_within_d = 14;        // first_seen days are kept at least that long
};

/// SQLite file `DIR/history.db`, mode 0600, write-ahead log. Judge thread. Every function throws
/// Error (kExitFailed) with the file and the remedy when SQLite fails.
class History {
 public:
  /// Opens or makes the file in `state_dir`, which is made if it does not exist.
  History(const std::filesystem::path& state_dir, const HistoryOptions& options);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  const HistoryOptions& options() const { return options_; }

  /// Of the run before: when it last wrote (0: there was none) and whether it ended by itself.
  uint64_t last_written_s() const { return last_written_s_; }
  bool was_complete() const { return was_complete_; }
  /// Since when days are kept; 0: empty.
  uint32_t first_day() const { return first_day_; }

  struct Day {
    PairKey pair;  // destination zero: the rest of the host, all pairs below the floor
    uint32_t day;
    uint32_t first_day;  // of the pair
    uint64_t bytes;
  };
  /// Days from `first` to `last`, both included, newest first.
  void read_days(uint32_t first, uint32_t last, const std::function<void(const Day&)>& each);
  /// 0: never seen.
  uint32_t first_day_of(const PairKey& pair);

  /// One transaction: begin, any writes, commit. Rolled back by abandon.
  void begin();
  void write_day(const PairKey& pair, uint32_t day, uint64_t bytes);
  void write_seen(const PairKey& pair, uint32_t first_day, uint32_t last_day);
  /// `complete`: nothing of the run is missing. Days that no window reaches are dropped.
  void commit(uint64_t now_s, uint32_t first_day, bool complete);
  void abandon() noexcept;

 private:
  class Statement;
  [[noreturn]] void fail(const char* doing) const;
  void run(const char* sql);
  uint64_t read_meta(const char* key);
  void write_meta(const char* key, uint64_t value);
  void prepare_file();
  void prepare_statements();

  std::filesystem::path file_;
  HistoryOptions options_;
  uint64_t last_written_s_ = 0;
  bool was_complete_ = true;
  uint32_t first_day_ = 0;
  uint32_t pruned_day_ = 0;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_;
  std::unique_ptr<Statement> insert_day_, insert_seen_, select_first_, insert_meta_, select_meta_;
};

}  // namespace weir
