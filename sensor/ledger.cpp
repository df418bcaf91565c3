// The account of a run for people and scripts: the `ledger:` line and the table of all pairs.
#include "sensor/ledger.h"

#include <algorithm>
#include <ostream>
#include <string_view>
#include <tuple>
#include <vector>

#include "flowtable/packet_names.h"

namespace weir {
namespace {

void add(LaneCounters& sum, const LaneCounters& lane) {
  static_assert(sizeof(LaneCounters) % sizeof(uint64_t) == 0);
  const uint64_t error = std::max(sum.sketch_error_bytes, lane.sketch_error_bytes);
  const uint64_t first =
      sum.first_time_ns == 0 ? lane.first_time_ns : std::min(sum.first_time_ns, lane.first_time_ns);
  const uint64_t last = std::max(sum.last_time_ns, lane.last_time_ns);
  auto* to = reinterpret_cast<uint64_t*>(&sum);
  const auto* from = reinterpret_cast<const uint64_t*>(&lane);
  for (size_t i = 0; i < sizeof(LaneCounters) / sizeof(uint64_t); ++i) to[i] += from[i];
  sum.sketch_error_bytes = error;
  sum.first_time_ns = first;
  sum.last_time_ns = last;
}

void write_row(std::ostream& out, std::string_view network, std::string_view host,
               std::string_view destination, Scope scope, uint64_t connections,
               const DirectionCounts& sent, const DirectionCounts& received, uint64_t first_seen_ns,
               uint64_t last_seen_ns) {
  out << network << '\t' << host << '\t' << destination << '\t' << scope_name(scope) << '\t'
      << connections;
  for (const DirectionCounts* counts : {&sent, &received})
    out << '\t' << counts->packets << '\t' << counts->ip_bytes << '\t' << counts->payload_low_bytes
        << '\t' << counts->payload_high_bytes;
  out << '\t' << first_seen_ns << '\t' << last_seen_ns << '\n';
}

}  // namespace

LaneCounters sum_of_lanes(const FlowTable& table) {
  LaneCounters sum;
  for (uint16_t lane = 0; lane < table.lanes(); ++lane) add(sum, table.shard(lane).read_counters());
  return sum;
}

std::string ledger_line(const RunSummary& run, const LaneCounters& counters,
                        const std::string& capture) {
  std::string line = "ledger:";
  const auto put = [&](std::string_view key, uint64_t value) {
    line.append(" ").append(key).append("=").append(std::to_string(value));
  };
  if (!capture.empty()) line.append(" capture=").append(capture);
  put("captures", run.captures);
  put("captures_failed", run.captures_failed);
  put("captures_cut", run.captures_cut);
  put("interrupted", run.interrupted ? 1 : 0);
  put("packets", counters.packets);
  put("frame_bytes", counters.frame_bytes);
  put("counted_packets", counters.counted_packets);
  put("counted_frame_bytes", counters.counted_frame_bytes);
  put("ip_bytes", counters.ip_bytes);
  put("connections", counters.connections);
  put("totals", counters.totals);
  put("out_ip_bytes", counters.out_ip_bytes);
  put("in_ip_bytes", counters.in_ip_bytes);
  put("internal_ip_bytes", counters.internal_ip_bytes);
  put("transit_ip_bytes", counters.transit_ip_bytes);
  put("local_ip_bytes", counters.local_ip_bytes);
  put("out_payload_low_bytes", counters.out_payload_low_bytes);
  put("out_payload_high_bytes", counters.out_payload_high_bytes);
  put("findings", run.findings);
  put("incidents", run.incidents);
  put("alerts", run.alerts);
  put("overflow_connection_bytes", counters.overflow_connection_bytes);
  put("overflow_total_bytes", counters.overflow_total_bytes);
  put("sketch_error_bytes", counters.sketch_error_bytes);
  put("time_backward_packets", counters.time_backward_packets);
  put("duplicate_packets", counters.duplicate_packets);
  for (size_t i = 0; i < kDropReasons; ++i) {
    if (i == static_cast<size_t>(DropReason::kOwnUplink)) continue;  // a live sensor's alone
    const std::string name = "drop_" + std::string(drop_name(static_cast<DropReason>(i)));
    put(name + "_packets", counters.drop_packets[i]);
    put(name + "_frame_bytes", counters.drop_frame_bytes[i]);
  }
  return line;
}

std::string ledger_header() {
  return "network\thost\tdestination\tscope\tconnections\tout_packets\tout_ip_bytes\t"
         "out_payload_low_bytes\tout_payload_high_bytes\tin_packets\tin_ip_bytes\t"
         "in_payload_low_bytes\tin_payload_high_bytes\tfirst_seen_ns\tlast_seen_ns\n";
}

void write_ledger(std::ostream& out, const FlowTable& table, const HomeNetworks& networks) {
  std::vector<TotalSnapshot> totals;
  for (uint16_t lane = 0; lane < table.lanes(); ++lane) {
    const Shard& shard = table.shard(lane);
    TotalSnapshot total;
    for (uint32_t slot = 0; slot < shard.totals_used(); ++slot)
      if (shard.read_total(slot, total)) totals.push_back(total);
  }
  std::sort(totals.begin(), totals.end(), [](const TotalSnapshot& a, const TotalSnapshot& b) {
    return std::tie(a.network, a.host, a.destination, a.scope) <
           std::tie(b.network, b.host, b.destination, b.scope);
  });
  const auto& names = networks.networks();
  for (const TotalSnapshot& total : totals)
    write_row(out, names[total.network].name, to_string(total.host), to_string(total.destination),
              total.scope, total.connections, total.out, total.in, total.first_seen_ns,
              total.last_seen_ns);
  for (uint16_t lane = 0; lane < table.lanes(); ++lane) {
    for (int scope = 0; scope < kScopes; ++scope) {
      const FoldedTotals folded = table.shard(lane).read_folded(static_cast<Scope>(scope));
      if (folded.out.packets + folded.in.packets > 0)
        write_row(out, "*", "*", "*", static_cast<Scope>(scope), folded.connections, folded.out,
                  folded.in, folded.first_seen_ns, folded.last_seen_ns);
    }
  }
}

}  // namespace weir
