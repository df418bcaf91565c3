// The flow table: its shards.
#include "flowtable/flow_table.h"

namespace weir {

FlowTable::FlowTable(const FlowTableOptions& options, uint16_t lanes) {
  for (uint16_t lane = 0; lane < lanes; ++lane)
    shards_.push_back(std::make_unique<Shard>(options, lane));
}

}  // namespace weir
