// SQLite for files of ours: the first failure of a transaction is the one that is told.
#include "sensor/database.h"

#include <utility>

namespace weir {

bool Database::open(const std::string& path) {
  sqlite3* opened = nullptr;
  clear();
  const int code = sqlite3_open_v2(path.empty() ? ":memory:" : path.c_str(), &opened,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(opened);
  if (code != SQLITE_OK) fail(code);
  return good();
}

void Database::clear() {
  code_ = SQLITE_OK;
  reason_.clear();
}

void Database::fail(int code, std::string reason) {
  if (!good()) return;
  code_ = code & 0xff;
  if (reason.empty()) reason = handle_ ? sqlite3_errmsg(handle_.get()) : "out of memory";
  reason_ = std::move(reason);
}

void Database::run(const char* sql) {
  if (!good()) return;
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  if (!database_.good()) return;
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v2(database_.handle(), sql, -1, &prepared, nullptr);
  handle_.reset(prepared);
  if (code != SQLITE_OK) database_.fail(code);
}

bool Statement::row() {
  if (!database_.good() || !handle_) return false;
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  sqlite3_reset(handle_.get());
  return false;
}

void Statement::run() {
  while (row()) continue;
}

uint64_t Statement::first_number(uint64_t otherwise) {
  const bool found = row();
  const uint64_t value = found ? number(0) : otherwise;
  if (found) sqlite3_reset(handle_.get());
  return value;
}

uint64_t Statement::number(int column) const {
  return static_cast<uint64_t>(sqlite3_column_int64(handle_.get(), column));
}

std::string Statement::bytes(int column) const {
  const void* first = sqlite3_column_blob(handle_.get(), column);
  const int count = sqlite3_column_bytes(handle_.get(), column);
  return first == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(first), static_cast<size_t>(count));
}

void Statement::bind_one(int place, uint64_t value) {
  if (handle_) sqlite3_bind_int64(handle_.get(), place, static_cast<sqlite3_int64>(value));
}

// As a blob everywhere: names and bodies alike are bytes that are compared and never collated.
void Statement::bind_one(int place, std::string_view bytes) {
  if (handle_)
    sqlite3_bind_blob64(handle_.get(), place, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

}  // namespace weir
