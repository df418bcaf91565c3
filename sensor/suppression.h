// Allow-lists with a budget: what they keep quiet, for whom, how much, and until when.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "detectors/finding.h"
#include "flowtable/ip_address.h"
#include "sensor/config.h"
#include "sensor/incident.h"
#include "sensor/state_changes.h"

namespace weir {

/// One `[[suppress]]` table, read and checked.
struct SuppressionOptions {
  std::string name;
  std::string owner;
  std::string reason;
  uint64_t expires_ns = 0;  // silences nothing from here on
  std::string expires;      // the same as the user wrote it
  std::vector<IpRange> hosts;
  std::vector<IpRange> destinations;
  std::vector<std::string> destination_names;  // match nothing without a resolved name
  std::vector<std::string> detectors = {"*"};  // ids, or "*", or a family of them: "volume.*"
  uint64_t budget_bytes = 0;
  uint64_t budget_window_s = 86400;
};

/// The `[[suppress]]` tables of a checked configuration.
std::vector<SuppressionOptions> suppression_options(const std::vector<SuppressTable>& tables);

/// Account of one suppression, for the log, the heartbeat and the end of a replay.
struct SilencedCounts {
  std::string name;
  std::string owner;
  uint64_t findings = 0;        // silenced so far
  uint64_t matching_bytes = 0;  // payload out of the matching traffic so far, silenced or not
  uint64_t budget_bytes = 0;
  uint64_t budget_window_s = 0;
};

/// "suppress "backup" (owner ops): 12 findings silenced; ..."
std::string silenced_line(const SilencedCounts& counts);

/// All suppressions. One thread: the judge. The clock is the judge's.
class Suppressions {
 public:
  /// `scopes`: those whose traffic is charged, the ones that feed the detectors.
  Suppressions(std::vector<SuppressionOptions> options, std::bitset<kScopes> scopes);

  /// Other suppressions from now on. One of a known name keeps what it has spent, where its window
  /// stays; what a total sent before is not charged to a new one.
  void replace(uint64_t now_ns, std::vector<SuppressionOptions> options);

  /// One sentence each about what the configuration asks for and does not get.
  std::vector<std::string> warnings() const;

  /// Charges the budgets with what the total sent since it was last seen here. For every total
  /// that moved, before the findings of the same sweep are judged.
  void observe(uint64_t now_ns, const TotalSnapshot& total);

  struct Decision {
    bool silenced = false;
    std::string note;  // a sentence when a suppression would have covered this but no longer does
  };
  /// `members`: the largest pairs of a host-wide or destination-wide finding with their bytes in
  /// its window; such a finding is silenced when without the covered ones it would not exist.
  Decision decide(uint64_t now_ns, const Finding& finding, std::string_view detector_id,
                  std::span<const Member> members);

  std::vector<SilencedCounts> counts() const;

  /// What each budget has spent, as bytes to keep across a restart.
  SavedState state() const;
  /// False: the bytes are of no budget, or of one whose window is another now.
  bool restore(std::string_view name, std::string_view bytes);

 private:
  // A sum over the window lacks at most one 64th of it: a budget may last that much longer.
  static constexpr uint64_t kBuckets = 64;
  struct Budget {
    SuppressionOptions options;
    std::array<uint64_t, kBuckets> spent_bytes{};  // of bucket time / bucket_ns, modulo kBuckets
    uint64_t newest_bucket = 0;
    uint64_t bucket_ns = 1;
    uint64_t findings = 0;
    uint64_t matching_bytes = 0;
  };

  static std::vector<Budget> budgets_of(std::vector<SuppressionOptions> options);
  static void advance(Budget& budget, uint64_t now_ns);
  static uint64_t spent_in_window(const Budget& budget);
  static bool covers(const Budget& budget, const IpAddress& host, const IpAddress& destination);
  static bool in_force(const Budget& budget, uint64_t now_ns);
  static std::string lapse_note(const Budget& budget, uint64_t now_ns);
  Budget* covering(uint64_t now_ns, const IncidentKey& pair, std::string_view detector_id,
                   std::string& note);

  struct Sent {
    uint32_t generation = 0;
    uint64_t out_payload_high_bytes = 0;
  };
  std::vector<Budget> budgets_;
  std::bitset<kScopes> scopes_;
  uint64_t replaced_ns_ = 0;
  std::unordered_map<uint64_t, Sent> sent_;  // covered totals, by lane and slot
};

}  // namespace weir
