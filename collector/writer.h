// The one thread that writes the store: what all sensors said since the last commit, in one commit.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "collector/config.h"
#include "collector/metrics.h"
#include "collector/silence.h"
#include "collector/store.h"

namespace weir::collector {

class Writer {
 public:
  /// Called on the writer's thread after the commit; `outcome` is null when it failed, and then
  /// nothing of the arrival is stored.
  using Done = std::function<void(const Outcome* outcome)>;

  /// Opens the store; throws Error. `metrics` must outlive the writer.
  Writer(const Config& config, Metrics& metrics);
  /// Commits what has been submitted, then ends.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Any thread. Arrivals of one caller are committed in its order.
  void submit(Arrival arrival, Done done);

 private:
  struct Waiting {
    std::vector<Arrival> arrivals;
    std::vector<Done> done;
  };

  void work();
  void commit(Waiting& waiting);
  void keep_house(int64_t now_ns);

  Config config_;
  Metrics& metrics_;
  Store store_;
  Silence silence_;
  int64_t house_kept_ns_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  Waiting waiting_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses all of the above
};

/// Nanoseconds since 1970.
int64_t now_ns();

}  // namespace weir::collector
