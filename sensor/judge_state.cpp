// What the judge remembers across a restart: its open incidents, what the storm absorbed, budgets.
#include <algorithm>

#include "sensor/incident_state.h"
#include "sensor/incident_state.pb.h"
#include "sensor/judge.h"

namespace weir {
namespace {

constexpr uint64_t kMinute_ns = 60'000'000'000;
constexpr std::string_view kIncident = "incident/", kStormed = "stormed/", kBudget = "budget/";
constexpr IncidentKey kStormKey = {.kind = IncidentKind::kStorm};

std::string stormed_name(const AlertContext& context, const IncidentKey& key) {
  return std::string(kStormed) + network_name(context, key.network) + "/" + host_text(key) + "/" +
         destination_text(key);
}

}  // namespace

/// An incident whose transfer goes on below every threshold has no finding: its bytes are read
/// here, so that a kill costs its ledger a minute at most.
void Judge::note_growth() {
  for (auto& [key, incident] : open_) {
    if (key.kind != IncidentKind::kPair) continue;
    const uint64_t before = incident.ledger.out.packets + incident.ledger.in.packets;
    refresh_total(incident);
    if (incident.ledger.out.packets + incident.ledger.in.packets != before) grown_.insert(key);
  }
}

StateChanges Judge::take_changes(bool all) {
  StateChanges changes;
  const uint64_t minute = now_ns_ / kMinute_ns;
  if (all || minute != saved_minute_) {
    note_growth();
    revised_.merge(grown_);
    grown_.clear();
    saved_minute_ = minute;
    for (auto& [name, bytes] : suppressions_.state())
      changes.saved.emplace_back(std::string(kBudget) + name, std::move(bytes));
  }
  if (storm_over_) changes.erased_below.emplace_back(kStormed);
  for (const std::string& id : closed_ids_) changes.erased.push_back(std::string(kIncident) + id);
  for (const IncidentKey& key : revised_) {
    grown_.erase(key);
    const Incident* incident = find_open(key);
    if (incident == nullptr) continue;  // closed since
    changes.saved.emplace_back(std::string(kIncident) + incident->id,
                               incident_state(context_, *incident));
  }
  for (const IncidentKey& key : newly_stormed_)
    changes.saved.emplace_back(stormed_name(context_, key), incident_key_state(context_, key));
  revised_.clear();
  closed_ids_.clear();
  newly_stormed_.clear();
  storm_over_ = false;
  return changes;
}

size_t Judge::restore(const SavedState& saved) {
  size_t unreadable = 0;
  for (const auto& [name, bytes] : saved) {
    if (name.starts_with(kIncident)) {
      Incident incident;
      if (!restore_incident(context_, bytes, incident)) {
        ++unreadable;
        continue;
      }
      if (incident.key.kind == IncidentKind::kPair) unplaced_.insert(incident.key);
      open_.emplace(incident.key, std::move(incident));
    } else if (name.starts_with(kStormed)) {
      IncidentKey key;
      if (!restore_incident_key(context_, bytes, key)) {
        ++unreadable;
        continue;
      }
      stormed_.insert(key);
      if (key.kind != IncidentKind::kDestination) storm_hosts_.insert(key.host);
      if (key.kind != IncidentKind::kHost) storm_destinations_.insert(key.destination);
    } else if (name.starts_with(kBudget)) {
      suppressions_.restore(std::string_view(name).substr(kBudget.size()), bytes);
    }
  }
  if (Incident* storm = find_open(kStormKey)) {
    storm->storm_hosts = storm_hosts_.size();
    storm->storm_destinations = storm_destinations_.size();
  }
  return unreadable;
}

SavedState Suppressions::state() const {
  SavedState saved;
  for (const Budget& budget : budgets_) {
    state::Budget to;
    to.set_bucket_ns(budget.bucket_ns);
    to.set_newest_bucket(budget.newest_bucket);
    for (const uint64_t bytes : budget.spent_bytes) to.add_spent_bytes(bytes);
    saved.emplace_back(budget.options.name, to.SerializeAsString());
  }
  return saved;
}

bool Suppressions::restore(std::string_view name, std::string_view bytes) {
  state::Budget from;
  if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  for (Budget& budget : budgets_) {
    if (budget.options.name != name) continue;
    if (budget.bucket_ns != from.bucket_ns() ||
        from.spent_bytes_size() != static_cast<int>(budget.spent_bytes.size()))
      return false;
    budget.newest_bucket = from.newest_bucket();
    std::copy(from.spent_bytes().begin(), from.spent_bytes().end(), budget.spent_bytes.begin());
    return true;
  }
  return false;
}

}  // namespace weir
