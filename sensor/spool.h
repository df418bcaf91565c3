// Alerts on disk until the collector has them, and in the same transaction what a restart needs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sensor/database.h"
#include "sensor/state_changes.h"
#include "weir/v1/uplink.pb.h"

namespace weir {

struct SpoolOptions {
  std::string state_dir;  // "": in memory, gone with the process
  uint64_t max_bytes = uint64_t{1} << 30;
  uint64_t epoch = 0;        // 0: drawn when the file is made; else a replay's
  bool keeps_alerts = true;  // false: no collector is configured; alerts are numbered, not kept
};

/// What a sweep of the judge leaves: goes in whole or not at all.
struct SpoolBatch {
  std::vector<v1::Alert> alerts;
  StateChanges state;
};

struct SpoolCounters {
  uint64_t alerts = 0;          // wait for their acknowledgement
  uint64_t waiting_alerts = 0;  // of those, only in memory, since the disk takes nothing
  uint64_t dropped_alerts = 0;  // since start; a Gap names them
  uint64_t write_failures = 0;  // since start; what was not written is tried again
  uint64_t rebuilds = 0;        // since start: the file was damaged or gone
};

/// SQLite file `DIR/spool.db`, mode 0600, locked for this process, every commit synced. One thread.
/// Once it is open no trouble with the file throws: it is said in one sentence, and counted, and
/// alerts wait in memory (kWaitingMaxBytes) until the file takes them. An alert is in the file
/// before it is sent, so that its number is never given twice.
class Spool {
 public:
  /// Opens or makes the file; a damaged one is moved aside and what can be read of it is kept.
  /// Throws Error (kExitFailed) where it cannot be written, or another process has it.
  Spool(SpoolOptions options, std::function<void(const std::string&)> say);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  uint64_t epoch() const { return epoch_; }
  /// The number of the next alert; the first is 1.
  uint64_t next_sequence() const { return next_sequence_; }
  uint64_t acknowledged() const { return acknowledged_; }
  /// Everything that was saved, by name.
  SavedState read_state();

  /// Numbers the alerts (also in `batch`); they wait for the next write_waiting.
  void add(SpoolBatch& batch);
  /// Writes all that waits in one transaction: batches, alerts the disk refused before,
  /// acknowledgements. False: not on disk yet. Call it once a second at least.
  bool write_waiting();

  /// The next envelope for the collector: alerts or a gap with numbers above `after`. False: there
  /// is nothing. `last`: the highest number in it.
  bool next_envelope(uint64_t after, v1::Envelope& envelope, uint64_t& last);
  /// The collector has everything up to here. Leaves the disk with the next write.
  void acknowledge(uint64_t sequence);
  /// False: the collector has alerts under this epoch that this file never numbered: it is an
  /// older copy of itself. Then a new epoch was begun, which what is unsent belongs to.
  bool agree(uint64_t collector_acknowledged);

  const SpoolCounters& counters() const { return counters_; }
  const std::string& file() const { return file_; }

 private:
  struct Row {
    uint64_t sequence = 0, severity = 0;
    std::string incident, body;
  };
  struct Gap {
    uint64_t first = 0, last = 0;
    std::string reason;
  };
  struct Waiting {
    std::vector<Row> rows;
    uint64_t row_bytes = 0;
    std::vector<Gap> gaps;
    std::vector<std::string> erased_below;
    std::map<std::string, std::optional<std::string>> state;  // nothing: erased
  };
  struct Statements;

  void open_or_rebuild();
  bool open_file();
  void prepare();
  void unprepare();
  void read_meta();
  void draw_epoch();
  void set_aside();
  void rebuild();
  void copy_readable(Database& old);
  void name_missing();
  bool copy_to_new_file();
  bool file_is_ours() const;
  void remember_file();

  void enqueue(v1::Alert& alert);
  void bound_waiting();
  bool try_write();
  void write_rows();
  void write_state();
  void drop_acknowledged();
  void make_room();
  void add_gap(const Gap& gap);
  void write_meta();
  void note_failure();
  void count_alerts();
  void publish_counts();

  SpoolOptions options_;
  std::function<void(const std::string&)> say_;
  std::string file_;  // "": in memory
  uint64_t file_device_ = 0, file_inode_ = 0;
  Database database_;
  std::unique_ptr<Statements> statements_;
  uint64_t epoch_ = 0, next_sequence_ = 1, acknowledged_ = 0;
  bool acknowledged_is_new_ = false;  // since the last write
  Waiting waiting_;
  uint64_t stored_ = 0;                   // alerts in the file; counting them takes too long
  uint64_t evicted_ = 0, forgotten_ = 0;  // of them, by the transaction that runs
  std::string failing_;                   // the reason that was said last; empty: all is well
  SpoolCounters counters_;
};

}  // namespace weir
