// SQLite for the collector: statements that throw.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::collector {

/// One connection, for one thread. Everything throws Error (kExitFailed) that names the file.
class Database {
 public:
  enum class Access : uint8_t { kWrite, kRead };

  Database(const std::string& path, Access access);
  void run(const char* sql);
  uint64_t changed() const { return static_cast<uint64_t>(sqlite3_changes(handle_.get())); }
  sqlite3* handle() const { return handle_.get(); }
  [[noreturn]] void fail(const std::string& doing) const;

 private:
  std::string path_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_{nullptr, sqlite3_close};
};

/// A prepared statement; must end before its database.
class Statement {
 public:
  Statement(Database& database, const std::string& sql);

  /// From the first placeholder on; what was bound before is gone.
  template <class... Values>
  Statement& bind(const Values&... values) {
    sqlite3_reset(handle_.get());
    int place = 0;
    (bind_one(++place, values), ...);
    return *this;
  }
  /// Steps; false at the end.
  bool row();
  void run() {
    while (row()) {
    }
  }
  int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  std::string bytes(int column) const;
  void bind_one(int place, int64_t value);
  void bind_one(int place, uint64_t value) { bind_one(place, static_cast<int64_t>(value)); }
  void bind_one(int place, int value) { bind_one(place, static_cast<int64_t>(value)); }
  void bind_one(int place, double value);
  void bind_one(int place, const std::string& text);
  /// Of a BLOB; the bytes must live until the statement has run.
  void bind_blob(int place, const std::string& bytes);

 private:
  Database& database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> handle_{nullptr, sqlite3_finalize};
};

}  // namespace weir::collector
