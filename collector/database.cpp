// SQLite for the collector: statements that throw.
#include "collector/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "collector/error.h"

namespace weir::collector {
namespace {

constexpr int kBusyTimeoutMs = 5000;  // a reader in the middle of a checkpoint, at most

/// The file is made here, since SQLite would let others read it.
void create_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    throw Error(kExitFailed, "store " + path + " cannot be opened (" + std::strerror(errno) +
                                 "); make its directory, or name another with collector.store");
  ::close(file);
}

}  // namespace

Database::Database(const std::string& path, Access access) : path_(path) {
  if (access == Access::kWrite) create_private(path);
  sqlite3* handle = nullptr;
  const int flags = access == Access::kWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail("opening");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
}

void Database::run(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("writing");
}

void Database::fail(const std::string& doing) const {
  const int code = sqlite3_errcode(handle_.get());
  std::string remedy = "look at the file and its disk";
  if (code == SQLITE_FULL) remedy = "free space on its disk, or lower collector.max_store_bytes";
  if (code == SQLITE_CANTOPEN) remedy = "run `weir-collector run` first, or name another file";
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    remedy = "it is no store of weir-collector, or damaged; move it away and start again";
  throw Error(kExitFailed, "store " + path_ + ": " + doing + " failed (" +
                               sqlite3_errmsg(handle_.get()) + "); " + remedy);
}

Statement::Statement(Database& database, const std::string& sql) : database_(database) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(database.handle(), sql.c_str(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK)
    database.fail("reading");
  handle_.reset(handle);
}

bool Statement::row() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    database_.fail("writing");
  }
  sqlite3_reset(handle_.get());
  return false;
}

std::string Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column));
  return data == nullptr ? "" : std::string(static_cast<const char*>(data), size);
}

void Statement::bind_one(int place, int64_t value) {
  sqlite3_bind_int64(handle_.get(), place, value);
}
void Statement::bind_one(int place, double value) {
  sqlite3_bind_double(handle_.get(), place, value);
}
void Statement::bind_one(int place, const std::string& text) {
  sqlite3_bind_text64(handle_.get(), place, text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}
void Statement::bind_blob(int place, const std::string& bytes) {
  sqlite3_bind_blob64(handle_.get(), place, bytes.data(), bytes.size(), SQLITE_STATIC);
}

}  // namespace weir::collector
