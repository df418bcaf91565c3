// A TCP proxy that can stop forwarding, or cut: a network between sensor and collector.
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace weir::testing {

class StallingProxy {
 public:
  /// Forwards connections to a port of loopback.
  explicit StallingProxy(int port);
  ~StallingProxy();
  StallingProxy(const StallingProxy&) = delete;
  StallingProxy& operator=(const StallingProxy&) = delete;

  int port() const { return port_; }
  /// While stalled nothing passes, and nothing is refused: a partition.
  void stall(bool stalled) { stalled_ = stalled; }
  /// Ends all connections.
  void cut();

 private:
  void accept();
  void forward(int from, int to);

  int target_port_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> ending_{false}, stalled_{false};
  std::mutex mutex_;
  std::set<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace weir::testing
