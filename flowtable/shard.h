// HOT. One lane's part of the flow table: written by its capture core, read by anyone.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flowtable/connection_record.h"
#include "flowtable/duplicate_window.h"
#include "flowtable/flow_table_options.h"
#include "flowtable/hash_index.h"
#include "flowtable/heavy_hitters.h"
#include "flowtable/keyed_hash.h"
#include "flowtable/lane_counters.h"
#include "flowtable/packet.h"
#include "flowtable/record.h"
#include "flowtable/tcp_ledger.h"
#include "flowtable/total.h"

namespace weir {

inline constexpr uint32_t kBurstPackets = 32;

/// Sums over all pairs of a scope that have no total of their own (any more).
struct FoldedTotals {
  uint64_t totals = 0;       // how many were folded
  uint64_t connections = 0;  // of those
  uint64_t first_seen_ns = 0;
  uint64_t last_seen_ns = 0;
  DirectionCounts out;
  DirectionCounts in;
};

/// What a detector sends back to the capture core (the ring back).
struct RingBackMessage {
  enum class Kind : uint8_t {
    kMoveConnection,  // `connection` belongs to `total`: its bytes so far and to come, once
    kStopReading,     // nobody reads `connection` any more
  };
  Kind kind = Kind::kStopReading;
  RecordId connection;
  RecordId total;  // kMoveConnection only
};

class Shard {
 public:
  Shard(const FlowTableOptions& options, uint16_t lane);

  // ---- capture core ----

  /// Counts a burst of at most kBurstPackets, dropped ones under their names. `connections[i]`
  /// becomes the connection of packet i; invalid where it has none.
  void update(std::span<const Packet> packets, RecordId* connections) noexcept;

  /// Frames that never became a packet: no mbuf, hand-over full.
  void count_drop(DropReason reason, uint64_t packets, uint64_t frame_bytes) noexcept;

  /// Packets that went to the lane of their pair; published with the next update.
  void count_handed_over(uint64_t packets) noexcept { counters_.handed_over_packets += packets; }

  /// Answers a reader's request for the list of touched totals. Called by update(), and by the
  /// capture core on a poll that brought nothing.
  void serve_requests() noexcept;

  /// Does what a detector asks. A record that is gone by now is left alone.
  void obey(const RingBackMessage& message) noexcept;

  /// Empties the shard. No reader may be at work.
  void clear() noexcept;

  // ---- the judge: one reader ----

  /// Asks for the totals touched since the last request, and ends the use of the list before.
  void request_touched() noexcept {
    requested_epoch_.store(served_epoch_.load(std::memory_order_acquire) + 1,
                           std::memory_order_release);
  }
  bool touched_ready() const noexcept {
    return served_epoch_.load(std::memory_order_acquire) ==
           requested_epoch_.load(std::memory_order_relaxed);
  }
  /// The list once touched_ready(): slots, each once. Valid until the next request.
  std::span<const uint32_t> touched() const noexcept;

  // ---- any reader ----

  /// False if there is no such total.
  bool read_total(uint32_t slot, TotalSnapshot& copy) const noexcept;
  bool read_connection(uint32_t slot, ConnectionSnapshot& copy) const noexcept;
  /// Slots below this have been used.
  uint32_t totals_used() const noexcept { return totals_used_.load(std::memory_order_acquire); }
  uint32_t connections_used() const noexcept {
    return connections_used_.load(std::memory_order_acquire);
  }
  /// For each of `totals` its connections that carry the most payload out, largest first, `most` at
  /// the most. One walk over all records, whatever the number of totals: for the revisions of a
  /// sweep, not for a packet.
  std::vector<std::vector<ConnectionSnapshot>> largest_connections(std::span<const RecordId> totals,
                                                                   size_t most) const;
  LaneCounters read_counters() const noexcept { return shared_counters_.read(); }
  FoldedTotals read_folded(Scope scope) const noexcept {
    return shared_folded_[static_cast<size_t>(scope)].read();
  }

 private:
  struct Key;        // of a packet: hashes, sides, digest
  struct Payload;    // what a packet adds to low and high
  struct TotalSide;  // how its sides lie at its total
  struct OuterPair {
    IpAddress source;
    IpAddress destination;
    uint64_t tunnel = 0;
    friend bool operator==(const OuterPair&, const OuterPair&) = default;
  };
  static constexpr uint32_t kExpiryBudgetSlots =
      2 * kBurstPackets;  // looked at in a burst, at most
  static constexpr uint32_t kOuterPairs = 4096;
  static constexpr uint32_t kOuterScan = 64;  // recent ones compared before one is added

