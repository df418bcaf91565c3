// The spool's file: made, opened, moved aside when it is damaged, made again when it was deleted.
#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "flowtable/error.h"
#include "sensor/spool.h"

namespace weir {
namespace {

constexpr uint64_t kSchemaVersion = 1;
constexpr const char* kDamaged = "the spool was damaged";

// A name is bytes, a body too. The order of victims is an index: the spool is full for long.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS meta(name BLOB PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS alerts(
    sequence INTEGER PRIMARY KEY, incident BLOB NOT NULL, severity INTEGER NOT NULL,
    superseded INTEGER NOT NULL, body BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS alerts_by_incident ON alerts(incident, superseded);
  CREATE INDEX IF NOT EXISTS alerts_by_worth ON alerts(superseded DESC, severity, sequence);
  CREATE TABLE IF NOT EXISTS gaps(
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, reason BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS gaps_by_last ON gaps(last);
  CREATE TABLE IF NOT EXISTS state(name BLOB PRIMARY KEY, body BLOB NOT NULL);
)";

/// An empty file that only its owner may read: SQLite gives its log the same mode.
bool make_private_file(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  const bool made = descriptor >= 0 && ::fchmod(descriptor, 0600) == 0;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  errno = reason;
  return made;
}

/// A log beside a file it does not belong to would be read into it.
void remove_log(const std::string& path) {
  for (const char* suffix : {"-wal", "-shm", "-journal"}) ::unlink((path + suffix).c_str());
}

uint64_t read_number(Database& database, std::string_view name) {
  Statement select(database, "SELECT value FROM meta WHERE name = ?1");
  return select.bind(name).first_number(0);
}

}  // namespace

/// Sets `code` and `reason` of the database where it fails.
bool Spool::open_file() {
  unprepare();
  if (!file_.empty()) {
    if (::access(file_.c_str(), F_OK) != 0) remove_log(file_);
    if (!make_private_file(file_)) {
      const int reason = errno;
      database_.close();
      database_.clear();
      database_.fail(reason == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN, std::strerror(reason));
      return false;
    }
  }
  if (!database_.open(file_)) return false;
  database_.run("PRAGMA locking_mode=EXCLUSIVE");
  database_.run("PRAGMA journal_mode=WAL");
  database_.run("PRAGMA synchronous=FULL");
  database_.run("PRAGMA journal_size_limit=1048576");
  if (options_.max_bytes < (uint64_t{64} << 20)) database_.run("PRAGMA wal_autocheckpoint=64");
  database_.run("BEGIN IMMEDIATE");  // takes the lock, also where there is nothing to make
  database_.run(kSchema);
  database_.run("COMMIT");
  if (database_.good()) prepare();
  if (database_.good()) remember_file();
  return database_.good();
}

void Spool::open_or_rebuild() {
  if (!options_.state_dir.empty()) file_ = options_.state_dir + "/spool.db";
  bool opened = open_file();
  if (opened) read_meta();
  if (database_.damaged()) {
    rebuild();
    opened = database_.good();
  }
  if (opened && database_.good()) return;
  if (database_.code() == SQLITE_BUSY)
    throw Error(kExitFailed, file_ +
                                 ": another weir-sensor has this state directory; stop it, or "
                                 "name another directory");
  throw Error(kExitFailed, file_ + ": the spool cannot be used (" + database_.reason() +
                               "); free space, or name a state directory that this user may write");
}

void Spool::read_meta() {
  const uint64_t version = read_number(database_, "schema_version");
  if (version > kSchemaVersion)
    throw Error(kExitFailed, file_ + ": schema version " + std::to_string(version) +
                                 " is newer than " + std::to_string(kSchemaVersion) +
                                 "; use the newer weir-sensor, or move the file away");
  epoch_ = read_number(database_, "epoch");
  next_sequence_ = std::max<uint64_t>(1, read_number(database_, "next_sequence"));
  acknowledged_ = read_number(database_, "acknowledged");
  if (!database_.good() || version != 0) return;
  draw_epoch();
  database_.run("BEGIN IMMEDIATE");
  Statement(database_, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")
      .bind(std::string_view("schema_version"), kSchemaVersion)
      .run();
  write_meta();
  database_.run("COMMIT");
}

/// 63 bits at random would do; 64 are promised. 0 means none.
void Spool::draw_epoch() {
  epoch_ = options_.epoch;
  while (epoch_ == 0)
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&epoch_), sizeof(epoch_)) != 1)
      throw Error(kExitFailed,
                  "OpenSSL gives no random bytes, which the spool's epoch is made of; "
                  "check openssl.cnf");
}

void Spool::set_aside() {
  unprepare();
  database_.close();
  const std::string aside = file_ + ".damaged";
  remove_log(aside);
  ::rename(file_.c_str(), aside.c_str());
  ::rename((file_ + "-wal").c_str(), (aside + "-wal").c_str());
  remove_log(file_);
}

