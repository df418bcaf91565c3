// The words of the ledger line, the alerts and the metrics for what a packet can be.
#pragma once

#include <string_view>

#include "flowtable/packet.h"

namespace weir {

/// "nic_missed", "no_mbuf", ...
std::string_view drop_name(DropReason reason);

/// "outbound", "internal", "transit", "local"
std::string_view scope_name(Scope scope);

}  // namespace weir
