// The fast flow table and its slow twin, fed with the same packets and compared after every burst.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "flowtable/flow_table.h"
#include "tests/flowtable/ledger_packets.h"
#include "tests/flowtable/slow_ledger.h"

namespace weir {

/// A table that holds whatever these tests put into it.
FlowTableOptions roomy_options();

class LedgerPair {
 public:
  explicit LedgerPair(uint32_t burst_packets = 1,
                      const FlowTableOptions& options = roomy_options());

  /// Takes a packet; a full burst goes to both tables, and what it touched is compared.
  void add(TestPacket packet);

  /// Hands over what waits for its burst to fill.
  void flush();

  /// Compares every total there ever was.
  void compare_all();

  /// What the fast table says of a pair after all packets; a failure if there is none.
  TotalSnapshot total(const IpAddress& host, const IpAddress& destination, uint16_t network = 0);

  LaneCounters counters();

 private:
  void compare_connections(const std::vector<const SlowConnection*>& slow,
                           const std::vector<RecordId>& fast);
  void compare_touched();
  void compare_counters() const;

  FlowTable table_;
  SlowLedger slow_;
  uint32_t burst_packets_;
  std::vector<TestPacket> waiting_;
  std::map<SlowTotalKey, uint32_t> slots_;         // of the fast table's totals
  std::map<uint32_t, TotalSnapshot> last_seen_;    // by slot
  std::map<const SlowConnection*, RecordId> ids_;  // of the fast table's connections
  std::map<std::pair<uint32_t, uint32_t>, const SlowConnection*> by_id_;
};

/// Every number of a total that is no payload must be equal, payload within the twin's bounds.
void compare_total(const TotalSnapshot& fast, const SlowTotal& slow);

}  // namespace weir
