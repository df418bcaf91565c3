// Writes an incident into weir.v1.Alert: ledger, evidence with its counterfactual, members.
#include "sensor/alert.h"

#include <algorithm>
#include <array>

#include "detectors/words.h"
#include "flowtable/packet_names.h"
#include "sensor/community_id.h"
#include "sensor/readable.h"

namespace weir {
namespace {

constexpr uint64_t kSecond_ns = 1'000'000'000;

void set_time(google::protobuf::Timestamp& timestamp, uint64_t time_ns) {
  timestamp.set_seconds(static_cast<int64_t>(time_ns / kSecond_ns));
  timestamp.set_nanos(static_cast<int32_t>(time_ns % kSecond_ns));
}

std::string_view tunnel_text(TunnelKind tunnel) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "",      "gre",      "nvgre", "erspan", "vxlan", "geneve",
      "gtp-u", "ip-in-ip", "6in4",  "4in6",   "teredo"};
  static_assert(kNames.size() == static_cast<size_t>(TunnelKind::kTeredo) + 1);
  return kNames.at(static_cast<size_t>(tunnel));
}

v1::Alert::Scope scope_of(Scope scope) {
  static_assert(static_cast<int>(Scope::kOutbound) == v1::Alert::OUTBOUND &&
                static_cast<int>(Scope::kInternal) == v1::Alert::INTERNAL &&
                static_cast<int>(Scope::kTransit) == v1::Alert::TRANSIT &&
                static_cast<int>(Scope::kLocal) == v1::Alert::LOCAL);
  return static_cast<v1::Alert::Scope>(scope);
}

v1::Evidence::Family family_of(Family family) {
  static_assert(static_cast<int>(Family::kVolume) == v1::Evidence::VOLUME &&
                static_cast<int>(Family::kChannel) == v1::Evidence::CHANNEL &&
                static_cast<int>(Family::kContent) == v1::Evidence::CONTENT &&
                static_cast<int>(Family::kNovelty) == v1::Evidence::NOVELTY);
  return static_cast<v1::Evidence::Family>(family);
}

bool has_ports(uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolSctp;
}

void set_ledger(const Incident& incident, v1::Alert& alert) {
  const TotalSnapshot& total = incident.ledger;
  DirectionCounts out = total.out, in = total.in;
  add(out, incident.carried_out);
  add(in, incident.carried_in);
  v1::Ledger& ledger = *alert.mutable_ledger();
  ledger.set_out_packets(out.packets);
  ledger.set_out_ip_bytes(out.ip_bytes);
  ledger.set_out_payload_low_bytes(out.payload_low_bytes);
  ledger.set_out_payload_high_bytes(out.payload_high_bytes);
  ledger.set_in_packets(in.packets);
  ledger.set_in_ip_bytes(in.ip_bytes);
  ledger.set_in_payload_low_bytes(in.payload_low_bytes);
  ledger.set_in_payload_high_bytes(in.payload_high_bytes);
  alert.set_inner_tunnel(std::string(tunnel_text(total.inner_tunnel)));
  if (total.outer_tunnel == TunnelKind::kNone) return;
  v1::Outer& outer = *alert.mutable_outer();
  outer.set_source(to_string(total.outer_source));
  outer.set_destination(to_string(total.outer_destination));
  outer.set_tunnel(std::string(tunnel_text(total.outer_tunnel)));
}

// The port of the largest connection says more than that of the first one.
void set_destination(const Incident& incident, v1::Alert& alert) {
  v1::Destination& destination = *alert.mutable_destination();
  destination.set_address(destination_text(incident.key));
  if (incident.key.kind != IncidentKind::kPair) return;
  uint8_t protocol = incident.ledger.protocol;
  uint16_t port = incident.ledger.destination_port;
  uint64_t largest_bytes = 0;
  for (const auto& [key, evidence] : incident.evidence)
    for (const ConnectionSnapshot& connection : evidence.connections)
      if (connection.out_payload_high_bytes > largest_bytes) {
        largest_bytes = connection.out_payload_high_bytes;
        protocol = connection.protocol;
        port = connection.destination_port;
      }
  if (incident.has_ledger || largest_bytes > 0) destination.set_protocol(protocol_text(protocol));
  destination.set_port(port);
}

