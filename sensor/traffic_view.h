// The flow table as people look at it: who sends most, now and so far; and the largest connections.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "flowtable/flow_table.h"
#include "flowtable/home_networks.h"

namespace weir {

/// What `top` shows and in which order.
struct TopQuery {
  enum class By : uint8_t { kPairs, kHosts, kDestinations };
  enum class Sort : uint8_t { kOut, kIn, kRate, kPackets };
  By by = By::kPairs;
  Sort sort = Sort::kOut;
  size_t rows = 20;
};

/// Looks of one viewer, one after the other: rates are those since its look before. One thread.
class TrafficView {
 public:
  /// A table for people, its header first. `now_ns`: the live clock.
  std::string top(const FlowTable& table, const HomeNetworks& home, const TopQuery& query,
                  uint64_t now_ns);

 private:
  using Key = std::tuple<uint16_t, IpAddress, IpAddress>;  // network, host, destination
  struct Row {
    uint64_t out_bytes = 0, in_bytes = 0;  // payload, high end
    uint64_t packets = 0, connections = 0, pairs = 0;
    uint64_t out_before = 0, in_before = 0;
  };

  std::map<Key, Row> before_;
  TopQuery::By before_by_ = TopQuery::By::kPairs;
  uint64_t before_ns_ = 0;
};

/// The largest connections by payload out, a table for people. `of`: one end, or null for all.
std::string flows_text(const FlowTable& table, const HomeNetworks& home, const IpAddress* of,
                       size_t rows);

}  // namespace weir
