// The store on SQLite: one transaction for many arrivals, exactly once by (sensor, epoch,
// sequence).
#include "collector/store.h"

#include <openssl/rand.h>

#include <algorithm>
#include <map>

#include "collector/database.h"
#include "collector/error.h"

namespace weir::collector {
namespace {

constexpr uint64_t kDeletedAtOnce = 5000;
constexpr int kSchema = 1;

// `alerts` keeps the order of arrival in its row id. A position outlives its alerts, so that what
// retention has deleted is not stored again.
constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS sensors(
  id TEXT PRIMARY KEY, version TEXT NOT NULL DEFAULT '', epoch INTEGER NOT NULL DEFAULT 0,
  first_heard_ns INTEGER NOT NULL, last_heard_ns INTEGER NOT NULL,
  last_heartbeat_ns INTEGER NOT NULL DEFAULT 0, clock_offset_ns INTEGER NOT NULL DEFAULT 0,
  heartbeat BLOB);
CREATE TABLE IF NOT EXISTS positions(
  sensor TEXT NOT NULL, epoch INTEGER NOT NULL, acknowledged INTEGER NOT NULL,
  PRIMARY KEY(sensor, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps(
  sensor TEXT NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  reason TEXT NOT NULL, received_ns INTEGER NOT NULL,
  PRIMARY KEY(sensor, epoch, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alerts(
  place INTEGER PRIMARY KEY, sensor TEXT NOT NULL, epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL, received_ns INTEGER NOT NULL, severity INTEGER NOT NULL,
  state INTEGER NOT NULL, incident TEXT NOT NULL, revision INTEGER NOT NULL, host TEXT NOT NULL,
  destination TEXT NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS alerts_once ON alerts(sensor, epoch, sequence);
CREATE INDEX IF NOT EXISTS alerts_received ON alerts(received_ns);
CREATE INDEX IF NOT EXISTS alerts_incident ON alerts(incident, revision);
CREATE INDEX IF NOT EXISTS alerts_host ON alerts(host, received_ns);
CREATE TABLE IF NOT EXISTS self(epoch INTEGER NOT NULL);
)";

uint64_t random_epoch() {
  uint64_t epoch = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&epoch), sizeof(epoch)) != 1)
    throw Error(kExitFailed, "no random numbers from OpenSSL; look at the system's entropy");
  return epoch;
}

}  // namespace

struct Store::Parts {
  Parts(const std::string& path, Access access)
      : database(path,
                 access == Access::kWrite ? Database::Access::kWrite : Database::Access::kRead) {}

  void prepare_to_write();
  Outcome take(const Arrival& arrival);
  void heard(const Arrival& arrival);
  uint64_t position(const std::string& sensor, uint64_t epoch);
  void advance(const std::string& sensor, uint64_t epoch, uint64_t sequence);
  void take_alerts(const Arrival& arrival, const v1::Alerts& alerts, Outcome& outcome);
  void take_gap(const Arrival& arrival, const v1::Gap& gap, uint64_t& position);
  bool insert(const v1::Alert& alert, int64_t received_ns);

  Database database;
  std::map<std::string, Statement> statements;
  std::map<std::pair<std::string, uint64_t>, uint64_t> positions;  // as committed, or about to be
  uint64_t own_epoch = 0;