v1::Connection connection_of(const IncidentKey& pair, const ConnectionSnapshot& counts) {
  v1::Connection connection;
  const bool icmp = counts.protocol == kProtocolIcmp || counts.protocol == kProtocolIcmpV6;
  if (!icmp)  // its id is made of the message type, which the flow table does not keep
    connection.set_community_id(community_id({.source = pair.host,
                                              .destination = pair.destination,
                                              .source_port = counts.host_port,
                                              .destination_port = counts.destination_port,
                                              .protocol = counts.protocol}));
  connection.set_protocol(protocol_text(counts.protocol));
  if (has_ports(counts.protocol)) {
    connection.set_host_port(counts.host_port);
    connection.set_destination_port(counts.destination_port);
  }
  connection.set_out_payload_low_bytes(counts.out_payload_low_bytes);
  connection.set_out_payload_high_bytes(counts.out_payload_high_bytes);
  connection.set_out_ip_bytes(counts.out_ip_bytes);
  connection.set_in_ip_bytes(counts.in_ip_bytes);
  set_time(*connection.mutable_first_seen(), counts.first_seen_ns);
  set_time(*connection.mutable_last_seen(), counts.last_seen_ns);
  connection.set_served(counts.served);
  return connection;
}

std::string_view unit_of(const Detector& detector, uint16_t option) {
  return option < detector.options.size() ? detector.options[option].unit : std::string_view();
}

std::string explanation_of(const Detector& detector, const Evidence& evidence,
                           const Verdict& verdict) {
  const Finding& peak = evidence.peak;
  std::string text = detector.explain(peak);
  const auto add = [&](const std::string& sentence) {
    if (!text.empty()) text.push_back(' ');
    text += sentence;
  };
  if (evidence.learning)
    add("Learning: the sensor's history does not cover yet what this detector compares with, so "
        "it adds nothing to the score.");
  if (verdict.lowered && !evidence.learning && !evidence.certain)
    add("Only " + grouped_words(peak.observed_low) + " " +
        std::string(unit_of(detector, peak.option)) +
        " are certain, since part of the transfer was not captured; the severity is lowered one "
        "step.");
  if (!evidence.note.empty()) add(evidence.note);
  return text;
}

v1::Evidence evidence_of(const AlertContext& context, const EvidenceKey& key,
                         const Evidence& evidence, const Verdict& verdict) {
  const Detector& detector = *context.detectors[key.first];
  const Finding& peak = evidence.peak;
  v1::Evidence out;
  out.set_detector(std::string(detector.id));
  out.set_family(family_of(peak.family));
  out.set_observed(peak.observed);
  out.set_threshold(peak.threshold);
  out.set_unit(std::string(unit_of(detector, key.second)));
  out.set_window_s(peak.window_s);
  out.set_baseline(peak.baseline);
  out.set_learning(evidence.learning);
  out.set_explanation(explanation_of(detector, evidence, verdict));
  if (key.second < detector.options.size()) {
    v1::Counterfactual& other = *out.mutable_counterfactual();
    other.set_option(option_name(detector, peak));
    other.set_threshold(peak.counterfactual);
    if (peak.counterfactual > 0) other.set_text(counterfactual_words(detector, peak));
  }
  for (const std::string_view technique : detector.attack) out.add_attack(std::string(technique));
  for (const ConnectionSnapshot& connection : evidence.connections)
    *out.add_connections() = connection_of(evidence.connections_of, connection);
  return out;
}

}  // namespace

std::string network_name(const AlertContext& context, uint16_t network) {
  return network < context.networks.size() ? context.networks[network] : std::to_string(network);
}

