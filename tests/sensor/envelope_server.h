// The collector's end of the wire as a test wants it: real TLS, and every misbehaviour.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/sensor/certificates.h"
#include "weir/v1/uplink.pb.h"

namespace weir::testing {

/// What a collector has: alerts by epoch and sequence, gaps, and what came twice.
struct Received {
  std::map<std::pair<uint64_t, uint64_t>, v1::Alert> alerts;
  std::vector<v1::Gap> gaps;
  std::vector<v1::Heartbeat> heartbeats;
  std::vector<v1::Hello> hellos;
  uint64_t repeated = 0;
  uint64_t conflicting = 0;  // of those, ones that were another alert than before
};

class EnvelopeServer {
 public:
  struct Manner {
    bool answers = true;         // a Hello with a Welcome
    bool acknowledges = true;    // what was stored
    bool reads = true;           // after the Welcome
    int ack_delay_ms = 0;        // before each Ack
    uint64_t acknowledged = 0;   // at least so much in a Welcome
    uint64_t hang_up_after = 0;  // alerts of a connection that are stored and not acknowledged
    bool directs = false;        // sends a Directive after the Welcome
    uint64_t ack_ahead = 0;      // acknowledges so much more than it has
    std::string raw = {};        // in place of a Welcome
  };

  /// Listens on a free port of loopback. `authority`: whom a client must be signed by.
  EnvelopeServer(const std::string& authority, const CertificateFiles& own, int port = 0);
  ~EnvelopeServer();
  EnvelopeServer(const EnvelopeServer&) = delete;
  EnvelopeServer& operator=(const EnvelopeServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  void behave(const Manner& manner);
  /// Ends all connections.
  void hang_up();
  Received received() const;
  /// Waits until `condition` holds for what was received; false after ten seconds.
  bool wait(const std::function<bool(const Received&)>& condition) const;

 private:
  struct Tls;
  struct Connection;
  void accept();
  void serve(int socket);
  bool take(Connection& connection, const v1::Envelope& envelope);
  bool acknowledge(Connection& connection, uint64_t epoch);
  Manner manner() const;

  std::unique_ptr<Tls> tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  Manner manner_;
  Received received_;
  std::map<uint64_t, uint64_t> stored_;  // by epoch: everything up to here
  std::set<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace weir::testing