  void key_of(const Packet& packet, Key& key) const noexcept;
  void ask_for_bucket(const Packet& packet, Key& key) const noexcept;
  void ask_for_record(const Packet& packet, Key& key) const noexcept;
  void ask_for_total(const Packet& packet, const Key& key) const noexcept;
  void count_drop(const Packet& packet) noexcept;
  RecordId count(const Packet& packet, const Key& key) noexcept;
  void advance_clock(const Packet& packet) noexcept;
  bool count_in_place(const Packet& packet, const Key& key, RecordId& connection) noexcept;
  void count_at_total_in_place(uint32_t slot, const Packet& packet, unsigned side,
                               uint32_t payload_bytes) noexcept;
  RecordId count_elsewhere(const Packet& packet, const Key& key) noexcept;
  bool count_with_connection(const Packet& packet, const Key& key, RecordId& connection) noexcept;
  void count_at_total(uint32_t slot, const Packet& packet, const Key& key, const Payload& payload,
                      bool served) noexcept;
  void count_without_total(const Packet& packet, const Key& key, const Payload& payload) noexcept;
  void count_scope(const Packet& packet, bool out, uint64_t out_low, uint64_t out_high) noexcept;
  Payload payload_without_connection(const Packet& packet, const Key& key) const noexcept;
  Payload add_to_connection(ConnectionHot& hot, uint32_t slot, const Packet& packet,
                            const Key& key) noexcept;

  uint32_t find_connection(const Key& key) const noexcept;
  uint32_t open_connection(const Packet& packet, const Key& key, uint32_t total) noexcept;
  void close_connection(uint32_t slot) noexcept;
  bool expired(uint32_t last_tick, IdleClass idle_class) const noexcept;
  bool begins_anew(const ConnectionHot& hot, uint32_t slot, const Packet& packet,
                   const Key& key) const noexcept;
  void expire(uint32_t slots) noexcept;
  void expire_by_clock() noexcept;
  uint32_t take_slot() noexcept;

  uint32_t find_total(const Key& key) const noexcept;
  uint32_t find_or_open_total(const Packet& packet, const Key& key) noexcept;
  void write_new_total(uint32_t slot, const Packet& packet, const Key& key) noexcept;
  static TotalSide side_at_total(const TotalHot& hot, const Packet& packet,
                                 const Key& key) noexcept;
  uint32_t fold_one(uint32_t below_class) noexcept;
  void fold(uint32_t slot) noexcept;
  void touch(TotalHot& hot, uint32_t slot) noexcept;
  uint16_t outer_pair(const Packet& packet) noexcept;
  void move_connection(uint32_t slot, ConnectionHot& hot, const RecordId& to) noexcept;
  uint64_t last_seen_ns(uint32_t last_tick) const noexcept;
  void publish() noexcept;

  FlowTableOptions options_;
  uint16_t lane_;
  std::array<uint32_t, kIdleClasses> idle_ticks_{};
  KeyedHash hash_;
  ConnectionRecords connections_;
  HashIndex connection_index_;
  std::vector<uint32_t> free_connections_;
  TotalRecords totals_;
  HashIndex total_index_;
  DuplicateWindow duplicates_;
  HeavyHitters heavy_hitters_;
  std::unique_ptr<OuterPair[]> outer_pairs_;
  std::atomic<uint32_t> outer_pairs_used_{1};

  uint64_t now_ns_ = 0;
  uint64_t scanned_ns_ = 0;  // lane clock of the last expiry step
  uint32_t expiry_hand_ = 0;
  uint32_t expiry_budget_ = 0;  // slots that may still be looked at in this burst
  uint32_t fold_hand_ = 0;
  struct ScopeBytes {
    uint64_t ip_bytes[2] = {};  // in, out
    uint64_t out_payload_low_bytes = 0;
    uint64_t out_payload_high_bytes = 0;
  };
  std::array<ScopeBytes, kScopes> scope_bytes_{};
  LaneCounters counters_;  // what scope_bytes_ and the clock say is brought over by publish()
  std::array<FoldedTotals, kScopes> folded_;
  SharedValue<LaneCounters> shared_counters_;
  std::array<SharedValue<FoldedTotals>, kScopes> shared_folded_;
  bool folded_changed_ = false;
  std::atomic<uint32_t> connections_used_{0};
  std::atomic<uint32_t> totals_used_{0};

  // The totals touched: two lists, one being written, one being read.
  std::array<std::vector<uint32_t>, 2> touched_;
  uint32_t epoch_ = 1;  // the writer's; its list is touched_[epoch_ & 1]
  std::atomic<uint32_t> requested_epoch_{0};
  std::atomic<uint32_t> served_epoch_{0};
};

}  // namespace weir
