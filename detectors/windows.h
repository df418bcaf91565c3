// The judge's account of time: how many bytes each pair, host and destination moved in the last
// minute, hour, day and month.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/finding.h"
#include "detectors/record_store.h"
#include "detectors/ring.h"
#include "flowtable/flow_table_options.h"
#include "flowtable/keyed_hash.h"
#include "flowtable/lane_counters.h"
#include "flowtable/total.h"

namespace weir {

class History;

/// Whom sums are kept for: a host's destinations lie on the other side of its pairs.
struct PairKey {
  uint16_t network = 0;
  Scope scope = Scope::kOutbound;
  IpAddress host;
  IpAddress destination;
  friend bool operator==(const PairKey&, const PairKey&) = default;
};

/// Payload bytes of a window; the truth lies in [low, high].
struct Amount {
  uint64_t high_bytes = 0;
  uint64_t low_bytes = 0;
};

/// From so many destinations on that were served within an hour, a host is a server.
inline constexpr uint32_t kServiceClients = 3;

struct WindowsOptions {
  /// Pairs that are kept at the same time, over all lanes: half of the table's totals is plenty,
  /// since a pair is kept only once its host sent payload.
  uint32_t pairs = 1u << 17;
  /// Lanes and totals a lane whose memory is taken at start; 0: as they come, for a short run.
  uint16_t reserve_lanes = 0;
  uint32_t reserve_totals = 0;
  std::bitset<kScopes> scopes{1u << static_cast<unsigned>(Scope::kOutbound)};
  HashKey hash_key = kReplayHashKey;
};

/// The scopes named by `detectors.scopes`. Throws Error (kExitUsage) at a name that is none of
/// outbound, internal, transit: multicast and its like never feed a volume detector.
std::bitset<kScopes> scopes_of(std::span<const std::string> names);

/// What the windows could not keep, and what the history lost.
struct WindowsCounters {
  uint64_t unkept_bytes = 0;        // pushed by pairs without windows; in their host's sums
  uint64_t unsummed_bytes = 0;      // of those, pushed by hosts without sums
  uint64_t evicted_pairs = 0;       // gave way to pairs that sent more
  uint64_t history_failures = 0;    // minutes whose write failed and was repeated later
  uint64_t history_gap_s = 0;       // not in the history: between the last write and this start
  bool history_was_killed = false;  // the run before did not end by itself
};

struct SeenTotal;  // the records: detectors/windows_records.h
struct MovedBytes;
struct PairWindows;
struct SumWindows;
struct SweepView;

/// Windows of all lanes' totals. Belongs to the judge thread. A sweep is begin_sweep, observe for
/// each total touched since the sweep before, end_sweep; deltas belong to the sweep's time.
/// Memory: at most 640 bytes a pair and two sums of 256 (static_asserts in windows_records.h),
/// taken as pairs appear and never beyond `options.pairs`.
class Windows {
 public:
  /// `history` may be null and must outlive this; it is read in the first sweep.
  explicit Windows(const WindowsOptions& options, History* history = nullptr);
  ~Windows();
  Windows(const Windows&) = delete;
  Windows& operator=(const Windows&) = delete;

  /// Time never goes back: an earlier `now_ns` counts as the latest one.
  void begin_sweep(uint64_t now_ns);
  void observe(const TotalSnapshot& total);
  /// What moved. `lanes`: cumulative counters by lane; `last`: nothing follows (end of a replay).
  /// Valid until the next begin_sweep.
  SweepView end_sweep(std::span<const LaneCounters> lanes, bool last);
  /// Writes the last minute to the history and marks it as complete.
  void finish();

  const WindowsCounters& counters() const { return counters_; }
  const std::string& history_error() const { return history_error_; }  // empty: the last write went
  uint32_t pairs() const;

  // ---- of a pair, by its number ----
  PairKey key_of_pair(uint32_t pair) const;
  RecordId total_of_pair(uint32_t pair) const;
  uint16_t lane_of_pair(uint32_t pair) const;
  /// No window of the pair holds more, pushed or served: below a limit there is nothing to sum up.
  uint64_t bound_of_pair(uint32_t pair) const;
  /// Payload sent on connections that a home host opened, or nobody knows who.
  Amount pushed_by_pair(uint32_t pair, Window window) const;
  /// Payload sent on connections that the outside opened, in the last hour.
  Amount served_by_pair(uint32_t pair) const;
  /// Pushed in the last hour; with it what was served, as long as the host serves fewer than
  /// kServiceClients destinations: a listener that one outsider comes to is no service.
  Amount left_by_pair(uint32_t pair) const;
  /// Payload received in the last hour, high end.
  uint64_t received_by_pair(uint32_t pair) const;
  /// What is usual: mean of the days before today that the history covers, scaled to the window.
  uint64_t baseline_of_pair(uint32_t pair, Window window) const;
  /// Day (since 1970, UTC) on which the host first sent payload to the destination, as far back
  /// as memory and history reach.
  uint32_t first_day_of_pair(uint32_t pair) const;
  /// Full days before today over which first_day and the baselines are known.
  uint32_t covered_days() const;

