// The spool's transactions: alerts and state in, envelopes out, room made by the rule.
#include "sensor/spool.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "proto/envelope_codec.h"

namespace weir {
namespace {

/// Of alerts that wait in memory while the disk takes none.
constexpr uint64_t kWaitingMaxBytes = uint64_t{16} << 20;
/// What an alert may take so that an envelope holds it with what stands around it.
constexpr uint64_t kAlertMaxBytes = kEnvelopeMaxBytes - 64;
/// The file grows by the rows of a transaction before room is made: this part of it stays free.
constexpr uint64_t kHeadroomPart = 16;

constexpr const char* kFull = "the spool was full";
constexpr const char* kUnwritable = "the disk took no alerts";
constexpr const char* kTooLarge = "larger than an envelope";
constexpr const char* kNoCollector = "no collector was configured";
constexpr const char* kStoredBefore = "acknowledged before, by a collector that had them";
constexpr const char* kMissing = "missing from the spool";

}  // namespace

struct Spool::Statements {
  explicit Statements(Database& database)
      : insert(database,
               "INSERT OR REPLACE INTO alerts(sequence, incident, severity, superseded, body)"
               " VALUES(?1, ?2, ?3, 0, ?4)"),
        supersede(database,
                  "UPDATE alerts SET superseded = 1 WHERE incident = ?1 AND sequence < ?2"
                  " AND superseded = 0"),
        victim(database,
               "SELECT sequence FROM alerts ORDER BY superseded DESC, severity, sequence LIMIT 1"),
        erase(database, "DELETE FROM alerts WHERE sequence = ?1"),
        erase_to(database, "DELETE FROM alerts WHERE sequence <= ?1"),
        gap_before(database, "SELECT first FROM gaps WHERE last = ?1 AND reason = ?2"),
        gap_after(database, "SELECT last FROM gaps WHERE first = ?1 AND reason = ?2"),
        gap_erase(database, "DELETE FROM gaps WHERE first = ?1"),
        gap_insert(database, "INSERT OR REPLACE INTO gaps(first, last, reason) VALUES(?1, ?2, ?3)"),
        gap_erase_to(database, "DELETE FROM gaps WHERE last <= ?1"),
        gap_cut(database, "UPDATE gaps SET first = ?1 + 1 WHERE first <= ?1"),
        save(database, "INSERT OR REPLACE INTO state(name, body) VALUES(?1, ?2)"),
        forget(database, "DELETE FROM state WHERE name = ?1"),
        forget_below(database, "DELETE FROM state WHERE name >= ?1 AND name < ?2"),
        meta(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)"),
        pages(database, "PRAGMA page_count"),
        free_pages(database, "PRAGMA freelist_count"),
        page_bytes(database, "PRAGMA page_size"),
        next(database, "SELECT sequence, body FROM alerts WHERE sequence > ?1 ORDER BY sequence"),
        next_gap(database,
                 "SELECT first, last, reason FROM gaps WHERE last > ?1 ORDER BY first LIMIT 1"),
        count(database, "SELECT count(*) FROM alerts WHERE sequence > ?1") {}

