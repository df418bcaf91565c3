// Sums the totals of all lanes for a viewer, and writes tables.
#include "sensor/traffic_view.h"

#include <algorithm>
#include <cstdio>

#include "detectors/words.h"
#include "sensor/alert.h"
#include "sensor/community_id.h"
#include "sensor/readable.h"

namespace weir {
namespace {

constexpr double kSecondNs = 1e9;
/// A rate over less says nothing.
constexpr uint64_t kShortestRateNs = 100'000'000;

std::string padded(const std::string& text, size_t width, bool right) {
  if (text.size() >= width) return text;
  const std::string space(width - text.size(), ' ');
  return right ? space + text : text + space;
}

/// Columns as wide as their widest cell, the first `left` ones flush left.
std::string table_text(const std::vector<std::vector<std::string>>& rows, size_t left) {
  std::vector<size_t> widths;
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += (i == 0 ? "" : "  ") + padded(row[i], widths[i], i >= left);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string rate_text(uint64_t bytes, uint64_t before, uint64_t passed_ns) {
  if (passed_ns < kShortestRateNs) return "-";
  const double a_second = static_cast<double>(bytes - std::min(bytes, before)) * kSecondNs /
                          static_cast<double>(passed_ns);
  return short_byte_words(static_cast<uint64_t>(a_second)) + "/s";
}

}  // namespace

std::string TrafficView::top(const FlowTable& table, const HomeNetworks& home,
                             const TopQuery& query, uint64_t now_ns) {
  std::map<Key, Row> now;
  for (uint16_t lane = 0; lane < table.lanes(); ++lane) {
    const Shard& shard = table.shard(lane);
    TotalSnapshot total;
    for (uint32_t slot = 0; slot < shard.totals_used(); ++slot) {
      if (!shard.read_total(slot, total) || total.scope == Scope::kLocal) continue;
      Row& row =
          now[{total.network, query.by == TopQuery::By::kDestinations ? IpAddress{} : total.host,
               query.by == TopQuery::By::kHosts ? IpAddress{} : total.destination}];
      row.out_bytes += total.out.payload_high_bytes;
      row.in_bytes += total.in.payload_high_bytes;
      row.packets += total.out.packets + total.in.packets;
      row.connections += total.connections;
      row.pairs += 1;
    }
  }
  const bool known = before_ns_ != 0 && before_by_ == query.by;
  const uint64_t passed_ns = known ? now_ns - before_ns_ : 0;
  std::vector<std::pair<Key, Row>> order(now.begin(), now.end());
  for (auto& [key, row] : order) {
    const auto found = before_.find(key);
    if (!known || found == before_.end()) continue;
    row.out_before = found->second.out_bytes;
    row.in_before = found->second.in_bytes;
  }
  const auto figure = [&](const Row& row) {
    switch (query.sort) {
      case TopQuery::Sort::kIn:
        return row.in_bytes;
      case TopQuery::Sort::kPackets:
        return row.packets;
      case TopQuery::Sort::kRate:
        return row.out_bytes - std::min(row.out_bytes, row.out_before);
      default:
        return row.out_bytes;
    }
  };
  const size_t shown = std::min(query.rows, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](const auto& a, const auto& b) {
                      return std::make_tuple(figure(b.second), a.first) <
                             std::make_tuple(figure(a.second), b.first);
                    });
  const bool pairs = query.by == TopQuery::By::kPairs;
  std::vector<std::vector<std::string>> rows = {
      {"NETWORK", query.by == TopQuery::By::kDestinations ? "DESTINATION" : "HOST",
       pairs ? "DESTINATION" : "", "OUT", "IN", "OUT NOW", "IN NOW", "PACKETS", "CONNECTIONS",
       pairs ? "" : "PAIRS"}};
  for (size_t i = 0; i < shown; ++i) {
    const auto& [key, row] = order[i];
    const auto& [network, host, destination] = key;
    rows.push_back({home.networks()[network].name,
                    to_string(query.by == TopQuery::By::kDestinations ? destination : host),
                    pairs ? to_string(destination) : "", short_byte_words(row.out_bytes),
                    short_byte_words(row.in_bytes),
                    rate_text(row.out_bytes, row.out_before, passed_ns),
                    rate_text(row.in_bytes, row.in_before, passed_ns), grouped_words(row.packets),
                    grouped_words(row.connections), pairs ? "" : grouped_words(row.pairs)});
  }
  before_ = std::move(now);
  before_by_ = query.by;
  before_ns_ = now_ns;
  return table_text(rows, 3);
}

std::string flows_text(const FlowTable& table, const HomeNetworks& home, const IpAddress* of,
                       size_t rows) {
  struct Flow {
    ConnectionSnapshot connection;
    TotalSnapshot total;
  };
  std::vector<Flow> largest;
  const auto larger = [](const Flow& a, const Flow& b) {
    return a.connection.out_payload_high_bytes > b.connection.out_payload_high_bytes;
  };
  for (uint16_t lane = 0; lane < table.lanes(); ++lane) {
    const Shard& shard = table.shard(lane);
    Flow flow;
    for (uint32_t slot = 0; slot < shard.connections_used(); ++slot) {
      if (!shard.read_connection(slot, flow.connection)) continue;
      if (!shard.read_total(flow.connection.total.slot, flow.total) ||
          flow.total.id != flow.connection.total)
        continue;
      if (of != nullptr && flow.total.host != *of && flow.total.destination != *of) continue;
      largest.push_back(flow);
      std::push_heap(largest.begin(), largest.end(), larger);
      if (largest.size() <= rows) continue;
      std::pop_heap(largest.begin(), largest.end(), larger);
      largest.pop_back();
    }
  }
  std::sort_heap(largest.begin(), largest.end(), larger);
  std::vector<std::vector<std::string>> lines = {{"NETWORK", "HOST", "PORT", "DESTINATION", "PORT",
                                                  "PROTOCOL", "OUT", "IN", "FIRST SEEN", "LAST",
                                                  "COMMUNITY ID"}};
  for (const Flow& flow : largest) {
    const ConnectionSnapshot& connection = flow.connection;
    const TotalSnapshot& total = flow.total;
    lines.push_back(
        {home.networks()[total.network].name, to_string(total.host),
         std::to_string(connection.host_port), to_string(total.destination),
         std::to_string(connection.destination_port), protocol_text(connection.protocol),
         grouped_words(connection.out_payload_high_bytes),
         grouped_words(connection.in_payload_high_bytes), time_text(connection.first_seen_ns),
         duration_text((connection.last_seen_ns -
                        std::min(connection.first_seen_ns, connection.last_seen_ns)) /
                       1'000'000'000),
         community_id({total.host, total.destination, connection.host_port,
                       connection.destination_port, connection.protocol})});
  }
  return table_text(lines, 6);
}

}  // namespace weir
