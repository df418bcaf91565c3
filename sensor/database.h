// SQLite for files of ours: statements, and failures collected so that a transaction asks once.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir {

/// A connection that the process has for itself. One thread. The first failure stays until `clear`:
/// what follows it does nothing, so a transaction is checked before its commit alone.
class Database {
 public:
  /// The file must exist. "" = in memory. False: see `code` and `reason`.
  bool open(const std::string& path);
  void close() { handle_.reset(); }

  void run(const char* sql);
  bool good() const { return code_ == SQLITE_OK; }
  int code() const { return code_; }  // without SQLite's extension bits
  const std::string& reason() const { return reason_; }
  bool damaged() const { return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB; }
  void clear();
  /// `reason` "": SQLite's own words.
  void fail(int code, std::string reason = "");

  /// Rows that the last statement inserted, changed or deleted.
  uint64_t changed() const { return static_cast<uint64_t>(sqlite3_changes(handle_.get())); }
  sqlite3* handle() const { return handle_.get(); }

 private:
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_{nullptr, sqlite3_close};
  int code_ = SQLITE_MISUSE;
  std::string reason_ = "not open";
};

/// A prepared statement; must end before its database closes.
class Statement {
 public:
  Statement(Database& database, const char* sql);

  template <class... Values>
  Statement& bind(const Values&... values) {
    int place = 0;
    (bind_one(++place, values), ...);
    return *this;
  }
  /// Steps. False at the end and after a failure; then it may be bound again.
  bool row();
  /// Steps to the end.
  void run();
  void reset() { sqlite3_reset(handle_.get()); }
  /// The first column of the first row, else `otherwise`.
  uint64_t first_number(uint64_t otherwise);

  uint64_t number(int column) const;
  std::string bytes(int column) const;

 private:
  void bind_one(int place, uint64_t value);
  void bind_one(int place, std::string_view bytes);

  Database& database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> handle_{nullptr, sqlite3_finalize};
};

}  // namespace weir
