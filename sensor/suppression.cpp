// Budgets are charged with every matching byte, and decide as long as they last.
#include "sensor/suppression.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <sstream>

#include "detectors/words.h"
#include "sensor/readable.h"

namespace weir {
namespace {

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr uint64_t kDay_ns = 86400 * kSecond_ns;

bool any_contains(const std::vector<IpRange>& ranges, const IpAddress& address) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const IpRange& range) { return range.contains(address); });
}

// "2027-01-31" holds for the whole of that day, UTC. The text was checked when it was loaded.
uint64_t end_of_day_ns(const std::string& date) {
  int year = 0;
  unsigned month = 0, day_of_month = 0;
  std::istringstream text(date);
  char dash = 0;
  text >> year >> dash >> month >> dash >> day_of_month;
  const std::chrono::sys_days midnight =
      std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day_of_month);
  const int64_t day = midnight.time_since_epoch().count();
  const uint64_t days = day < 0 ? 0 : static_cast<uint64_t>(day) + 1;
  return std::min(days, std::numeric_limits<uint64_t>::max() / kDay_ns) * kDay_ns;
}

}  // namespace

std::vector<SuppressionOptions> suppression_options(const std::vector<SuppressTable>& tables) {
  std::vector<SuppressionOptions> all;
  for (const SuppressTable& table : tables) {
    SuppressionOptions& one = all.emplace_back();
    one.name = table.name;
    one.owner = table.owner;
    one.reason = table.reason;
    one.expires = table.expires;
    one.expires_ns = end_of_day_ns(table.expires);
    one.hosts = ip_ranges(table.hosts);
    one.destinations = ip_ranges(table.destinations);
    for (const std::string& destination : table.destinations)
      if (ip_ranges({destination}).empty()) one.destination_names.push_back(destination);
    one.detectors = table.detectors;
    one.budget_bytes = table.budget_bytes;
    one.budget_window_s = table.budget_window_s;
  }
  return all;
}

std::string silenced_line(const SilencedCounts& counts) {
  return "suppress \"" + printable(counts.name) + "\" (owner " + printable(counts.owner) +
         "): silenced " + grouped_words(counts.findings) +
         (counts.findings == 1 ? " finding" : " findings") + "; its traffic sent " +
         grouped_words(counts.matching_bytes) + " payload bytes, budget " +
         grouped_words(counts.budget_bytes) + " bytes in " + duration_text(counts.budget_window_s) +
         ".";
}

Suppressions::Suppressions(std::vector<SuppressionOptions> options, std::bitset<kScopes> scopes)
    : budgets_(budgets_of(std::move(options))), scopes_(scopes) {}

std::vector<Suppressions::Budget> Suppressions::budgets_of(
    std::vector<SuppressionOptions> options) {
  std::vector<Budget> budgets;
  budgets.reserve(options.size());
  for (SuppressionOptions& one : options) {
    Budget& budget = budgets.emplace_back();
    budget.bucket_ns = std::max<uint64_t>(1, one.budget_window_s) * kSecond_ns / kBuckets;
    budget.options = std::move(one);
  }
  return budgets;
}

void Suppressions::replace(uint64_t now_ns, std::vector<SuppressionOptions> options) {
  std::vector<Budget> fresh = budgets_of(std::move(options));
  for (Budget& budget : fresh) {
    const auto known = std::find_if(budgets_.begin(), budgets_.end(), [&](const Budget& other) {
      return other.options.name == budget.options.name && other.bucket_ns == budget.bucket_ns;
    });
    if (known == budgets_.end()) continue;
    budget.spent_bytes = known->spent_bytes;
    budget.newest_bucket = known->newest_bucket;
    budget.findings = known->findings;
    budget.matching_bytes = known->matching_bytes;
  }
  budgets_ = std::move(fresh);
  replaced_ns_ = now_ns;
}

std::vector<std::string> Suppressions::warnings() const {
  std::vector<std::string> sentences;
  for (const Budget& budget : budgets_)
    for (const std::string& name : budget.options.destination_names)
      sentences.push_back("suppress \"" + printable(budget.options.name) + "\": destination \"" +
                          printable(name) +
                          "\" is a name, and this sensor resolves no names yet, so it silences "
                          "nothing; list the address ranges instead.");
  return sentences;
}