  Statement& statement(const std::string& sql) {
    auto found = statements.find(sql);
    if (found == statements.end()) found = statements.try_emplace(sql, database, sql).first;
    return found->second;
  }
};

Store::Store(const std::string& path, Access access)
    : parts_(std::make_unique<Parts>(path, access)) {
  if (access == Access::kWrite) parts_->prepare_to_write();
}

Store::~Store() = default;

/// WAL with FULL: a commit is on disk before it returns, and readers do not wait for the writer.
void Store::Parts::prepare_to_write() {
  database.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA auto_vacuum=INCREMENTAL;");
  Statement version(database, "PRAGMA user_version");
  const int64_t found = version.row() ? version.number(0) : 0;
  if (found > kSchema)
    throw Error(kExitFailed, "the store was written by a later weir-collector (format " +
                                 std::to_string(found) + "); install that one");
  database.run(kTables);
  database.run(("PRAGMA user_version=" + std::to_string(kSchema)).c_str());
  Statement self(database, "SELECT epoch FROM self");
  if (self.row()) {
    own_epoch = static_cast<uint64_t>(self.number(0));
    return;
  }
  own_epoch = random_epoch();
  Statement(database, "INSERT INTO self(epoch) VALUES(?)").bind(own_epoch).run();
}

std::vector<Outcome> Store::commit(std::span<const Arrival> arrivals) {
  Parts& parts = *parts_;
  std::vector<Outcome> outcomes;
  outcomes.reserve(arrivals.size());
  parts.database.run("BEGIN IMMEDIATE");
  try {
    for (const Arrival& arrival : arrivals) outcomes.push_back(parts.take(arrival));
    parts.database.run("COMMIT");
  } catch (...) {
    parts.positions.clear();  // what was about to be is not
    sqlite3_exec(parts.database.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
  return outcomes;
}

Outcome Store::Parts::take(const Arrival& arrival) {
  Outcome outcome;
  heard(arrival);
  if (const auto* alerts = std::get_if<v1::Alerts>(&arrival.body)) {
    take_alerts(arrival, *alerts, outcome);
  } else if (const auto* gap = std::get_if<v1::Gap>(&arrival.body)) {
    uint64_t at = position(arrival.sensor, arrival.epoch);
    take_gap(arrival, *gap, at);
    advance(arrival.sensor, arrival.epoch, at);
  }
  outcome.acknowledged_sequence = position(arrival.sensor, arrival.epoch);
  return outcome;
}

void Store::Parts::heard(const Arrival& arrival) {
  statement(
      "INSERT INTO sensors(id, first_heard_ns, last_heard_ns) VALUES(?1, ?2, ?2) "
      "ON CONFLICT(id) DO UPDATE SET last_heard_ns=max(last_heard_ns, ?2)")
      .bind(arrival.sensor, arrival.received_ns)
      .run();
  if (const auto* hello = std::get_if<v1::Hello>(&arrival.body)) {
    statement("UPDATE sensors SET version=?2, epoch=?3 WHERE id=?1")
        .bind(arrival.sensor, hello->version(), arrival.epoch)
        .run();
  } else if (const auto* heartbeat = std::get_if<v1::Heartbeat>(&arrival.body)) {
    const int64_t its_ns = heartbeat->time().seconds() * 1'000'000'000 + heartbeat->time().nanos();
    const std::string body = heartbeat->SerializeAsString();
    Statement& update = statement(
        "UPDATE sensors SET last_heartbeat_ns=?2, clock_offset_ns=?3, heartbeat=?4 WHERE id=?1");
    update.bind(arrival.sensor, arrival.received_ns, its_ns - arrival.received_ns);
    update.bind_blob(4, body);
    update.run();
  }
}

uint64_t Store::Parts::position(const std::string& sensor, uint64_t epoch) {
  const auto key = std::pair(sensor, epoch);
  if (const auto known = positions.find(key); known != positions.end()) return known->second;
  Statement& select = statement("SELECT acknowledged FROM positions WHERE sensor=? AND epoch=?");
  select.bind(sensor, epoch);
  uint64_t found = 0;
  while (select.row()) found = static_cast<uint64_t>(select.number(0));
  return positions[key] = found;
}

void Store::Parts::advance(const std::string& sensor, uint64_t epoch, uint64_t sequence) {
  uint64_t& at = positions[std::pair(sensor, epoch)];
  if (sequence <= at) return;
  at = sequence;
  statement(
      "INSERT INTO positions(sensor, epoch, acknowledged) VALUES(?,?,?) "
      "ON CONFLICT(sensor, epoch) DO UPDATE SET acknowledged=excluded.acknowledged")
      .bind(sensor, epoch, sequence)
      .run();
}

/// In their order. What was acknowledged before is a duplicate; a sequence that was skipped, and
/// that no Gap named, becomes a gap here, so that nothing is missing in silence.
void Store::Parts::take_alerts(const Arrival& arrival, const v1::Alerts& alerts, Outcome& outcome) {
  uint64_t at = position(arrival.sensor, arrival.epoch);
  for (const v1::Alert& alert : alerts.alerts()) {
    if (alert.sequence() <= at) {
      ++outcome.duplicates;
      continue;
    }
    if (alert.sequence() > at + 1) {
      v1::Gap gap;
      gap.set_first(at + 1);
      gap.set_last(alert.sequence() - 1);
      gap.set_reason("skipped, and not named by the sensor");
      outcome.missing += gap.last() - gap.first() + 1;
      take_gap(arrival, gap, at);
    }
    if (insert(alert, arrival.received_ns))
      ++outcome.stored;
    else
      ++outcome.duplicates;
    at = alert.sequence();
  }
  advance(arrival.sensor, arrival.epoch, at);
}

void Store::Parts::take_gap(const Arrival& arrival, const v1::Gap& gap, uint64_t& position) {
  if (gap.last() <= position || gap.last() < gap.first()) return;
  statement(
      "INSERT OR IGNORE INTO gaps(sensor, epoch, first, last, reason, received_ns) "
      "VALUES(?,?,?,?,?,?)")
      .bind(arrival.sensor, arrival.epoch, std::max(gap.first(), position + 1), gap.last(),
            gap.reason(), arrival.received_ns)
      .run();
  position = gap.last();
}

bool Store::Parts::insert(const v1::Alert& alert, int64_t received_ns) {
  const std::string body = alert.SerializeAsString();
  Statement& insert = statement(
      "INSERT OR IGNORE INTO alerts(sensor, epoch, sequence, received_ns, severity, state, "
      "incident, "
      "revision, host, destination, body) VALUES(?,?,?,?,?,?,?,?,?,?,?)");
  insert.bind(alert.sensor_id(), alert.epoch(), alert.sequence(), received_ns,
              static_cast<int>(alert.severity()), static_cast<int>(alert.state()),
              alert.incident_id(), static_cast<int64_t>(alert.revision()), alert.host(),
              alert.destination().address());
  insert.bind_blob(11, body);
  insert.run();
  return database.changed() == 1;
}

void Store::report(v1::Alert& alert, int64_t received_ns) {
  Parts& parts = *parts_;
  alert.set_epoch(parts.own_epoch);
  const uint64_t sequence = parts.position(alert.sensor_id(), parts.own_epoch) + 1;
  alert.set_sequence(sequence);
  parts.database.run("BEGIN IMMEDIATE");
  try {
    parts.insert(alert, received_ns);
    parts.advance(alert.sensor_id(), parts.own_epoch, sequence);
    parts.database.run("COMMIT");
  } catch (...) {
    parts.positions.clear();
    sqlite3_exec(parts.database.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

uint64_t Store::bytes() {
  Statement size(
      parts_->database,
      "SELECT (SELECT page_count FROM pragma_page_count) - "
      "(SELECT freelist_count FROM pragma_freelist_count), page_size FROM pragma_page_size");
  return size.row() ? static_cast<uint64_t>(size.number(0)) * static_cast<uint64_t>(size.number(1))
                    : 0;
}

uint64_t Store::retain(int64_t oldest_ns, uint64_t max_bytes) {
  Database& database = parts_->database;
  Statement old(database,
                "DELETE FROM alerts WHERE place IN "
                "(SELECT place FROM alerts WHERE received_ns < ? ORDER BY place LIMIT ?)");
  old.bind(oldest_ns, kDeletedAtOnce).run();
  uint64_t deleted = database.changed();
  if (deleted == 0 && bytes() > max_bytes) {
    Statement oldest(database,
                     "DELETE FROM alerts WHERE place IN (SELECT place FROM alerts ORDER BY place "
                     "LIMIT min(?, (SELECT count(*) FROM alerts)))");
    oldest.bind(kDeletedAtOnce).run();
    deleted = database.changed();
  }
  if (deleted != 0) database.run("PRAGMA incremental_vacuum(2000)");
  return deleted;
}

std::vector<SensorRow> Store::sensors() {
  std::vector<SensorRow> rows;
  Statement select(parts_->database,
                   "SELECT id, version, epoch, first_heard_ns, last_heard_ns, last_heartbeat_ns, "
                   "clock_offset_ns, heartbeat, "
                   "(SELECT count(*) FROM alerts WHERE sensor=id), "
                   "(SELECT ifnull(sum(last - first + 1), 0) FROM gaps WHERE sensor=id) "
                   "FROM sensors ORDER BY id");
  while (select.row()) {
    SensorRow& row = rows.emplace_back();
    row.id = select.bytes(0);
    row.version = select.bytes(1);
    row.epoch = static_cast<uint64_t>(select.number(2));
    row.first_heard_ns = select.number(3);
    row.last_heard_ns = select.number(4);
    row.last_heartbeat_ns = select.number(5);
    row.clock_offset_ns = select.number(6);
    row.heartbeat.ParseFromString(select.bytes(7));
    row.alerts = static_cast<uint64_t>(select.number(8));
    row.gap_alerts = static_cast<uint64_t>(select.number(9));
  }
  return rows;
}

int64_t Store::alerts(const AlertFilter& filter, int64_t after,
                      const std::function<void(const v1::Alert&)>& take) {
  std::string where =
      "place > ?1 AND (?2 = '' OR sensor = ?2) AND (?3 = '' OR host = ?3) AND "
      "(?4 = '' OR destination = ?4) AND (?5 = '' OR incident = ?5) AND received_ns >= ?6 AND "
      "severity >= ?7 AND (?8 < 0 OR state = ?8)";
  if (!filter.revisions)
    where +=
        " AND NOT EXISTS (SELECT 1 FROM alerts AS later WHERE later.incident = alerts.incident "
        "AND later.revision > alerts.revision)";
  Statement select(parts_->database,
                   "SELECT place, body FROM (SELECT place, body FROM alerts WHERE " + where +
                       " ORDER BY place DESC LIMIT ?9) ORDER BY place");
  const int64_t limit = filter.limit == 0 ? -1 : static_cast<int64_t>(filter.limit);
  select.bind(after, filter.sensor, filter.host, filter.destination, filter.incident,
              filter.since_ns, filter.minimum_severity, filter.state, limit);
  int64_t last = after;
  while (select.row()) {
    last = select.number(0);
    v1::Alert alert;
    if (alert.ParseFromString(select.bytes(1))) take(alert);
  }
  return last;
}

}  // namespace weir::collector
