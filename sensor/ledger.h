// The account of a run for people and scripts: the `ledger:` line and the table of all pairs.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "flowtable/flow_table.h"
#include "flowtable/home_networks.h"
#include "flowtable/lane_counters.h"

namespace weir {

/// What the line says beside the lanes' counters.
struct RunSummary {
  uint64_t captures = 0;
  uint64_t captures_failed = 0;
  uint64_t captures_cut = 0;
  bool interrupted = false;
  uint64_t findings = 0;
  uint64_t incidents = 0;
  uint64_t alerts = 0;
};

/// Sum over all lanes, each read as one consistent copy.
LaneCounters sum_of_lanes(const FlowTable& table);

/// "ledger: captures=1 ..." without a line end; `capture`, where given, comes first.
std::string ledger_line(const RunSummary& run, const LaneCounters& counters,
                        const std::string& capture = "");

/// The header of the table, with a line end.
std::string ledger_header();

/// All pairs, sorted by network, host, destination; then, with `*` for both ends, what pairs
/// without a total of their own sent, by scope.
void write_ledger(std::ostream& out, const FlowTable& table, const HomeNetworks& networks);

}  // namespace weir
