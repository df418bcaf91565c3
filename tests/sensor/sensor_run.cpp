// Runs the real weir-sensor as a process of its own and reads back what it wrote.
#include "tests/sensor/sensor_run.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace weir::testing {
namespace {

uint64_t number(const std::string& text) { return std::stoull(text); }

DirectionCounts direction(const std::vector<std::string>& values, size_t first) {
  return {.packets = number(values[first]),
          .ip_bytes = number(values[first + 1]),
          .payload_low_bytes = number(values[first + 2]),
          .payload_high_bytes = number(values[first + 3])};
}

/// False if the line is none of the table's.
bool read_row(const std::string& line, LedgerRow& row) {
  std::vector<std::string> values;
  std::istringstream fields(line);
  for (std::string value; std::getline(fields, value, '\t');) values.push_back(value);
  if (values.size() != 15 || values[0] == "network") return false;
  row = {values[0],           values[1],         values[2],
         values[3],           number(values[4]), direction(values, 5),
         direction(values, 9)};
  return true;
}

LedgerLine read_ledger_line(const std::string& text) {
  LedgerLine line{.text = text, .capture = {}, .values = {}};
  std::istringstream words(text);
  std::string word;
  words >> word;  // "ledger:"
  while (words >> word) {
    const size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (key == "capture")
      line.capture = value;
    else
      line.values[key] = number(value);
  }
  return line;
}

}  // namespace

TemporaryPath::TemporaryPath() {
  path_ = std::filesystem::temp_directory_path() / "weir-replay-XXXXXX";
  const int file = mkstemp(path_.data());
  if (file < 0) throw std::runtime_error("no temporary file at " + path_);
  close(file);
}

TemporaryPath::~TemporaryPath() { std::filesystem::remove_all(path_); }

std::string TemporaryPath::read() const {
  std::ifstream file(path_, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

SensorProcess::SensorProcess(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {WEIR_SENSOR};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out_.path().c_str(), O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, err_.path().c_str(), O_WRONLY, 0);
  const int error = posix_spawn(&process_, WEIR_SENSOR, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("cannot run " WEIR_SENSOR);
}

SensorProcess::~SensorProcess() {
  if (process_ < 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

void SensorProcess::send(int signal) const { kill(process_, signal); }

SensorRun SensorProcess::wait() {
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out_.read(),
          err_.read()};
}

SensorRun run_sensor(const std::vector<std::string>& arguments) {
  return SensorProcess(arguments).wait();
}

uint64_t LedgerLine::operator[](const std::string& key) const {
  const auto found = values.find(key);
  if (found != values.end()) return found->second;
  ADD_FAILURE() << "no " << key << " in: " << text;
  return 0;
}

LedgerLine ledger_line_of(const std::string& text) {
  std::istringstream lines(text);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("ledger: ")) found = line;
  if (found.empty()) ADD_FAILURE() << "no ledger line in: " << text;
  return read_ledger_line(found);
}

std::vector<v1::Alert> alerts_of(const std::string& json_lines) {
  std::vector<v1::Alert> alerts;
  std::istringstream lines(json_lines);
  for (std::string line; std::getline(lines, line);) {
    const auto status = google::protobuf::util::JsonStringToMessage(line, &alerts.emplace_back());
    if (!status.ok()) ADD_FAILURE() << status.ToString() << " in: " << line;
  }
  return alerts;
}

std::vector<v1::Alert> CaptureAccount::closed() const {
  std::vector<v1::Alert> found;
  for (const v1::Alert& alert : alerts)
    if (alert.state() == v1::Alert::CLOSED) found.push_back(alert);
  return found;
}

EachRun replay_each(const std::vector<std::string>& captures,
                    const std::vector<std::string>& options) {
  const TemporaryPath json;
  std::vector<std::string> arguments = {"replay",   "--each",
                                        "--ledger", "-",
                                        "--json",   json.path(),
                                        "--set",    "flow_table.connections=65536",
                                        "--set",    "flow_table.totals=16384"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), captures.begin(), captures.end());
  const SensorRun run = run_sensor(arguments);
  EachRun each{run.exit_code, run.out, run.err, json.read(), {}};
  const std::vector<v1::Alert> alerts = alerts_of(each.json);
  auto next_alert = alerts.begin();
  std::istringstream lines(run.out);
  CaptureAccount account;
  LedgerRow row;
  for (std::string line; std::getline(lines, line);) {
    if (read_row(line, row)) account.rows.push_back(row);
    if (!line.starts_with("ledger: ")) continue;
    account.line = read_ledger_line(line);
    const auto count = static_cast<std::ptrdiff_t>(account.line["alerts"]);
    if (count > alerts.end() - next_alert) {
      ADD_FAILURE() << "fewer alerts than the ledger lines say: " << line;
      break;
    }
    account.alerts.assign(next_alert, next_alert + count);
    next_alert += count;
    each.captures.push_back(std::move(account));
    account = {};
  }
  EXPECT_TRUE(next_alert == alerts.end()) << "more alerts than the ledger lines say";
  return each;
}

}  // namespace weir::testing
