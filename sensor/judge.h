// The judge: from the findings of a sweep to incidents, and from incidents to alerts.
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "detectors/detector.h"
#include "flowtable/lane_counters.h"
#include "flowtable/total.h"
#include "sensor/alert.h"
#include "sensor/incident.h"
#include "sensor/state_changes.h"
#include "sensor/suppression.h"

namespace weir {

struct JudgeOptions {
  std::string sensor_id = "weir-1";
  uint64_t epoch = 0;
  uint64_t next_sequence = 1;                       // of the spool the alerts go to
  bool keeps_state = false;                         // somebody asks for take_changes
  std::vector<std::string> networks = {"default"};  // names by network id
  uint64_t escalate_factor = 4;                     // >= 2
  uint64_t incident_idle_s = 86400;
  std::vector<std::string> shadow;  // detectors that are counted and never heard
  std::vector<SuppressionOptions> suppressions;
  std::bitset<kScopes> scopes{
      1u << static_cast<unsigned>(Scope::kOutbound)};  // that feed detectors
};

/// Where a total is.
struct TotalPlace {
  uint16_t lane = 0;
  RecordId total;
};

/// What the judge reads beside findings. All are called from within `sweep` and `close_all`.
struct JudgeInputs {
  /// kPair: the total that `finding` names (false if the record is another's by now). kHost,
  /// kDestination: the sum over its totals; this one is asked for at revisions only.
  std::function<bool(const Finding& finding, TotalSnapshot& copy)> total;
  /// The connection, if the record is still its own.
  std::function<bool(uint16_t lane, RecordId connection, ConnectionSnapshot& copy)> connection;
  /// The largest connections (by out payload, at most kConnectionsListed) of each total; asked
  /// once for all the revisions of a sweep, so that one pass over the shards answers it.
  std::function<std::vector<std::vector<ConnectionSnapshot>>(std::span<const TotalPlace>)>
      largest_connections;
  /// Of a host-wide or destination-wide finding: its largest pairs with their bytes in the
  /// finding's window, at most kMembersKept.
  std::function<std::vector<Member>(const Finding& finding)> members;
  /// The counters of all lanes added up.
  std::function<LaneCounters()> counters;
};

inline constexpr size_t kConnectionsListed = 10;
/// New incidents a minute; the rest fold into the storm.
inline constexpr size_t kIncidentsAMinute = 20;
/// Pairs and hosts that the storm and the shadow detectors tell apart; beyond it they only count.
inline constexpr size_t kKeysKept = 65536;

struct JudgeCounters {
  std::vector<uint64_t> findings;  // by detector
  uint64_t findings_total = 0;
  uint64_t shadow_findings = 0;
  uint64_t shadow_incidents = 0;  // that shadow detectors would have opened
  uint64_t silenced_findings = 0;
  uint64_t storm_incidents = 0;  // that folded into a storm
  uint64_t incidents = 0;        // suspected thefts; health conditions are no incident of traffic
  uint64_t alerts = 0;
};

/// Alerts depend on the findings of a sweep, not on their order. One thread.
class Judge {
 public:
  /// `detectors`: Finding::detector indexes it; it outlives the judge.
  Judge(JudgeOptions options, std::span<const Detector* const> detectors, JudgeInputs inputs,
        std::function<void(const v1::Alert&)> sink);

  /// Charges the budgets of suppressions, and finds the records of restored incidents. Before
  /// `sweep`, for every total that moved.
  void observe(uint64_t now_ns, const TotalSnapshot& total);

  /// Closes what has been idle, folds the findings in, and sends an alert for every incident that
  /// opened or escalated. `now_ns`: the judge's clock, never going back.
  void sweep(uint64_t now_ns, std::span<const Finding> findings);

  /// The end of a replay: every incident closes.
  void close_all(uint64_t now_ns);

  /// Open incidents, storm and budgets as they were saved. Before the first sweep. Returns how
  /// many entries could not be read; they are gone.
  size_t restore(const SavedState& saved);

  /// What changed since this was last called, with JudgeOptions::keeps_state. After a sweep: the
  /// incidents an alert spoke of, to be written together with the alerts; once a minute, or if
  /// `all` (the end of a run), also those of which only figures grew.
  StateChanges take_changes(bool all);

  /// Other shadow detectors and suppressions from now on; a suppression of the same name keeps
  /// what it has spent.
  void reload(const std::vector<std::string>& shadow, std::vector<SuppressionOptions> suppressions);

  const JudgeCounters& counters() const { return counters_; }
  size_t open_incidents() const { return open_.size(); }
  const Suppressions& suppressions() const { return suppressions_; }

 private:
  void mark_shadow();
  void take(const Finding& finding);
  void take_shadow(const Finding& finding);
  Incident* owner_of(const Finding& finding, const IncidentKey& key,
                     std::span<const Member> members);
  Incident* carrier_of(const IncidentKey& pair);
  /// Beyond the idle time: what is measured over days may pause for one (a nightly drip).
  static uint64_t patience_ns(const Incident& incident);
  Incident* find_open(const IncidentKey& key);
  Incident& open_incident(const IncidentKey& key, const Finding& finding);
  Incident& storm(const Finding& finding);
  void fold(Incident& incident, const Finding& finding, const std::string& note);
  void fold_members(Incident& incident, const Finding& finding, std::span<const Member> members);
  void refresh(Incident& incident, const Finding& finding, Evidence& evidence);
  void refresh_connections(std::span<Incident* const> incidents);
  void refresh_total(Incident& incident);
  void revise(std::span<Incident* const> incidents, v1::Alert::State state);
  void close(std::span<const IncidentKey> keys);
  void note_growth();

  JudgeOptions options_;
  AlertContext context_;
  JudgeInputs inputs_;
  std::function<void(const v1::Alert&)> sink_;
  Suppressions suppressions_;
  JudgeCounters counters_;
  std::vector<bool> is_shadow_;  // by detector
  uint64_t now_ns_ = 0;
  uint64_t sequence_ = 0;
  std::map<IncidentKey, Incident> open_;
  std::set<IncidentKey> dirty_;             // wants a revision at the end of the sweep
  std::deque<uint64_t> openings_ns_;        // of the last minute
  std::map<IncidentKey, uint64_t> shadow_;  // would be open; last finding
  std::set<IncidentKey> stormed_;           // what the open storm absorbed
  std::set<IpAddress> storm_hosts_, storm_destinations_;
  std::set<IncidentKey> unplaced_;  // restored pairs whose record has not moved yet
  // For take_changes.
  std::set<IncidentKey> revised_, grown_;
  std::vector<std::string> closed_ids_;
  std::vector<IncidentKey> newly_stormed_;
  bool storm_over_ = false;
  uint64_t saved_minute_ = 0;
};

}  // namespace weir
