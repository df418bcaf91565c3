// An incident: what the judge knows about one suspected theft, its evidence and its score.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detectors/finding.h"
#include "flowtable/ip_address.h"
#include "flowtable/total.h"
#include "weir/v1/alert.pb.h"

namespace weir {

/// What an incident is about. kHealth: the sensor itself, one incident per condition.
enum class IncidentKind : uint8_t { kPair, kHost, kDestination, kStorm, kHealth };

/// Names an incident while it is open; fixed at opening. The order is that of alerts in a sweep.
struct IncidentKey {
  IncidentKind kind = IncidentKind::kPair;
  uint16_t network = 0;
  uint16_t condition = 0;   // kHealth: the option of the condition
  IpAddress host{};         // zero unless kPair or kHost
  IpAddress destination{};  // zero unless kPair or kDestination
  friend constexpr bool operator==(const IncidentKey&, const IncidentKey&) = default;
  friend constexpr auto operator<=>(const IncidentKey&, const IncidentKey&) = default;
};

/// The incident a finding would open.
IncidentKey key_of(const Finding& finding);

/// How the ends are written: an address, "*" for any, "" for a health incident.
std::string host_text(const IncidentKey& key);
std::string destination_text(const IncidentKey& key);

/// First 16 hex digits of SHA-256 over the five, a line each.
std::string incident_id(std::string_view sensor_id, std::string_view network, std::string_view host,
                        std::string_view destination, uint64_t opened_ns);

/// A part of an incident that is about several pairs, with what it sent.
struct Member {
  IncidentKey key;
  uint64_t out_payload_low_bytes = 0;
  uint64_t out_payload_high_bytes = 0;
};

/// How many members an alert names.
inline constexpr size_t kMembersListed = 10;
/// How many the judge remembers, so that one that grows late is not lost.
inline constexpr size_t kMembersKept = 64;

/// Keeps the largest figures seen for each member, largest member first, kMembersKept at most.
void merge_member(std::vector<Member>& members, const Member& member);

/// Why one detector thinks so: the finding with the largest figure.
struct Evidence {
  Finding peak;
  uint64_t revised_observed = 0;  // as the last revision said it; 0 = it has said nothing yet
  bool learning = true;           // every finding so far was
  bool certain = false;           // some finding was above its threshold by the low end as well
  std::string note;               // an allow-list that no longer covers this
  IncidentKey connections_of;     // the pair of `connections`
  std::vector<ConnectionSnapshot> connections;  // the largest, as last read
};

/// Detector and option: one evidence each.
using EvidenceKey = std::pair<uint16_t, uint16_t>;

struct Incident {
  IncidentKey key;
  std::string id;
  Scope scope = Scope::kOutbound;
  uint64_t opened_ns = 0;
  uint64_t last_evidence_ns = 0;
  uint32_t revision = 0;
  Finding source;  // the latest about exactly this key: says where its total is
  std::map<EvidenceKey, Evidence> evidence;
  std::vector<Member> members;
  bool has_ledger = false;
  TotalSnapshot ledger;         // as last read
  DirectionCounts carried_out;  // of records that made room before `ledger.id` was opened
  DirectionCounts carried_in;
  uint64_t storm_incidents = 0;  // kStorm: what would have opened
  uint64_t storm_findings = 0;
  uint64_t storm_hosts = 0;
  uint64_t storm_destinations = 0;
};

/// Replaces the ledger by a later reading of the same pair; what an older record held is kept.
void update_ledger(Incident& incident, const TotalSnapshot& reading);

/// 0..1: maximum within a family, noisy-OR across families; learning evidence adds nothing.
/// `certain_only`: by the evidence that the low end of the ledger supports.
double score_of(const Incident& incident, bool certain_only);

v1::Alert::Severity severity_of(double score);

struct Verdict {
  double score = 0;
  v1::Alert::Severity severity = v1::Alert::INFO;
  bool lowered = false;  // one step, since only the high end of the ledger passes a threshold
};
Verdict judge_incident(const Incident& incident);

}  // namespace weir
