// weir-collector as its users run it: a process of its own in a folder of its own.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/sensor/certificates.h"

namespace weir::testing {

/// What a command said.
struct Said {
  int exit_code = -1;
  std::string out, err;
};

/// A folder with an authority, the collector's certificate and its store. `run` starts the process,
/// which ends with this object at the latest.
class CollectorRun {
 public:
  CollectorRun();
  ~CollectorRun();
  CollectorRun(const CollectorRun&) = delete;
  CollectorRun& operator=(const CollectorRun&) = delete;

  /// Starts `run` with more `--set` values, and returns when it listens.
  void start(const std::vector<std::string>& set = {});
  /// Sends a signal and waits for the end; returns the exit code, or 128 + signal.
  int end(int signal);
  void send(int signal);
  /// Another command of weir-collector on the same store.
  Said command(std::vector<std::string> words) const;
  /// What Prometheus reads of a metric, with its labels: "weir_..._total{sensor=\"a\"}"; -1: it is
  /// not there.
  double metric(const std::string& name) const;

  Authority& authority() { return authority_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::string store() const { return folder_ / "collector.db"; }
  int port() const { return port_; }
  std::string log() const;

 private:
  std::vector<std::string> settings() const;

  std::filesystem::path folder_;
  Authority authority_;
  CertificateFiles own_;
  int port_ = 0, http_port_ = 0;
  pid_t process_ = 0;
};

/// Runs a program to its end.
Said run_program(const std::string& program, const std::vector<std::string>& words);

}  // namespace weir::testing