  Statement insert, supersede, victim, erase, erase_to, gap_before, gap_after, gap_erase,
      gap_insert, gap_erase_to, gap_cut, save, forget, forget_below, meta, pages, free_pages,
      page_bytes, next, next_gap, count;
};

Spool::Spool(SpoolOptions options, std::function<void(const std::string&)> say)
    : options_(std::move(options)), say_(std::move(say)) {
  open_or_rebuild();
  count_alerts();
  if (database_.damaged()) rebuild();
}

Spool::~Spool() = default;

void Spool::prepare() { statements_ = std::make_unique<Statements>(database_); }
void Spool::unprepare() { statements_.reset(); }

void Spool::count_alerts() {
  stored_ = statements_->count.bind(acknowledged_).first_number(0);
  publish_counts();
}

void Spool::publish_counts() {
  counters_.waiting_alerts = waiting_.rows.size();
  counters_.alerts = stored_ + waiting_.rows.size();
}

// ---- in ----

void Spool::add(SpoolBatch& batch) {
  for (v1::Alert& alert : batch.alerts) enqueue(alert);
  for (const std::string& prefix : batch.state.erased_below) {
    std::erase_if(waiting_.state, [&](const auto& one) { return one.first.starts_with(prefix); });
    waiting_.erased_below.push_back(prefix);
  }
  for (const std::string& name : batch.state.erased) waiting_.state[name] = std::nullopt;
  for (auto& [name, body] : batch.state.saved) waiting_.state[name] = std::move(body);
}

void Spool::enqueue(v1::Alert& alert) {
  const uint64_t sequence = next_sequence_++;
  alert.set_epoch(epoch_);
  alert.set_sequence(sequence);
  if (sequence <= acknowledged_) return;  // a replay told again
  if (!options_.keeps_alerts) {
    waiting_.gaps.push_back({sequence, sequence, kNoCollector});
    return;
  }
  Row row{sequence, static_cast<uint64_t>(alert.severity()), alert.incident_id(),
          alert.SerializeAsString()};
  if (row.body.size() > kAlertMaxBytes) {
    waiting_.gaps.push_back({sequence, sequence, kTooLarge});
    ++counters_.dropped_alerts;
    return;
  }
  waiting_.row_bytes += row.body.size();
  waiting_.rows.push_back(std::move(row));
}

/// The rule of the file holds in memory too.
void Spool::bound_waiting() {
  if (waiting_.row_bytes <= kWaitingMaxBytes) return;
  std::map<std::string, uint64_t> newest;
  for (const Row& row : waiting_.rows) newest[row.incident] = row.sequence;
  std::vector<const Row*> victims;
  for (const Row& row : waiting_.rows) victims.push_back(&row);
  const auto rank = [&](const Row* row) {
    return std::make_tuple(newest[row->incident] == row->sequence, row->severity, row->sequence);
  };
  std::sort(victims.begin(), victims.end(),
            [&](const Row* a, const Row* b) { return rank(a) < rank(b); });
  // An eighth at once, so that a long outage does not sort for every batch.
  const uint64_t aim_bytes = kWaitingMaxBytes - kWaitingMaxBytes / 8;
  std::vector<uint64_t> dropped;
  for (const Row* row : victims) {
    if (waiting_.row_bytes <= aim_bytes) break;
    waiting_.row_bytes -= row->body.size();
    dropped.push_back(row->sequence);
  }
  std::sort(dropped.begin(), dropped.end());
  std::erase_if(waiting_.rows, [&](const Row& row) {
    return std::binary_search(dropped.begin(), dropped.end(), row.sequence);
  });
  for (const uint64_t sequence : dropped)
    waiting_.gaps.push_back({sequence, sequence, kUnwritable});
  counters_.dropped_alerts += dropped.size();
}

bool Spool::write_waiting() {
  const bool nothing = waiting_.rows.empty() && waiting_.gaps.empty() && waiting_.state.empty() &&
                       waiting_.erased_below.empty() && !acknowledged_is_new_;
  if (nothing && statements_ && file_is_ours()) return true;
  bool done = (statements_ || open_file()) && (file_is_ours() || copy_to_new_file()) &&
              (nothing || try_write());
  if (!done && database_.damaged()) {
    rebuild();
    done = try_write();
  }
  if (!done) {
    bound_waiting();
    note_failure();
    return false;
  }
  if (!nothing) {
    stored_ += waiting_.rows.size() - evicted_ - forgotten_;
    waiting_ = {};
    acknowledged_is_new_ = false;
    counters_.dropped_alerts += evicted_;
    publish_counts();
  }
  if (!failing_.empty()) {
    say_(file_ + ": the spool is written again; nothing that waited is lost");
    failing_.clear();
  }
  return true;
}

bool Spool::try_write() {
  if (!statements_) return false;  // not even a new file could be made
  evicted_ = forgotten_ = 0;
  database_.run("BEGIN IMMEDIATE");
  drop_acknowledged();
  write_rows();
  write_state();
  make_room();
  write_meta();
  database_.run("COMMIT");
  return database_.good();
}

void Spool::drop_acknowledged() {
  if (!acknowledged_is_new_) return;
  statements_->erase_to.bind(acknowledged_).run();
  forgotten_ = database_.changed();
  statements_->gap_erase_to.bind(acknowledged_).run();
  statements_->gap_cut.bind(acknowledged_).run();
}

void Spool::write_rows() {
  for (const Row& row : waiting_.rows) {
    statements_->insert.bind(row.sequence, row.incident, row.severity, row.body).run();
    statements_->supersede.bind(row.incident, row.sequence).run();
  }
  for (const Gap& gap : waiting_.gaps) add_gap(gap);
}

void Spool::write_state() {
  for (const std::string& prefix : waiting_.erased_below) {
    std::string end = prefix;
    ++end.back();  // the names are ASCII and end in '/'
    statements_->forget_below.bind(prefix, end).run();
  }
  for (const auto& [name, body] : waiting_.state) {
    if (body)
      statements_->save.bind(name, *body).run();
    else
      statements_->forget.bind(name).run();
  }
}

/// Superseded revisions first, then the lowest severity, then the oldest.
void Spool::make_room() {
  const uint64_t page_bytes = statements_->page_bytes.bind().first_number(4096);
  const uint64_t limit_bytes = options_.max_bytes - options_.max_bytes / kHeadroomPart;
  while (database_.good()) {
    const uint64_t pages = statements_->pages.bind().first_number(0);
    const uint64_t free_pages = statements_->free_pages.bind().first_number(0);
    if ((pages - free_pages) * page_bytes <= limit_bytes) return;
    const uint64_t victim = statements_->victim.bind().first_number(0);
    if (victim == 0) return;  // all that is left is state
    statements_->erase.bind(victim).run();
    add_gap({victim, victim, kFull});
    ++evicted_;
  }
}

/// Neighbours with the same reason are one.
void Spool::add_gap(const Gap& gap) {
  uint64_t first = gap.first, last = gap.last;
  const uint64_t before = statements_->gap_before.bind(first - 1, gap.reason).first_number(0);
  if (before != 0) first = before;
  const uint64_t after = statements_->gap_after.bind(last + 1, gap.reason).first_number(0);
  if (after != 0) {
    statements_->gap_erase.bind(last + 1).run();
    last = after;
  }
  statements_->gap_insert.bind(first, last, gap.reason).run();
}

void Spool::write_meta() {
  statements_->meta.bind(std::string_view("epoch"), epoch_).run();
  statements_->meta.bind(std::string_view("next_sequence"), next_sequence_).run();
  statements_->meta.bind(std::string_view("acknowledged"), acknowledged_).run();
}

/// Once for each reason: an outage of a day is one sentence and a count.
void Spool::note_failure() {
  ++counters_.write_failures;
  const bool full = database_.code() == SQLITE_FULL;
  const std::string reason = full ? "the disk is full" : database_.reason();
  database_.clear();
  if (database_.handle() != nullptr && sqlite3_get_autocommit(database_.handle()) == 0)
    database_.run("ROLLBACK");
  database_.clear();
  publish_counts();
  if (reason == failing_) return;
  failing_ = reason;
  say_(file_ + ": the spool cannot be written (" + reason +
       "); alerts wait in memory and a kill would lose them: " +
       (full ? "free space on that disk" : "make the file writable, or move it away"));
}

// ---- out ----

bool Spool::next_envelope(uint64_t after, v1::Envelope& envelope, uint64_t& last) {
  envelope.Clear();
  if (!statements_) return false;
  uint64_t gap_first = UINT64_MAX;
  Gap gap;
  if (statements_->next_gap.bind(after).row()) {
    gap = {statements_->next_gap.number(0), statements_->next_gap.number(1),
           statements_->next_gap.bytes(2)};
    gap_first = std::max(gap.first, after + 1);
    statements_->next_gap.reset();
  }
  Statement& next = statements_->next;
  uint64_t expected = after + 1, bytes = 0;
  bool any = next.bind(after).row();
  if (any && next.number(0) > expected && gap_first > expected) {
    gap = {expected, std::min(next.number(0), gap_first) - 1,
           expected <= acknowledged_ ? kStoredBefore : kMissing};
    gap_first = expected;
  }
  if (gap_first == expected) {
    next.reset();
    v1::Gap& told = *envelope.mutable_gap();
    told.set_epoch(epoch_);
    told.set_first(expected);
    told.set_last(last = gap.last);
    told.set_reason(gap.reason);
    return true;
  }
  for (; any && next.number(0) == expected && expected != gap_first; any = next.row()) {
    const std::string body = next.bytes(1);
    bytes += body.size() + 16;
    if (expected > after + 1 && bytes > kEnvelopeMaxBytes) break;
    v1::Alert& alert = *envelope.mutable_alerts()->add_alerts();
    alert.ParseFromString(body);
    alert.set_epoch(epoch_);  // numbers may have changed since it was written
    alert.set_sequence(expected);
    last = expected++;
  }
  next.reset();
  if (database_.damaged()) rebuild();
  database_.clear();
  return envelope.has_alerts();
}

void Spool::acknowledge(uint64_t sequence) {
  if (sequence <= acknowledged_) return;
  acknowledged_ = sequence;
  acknowledged_is_new_ = true;
}

bool Spool::agree(uint64_t collector_acknowledged) {
  if (collector_acknowledged < next_sequence_ || options_.epoch != 0) {
    acknowledge(collector_acknowledged);
    return true;
  }
  if (!statements_) return true;  // asked again at the next connection
  // What is unsent is numbered anew from 1, in its order.
  const uint64_t old_epoch = epoch_, shift = acknowledged_;
  draw_epoch();
  next_sequence_ -= shift;
  acknowledged_ = 0;
  database_.run("BEGIN IMMEDIATE");
  for (const char* sql :
       {"DELETE FROM alerts WHERE sequence <= ?1", "DELETE FROM gaps WHERE last <= ?1",
        "UPDATE alerts SET sequence = -(sequence - ?1)",
        "UPDATE gaps SET first = -max(first - ?1, 1), last = -(last - ?1)"})
    Statement(database_, sql).bind(shift).run();
  database_.run("UPDATE alerts SET sequence = -sequence");
  database_.run("UPDATE gaps SET first = -first, last = -last");
  write_meta();
  database_.run("COMMIT");
  if (!database_.good()) {  // as before; the next connection asks again
    note_failure();
    epoch_ = old_epoch;
    next_sequence_ += shift;
    acknowledged_ = shift;
    return false;
  }
  for (Row& row : waiting_.rows) row.sequence -= shift;
  for (Gap& gap : waiting_.gaps) gap = {gap.first - shift, gap.last - shift, gap.reason};
  acknowledged_is_new_ = false;
  count_alerts();
  return false;
}

SavedState Spool::read_state() {
  SavedState saved;
  Statement select(database_, "SELECT name, body FROM state ORDER BY name");
  while (select.row()) saved.emplace_back(select.bytes(0), select.bytes(1));
  if (!database_.good()) note_failure();
  return saved;
}

}  // namespace weir
