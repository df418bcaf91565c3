// Writes alerts as JSON lines, to syslog and for people; keeps the last one of each incident.
#include "sensor/alert_outputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "flowtable/error.h"
#include "proto/alert_json.h"
#include "sensor/alert_text.h"
#include "sensor/terminal.h"

namespace weir {
namespace {

constexpr mode_t kFileMode = 0640;  // whoever ships logs is in the group

FILE* open_file(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode);
  if (file < 0) return nullptr;
  return fdopen(file, "a");
}

int syslog_level(v1::Alert::Severity severity) {
  switch (severity) {
    case v1::Alert::CRITICAL:
      return LOG_CRIT;
    case v1::Alert::HIGH:
      return LOG_ERR;
    case v1::Alert::MEDIUM:
      return LOG_WARNING;
    default:
      return LOG_NOTICE;
  }
}

}  // namespace

AlertOutputs::AlertOutputs(const AlertsSection& config) : config_(config) {
  if (config_.syslog) openlog("weir-sensor", LOG_PID | LOG_NDELAY, LOG_DAEMON);
  if (config_.file.empty()) return;
  file_ = open_file(config_.file);
  if (file_ == nullptr)
    throw Error(kExitFailed, "alerts.file: " + config_.file + " cannot be written (" +
                                 std::strerror(errno) +
                                 "); let the sensor's user write there, or name another file");
}

AlertOutputs::~AlertOutputs() {
  if (file_ != nullptr) fclose(file_);
}

void AlertOutputs::take(const v1::Alert& alert) {
  {
    const std::lock_guard lock(mutex_);
    write_line(alert);
    remember(alert);
  }
  const std::string headline = alert_headline(alert, false);
  if (config_.syslog)
    syslog(syslog_level(alert.severity()), "%s incident=%s revision=%u",
           headline.substr(0, headline.find('\n')).c_str(), alert.incident_id().c_str(),
           alert.revision());
  const bool colour = stdout_takes_colour();
  std::cout << (alert.state() == v1::Alert::CLOSED ? alert_text(alert, colour)
                                                   : alert_headline(alert, colour))
            << std::flush;
}

/// A full disk costs lines and is said once; the sensor goes on.
void AlertOutputs::write_line(const v1::Alert& alert) {
  if (file_ == nullptr) return;
  const std::string line = alert_json(alert) + "\n";
  if (fwrite(line.data(), 1, line.size(), file_) == line.size() && fflush(file_) == 0) return;
  if (lost_lines_++ == 0)
    std::cerr << "weir-sensor: alerts.file " << config_.file << " takes no more lines ("
              << std::strerror(errno) << "); free its disk, alerts go on elsewhere\n";
  clearerr(file_);
}

void AlertOutputs::remember(const v1::Alert& alert) {
  const auto [entry, is_new] = latest_.insert_or_assign(alert.incident_id(), alert);
  if (!is_new) return;
  order_.push_back(entry->first);
  if (order_.size() <= kIncidentsRemembered) return;
  latest_.erase(order_.front());
  order_.pop_front();
}

bool AlertOutputs::reopen() {
  if (config_.file.empty()) return true;
  FILE* fresh = open_file(config_.file);
  if (fresh == nullptr) return false;
  const std::lock_guard lock(mutex_);
  fclose(file_);
  file_ = fresh;
  return true;
}

bool AlertOutputs::find(const std::string& incident_id, v1::Alert& alert) const {
  const std::lock_guard lock(mutex_);
  const auto first = latest_.lower_bound(incident_id);
  if (incident_id.empty() || first == latest_.end() || !first->first.starts_with(incident_id))
    return false;
  const auto second = std::next(first);
  const bool alone = first->first == incident_id || second == latest_.end() ||
                     !second->first.starts_with(incident_id);
  if (alone) alert = first->second;
  return alone;
}

std::vector<v1::Alert> AlertOutputs::incidents() const {
  const std::lock_guard lock(mutex_);
  std::vector<v1::Alert> all;
  for (auto id = order_.rbegin(); id != order_.rend(); ++id) all.push_back(latest_.at(*id));
  return all;
}

uint64_t AlertOutputs::lost_lines() const {
  const std::lock_guard lock(mutex_);
  return lost_lines_;
}

}  // namespace weir
