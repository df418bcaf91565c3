// The words of the ledger line, the alerts and the metrics for what a packet can be.
#include "flowtable/packet_names.h"

#include <array>

namespace weir {

std::string_view drop_name(DropReason reason) {
  static constexpr std::array<std::string_view, kDropReasons + 1> kNames = {
      "nic_missed",       "no_mbuf",      "handover_full", "link_unsupported", "link_malformed",
      "tunnel_malformed", "ip_malformed", "not_ip",        "own_uplink",       "counted"};
  return kNames[static_cast<size_t>(reason)];
}

std::string_view scope_name(Scope scope) {
  static constexpr std::array<std::string_view, kScopes> kNames = {"outbound", "internal",
                                                                   "transit", "local"};
  return kNames[static_cast<size_t>(scope)];
}

}  // namespace weir
