// The slow, obviously right twin of the flow table: it remembers every distinct byte by itself.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "flowtable/flow_table_options.h"
#include "flowtable/lane_counters.h"
#include "flowtable/packet.h"

namespace weir {

/// Positions on a line, as disjoint intervals [first, last).
class ByteSet {
 public:
  /// Adds [first, last) and says how many of these positions were new.
  uint64_t add(int64_t first, int64_t last);
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  std::map<int64_t, int64_t> intervals_;  // first -> last
  uint64_t size_bytes_ = 0;
};

/// How much the author of a schedule promises about a TCP connection; the weakest promise given
/// for any of its packets holds. kExact: all packets seen, at most one hole open at a time.
/// kLossy: opening seen, segments within reach, in any order, some never seen. kHostile: nothing.
enum class Promise : uint8_t { kExact, kLossy, kHostile };

/// What the author of a schedule knows about a packet beyond its bytes.
struct Told {
  Promise promise = Promise::kHostile;
  // Where the first payload byte stands on the connection's unwrapped line. Without it the
  // sequence number is taken as the position closest to the furthest one seen.
  std::optional<int64_t> position;
};

/// What the fast table may answer for a low and a high number of payload bytes.
struct Bounds {
  uint64_t low_least = 0, low_most = 0;
  uint64_t high_least = 0, high_most = 0;
  Bounds& operator+=(const Bounds& other);
};

/// One direction of a TCP connection.
struct SlowStream {
  ByteSet seen;
  uint64_t fresh_bytes = 0;  // those that came beyond all before them
  bool started = false;
  bool opening_seen = false;  // its SYN
  uint32_t opening_sequence = 0;
  int64_t first_position = 0;  // of the first payload byte (opening seen), else of the first packet
  int64_t end_position = 0;    // behind the furthest payload byte
  uint32_t end_sequence = 0;   // the sequence number at end_position
  std::optional<int64_t> acked_position;
  bool finished = false;                // FIN seen
  std::optional<uint32_t> second_open;  // initial number of a SYN nobody believes yet

  Bounds bounds(Promise promise) const;
};

struct SlowDirection {
  uint64_t packets = 0;
  uint64_t ip_bytes = 0;
  uint64_t payload_bytes = 0;  // other protocols than TCP
  SlowStream stream;           // TCP
};

struct SlowConnection {
  uint8_t protocol = 0;
  bool served = false;
  bool reset = false;
  Promise promise = Promise::kExact;
  uint64_t first_seen_ns = 0, last_seen_ns = 0;
  uint64_t number = 0;        // in the order of opening, from 1
  SlowDirection from_host;    // towards the destination of the total
  SlowDirection from_beyond;  // towards the host

  bool closed() const {
    return reset || (from_host.stream.finished && from_beyond.stream.finished);
  }
  Bounds bounds(bool out) const;
};

/// What one direction of a total must be.
struct SlowSums {
  uint64_t packets = 0;
  uint64_t ip_bytes = 0;
  Bounds payload;
  SlowSums& operator+=(const SlowSums& other);
};

struct SlowTotal {
  uint16_t network = 0;
  Scope scope = Scope::kTransit;
  IpAddress host, destination;
  uint64_t first_seen_ns = 0, last_seen_ns = 0;
  std::list<SlowConnection> connections;  // all there ever were
  SlowSums loose_out, loose_in;           // packets that belong to no connection

  SlowSums out() const;
  SlowSums in() const;
  SlowSums served() const;
};

/// Network and the two addresses, the smaller first.
using SlowTotalKey = std::tuple<uint16_t, IpAddress, IpAddress>;

class SlowLedger {
 public:
  explicit SlowLedger(const FlowTableOptions& options) : options_(options) {}

  /// Counts a packet; the connection it belongs to, if any. Pointers stay valid.
  const SlowConnection* update(const Packet& packet, const Told& told = {});

  const std::map<SlowTotalKey, SlowTotal>& totals() const { return totals_; }
  static SlowTotalKey key_of(const Packet& packet);

  /// All counters that need no judgement; payload and overflow fields are left 0.
  const LaneCounters& counters() const { return counters_; }

 private:
  struct Sighting {
    uint64_t time_ns;
    std::vector<uint8_t> bytes;
  };
  // Network, protocol and the two (address, port) ends, the smaller first.
  using ConnectionKey =
      std::tuple<uint16_t, uint8_t, std::pair<IpAddress, uint16_t>, std::pair<IpAddress, uint16_t>>;

  void count(const Packet& packet);
  bool seen_just_now(const Packet& packet);
  SlowTotal& total_of(const Packet& packet);
  SlowConnection& connection_of(const Packet& packet, SlowTotal& total);
  uint64_t idle_limit_ns(const SlowConnection& connection) const;

  FlowTableOptions options_;
  uint64_t clock_ns_ = 0;
  LaneCounters counters_;
  std::map<SlowTotalKey, SlowTotal> totals_;
  std::map<ConnectionKey, SlowConnection*> live_;
  std::deque<Sighting> sightings_;
};

}  // namespace weir
