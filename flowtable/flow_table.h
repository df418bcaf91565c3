// The flow table as its users see it: one shard a lane, each with one writer and any readers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flowtable/flow_table_options.h"
#include "flowtable/packet.h"
#include "flowtable/shard.h"
#include "flowtable/total.h"

namespace weir {

class FlowTable {
 public:
  /// Allocates everything it will ever use; throws std::bad_alloc.
  FlowTable(const FlowTableOptions& options, uint16_t lanes);

  uint16_t lanes() const { return static_cast<uint16_t>(shards_.size()); }

  /// The shard of a lane: `update` by its capture core alone, the const functions by any thread.
  Shard& shard(uint16_t lane) { return *shards_[lane]; }
  const Shard& shard(uint16_t lane) const { return *shards_[lane]; }

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace weir
