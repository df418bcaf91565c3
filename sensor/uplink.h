// The way of an alert out of the sensor: into the spool, over TLS to the collector, acknowledged.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sensor/config.h"
#include "sensor/metrics.h"
#include "sensor/own_traffic.h"
#include "sensor/spool.h"
#include "weir/v1/uplink.pb.h"

namespace weir {

struct UplinkOptions {
  std::string sensor_id;
  std::string version;    // of the sensor, for the Hello
  std::string collector;  // HOST:PORT; "": alerts go no further than the spool
  std::string server_name, ca_file, certificate_file, key_file;
  uint32_t retry_min_ms = 250, retry_max_ms = 30000;
  uint32_t heartbeat_s = 30;
};
UplinkOptions uplink_options(const SensorConfig& config, const std::string& version);

/// When this sensor's certificate ends, seconds since 1970. Throws Error, as the Uplink would,
/// where certificate, key or authority cannot be used.
uint64_t certificate_expires_s(const UplinkOptions& options);

/// An expiry is said that long before.
inline constexpr uint64_t kExpiryNotice_s = 14 * 86400;

/// What the uplink's thread calls. None may block for long.
struct UplinkHooks {
  /// A sentence for the log, without a line end. A trouble that lasts is said once.
  std::function<void(const std::string&)> say;
  /// Fills in `lanes` and `silenced`; the rest is the uplink's. May be null.
  std::function<void(v1::Heartbeat&)> fill_heartbeat;
  /// The alerts of a batch, numbered, once they are on disk (or wait in memory for a disk that
  /// takes none): what else tells of alerts, a file of JSON lines, does it here. May be null.
  std::function<void(const std::vector<v1::Alert>&)> stored;
  /// Before a connection is begun: what the capture path is to leave out of its account from now
  /// on. May be null.
  std::function<void(const OwnTraffic&)> connecting = {};
};

/// A copy of how things stand.
struct UplinkStatus {
  bool connected = false;  // and welcomed
  bool refused = false;    // the last attempt ended at a certificate: trying again changes nothing
  std::string trouble;     // why it is not connected, one sentence; empty: it is, or is on the way
  std::string collector_version;
  // Of the connection, as it is on the wire, to leave it out of the account: the address and port
  // of the collector, and ours. Empty and 0 while there is none.
  std::string remote_address, local_address;
  uint16_t remote_port = 0, local_port = 0;
  uint64_t epoch = 0;
  uint64_t next_sequence = 1;
  uint64_t acknowledged = 0;
  uint64_t sent_alerts = 0;         // also again; since start
  uint64_t sent_gaps = 0;           // since start
  uint64_t welcomes = 0;            // connections that were accepted, since start
  uint64_t failed_connections = 0;  // since start
  uint64_t directives = 0;          // received and ignored, since start
  int64_t last_acknowledged_s = 0;  // seconds since 1970; 0: never since start
  uint64_t certificate_expires_s = 0;
  SpoolCounters spool;
};

UplinkMetrics metrics_of(const UplinkStatus& status);

/// Owns the spool and a thread that writes it and talks to the collector. Neither disk nor
/// collector ever makes a caller wait.
class Uplink {
 public:
  /// Starts the thread. Throws Error where certificate, key or authority cannot be used.
  Uplink(UplinkOptions options, std::unique_ptr<Spool> spool, UplinkHooks hooks);
  /// As `stop`.
  ~Uplink();
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

  /// What a sweep left: alerts and state, in one transaction. Any thread; the order of calls is
  /// that of the numbers.
  void submit(SpoolBatch batch);

  /// Reads certificate, key and authority again, and connects with them. What is wrong with them
  /// is said; then those from before stay in use. Any thread.
  void reload_certificates();

  /// Any thread.
  UplinkStatus status() const;

  /// Whether everything submitted so far has been acknowledged, after at most `patience`. Any
  /// thread but the hooks'.
  bool wait_acknowledged(std::chrono::milliseconds patience) const;

  /// Writes what was submitted into the spool, ends the connection and the thread. Waits for the
  /// disk, for the collector no longer than a second. What is not acknowledged stays in the spool.
  void stop();

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace weir
