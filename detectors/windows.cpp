// Windows: deltas of cumulative counters go into rings; rings are read as sums.
#include "detectors/windows.h"

#include <algorithm>

#include "detectors/history.h"
#include "detectors/windows_records.h"
#include "flowtable/error.h"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

template <class AnyRing>
void move(AnyRing& ring, uint64_t newest, int64_t bytes) {
  if (bytes >= 0)
    ring.add(newest, static_cast<uint64_t>(bytes));
  else
    ring.take_back(newest, static_cast<uint64_t>(-bytes));
}

/// What a window can have grown by.
uint64_t growth(int64_t bytes) { return static_cast<uint64_t>(std::max<int64_t>(bytes, 0)); }

/// A gap bucket may reach back before the window: low errs to the low side.
int gap_buckets(Window window) { return window == Window::kDay ? 7 : 2; }

/// More than pairs, so that a host whose pairs are not kept can keep its sum.
uint32_t sums_for(uint32_t pairs) { return pairs + pairs / 4 + 1; }

Amount amount_of(uint64_t high_bytes, uint64_t gap_bytes) {
  return {high_bytes, high_bytes - std::min(high_bytes, gap_bytes)};
}

}  // namespace

std::bitset<kScopes> scopes_of(std::span<const std::string> names) {
  std::bitset<kScopes> scopes;
  for (const std::string& name : names) {
    if (name == "outbound")
      scopes.set(static_cast<size_t>(Scope::kOutbound));
    else if (name == "internal")
      scopes.set(static_cast<size_t>(Scope::kInternal));
    else if (name == "transit")
      scopes.set(static_cast<size_t>(Scope::kTransit));
    else
      throw Error(kExitUsage, "detectors.scopes: \"" + name +
                                  "\" is no scope; use outbound, internal or transit");
  }
  return scopes;
}

Windows::Windows(const WindowsOptions& options, History* history)
    : options_(options),
      hash_(options.hash_key),
      history_(history),
      pairs_(options.pairs),
      sums_{RecordStore<SumWindows>(sums_for(options.pairs)),
            RecordStore<SumWindows>(sums_for(options.pairs))} {
  if (options.reserve_lanes == 0) return;
  pairs_.reserve();
  pair_index_.reserve(options.pairs);
  for (auto& sums : sums_) sums.reserve();
  for (auto& index : sum_index_) index.reserve(sums_for(options.pairs));
  for (uint16_t lane = 0; lane < options.reserve_lanes; ++lane)
    for (uint32_t slot = 0; slot < options.reserve_totals; ++slot) seen_of(lane, slot);
  for (auto* list : {&moved_pairs_, &view_pairs_, &dirty_pairs_, &dirty_hosts_})
    list->reserve(options.pairs);
}

Windows::~Windows() = default;

void Windows::begin_sweep(uint64_t now_ns) {
  const uint64_t now_s = std::max(now_ns / kSecondNs, now_s_);
  const auto today = static_cast<uint32_t>(now_s / kDaySeconds);
  if (!started_) {
    started_ = true;
    now_s_ = now_s;
    first_day_ = today;
    day_of_last_drop_ = today;
    saved_minute_ = now_s / 60;
    if (history_ != nullptr) load_history();
  }
  // The rings still stand at the sweep before: what is written belongs to its day.
  if (history_ != nullptr && now_s / 60 != saved_minute_) save_history(false);
  saved_minute_ = now_s / 60;
  now_s_ = now_s;
  if (today != day_of_last_drop_) drop_idle();
  day_of_last_drop_ = today;
}

void Windows::finish() {
  if (history_ != nullptr && started_) save_history(true);
}

SeenTotal& Windows::seen_of(uint16_t lane, uint32_t slot) {
  while (seen_.size() <= lane) seen_.emplace_back(UINT32_MAX);
  seen_[lane].cover(slot);
  return seen_[lane][slot];
}