void Suppressions::observe(uint64_t now_ns, const TotalSnapshot& total) {
  if (budgets_.empty() || !scopes_.test(static_cast<size_t>(total.scope))) return;
  uint64_t moved_bytes = 0;
  bool known = false;
  for (Budget& budget : budgets_) {
    if (!covers(budget, total.host, total.destination)) continue;
    if (!known) {
      const uint64_t bytes = total.out.payload_high_bytes;
      const auto [place, is_new] =
          sent_.try_emplace(uint64_t{total.lane} << 32 | total.id.slot, Sent{});
      Sent& sent = place->second;
      if (is_new || sent.generation != total.id.generation)
        sent = {total.id.generation, is_new && total.first_seen_ns < replaced_ns_ ? bytes : 0};
      moved_bytes = bytes - std::min(bytes, sent.out_payload_high_bytes);
      sent.out_payload_high_bytes = bytes;
      known = true;
    }
    advance(budget, now_ns);
    budget.spent_bytes[budget.newest_bucket % kBuckets] += moved_bytes;
    budget.matching_bytes += moved_bytes;
  }
}

void Suppressions::advance(Budget& budget, uint64_t now_ns) {
  const uint64_t bucket = std::max(budget.newest_bucket, now_ns / budget.bucket_ns);
  const uint64_t steps = std::min(bucket - budget.newest_bucket, kBuckets);
  for (uint64_t step = 0; step < steps; ++step) budget.spent_bytes[(bucket - step) % kBuckets] = 0;
  budget.newest_bucket = bucket;
}

uint64_t Suppressions::spent_in_window(const Budget& budget) {
  return std::accumulate(budget.spent_bytes.begin(), budget.spent_bytes.end(), uint64_t{0});
}

bool Suppressions::covers(const Budget& budget, const IpAddress& host,
                          const IpAddress& destination) {
  return any_contains(budget.options.hosts, host) &&
         any_contains(budget.options.destinations, destination);
}

bool Suppressions::in_force(const Budget& budget, uint64_t now_ns) {
  return now_ns < budget.options.expires_ns &&
         spent_in_window(budget) <= budget.options.budget_bytes;
}

std::string Suppressions::lapse_note(const Budget& budget, uint64_t now_ns) {
  const std::string who = "The allow-list \"" + printable(budget.options.name) + "\" (owner " +
                          printable(budget.options.owner) +
                          ", reason: " + printable(budget.options.reason) + ") ";
  if (now_ns >= budget.options.expires_ns)
    return who + "expired on " + printable(budget.options.expires) + " and no longer covers this.";
  return who + "allows " + byte_words(budget.options.budget_bytes) + " in " +
         duration_text(budget.options.budget_window_s) + "; its traffic sent " +
         byte_words(spent_in_window(budget)) + ", so its budget is exceeded.";
}

Suppressions::Budget* Suppressions::covering(uint64_t now_ns, const IncidentKey& pair,
                                             std::string_view detector_id, std::string& note) {
  for (Budget& budget : budgets_) {
    if (!covers(budget, pair.host, pair.destination) ||
        !matches_detector(budget.options.detectors, detector_id))
      continue;
    if (in_force(budget, now_ns)) return &budget;
    if (note.empty()) note = lapse_note(budget, now_ns);
  }
  return nullptr;
}

Suppressions::Decision Suppressions::decide(uint64_t now_ns, const Finding& finding,
                                            std::string_view detector_id,
                                            std::span<const Member> members) {
  Decision decision;
  if (budgets_.empty()) return decision;
  for (Budget& budget : budgets_) advance(budget, now_ns);
  Budget* silencer = nullptr;
  if (finding.subject == Subject::kPair) {
    silencer = covering(now_ns, key_of(finding), detector_id, decision.note);
  } else {
    uint64_t covered_bytes = 0;
    Budget* first = nullptr;
    for (const Member& member : members) {
      Budget* budget = covering(now_ns, member.key, detector_id, decision.note);
      if (budget == nullptr) continue;
      if (first == nullptr) first = budget;
      covered_bytes += member.out_payload_high_bytes;
    }
    const uint64_t rest_bytes = finding.observed - std::min(finding.observed, covered_bytes);
    if (first != nullptr && rest_bytes < finding.threshold) silencer = first;
  }
  if (silencer != nullptr) {
    ++silencer->findings;
    decision.silenced = true;
    decision.note.clear();
  }
  return decision;
}

std::vector<SilencedCounts> Suppressions::counts() const {
  std::vector<SilencedCounts> all;
  all.reserve(budgets_.size());
  for (const Budget& budget : budgets_)
    all.push_back({budget.options.name, budget.options.owner, budget.findings,
                   budget.matching_bytes, budget.options.budget_bytes,
                   budget.options.budget_window_s});
  return all;
}

}  // namespace weir