/// A new file with what can be read of the damaged one. Its numbering goes on, and what is missing
/// is named, as long as the numbers are known.
void Spool::rebuild() {
  if (file_.empty()) return;
  const std::string reason = database_.reason();
  const bool known = epoch_ != 0;
  set_aside();
  Database old;
  old.open(file_ + ".damaged");
  if (!known) {
    epoch_ = read_number(old, "epoch");
    next_sequence_ = std::max<uint64_t>(1, read_number(old, "next_sequence"));
    acknowledged_ = read_number(old, "acknowledged");
    old.clear();
  }
  const bool continues = epoch_ != 0;
  if (!continues) {
    draw_epoch();
    next_sequence_ = 1;
    acknowledged_ = 0;
  }
  ++counters_.rebuilds;
  if (!open_file()) return;
  database_.run("BEGIN IMMEDIATE");
  if (continues) copy_readable(old);
  old.clear();
  Statement(database_, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")
      .bind(std::string_view("schema_version"), kSchemaVersion)
      .run();
  write_meta();
  database_.run("COMMIT");
  if (database_.good()) count_alerts();
  say_(file_ + ": the spool was damaged (" + reason + "); it was moved to " + file_ +
       ".damaged and a new one " +
       (continues ? "holds what could be read of it, a gap names the rest"
                  : "was begun under a new epoch, since not even its epoch could be read") +
       "; check the disk");
}

void Spool::copy_readable(Database& old) {
  Statement state(old, "SELECT name, body FROM state");
  Statement save(database_, "INSERT OR REPLACE INTO state(name, body) VALUES(?1, ?2)");
  while (state.row()) save.bind(state.bytes(0), state.bytes(1)).run();
  old.clear();
  Statement gaps(old, "SELECT first, last, reason FROM gaps WHERE last > ?1");
  Statement gap(database_, "INSERT OR REPLACE INTO gaps(first, last, reason) VALUES(?1, ?2, ?3)");
  gaps.bind(acknowledged_);
  while (gaps.row()) gap.bind(gaps.number(0), gaps.number(1), gaps.bytes(2)).run();
  old.clear();
  Statement alerts(old,
                   "SELECT sequence, incident, severity, superseded, body FROM alerts"
                   " WHERE sequence > ?1 ORDER BY sequence");
  Statement insert(database_,
                   "INSERT OR REPLACE INTO alerts(sequence, incident, severity, superseded, body)"
                   " VALUES(?1, ?2, ?3, ?4, ?5)");
  alerts.bind(acknowledged_);
  while (alerts.row())
    insert
        .bind(alerts.number(0), alerts.bytes(1), alerts.number(2), alerts.number(3),
              alerts.bytes(4))
        .run();
  old.clear();
  name_missing();
}

/// A gap for every number that neither an alert nor a gap has, and that memory does not hold.
void Spool::name_missing() {
  uint64_t end = next_sequence_;
  for (const Row& row : waiting_.rows) end = std::min(end, row.sequence);
  for (const Gap& gap : waiting_.gaps) end = std::min(end, gap.first);
  uint64_t expected = acknowledged_ + 1;
  std::vector<Gap> missing;
  Statement all(database_,
                "SELECT sequence, sequence FROM alerts UNION ALL SELECT first, last FROM gaps"
                " ORDER BY 1");
  while (all.row()) {
    if (all.number(0) > expected) missing.push_back({expected, all.number(0) - 1, kDamaged});
    expected = std::max(expected, all.number(1) + 1);
  }
  if (end > expected) missing.push_back({expected, end - 1, kDamaged});
  for (const Gap& gap : missing) {
    counters_.dropped_alerts += gap.last - gap.first + 1;
    add_gap(gap);
  }
}

void Spool::remember_file() {
  struct stat found {};
  if (file_.empty() || ::stat(file_.c_str(), &found) != 0) return;
  file_device_ = found.st_dev;
  file_inode_ = found.st_ino;
}

/// Whether the name still leads to the file that is open: SQLite would not notice.
bool Spool::file_is_ours() const {
  struct stat found {};
  return file_.empty() || (::stat(file_.c_str(), &found) == 0 && found.st_dev == file_device_ &&
                           found.st_ino == file_inode_);
}

/// The file was deleted or replaced while it was open: what is open is all there, and is copied.
bool Spool::copy_to_new_file() {
  const std::string fresh = file_ + ".new";
  ::unlink(fresh.c_str());
  remove_log(fresh);
  Database copy;
  if (!make_private_file(fresh)) {
    const int reason = errno;
    database_.fail(reason == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN, std::strerror(reason));
    return false;
  }
  if (!copy.open(fresh)) return false;
  sqlite3_backup* backup = sqlite3_backup_init(copy.handle(), "main", database_.handle(), "main");
  const int copied = backup == nullptr ? SQLITE_CANTOPEN : sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  copy.close();
  if (copied != SQLITE_DONE) {
    database_.fail(copied, copied == SQLITE_FULL ? "the disk is full" : "it could not be copied");
    return false;
  }
  // Closing deletes a log by its name: before there is one of the new file.
  unprepare();
  database_.close();
  remove_log(file_);
  ::rename(fresh.c_str(), file_.c_str());
  if (!open_file()) return false;
  ++counters_.rebuilds;
  say_(file_ +
       ": the spool was deleted or replaced while it was in use; it was written again with "
       "everything that was in it");
  return true;
}

}  // namespace weir