void Windows::observe(const TotalSnapshot& total) {
  if (!options_.scopes.test(static_cast<size_t>(total.scope)) || total.scope == Scope::kLocal)
    return;
  SeenTotal& seen = seen_of(total.lane, total.id.slot);
  if (seen.generation != total.id.generation) {
    seen = SeenTotal{};
    seen.generation = total.id.generation;
  }
  const uint64_t out_bytes = total.out.payload_high_bytes;
  // Whoever sent no payload yet needs no windows, and a flood of such takes none. What it
  // received counts once it sends.
  if (seen.pair == kNoRecord && out_bytes == 0) return;
  const uint64_t served_bytes = std::min(total.served.payload_high_bytes, out_bytes);
  const MovedBytes moved = {
      .pushed = seen.pushed.set(out_bytes - served_bytes),
      .served = seen.served.set(served_bytes),
      .received = seen.received.set(total.in.payload_high_bytes),
      .gap = seen.gap.set(out_bytes - std::min(total.out.payload_low_bytes, out_bytes))};
  // Not one packet of it was seen: it leaves on a way that is not watched, and only the peer's
  // acknowledgements tell of it. They stay in the ledger; sensor.health names the missing side.
  if (total.out.packets == 0) return;
  const PairKey key = {total.network, total.scope, total.host, total.destination};
  if (seen.pair != kNoRecord &&
      !(pairs_[seen.pair].total == total.id && pairs_[seen.pair].lane == total.lane))
    seen.pair = kNoRecord;  // gave way to another pair since
  uint32_t host = kNoRecord;
  uint32_t destination = kNoRecord;
  if (seen.pair == kNoRecord) {
    host = find_or_make_sum(Side::kHost, key, out_bytes);
    destination = find_or_make_sum(Side::kDestination, key, out_bytes);
    if (host != kNoRecord && destination != kNoRecord)
      seen.pair = find_or_make_pair(host, destination, out_bytes);
  }
  const uint64_t pushed_bytes = growth(moved.pushed);
  if (seen.pair != kNoRecord) {
    PairWindows& pair = pairs_[seen.pair];
    pair.total = total.id;
    pair.lane = total.lane;
    host = pair.host;
    destination = pair.destination;
    add_to_pair(seen.pair, moved);
  } else {
    counters_.unkept_bytes += pushed_bytes;
  }
  if (host != kNoRecord)
    add_to_sum(Side::kHost, host, moved);
  else
    counters_.unsummed_bytes += pushed_bytes;
  if (destination != kNoRecord) add_to_sum(Side::kDestination, destination, moved);
}

void Windows::advance(PairWindows& pair) const {
  const uint64_t from_s = pair.last_s;
  const uint64_t to_s = now_s_;
  pair.last_s = static_cast<uint32_t>(to_s);
  if (from_s / 10 == to_s / 10) return;  // every bucket is a multiple of 10 s
  pair.seconds_10.advance(from_s / 10, to_s / 10);
  pair.minutes.advance(from_s / 60, to_s / 60);
  pair.minutes_10.advance(from_s / 600, to_s / 600);
  pair.hours.advance(from_s / 3600, to_s / 3600);
  pair.days.advance(from_s / kDaySeconds, to_s / kDaySeconds);
  pair.received_minutes_10.advance(from_s / 600, to_s / 600);
  pair.served_minutes_10.advance(from_s / 600, to_s / 600);
  pair.older_gap.add(0, pair.gap.advance(from_s / kGapBucketSeconds, to_s / kGapBucketSeconds));
}

void Windows::advance(SumWindows& sum) const {
  const uint64_t from_s = sum.last_s;
  const uint64_t to_s = now_s_;
  sum.last_s = static_cast<uint32_t>(to_s);
  if (from_s / 600 == to_s / 600) return;
  sum.minutes_10.advance(from_s / 600, to_s / 600);
  sum.hours.advance(from_s / 3600, to_s / 3600);
  sum.gap.advance(from_s / kGapBucketSeconds, to_s / kGapBucketSeconds);
}

void Windows::add_to_pair(uint32_t number, const MovedBytes& moved) {
  PairWindows& pair = pairs_[number];
  advance(pair);
  move(pair.seconds_10, now_s_ / 10, moved.pushed);
  move(pair.minutes, now_s_ / 60, moved.pushed);
  move(pair.minutes_10, now_s_ / 600, moved.pushed);
  move(pair.hours, now_s_ / 3600, moved.pushed);
  move(pair.days, now_s_ / kDaySeconds, moved.pushed);
  move(pair.received_minutes_10, now_s_ / 600, moved.received);
  move(pair.served_minutes_10, now_s_ / 600, moved.served);
  move(pair.gap, now_s_ / kGapBucketSeconds, moved.gap);
  pair.bound_bytes += growth(moved.pushed) + growth(moved.served);
  if (moved.pushed == 0 && moved.served == 0) return;
  if ((pair.flags & kMovedFlag) == 0) moved_pairs_.push_back(number);
  if (history_ != nullptr && (pair.flags & kDirtyFlag) == 0) {
    dirty_pairs_.push_back(number);
    pair.flags |= kDirtyFlag;
  }
  pair.flags |= kMovedFlag;
}

void Windows::add_to_sum(Side side, uint32_t number, const MovedBytes& moved) {
  SumWindows& sum = sums(side)[number];
  advance(sum);
  move(sum.minutes_10, now_s_ / 600, moved.pushed);
  move(sum.hours, now_s_ / 3600, moved.pushed);
  move(sum.gap, now_s_ / kGapBucketSeconds, moved.gap);
  sum.bound_bytes += growth(moved.pushed);
  if (moved.pushed == 0) return;
  if ((sum.flags & kMovedFlag) == 0) moved_sums_[static_cast<size_t>(side)].push_back(number);
  if (history_ != nullptr && side == Side::kHost && (sum.flags & kDirtyFlag) == 0) {
    dirty_hosts_.push_back(number);
    sum.flags |= kDirtyFlag;
  }
  sum.flags |= kMovedFlag;
}

