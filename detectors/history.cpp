// The history file: three small SQLite tables, one transaction a minute.
#include "detectors/history.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr uint32_t kKeptDays = 30;
constexpr uint64_t kSchemaVersion = 1;

// An address is a blob of 16 bytes, most significant first; no destination is an empty one.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS days(
    day INTEGER NOT NULL, network INTEGER NOT NULL, scope INTEGER NOT NULL, host BLOB NOT NULL,
    destination BLOB NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY(day, network, scope, host, destination)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS pairs(
    network INTEGER NOT NULL, scope INTEGER NOT NULL, host BLOB NOT NULL,
    destination BLOB NOT NULL, first_day INTEGER NOT NULL, last_day INTEGER NOT NULL,
    PRIMARY KEY(network, scope, host, destination)) WITHOUT ROWID;
)";

using AddressBytes = std::array<uint8_t, 16>;

AddressBytes bytes_of(const IpAddress& address) {
  AddressBytes bytes;
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<uint8_t>(address.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<uint8_t>(address.low >> (56 - 8 * i));
  }
  return bytes;
}

IpAddress address_of(const void* blob, int blob_bytes) {
  IpAddress address;
  if (blob == nullptr || blob_bytes != 16) return address;
  const auto* bytes = static_cast<const uint8_t*>(blob);
  for (size_t i = 0; i < 8; ++i) {
    address.high = address.high << 8 | bytes[i];
    address.low = address.low << 8 | bytes[8 + i];
  }
  return address;
}

}  // namespace

/// A prepared statement, reset after each use.
class History::Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    if (sqlite3_prepare_v2(database, sql, -1, &handle_, nullptr) != SQLITE_OK) handle_ = nullptr;
  }
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  bool valid() const { return handle_ != nullptr; }
  void bind(int place, uint64_t value) {
    sqlite3_bind_int64(handle_, place, static_cast<sqlite3_int64>(value));
  }
  void bind(int place, const char* text) {
    sqlite3_bind_text(handle_, place, text, -1, SQLITE_TRANSIENT);
  }
  void bind(int place, const IpAddress& address) {
    const AddressBytes bytes = bytes_of(address);
    const int blob_bytes = address == IpAddress{} ? 0 : 16;
    sqlite3_bind_blob(handle_, place, bytes.data(), blob_bytes, SQLITE_TRANSIENT);
  }
  void bind(int place, const PairKey& pair) {
    bind(place, uint64_t{pair.network});
    bind(place + 1, static_cast<uint64_t>(pair.scope));
    bind(place + 2, pair.host);
    bind(place + 3, pair.destination);
  }
  int step() { return sqlite3_step(handle_); }
  void reset() { sqlite3_reset(handle_); }
  uint64_t number(int column) const {
    return static_cast<uint64_t>(sqlite3_column_int64(handle_, column));
  }
  IpAddress address(int column) const {
    return address_of(sqlite3_column_blob(handle_, column), sqlite3_column_bytes(handle_, column));
  }

 private:
  sqlite3_stmt* handle_ = nullptr;
};

History::History(const std::filesystem::path& state_dir, const HistoryOptions& options)
    : file_(state_dir / "history.db"), options_(options), database_(nullptr, sqlite3_close) {
  prepare_file();
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(file_.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr);
  database_.reset(database);
  if (opened != SQLITE_OK) fail("be opened");
  sqlite3_busy_timeout(database, 200);  // the judge waits no longer; the next minute tries again
  run("PRAGMA journal_mode=WAL");
  run("PRAGMA synchronous=NORMAL");
  run(kSchema);
  prepare_statements();
  const uint64_t version = read_meta("schema_version");
  if (version != 0 && version != kSchemaVersion)
    throw Error(kExitFailed, file_.string() + ": schema version " + std::to_string(version) +
                                 " is not " + std::to_string(kSchemaVersion) +
                                 "; move the file away to start with an empty history");
  last_written_s_ = read_meta("last_written_s");
  was_complete_ = last_written_s_ == 0 || read_meta("complete") != 0;
  first_day_ = static_cast<uint32_t>(read_meta("first_day"));
}

History::~History() = default;

/// The directory and an empty file that only its owner may read: SQLite gives its log and index
/// the same mode.
void History::prepare_file() {
  std::error_code error;
  std::filesystem::create_directories(file_.parent_path(), error);
  const int descriptor = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0 || ::fchmod(descriptor, 0600) != 0) {
    const std::string reason = std::strerror(errno);
    if (descriptor >= 0) ::close(descriptor);
    throw Error(kExitFailed, file_.string() + ": the history cannot be written (" + reason +
                                 "); name a state directory that this user may write");
  }
  ::close(descriptor);
}

