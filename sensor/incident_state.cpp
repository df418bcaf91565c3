// Field by field between Incident and its protobuf message; numbers become names and back.
#include "sensor/incident_state.h"

#include <algorithm>

#include "sensor/incident_state.pb.h"

namespace weir {
namespace {

/// Names for numbers while writing, numbers for names while reading.
class Writer {
 public:
  explicit Writer(const AlertContext& context) : context_(context) {}

  void address(const IpAddress& from, state::Address& to) const {
    to.set_high(from.high);
    to.set_low(from.low);
  }
  void counts(const DirectionCounts& from, state::Counts& to) const {
    to.set_packets(from.packets);
    to.set_ip_bytes(from.ip_bytes);
    to.set_payload_low_bytes(from.payload_low_bytes);
    to.set_payload_high_bytes(from.payload_high_bytes);
  }
  std::string option(uint16_t detector, uint16_t option) const {
    const auto& options = context_.detectors[detector]->options;
    return option < options.size() ? std::string(options[option].name) : std::string();
  }
  /// `detector`: the one whose option a health incident's condition is.
  void key(const IncidentKey& from, uint16_t detector, state::Key& to) const {
    to.set_kind(static_cast<uint32_t>(from.kind));
    to.set_network(network_name(context_, from.network));
    address(from.host, *to.mutable_host());
    address(from.destination, *to.mutable_destination());
    if (from.kind == IncidentKind::kHealth) to.set_condition(option(detector, from.condition));
  }
  void finding(const Finding& from, state::Finding& to) const;
  void evidence(const Evidence& from, state::Evidence& to) const;
  void ledger(const Incident& from, state::Ledger& to) const;

 private:
  const AlertContext& context_;
};

void Writer::finding(const Finding& from, state::Finding& to) const {
  to.set_detector(std::string(context_.detectors[from.detector]->id));
  to.set_option(option(from.detector, from.option));
  to.set_time_ns(from.time_ns);
  to.set_observed(from.observed);
  to.set_observed_low(from.observed_low);
  to.set_threshold(from.threshold);
  to.set_window_s(from.window_s);
  to.set_window_start_ns(from.window_start_ns);
  to.set_baseline(from.baseline);
  to.set_counterfactual(from.counterfactual);
  to.set_score(from.score);
  to.set_detail(from.detail);
  address(from.host, *to.mutable_host());
  address(from.destination, *to.mutable_destination());
  to.set_network(network_name(context_, from.network));
  to.set_cause(from.cause);
  to.set_family(static_cast<uint32_t>(from.family));
  to.set_subject(static_cast<uint32_t>(from.subject));
  to.set_scope(static_cast<uint32_t>(from.scope));
  to.set_learning(from.learning);
}

void Writer::evidence(const Evidence& from, state::Evidence& to) const {
  finding(from.peak, *to.mutable_peak());
  to.set_revised_observed(from.revised_observed);
  to.set_learning(from.learning);
  to.set_certain(from.certain);
  to.set_note(from.note);
  key(from.connections_of, from.peak.detector, *to.mutable_connections_of());
  for (const ConnectionSnapshot& counts : from.connections) {
    state::Connection& connection = *to.add_connections();
    connection.set_host_port(counts.host_port);
    connection.set_destination_port(counts.destination_port);
    connection.set_protocol(counts.protocol);
    connection.set_served(counts.served);
    connection.set_first_seen_ns(counts.first_seen_ns);
    connection.set_last_seen_ns(counts.last_seen_ns);
    connection.set_out_ip_bytes(counts.out_ip_bytes);
    connection.set_in_ip_bytes(counts.in_ip_bytes);
    connection.set_out_payload_low_bytes(counts.out_payload_low_bytes);
    connection.set_out_payload_high_bytes(counts.out_payload_high_bytes);
    connection.set_in_payload_low_bytes(counts.in_payload_low_bytes);
    connection.set_in_payload_high_bytes(counts.in_payload_high_bytes);
  }
}

void Writer::ledger(const Incident& from, state::Ledger& to) const {
  DirectionCounts out = from.carried_out, in = from.carried_in;
  add(out, from.ledger.out);
  add(in, from.ledger.in);
  counts(out, *to.mutable_out());
  counts(in, *to.mutable_in());
  to.set_first_seen_ns(from.ledger.first_seen_ns);
  to.set_last_seen_ns(from.ledger.last_seen_ns);
  to.set_protocol(from.ledger.protocol);
  to.set_destination_port(from.ledger.destination_port);
  to.set_outer_tunnel(static_cast<uint32_t>(from.ledger.outer_tunnel));
  to.set_inner_tunnel(static_cast<uint32_t>(from.ledger.inner_tunnel));
  address(from.ledger.outer_source, *to.mutable_outer_source());
  address(from.ledger.outer_destination, *to.mutable_outer_destination());
}

/// Every enumeration is checked: the file may come from another version, or be damaged.
class Reader {
 public:
  explicit Reader(AlertContext& context) : context_(context) {}