std::string protocol_text(uint8_t protocol) {
  switch (protocol) {
    case kProtocolTcp:
      return "tcp";
    case kProtocolUdp:
      return "udp";
    case kProtocolIcmp:
      return "icmp";
    case kProtocolIcmpV6:
      return "icmpv6";
    case kProtocolSctp:
      return "sctp";
    default:
      return std::to_string(protocol);
  }
}

v1::Coverage coverage_of(const LaneCounters& sum, uint64_t read_bytes) {
  v1::Coverage coverage;
  const uint64_t counted_bytes = sum.out_ip_bytes;
  coverage.set_out_counted_bytes(counted_bytes);
  coverage.set_out_read_bytes(read_bytes);
  if (counted_bytes > read_bytes) {
    v1::Unread& unread = *coverage.add_unread();
    unread.set_cause("no_reader");
    unread.set_bytes(counted_bytes - read_bytes);
  }
  for (size_t reason = 0; reason < kDropReasons; ++reason) {
    if (sum.drop_packets.at(reason) == 0 && sum.drop_frame_bytes.at(reason) == 0) continue;
    v1::Dropped& dropped = *coverage.add_dropped();
    dropped.set_reason(std::string(drop_name(static_cast<DropReason>(reason))));
    dropped.set_packets(sum.drop_packets.at(reason));
    dropped.set_frame_bytes(sum.drop_frame_bytes.at(reason));
  }
  coverage.set_duplicate_packets(sum.duplicate_packets);
  coverage.set_time_backward_packets(sum.time_backward_packets);
  coverage.set_overflow_connection_bytes(sum.overflow_connection_bytes);
  coverage.set_overflow_total_bytes(sum.overflow_total_bytes);
  coverage.set_sketch_error_bytes(sum.sketch_error_bytes);
  return coverage;
}

v1::Alert make_alert(const AlertContext& context, const Incident& incident, v1::Alert::State state,
                     const std::function<std::string(const IncidentKey&)>& id_of) {
  const Verdict verdict = judge_incident(incident);
  v1::Alert alert;
  alert.set_incident_id(incident.id);
  alert.set_revision(incident.revision);
  alert.set_state(state);
  alert.set_sensor_id(context.sensor_id);
  alert.set_epoch(context.epoch);
  alert.set_severity(verdict.severity);
  alert.set_score(verdict.score);
  const bool ledger = incident.has_ledger;
  set_time(*alert.mutable_first_seen(),
           ledger ? incident.ledger.first_seen_ns : incident.opened_ns);
  set_time(*alert.mutable_last_seen(),
           ledger ? incident.ledger.last_seen_ns : incident.last_evidence_ns);
  if (incident.key.kind != IncidentKind::kHealth)
    alert.set_network(network_name(context, incident.key.network));
  alert.set_host(host_text(incident.key));
  alert.set_scope(scope_of(incident.scope));
  set_destination(incident, alert);
  set_ledger(incident, alert);
  for (const auto& [key, evidence] : incident.evidence)
    *alert.add_evidence() = evidence_of(context, key, evidence, verdict);
  const size_t listed = std::min(incident.members.size(), kMembersListed);
  for (size_t index = 0; index < listed; ++index) {
    const Member& member = incident.members[index];
    v1::Member& out = *alert.add_members();
    out.set_host(host_text(member.key));
    out.set_destination(destination_text(member.key));
    out.set_out_payload_low_bytes(member.out_payload_low_bytes);
    out.set_out_payload_high_bytes(member.out_payload_high_bytes);
    out.set_incident_id(id_of(member.key));
  }
  if (incident.key.kind == IncidentKind::kStorm) {
    v1::Storm& storm = *alert.mutable_storm();
    storm.set_incidents(incident.storm_incidents);
    storm.set_hosts(incident.storm_hosts);
    storm.set_destinations(incident.storm_destinations);
    storm.set_findings(incident.storm_findings);
  }
  return alert;
}

}  // namespace weir
