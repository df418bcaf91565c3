// Runs the real weir-sensor as a process of its own and reads back what it wrote.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "flowtable/total.h"
#include "proto/weir/v1/alert.pb.h"

namespace weir::testing {

/// A file or folder of this test's own, gone at the end of the scope.
class TemporaryPath {
 public:
  TemporaryPath();
  ~TemporaryPath();
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  const std::string& path() const { return path_; }
  std::string read() const;

 private:
  std::string path_;
};

struct SensorRun {
  int exit_code = -1;  // 128 + signal where one ended it
  std::string out;
  std::string err;
};

/// A running `weir-sensor`.
class SensorProcess {
 public:
  explicit SensorProcess(const std::vector<std::string>& arguments);
  ~SensorProcess();
  SensorProcess(const SensorProcess&) = delete;
  SensorProcess& operator=(const SensorProcess&) = delete;
  void send(int signal) const;
  /// Waits for its end.
  SensorRun wait();

 private:
  TemporaryPath out_, err_;
  pid_t process_ = -1;
};

SensorRun run_sensor(const std::vector<std::string>& arguments);

/// The last line that begins with `ledger:`, as its keys and values.
struct LedgerLine {
  std::string text;
  std::string capture;  // empty without --each
  std::map<std::string, uint64_t> values;
  /// Fails the test and returns 0 where the line has no such key.
  uint64_t operator[](const std::string& key) const;
};
LedgerLine ledger_line_of(const std::string& text);

/// A row of `--ledger`.
struct LedgerRow {
  std::string network, host, destination, scope;
  uint64_t connections = 0;
  DirectionCounts out, in;
};

std::vector<v1::Alert> alerts_of(const std::string& json_lines);

/// What `--each` said of one capture.
struct CaptureAccount {
  LedgerLine line;
  std::vector<LedgerRow> rows;
  std::vector<v1::Alert> alerts;
  /// The alerts with state CLOSED.
  std::vector<v1::Alert> closed() const;
};

struct EachRun {
  int exit_code = -1;
  std::string out, err, json;
  std::vector<CaptureAccount> captures;
};

/// `replay --each` over the captures, with `--ledger -` and `--json FILE`, and small tables.
EachRun replay_each(const std::vector<std::string>& captures,
                    const std::vector<std::string>& options = {});

}  // namespace weir::testing