  bool good() const { return good_; }

  IpAddress address(const state::Address& from) const { return {from.high(), from.low()}; }
  DirectionCounts counts(const state::Counts& from) const {
    return {from.packets(), from.ip_bytes(), from.payload_low_bytes(), from.payload_high_bytes()};
  }
  template <class Enum>
  Enum one_of(uint32_t number, Enum last) {
    if (number > static_cast<uint32_t>(last)) {
      good_ = false;
      return Enum{};
    }
    return static_cast<Enum>(number);
  }
  uint16_t network(const std::string& name) {
    const auto found = std::find(context_.networks.begin(), context_.networks.end(), name);
    const auto number = static_cast<uint16_t>(found - context_.networks.begin());
    if (found == context_.networks.end()) context_.networks.push_back(name);
    return number;
  }
  /// False: there is no such detector, or it has no such option any more.
  bool finding(const state::Finding& from, Finding& to);
  IncidentKey key(const state::Key& from);
  bool evidence(const state::Evidence& from, Evidence& to);
  void ledger(const state::Ledger& from, Incident& to);

 private:
  AlertContext& context_;
  bool good_ = true;
};

bool Reader::finding(const state::Finding& from, Finding& to) {
  const auto detectors = context_.detectors;
  const auto detector =
      std::find_if(detectors.begin(), detectors.end(),
                   [&](const Detector* known) { return known->id == from.detector(); });
  if (detector == detectors.end()) return false;
  const auto& options = (*detector)->options;
  const auto option = std::find_if(options.begin(), options.end(), [&](const Option& known) {
    return known.name == from.option();
  });
  if (option == options.end() && !from.option().empty()) return false;
  to = {};
  to.detector = static_cast<uint16_t>(detector - detectors.begin());
  to.option = static_cast<uint16_t>(option - options.begin());
  to.time_ns = from.time_ns();
  to.observed = from.observed();
  to.observed_low = from.observed_low();
  to.threshold = from.threshold();
  to.window_s = from.window_s();
  to.window_start_ns = from.window_start_ns();
  to.baseline = from.baseline();
  to.counterfactual = from.counterfactual();
  to.score = from.score();
  to.detail = from.detail();
  to.host = address(from.host());
  to.destination = address(from.destination());
  to.network = network(from.network());
  to.cause = static_cast<uint16_t>(from.cause());
  to.family = one_of(from.family(), Family::kNovelty);
  to.subject = one_of(from.subject(), Subject::kSensor);
  to.scope = one_of(from.scope(), Scope::kLocal);
  to.learning = from.learning();
  return true;
}

IncidentKey Reader::key(const state::Key& from) {
  IncidentKey key;
  key.kind = one_of(from.kind(), IncidentKind::kHealth);
  key.host = address(from.host());
  key.destination = address(from.destination());
  // The storm and the sensor's own conditions belong to no network.
  if (key.kind != IncidentKind::kHealth && key.kind != IncidentKind::kStorm)
    key.network = network(from.network());
  return key;
}

bool Reader::evidence(const state::Evidence& from, Evidence& to) {
  if (!finding(from.peak(), to.peak)) return false;
  to.revised_observed = from.revised_observed();
  to.learning = from.learning();
  to.certain = from.certain();
  to.note = from.note();
  to.connections_of = key(from.connections_of());
  for (const state::Connection& counts : from.connections()) {
    ConnectionSnapshot& connection = to.connections.emplace_back();
    connection.host_port = static_cast<uint16_t>(counts.host_port());
    connection.destination_port = static_cast<uint16_t>(counts.destination_port());
    connection.protocol = static_cast<uint8_t>(counts.protocol());
    connection.served = counts.served();
    connection.first_seen_ns = counts.first_seen_ns();
    connection.last_seen_ns = counts.last_seen_ns();
    connection.out_ip_bytes = counts.out_ip_bytes();
    connection.in_ip_bytes = counts.in_ip_bytes();
    connection.out_payload_low_bytes = counts.out_payload_low_bytes();
    connection.out_payload_high_bytes = counts.out_payload_high_bytes();
    connection.in_payload_low_bytes = counts.in_payload_low_bytes();
    connection.in_payload_high_bytes = counts.in_payload_high_bytes();
  }
  return true;
}

void Reader::ledger(const state::Ledger& from, Incident& to) {
  to.has_ledger = true;
  to.carried_out = counts(from.out());
  to.carried_in = counts(from.in());
  to.ledger.network = to.key.network;
  to.ledger.scope = to.scope;
  to.ledger.host = to.key.host;
  to.ledger.destination = to.key.destination;
  to.ledger.first_seen_ns = from.first_seen_ns();
  to.ledger.last_seen_ns = from.last_seen_ns();
  to.ledger.protocol = static_cast<uint8_t>(from.protocol());
  to.ledger.destination_port = static_cast<uint16_t>(from.destination_port());
  to.ledger.outer_tunnel = one_of(from.outer_tunnel(), TunnelKind::kTeredo);
  to.ledger.inner_tunnel = one_of(from.inner_tunnel(), TunnelKind::kTeredo);
  to.ledger.outer_source = address(from.outer_source());
  to.ledger.outer_destination = address(from.outer_destination());
}

}  // namespace

std::string incident_state(const AlertContext& context, const Incident& incident) {
  const Writer writer(context);
  state::Incident to;
  writer.key(incident.key, incident.source.detector, *to.mutable_key());
  to.set_id(incident.id);
  to.set_scope(static_cast<uint32_t>(incident.scope));
  to.set_opened_ns(incident.opened_ns);
  to.set_last_evidence_ns(incident.last_evidence_ns);
  to.set_revision(incident.revision);
  writer.finding(incident.source, *to.mutable_source());
  for (const auto& [key, evidence] : incident.evidence)
    writer.evidence(evidence, *to.add_evidence());
  for (const Member& member : incident.members) {
    state::Member& out = *to.add_members();
    writer.key(member.key, 0, *out.mutable_key());
    out.set_out_payload_low_bytes(member.out_payload_low_bytes);
    out.set_out_payload_high_bytes(member.out_payload_high_bytes);
  }
  if (incident.has_ledger) writer.ledger(incident, *to.mutable_ledger());
  to.set_storm_incidents(incident.storm_incidents);
  to.set_storm_findings(incident.storm_findings);
  return to.SerializeAsString();
}

std::string incident_key_state(const AlertContext& context, const IncidentKey& key) {
  state::Key to;
  Writer(context).key(key, 0, to);
  return to.SerializeAsString();
}

bool restore_incident(AlertContext& context, std::string_view bytes, Incident& incident) {
  state::Incident from;
  if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  Reader reader(context);
  incident = {};
  incident.key = reader.key(from.key());
  incident.id = from.id();
  incident.scope = reader.one_of(from.scope(), Scope::kLocal);
  incident.opened_ns = from.opened_ns();
  incident.last_evidence_ns = from.last_evidence_ns();
  incident.revision = from.revision();
  const bool has_source = reader.finding(from.source(), incident.source);
  if (incident.key.kind == IncidentKind::kHealth) {
    if (!has_source) return false;  // the condition is the option's number
    incident.key.condition = incident.source.option;
  }
  for (const state::Evidence& stored : from.evidence()) {
    Evidence evidence;
    if (!reader.evidence(stored, evidence)) continue;
    const EvidenceKey key{evidence.peak.detector, evidence.peak.option};
    incident.evidence.emplace(key, std::move(evidence));
  }
  for (const state::Member& stored : from.members())
    incident.members.push_back({reader.key(stored.key()), stored.out_payload_low_bytes(),
                                stored.out_payload_high_bytes()});
  if (from.has_ledger()) reader.ledger(from.ledger(), incident);
  incident.storm_incidents = from.storm_incidents();
  incident.storm_findings = from.storm_findings();
  return reader.good() && !incident.id.empty();
}

bool restore_incident_key(AlertContext& context, std::string_view bytes, IncidentKey& key) {
  state::Key from;
  if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  Reader reader(context);
  key = reader.key(from);
  return reader.good();
}

}  // namespace weir