SweepView Windows::end_sweep(std::span<const LaneCounters> lanes, bool last) {
  // A record that gave way during the sweep lost its flag; one that took its place is listed twice.
  const auto keep_moved = [](auto& store, std::vector<uint32_t>& numbers) {
    std::erase_if(numbers, [&store](uint32_t number) {
      const bool moved = (store[number].flags & kMovedFlag) != 0;
      store[number].flags &= static_cast<uint8_t>(~kMovedFlag);
      return !moved;
    });
  };
  moved_pairs_.swap(view_pairs_);
  moved_pairs_.clear();
  keep_moved(pairs_, view_pairs_);
  for (size_t side = 0; side < 2; ++side) {
    moved_sums_[side].swap(view_sums_[side]);
    moved_sums_[side].clear();
    keep_moved(sums_[side], view_sums_[side]);
  }
  return {*this, now_s_ * kSecondNs, last, view_pairs_, view_sums_[0], view_sums_[1], lanes};
}

uint32_t Windows::pairs() const { return pairs_.used(); }

PairKey Windows::key_of_pair(uint32_t pair) const {
  PairKey key = key_of_host(pairs_[pair].host);
  key.destination = sums(Side::kDestination)[pairs_[pair].destination].address;
  return key;
}

RecordId Windows::total_of_pair(uint32_t pair) const { return pairs_[pair].total; }
uint16_t Windows::lane_of_pair(uint32_t pair) const { return pairs_[pair].lane; }

uint64_t Windows::bound_of_pair(uint32_t pair) const { return pairs_[pair].bound_bytes; }

uint64_t Windows::bound_of_host(uint32_t host) const { return sums(Side::kHost)[host].bound_bytes; }

uint64_t Windows::bound_of_destination(uint32_t destination) const {
  return sums(Side::kDestination)[destination].bound_bytes;
}

Amount Windows::pushed_by_pair(uint32_t number, Window window) const {
  const PairWindows& pair = pairs_[number];
  const WindowShape& shape = shape_of(window);
  const uint64_t newest = pair.last_s / shape.bucket_s;
  const uint64_t now = now_s_ / shape.bucket_s;
  const uint64_t gap_newest = pair.last_s / kGapBucketSeconds;
  const uint64_t gap_now = now_s_ / kGapBucketSeconds;
  switch (window) {
    case Window::kMinute:
      return amount_of(pair.seconds_10.sum(newest, now),
                       pair.gap.sum(gap_newest, gap_now, gap_buckets(window)));
    case Window::kTenMinutes:
      return amount_of(pair.minutes.sum(newest, now),
                       pair.gap.sum(gap_newest, gap_now, gap_buckets(window)));
    case Window::kHour:
      return amount_of(pair.minutes_10.sum(newest, now),
                       pair.gap.sum(gap_newest, gap_now, gap_buckets(window)));
    case Window::kDay:
      return amount_of(pair.hours.sum(newest, now),
                       pair.gap.sum(gap_newest, gap_now, gap_buckets(window)));
    case Window::kWeek:
    case Window::kMonth:
      break;
  }
  // Longer than the gap ring: everything that was ever missing counts.
  return amount_of(pair.days.sum(newest, now, shape.buckets),
                   pair.gap.sum(gap_newest, gap_newest) + pair.older_gap.sum(0, 0));
}

Amount Windows::served_by_pair(uint32_t number) const {
  const PairWindows& pair = pairs_[number];
  return amount_of(pair.served_minutes_10.sum(pair.last_s / 600, now_s_ / 600),
                   pair.gap.sum(pair.last_s / kGapBucketSeconds, now_s_ / kGapBucketSeconds,
                                gap_buckets(Window::kHour)));
}

uint64_t Windows::received_by_pair(uint32_t number) const {
  const PairWindows& pair = pairs_[number];
  return pair.received_minutes_10.sum(pair.last_s / 600, now_s_ / 600);
}

PairKey Windows::key_of_host(uint32_t host) const {
  const SumWindows& sum = sums(Side::kHost)[host];
  return {sum.network, sum.scope, sum.address, {}};
}

PairKey Windows::key_of_destination(uint32_t destination) const {
  const SumWindows& sum = sums(Side::kDestination)[destination];
  return {sum.network, sum.scope, {}, sum.address};
}

Amount Windows::pushed(const SumWindows& sum, Window window) const {
  const uint64_t gap_bytes =
      sum.gap.sum(sum.last_s / kGapBucketSeconds, now_s_ / kGapBucketSeconds, gap_buckets(window));
  if (window == Window::kHour)
    return amount_of(sum.minutes_10.sum(sum.last_s / 600, now_s_ / 600), gap_bytes);
  return amount_of(sum.hours.sum(sum.last_s / 3600, now_s_ / 3600), gap_bytes);
}

Amount Windows::pushed_by_host(uint32_t host, Window window) const {
  return pushed(sums(Side::kHost)[host], window);
}

Amount Windows::pushed_to_destination(uint32_t destination, Window window) const {
  return pushed(sums(Side::kDestination)[destination], window);
}

}  // namespace weir