void History::prepare_statements() {
  const auto prepare = [this](const char* sql) {
    auto statement = std::make_unique<Statement>(database_.get(), sql);
    if (!statement->valid()) fail("be used");
    return statement;
  };
  insert_day_ = prepare(
      "INSERT INTO days(network, scope, host, destination, day, bytes) VALUES(?1,?2,?3,?4,?5,?6)"
      " ON CONFLICT DO UPDATE SET bytes = excluded.bytes");
  insert_seen_ = prepare(
      "INSERT INTO pairs(network, scope, host, destination, first_day, last_day)"
      " VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO UPDATE SET"
      " first_day = min(first_day, excluded.first_day), last_day = max(last_day, "
      "excluded.last_day)");
  select_first_ = prepare(
      "SELECT first_day FROM pairs WHERE network=?1 AND scope=?2 AND host=?3 AND destination=?4");
  insert_meta_ = prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)");
  select_meta_ = prepare("SELECT value FROM meta WHERE key=?1");
}

void History::fail(const char* doing) const {
  const char* reason = database_ ? sqlite3_errmsg(database_.get()) : "out of memory";
  throw Error(kExitFailed, file_.string() + ": the history cannot " + doing + " (" + reason +
                               "); free space or move the file away to start with an empty one");
}

void History::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("be used");
}

uint64_t History::read_meta(const char* key) {
  select_meta_->bind(1, key);
  const int result = select_meta_->step();
  const uint64_t value = result == SQLITE_ROW ? select_meta_->number(0) : 0;
  select_meta_->reset();
  if (result != SQLITE_ROW && result != SQLITE_DONE) fail("be read");
  return value;
}

void History::write_meta(const char* key, uint64_t value) {
  insert_meta_->bind(1, key);
  insert_meta_->bind(2, value);
  const int result = insert_meta_->step();
  insert_meta_->reset();
  if (result != SQLITE_DONE) fail("be written");
}

void History::read_days(uint32_t first, uint32_t last,
                        const std::function<void(const Day&)>& each) {
  Statement select(database_.get(),
                   "SELECT network, scope, host, destination, day, bytes,"
                   " coalesce((SELECT first_day FROM pairs AS p WHERE p.network = days.network AND"
                   " p.scope = days.scope AND p.host = days.host AND"
                   " p.destination = days.destination), day)"
                   " FROM days WHERE day BETWEEN ?1 AND ?2 ORDER BY day DESC, network, scope, host,"
                   " destination");
  if (!select.valid()) fail("be read");
  select.bind(1, uint64_t{first});
  select.bind(2, uint64_t{last});
  int result = select.step();
  for (; result == SQLITE_ROW; result = select.step()) {
    const uint64_t scope = select.number(1);
    if (scope >= kScopes) continue;
    each({.pair = {static_cast<uint16_t>(select.number(0)), static_cast<Scope>(scope),
                   select.address(2), select.address(3)},
          .day = static_cast<uint32_t>(select.number(4)),
          .first_day = static_cast<uint32_t>(select.number(6)),
          .bytes = select.number(5)});
  }
  if (result != SQLITE_DONE) fail("be read");
}

uint32_t History::first_day_of(const PairKey& pair) {
  select_first_->bind(1, pair);
  const int result = select_first_->step();
  const auto day = static_cast<uint32_t>(result == SQLITE_ROW ? select_first_->number(0) : 0);
  select_first_->reset();
  if (result != SQLITE_ROW && result != SQLITE_DONE) fail("be read");
  return day;
}

void History::begin() { run("BEGIN IMMEDIATE"); }

void History::write_day(const PairKey& pair, uint32_t day, uint64_t bytes) {
  insert_day_->bind(1, pair);
  insert_day_->bind(5, uint64_t{day});
  insert_day_->bind(6, bytes);
  const int result = insert_day_->step();
  insert_day_->reset();
  if (result != SQLITE_DONE) fail("be written");
}

void History::write_seen(const PairKey& pair, uint32_t first_day, uint32_t last_day) {
  insert_seen_->bind(1, pair);
  insert_seen_->bind(5, uint64_t{first_day});
  insert_seen_->bind(6, uint64_t{last_day});
  const int result = insert_seen_->step();
  insert_seen_->reset();
  if (result != SQLITE_DONE) fail("be written");
}

void History::commit(uint64_t now_s, uint32_t first_day, bool complete) {
  const auto today = static_cast<uint32_t>(now_s / kDaySeconds);
  if (today != pruned_day_) {
    const auto before = [today](uint32_t days) {
      return std::to_string(today - std::min(today, days));
    };
    run(("DELETE FROM days WHERE day <= " + before(kKeptDays)).c_str());
    run(("DELETE FROM pairs WHERE last_day <= " +
         before(std::max(kKeptDays, options_.new_within_d)))
            .c_str());
  }
  write_meta("schema_version", kSchemaVersion);
  write_meta("last_written_s", now_s);
  write_meta("first_day", first_day);
  write_meta("complete", complete ? 1 : 0);
  run("COMMIT");
  pruned_day_ = today;
}

void History::abandon() noexcept {
  sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace weir