  // ---- of a host over its destinations, of a destination over its hosts ----
  PairKey key_of_host(uint32_t host) const;                // destination is zero
  PairKey key_of_destination(uint32_t destination) const;  // host is zero
  uint64_t bound_of_host(uint32_t host) const;
  uint64_t bound_of_destination(uint32_t destination) const;
  /// kHour and kDay only.
  Amount pushed_by_host(uint32_t host, Window window) const;
  Amount pushed_to_destination(uint32_t destination, Window window) const;
  /// Hosts whose kept pairs pushed to the destination within the window; exact unless pairs were
  /// not kept, then a lower bound. Walks the destination's pairs: ask when the bytes suffice.
  uint32_t hosts_of_destination(uint32_t destination, Window window) const;
  uint64_t baseline_of_host(uint32_t host, Window window) const;
  uint64_t baseline_of_destination(uint32_t destination, Window window) const;

  /// Pairs that make up a host's or destination's finding, largest first, at most `count`; for a
  /// pair's finding the pair itself. Cold.
  struct Member {
    PairKey key;
    Amount pushed;
  };
  std::vector<Member> largest_members(const Finding& finding, size_t count) const;

 private:
  enum class Side : uint8_t { kHost, kDestination };

  uint32_t hash_of_address(uint16_t network, Scope scope, const IpAddress& address) const;
  uint32_t hash_of_members(uint32_t host, uint32_t destination) const;
  RecordStore<SumWindows>& sums(Side side);
  const RecordStore<SumWindows>& sums(Side side) const;

  SeenTotal& seen_of(uint16_t lane, uint32_t slot);
  uint32_t find_sum(Side side, const PairKey& key) const;
  uint32_t find_or_make_sum(Side side, const PairKey& key, uint64_t weight_bytes);
  uint32_t make_room_for_sum(Side side, uint64_t weight_bytes);
  uint32_t find_or_make_pair(uint32_t host, uint32_t destination, uint64_t weight_bytes);
  bool make_room_for_pair(uint64_t weight_bytes);
  void drop_pair(uint32_t pair);
  void drop_sum(Side side, uint32_t sum);
  void link(uint32_t pair);
  void unlink(uint32_t pair);
  void drop_idle();

  void add_to_pair(uint32_t pair, const MovedBytes& moved);
  void add_to_sum(Side side, uint32_t sum, const MovedBytes& moved);
  void advance(PairWindows& pair) const;
  void advance(SumWindows& sum) const;
  Amount pushed(const SumWindows& sum, Window window) const;
  uint64_t past_days_bytes(uint32_t pair) const;
  uint64_t scaled_baseline(uint64_t past_days_bytes, Window window) const;
  template <class Each>
  void for_each_member(Side side, uint32_t sum, const Each& each) const;

  void load_history();
  void save_history(bool complete);
  void write_pair_day(uint32_t pair);
  void write_host_rest(uint32_t host);

  WindowsOptions options_;
  KeyedHash hash_;
  History* history_;
  WindowsCounters counters_;
  std::string history_error_;

  uint64_t now_s_ = 0;
  bool started_ = false;
  uint32_t first_day_ = 0;         // since when memory or history cover novelty and baselines
  uint64_t saved_minute_ = 0;      // of the last write
  uint32_t day_of_last_drop_ = 0;  // idle pairs are dropped once a day
  uint32_t pair_hand_ = 0;         // where the search for a pair to give way goes on
  std::array<uint32_t, 2> sum_hand_{};

  std::vector<RecordStore<SeenTotal>> seen_;  // by lane, addressed by slot
  RecordStore<PairWindows> pairs_;
  RecordIndex pair_index_;
  std::array<RecordStore<SumWindows>, 2> sums_;
  std::array<RecordIndex, 2> sum_index_;
  std::vector<uint32_t> moved_pairs_;
  std::array<std::vector<uint32_t>, 2> moved_sums_;
  std::vector<uint32_t> view_pairs_;  // of the last end_sweep
  std::array<std::vector<uint32_t>, 2> view_sums_;
  std::vector<uint32_t> dirty_pairs_;  // moved since the last write
  std::vector<uint32_t> dirty_hosts_;
};

/// What moved in a sweep, as the detectors see it.
struct SweepView {
  const Windows& windows;
  uint64_t now_ns;
  bool last;
  std::span<const uint32_t> pairs;  // numbers, each once
  std::span<const uint32_t> hosts;
  std::span<const uint32_t> destinations;
  std::span<const LaneCounters> lanes;
  int64_t clock_ahead_ns = 0;  // live: the lanes' clock before the system's
};

}  // namespace weir
