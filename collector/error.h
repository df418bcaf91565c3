// The one exception of the collector: its message is a sentence for the user.
#pragma once

#include <stdexcept>
#include <string>

namespace weir::collector {

/// Exit codes, as the sensor's.
inline constexpr int kExitDone = 0, kExitFailed = 1, kExitUsage = 2;

/// `message`: one sentence with place, value and remedy. `exit_code`: kExitFailed (store, socket or
/// certificate) or kExitUsage (command line or configuration).
class Error : public std::runtime_error {
 public:
  Error(int exit_code, const std::string& message)
      : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace weir::collector
