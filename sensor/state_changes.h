// What a restart must find again, as names and bytes: the judge writes it, the spool keeps it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace weir {

/// By name: "incident/<id>", "stormed/...", "budget/...".
using SavedState = std::vector<std::pair<std::string, std::string>>;

/// The difference to what was saved before. `erased_below`, `erased`, `saved` apply in this order.
struct StateChanges {
  std::vector<std::string> erased_below;  // every name that begins so
  std::vector<std::string> erased;
  SavedState saved;  // replaces what had the name
  bool empty() const { return erased_below.empty() && erased.empty() && saved.empty(); }
};

}  // namespace weir
