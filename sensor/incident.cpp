// Keys, identifiers, score and severity of an incident.
#include "sensor/incident.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr size_t kFamilies = 4;

}  // namespace

IncidentKey key_of(const Finding& finding) {
  IncidentKey key;
  key.network = finding.network;
  switch (finding.subject) {
    case Subject::kPair:
      key.host = finding.host;
      key.destination = finding.destination;
      break;
    case Subject::kHost:
      key.kind = IncidentKind::kHost;
      key.host = finding.host;
      break;
    case Subject::kDestination:
      key.kind = IncidentKind::kDestination;
      key.destination = finding.destination;
      break;
    case Subject::kSensor:
      key.kind = IncidentKind::kHealth;
      key.network = 0;
      key.condition = finding.option;
      break;
  }
  return key;
}

std::string host_text(const IncidentKey& key) {
  switch (key.kind) {
    case IncidentKind::kPair:
    case IncidentKind::kHost:
      return to_string(key.host);
    case IncidentKind::kDestination:
    case IncidentKind::kStorm:
      return "*";
    case IncidentKind::kHealth:
      break;
  }
  return "";
}

std::string destination_text(const IncidentKey& key) {
  switch (key.kind) {
    case IncidentKind::kPair:
    case IncidentKind::kDestination:
      return to_string(key.destination);
    case IncidentKind::kHost:
    case IncidentKind::kStorm:
      return "*";
    case IncidentKind::kHealth:
      break;
  }
  return "";
}

std::string incident_id(std::string_view sensor_id, std::string_view network, std::string_view host,
                        std::string_view destination, uint64_t opened_ns) {
  std::string text;
  for (const std::string_view part : {sensor_id, network, host, destination})
    text.append(part).push_back('\n');
  text.append(std::to_string(opened_ns));

  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_bytes = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &digest_bytes, EVP_sha256(), nullptr) !=
      1)
    throw Error(kExitFailed,
                "OpenSSL offers no SHA-256, which incident ids are made of; check openssl.cnf.");
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (size_t byte = 0; byte < 8; ++byte) {
    id.push_back(kDigits[digest[byte] >> 4]);
    id.push_back(kDigits[digest[byte] & 15]);
  }
  return id;
}

void merge_member(std::vector<Member>& members, const Member& member) {
  const auto known = std::find_if(members.begin(), members.end(),
                                  [&](const Member& other) { return other.key == member.key; });
  if (known == members.end()) {
    members.push_back(member);
  } else {
    known->out_payload_low_bytes =
        std::max(known->out_payload_low_bytes, member.out_payload_low_bytes);
    known->out_payload_high_bytes =
        std::max(known->out_payload_high_bytes, member.out_payload_high_bytes);
  }
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    if (a.out_payload_high_bytes != b.out_payload_high_bytes)
      return a.out_payload_high_bytes > b.out_payload_high_bytes;
    return a.key < b.key;
  });
  if (members.size() > kMembersKept) members.resize(kMembersKept);
}

void update_ledger(Incident& incident, const TotalSnapshot& reading) {
  const bool another_record = incident.has_ledger && incident.key.kind == IncidentKind::kPair &&
                              incident.ledger.id != reading.id;
  uint64_t first_seen_ns = reading.first_seen_ns;
  if (another_record) {
    add(incident.carried_out, incident.ledger.out);
    add(incident.carried_in, incident.ledger.in);
    first_seen_ns = std::min(first_seen_ns, incident.ledger.first_seen_ns);
  } else if (incident.has_ledger) {
    first_seen_ns = incident.ledger.first_seen_ns;
  }
  incident.ledger = reading;
  incident.ledger.first_seen_ns = first_seen_ns;
  incident.has_ledger = true;
}

double score_of(const Incident& incident, bool certain_only) {
  std::array<double, kFamilies> family_score{};
  for (const auto& [key, evidence] : incident.evidence) {
    if (evidence.learning || (certain_only && !evidence.certain)) continue;
    double& score = family_score.at(static_cast<size_t>(evidence.peak.family));
    score = std::max(score, std::clamp(evidence.peak.score, 0.0, 1.0));
  }
  double doubt = 1;
  for (const double score : family_score) doubt *= 1 - score;
  // 1 - (1 - s) is not always s again; a score that is meant to stand on a step must reach it.
  constexpr double kSteps = 1e6;
  return std::round((1 - doubt) * kSteps) / kSteps;
}

v1::Alert::Severity severity_of(double score) {
  if (score < 0.3) return v1::Alert::INFO;
  if (score < 0.5) return v1::Alert::LOW;
  if (score < 0.7) return v1::Alert::MEDIUM;
  if (score < 0.9) return v1::Alert::HIGH;
  return v1::Alert::CRITICAL;
}

Verdict judge_incident(const Incident& incident) {
  Verdict verdict;
  verdict.score = score_of(incident, false);
  verdict.severity = severity_of(verdict.score);
  const v1::Alert::Severity certain = severity_of(score_of(incident, true));
  if (certain < verdict.severity) {
    verdict.severity =
        std::max(certain, static_cast<v1::Alert::Severity>(static_cast<int>(verdict.severity) - 1));
    verdict.lowered = true;
  }
  return verdict;
}

}  // namespace weir
