// The sweep of the judge: idle incidents close, findings fold in, what changed is said.
#include "sensor/judge.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "sensor/config.h"

namespace weir {
namespace {

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr uint64_t kDay_s = 86400;
constexpr uint64_t kMinute_ns = 60 * kSecond_ns;
constexpr IncidentKey kStormKey = {.kind = IncidentKind::kStorm};

// Pairs before the sums they are part of, so that a sum finds its pair's incident open; the
// gravest first, so that a storm folds the least; then whatever makes the order total.
bool before(const Finding& a, const Finding& b) {
  const auto rank = [](const Finding& f) {
    return std::make_tuple(f.subject, f.learning, -f.score,
                           std::numeric_limits<uint64_t>::max() - f.observed, f.network, f.host,
                           f.destination, f.detector, f.option, f.observed_low, f.threshold,
                           f.window_s, f.window_start_ns, f.counterfactual, f.lane, f.total.slot);
  };
  return rank(a) < rank(b);
}

}  // namespace

Judge::Judge(JudgeOptions options, std::span<const Detector* const> detectors, JudgeInputs inputs,
             std::function<void(const v1::Alert&)> sink)
    : options_(std::move(options)),
      context_{options_.sensor_id, options_.epoch, options_.networks, detectors},
      inputs_(std::move(inputs)),
      sink_(std::move(sink)),
      suppressions_(options_.suppressions, options_.scopes),
      sequence_(options_.next_sequence - 1) {
  counters_.findings.resize(detectors.size());
  mark_shadow();
}

void Judge::mark_shadow() {
  is_shadow_.clear();
  for (const Detector* detector : context_.detectors)
    is_shadow_.push_back(matches_detector(options_.shadow, detector->id));
}

void Judge::reload(const std::vector<std::string>& shadow,
                   std::vector<SuppressionOptions> suppressions) {
  options_.shadow = shadow;
  mark_shadow();
  suppressions_.replace(now_ns_, std::move(suppressions));
}

uint64_t Judge::patience_ns(const Incident& incident) {
  uint64_t window_s = 0;
  for (const auto& [key, evidence] : incident.evidence)
    window_s = std::max(window_s, evidence.peak.window_s);
  return window_s > kDay_s ? kDay_s * kSecond_ns : 0;
}

void Judge::observe(uint64_t now_ns, const TotalSnapshot& total) {
  suppressions_.observe(now_ns, total);
  if (unplaced_.empty()) return;
  const IncidentKey key = {
      .network = total.network, .host = total.host, .destination = total.destination};
  if (unplaced_.erase(key) == 0) return;
  Incident* incident = find_open(key);
  if (incident == nullptr || incident->source.total.valid()) return;
  incident->source.total = total.id;
  incident->source.lane = total.lane;
}

void Judge::sweep(uint64_t now_ns, std::span<const Finding> findings) {
  now_ns_ = std::max(now_ns_, now_ns);
  const uint64_t idle_ns = options_.incident_idle_s * kSecond_ns;
  std::vector<IncidentKey> idle;
  for (const auto& [key, incident] : open_) {
    // A restored incident of a later capture than this one has its evidence ahead.
    const uint64_t quiet_ns = now_ns_ - std::min(now_ns_, incident.last_evidence_ns);
    if (quiet_ns >= idle_ns + patience_ns(incident)) idle.push_back(key);
  }
  close(idle);
  std::erase_if(shadow_, [&](const auto& entry) { return now_ns_ - entry.second >= idle_ns; });
  while (!openings_ns_.empty() && now_ns_ - openings_ns_.front() >= kMinute_ns)
    openings_ns_.pop_front();

  std::vector<Finding> ordered(findings.begin(), findings.end());
  std::sort(ordered.begin(), ordered.end(), before);
  for (const Finding& finding : ordered) take(finding);

  std::vector<Incident*> changed;
  for (const IncidentKey& key : dirty_) changed.push_back(&open_.at(key));
  dirty_.clear();
  revise(changed, v1::Alert::OPEN);
}

void Judge::close_all(uint64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  std::vector<IncidentKey> all;
  for (const auto& [key, incident] : open_) all.push_back(key);
  close(all);
  shadow_.clear();
}

void Judge::take(const Finding& finding) {
  ++counters_.findings_total;
  ++counters_.findings.at(finding.detector);
  if (is_shadow_[finding.detector]) {
    take_shadow(finding);
    return;
  }
  const IncidentKey key = key_of(finding);
  if (key.kind == IncidentKind::kHealth) {
    Incident* incident = find_open(key);
    fold(incident != nullptr ? *incident : open_incident(key, finding), finding, "");
    return;
  }
  std::vector<Member> members;
  if (finding.subject != Subject::kPair) members = inputs_.members(finding);
  const Suppressions::Decision decision =
      suppressions_.decide(now_ns_, finding, context_.detectors[finding.detector]->id, members);
  if (decision.silenced) {
    ++counters_.silenced_findings;
    return;
  }
  Incident* incident = owner_of(finding, key, members);
  if (incident == nullptr) {
    if (openings_ns_.size() < kIncidentsAMinute) {
      incident = &open_incident(key, finding);
      openings_ns_.push_back(now_ns_);
    } else {
      incident = &storm(finding);
    }
  }
  fold(*incident, finding, decision.note);
  fold_members(*incident, finding, members);
}

void Judge::take_shadow(const Finding& finding) {
  ++counters_.shadow_findings;
  const IncidentKey key = key_of(finding);
  const auto known = shadow_.find(key);
  if (known != shadow_.end()) {
    known->second = now_ns_;
    return;
  }
  if (find_open(key) != nullptr || shadow_.size() >= kKeysKept) return;
  shadow_.emplace(key, now_ns_);
  ++counters_.shadow_incidents;
}

Incident* Judge::find_open(const IncidentKey& key) {
  const auto found = open_.find(key);
  return found == open_.end() ? nullptr : &found->second;
}

// The open incident that speaks for a pair: its own, its host's, its destination's.
Incident* Judge::carrier_of(const IncidentKey& pair) {
  if (Incident* own = find_open(pair)) return own;
  if (Incident* host =
          find_open({.kind = IncidentKind::kHost, .network = pair.network, .host = pair.host}))
    return host;
  return find_open({.kind = IncidentKind::kDestination,
                    .network = pair.network,
                    .destination = pair.destination});
}

// The open incident a finding belongs to, or nullptr: it opens one.
Incident* Judge::owner_of(const Finding& finding, const IncidentKey& key,
                          std::span<const Member> members) {
  if (Incident* own = find_open(key)) return own;
  if (finding.subject == Subject::kPair) {
    if (Incident* carrier = carrier_of(key)) return carrier;
  } else if (!members.empty()) {
    const Member& largest = members.front();
    const uint64_t bytes = largest.out_payload_high_bytes;
    if (bytes >= finding.observed - std::min(bytes, finding.observed)) {
      Incident* carrier = carrier_of(largest.key);
      if (carrier != nullptr) return carrier;
    }
  }
  return stormed_.contains(key) ? find_open(kStormKey) : nullptr;
}

Incident& Judge::open_incident(const IncidentKey& key, const Finding& finding) {
  Incident incident;
  incident.key = key;
  incident.scope = finding.scope;
  incident.opened_ns = now_ns_;
  const std::string network =
      key.kind == IncidentKind::kHealth ? "" : network_name(context_, key.network);
  // The conditions of the sensor have no address to tell them apart.
  const std::string host = key.kind == IncidentKind::kHealth
                               ? "sensor.health " + std::to_string(key.condition)
                               : host_text(key);
  incident.id =
      incident_id(options_.sensor_id, network, host, destination_text(key), incident.opened_ns);
  if (key.kind != IncidentKind::kHealth) ++counters_.incidents;
  return open_.emplace(key, std::move(incident)).first->second;
}

Incident& Judge::storm(const Finding& finding) {
  Incident* incident = find_open(kStormKey);
  if (incident == nullptr) incident = &open_incident(kStormKey, finding);
  ++incident->storm_incidents;
  ++counters_.storm_incidents;
  const IncidentKey key = key_of(finding);
  if (stormed_.size() < kKeysKept && stormed_.insert(key).second && options_.keeps_state)
    newly_stormed_.push_back(key);
  if (finding.subject != Subject::kDestination && storm_hosts_.size() < kKeysKept)
    storm_hosts_.insert(key.host);
  if (finding.subject != Subject::kHost && storm_destinations_.size() < kKeysKept)
    storm_destinations_.insert(key.destination);
  incident->storm_hosts = storm_hosts_.size();
  incident->storm_destinations = storm_destinations_.size();
  return *incident;
}

void Judge::fold(Incident& incident, const Finding& finding, const std::string& note) {
  incident.last_evidence_ns = std::max(incident.last_evidence_ns, now_ns_);
  if (options_.keeps_state) grown_.insert(incident.key);
  if (incident.key.kind == IncidentKind::kStorm) ++incident.storm_findings;
  if (key_of(finding) == incident.key) incident.source = finding;
  const auto [entry, is_new] =
      incident.evidence.try_emplace(EvidenceKey{finding.detector, finding.option});
  Evidence& evidence = entry->second;
  bool wants_revision = is_new;
  if (is_new || finding.observed > evidence.peak.observed) {
    const uint64_t counterfactual = evidence.peak.counterfactual;
    evidence.peak = finding;
    evidence.peak.counterfactual = std::max(counterfactual, finding.counterfactual);
  } else {
    evidence.peak.counterfactual = std::max(evidence.peak.counterfactual, finding.counterfactual);
  }
  if (evidence.learning && !finding.learning) {
    evidence.learning = false;
    wants_revision = true;
  }
  if (finding.observed_low >= finding.threshold || finding.observed < finding.threshold)
    evidence.certain = true;
  if (!note.empty()) evidence.note = note;
  // Division, so that the factor cannot overflow.
  if (evidence.revised_observed > 0 &&
      evidence.peak.observed / options_.escalate_factor >= evidence.revised_observed)
    wants_revision = true;
  refresh(incident, finding, evidence);
  if (wants_revision) dirty_.insert(incident.key);
}

void Judge::fold_members(Incident& incident, const Finding& finding,
                         std::span<const Member> members) {
  if (incident.key.kind == IncidentKind::kPair || incident.key.kind == IncidentKind::kHealth)
    return;
  if (incident.key.kind == IncidentKind::kStorm && finding.subject != Subject::kPair) {
    merge_member(incident.members, {key_of(finding), finding.observed_low, finding.observed});
    return;
  }
  if (finding.subject != Subject::kPair) {
    for (const Member& member : members) merge_member(incident.members, member);
    return;
  }
  TotalSnapshot total;
  if (inputs_.total(finding, total))
    merge_member(incident.members,
                 {key_of(finding), total.out.payload_low_bytes, total.out.payload_high_bytes});
}

// Closed connections leave the table soon: what is known of them is read again with every finding.
void Judge::refresh(Incident& incident, const Finding& finding, Evidence& evidence) {
  if (finding.subject != Subject::kPair) return;
  const IncidentKey key = key_of(finding);
  TotalSnapshot total;
  if (key == incident.key && inputs_.total(finding, total)) update_ledger(incident, total);
  if (evidence.connections_of != key) return;
  for (ConnectionSnapshot& connection : evidence.connections) {
    ConnectionSnapshot copy;
    if (inputs_.connection(finding.lane, connection.id, copy)) connection = copy;
  }
}

void Judge::refresh_connections(std::span<Incident* const> incidents) {
  std::vector<Evidence*> wanted;
  std::vector<TotalPlace> places;
  for (Incident* incident : incidents)
    for (auto& [key, evidence] : incident->evidence) {
      if (evidence.peak.subject != Subject::kPair) continue;
      // The record may have changed since the peak; the incident's source is the latest.
      const bool own = key_of(evidence.peak) == incident->key;
      const Finding& finding = own ? incident->source : evidence.peak;
      wanted.push_back(&evidence);
      places.push_back({finding.lane, finding.total});
    }
  if (wanted.empty()) return;
  std::vector<std::vector<ConnectionSnapshot>> found = inputs_.largest_connections(places);
  found.resize(wanted.size());
  for (size_t index = 0; index < wanted.size(); ++index) {
    Evidence& evidence = *wanted[index];
    const IncidentKey pair = key_of(evidence.peak);
    std::vector<ConnectionSnapshot>& now = found[index];
    if (evidence.connections_of == pair)  // those that left the table since stay known
      for (const ConnectionSnapshot& old : evidence.connections)
        if (std::none_of(now.begin(), now.end(),
                         [&](const ConnectionSnapshot& other) { return other.id == old.id; }))
          now.push_back(old);
    std::sort(now.begin(), now.end(), [](const ConnectionSnapshot& a, const ConnectionSnapshot& b) {
      return std::make_tuple(b.out_payload_high_bytes, a.first_seen_ns, a.host_port,
                             a.destination_port, a.protocol, a.id.slot, a.id.generation) <
             std::make_tuple(a.out_payload_high_bytes, b.first_seen_ns, b.host_port,
                             b.destination_port, b.protocol, b.id.slot, b.id.generation);
    });
    if (now.size() > kConnectionsListed) now.resize(kConnectionsListed);
    evidence.connections = std::move(now);
    evidence.connections_of = pair;
  }
}

// Reads the ledger again.
void Judge::refresh_total(Incident& incident) {
  if (incident.key.kind == IncidentKind::kHealth || incident.key.kind == IncidentKind::kStorm)
    return;
  TotalSnapshot total;
  if (inputs_.total(incident.source, total)) update_ledger(incident, total);
}

void Judge::revise(std::span<Incident* const> incidents, v1::Alert::State state) {
  if (incidents.empty()) return;
  for (Incident* incident : incidents) refresh_total(*incident);
  refresh_connections(incidents);
  // No content detector reads yet: of what was counted, nothing was read.
  const v1::Coverage coverage = coverage_of(inputs_.counters(), 0);
  for (Incident* incident : incidents) {
    ++incident->revision;
    if (options_.keeps_state) revised_.insert(incident->key);
    for (auto& [key, evidence] : incident->evidence)
      evidence.revised_observed = evidence.peak.observed;
    v1::Alert alert = make_alert(context_, *incident, state, [this](const IncidentKey& key) {
      const Incident* own = find_open(key);
      return own == nullptr ? std::string() : own->id;
    });
    alert.set_sequence(++sequence_);
    *alert.mutable_coverage() = coverage;
    ++counters_.alerts;
    sink_(alert);
  }
}

void Judge::close(std::span<const IncidentKey> keys) {
  std::vector<Incident*> closing;
  for (const IncidentKey& key : keys) closing.push_back(&open_.at(key));
  revise(closing, v1::Alert::CLOSED);
  for (const IncidentKey& key : keys) {
    if (options_.keeps_state) closed_ids_.push_back(open_.at(key).id);
    open_.erase(key);
    if (key != kStormKey) continue;
    stormed_.clear();
    storm_hosts_.clear();
    storm_destinations_.clear();
    newly_stormed_.clear();
    storm_over_ = true;
  }
}

}  // namespace weir
