// Windows and the history: what is loaded into the rings at start, what is written each minute.
#include <algorithm>

#include "detectors/history.h"
#include "detectors/windows.h"
#include "detectors/windows_records.h"
#include "flowtable/error.h"

namespace weir {

uint32_t Windows::first_day_of_pair(uint32_t number) const {
  const uint32_t kept = pairs_[number].first_day;
  if (history_ == nullptr) return kept;
  // A pair that was dropped since, or stayed below the floor, is remembered by the history alone.
  try {
    const uint32_t stored = history_->first_day_of(key_of_pair(number));
    return stored == 0 ? kept : std::min(kept, stored);
  } catch (const Error&) {
    return kept;  // the minute's write meets the same trouble and reports it
  }
}

/// Days go into their own buckets. Today's bytes are older than now by an unknown time: in the
/// day window they stand at midnight, so that they leave it early rather than late.
void Windows::load_history() {
  const auto today = static_cast<uint32_t>(now_s_ / kDaySeconds);
  const uint64_t written_s = history_->last_written_s();
  if (written_s != 0) {
    counters_.history_gap_s = now_s_ - std::min(now_s_, written_s);
    counters_.history_was_killed = !history_->was_complete();
  }
  if (history_->first_day() != 0) first_day_ = std::min(first_day_, history_->first_day());
  const uint64_t midnight_hour = uint64_t{today} * 24;
  history_->read_days(today - std::min(today, 29u), today, [&](const History::Day& stored) {
    const auto add_today = [&](SumWindows& sum) {
      if (stored.day != today) return;
      sum.hours.add(midnight_hour, stored.bytes);
      sum.bound_bytes += stored.bytes;
    };
    const bool rest = stored.pair.destination == IpAddress{};
    if (rest && stored.day != today) return;
    const uint32_t host = find_or_make_sum(Side::kHost, stored.pair, stored.bytes);
    if (host == kNoRecord) return;
    add_today(sums(Side::kHost)[host]);
    if (rest) return;
    const uint32_t destination = find_or_make_sum(Side::kDestination, stored.pair, stored.bytes);
    if (destination == kNoRecord) return;
    add_today(sums(Side::kDestination)[destination]);
    const uint32_t number = find_or_make_pair(host, destination, stored.bytes);
    if (number == kNoRecord) return;
    PairWindows& pair = pairs_[number];
    pair.first_day = std::min(pair.first_day, stored.first_day);
    pair.days.add(stored.day, stored.bytes);
    pair.bound_bytes += stored.bytes;
    if (stored.day == today) pair.hours.add(midnight_hour, stored.bytes);
  });
}

void Windows::save_history(bool complete) {
  try {
    history_->begin();
    for (const uint32_t pair : dirty_pairs_)
      if ((pairs_[pair].flags & kDirtyFlag) != 0) write_pair_day(pair);
    for (const uint32_t host : dirty_hosts_)
      if ((sums(Side::kHost)[host].flags & kDirtyFlag) != 0) write_host_rest(host);
    history_->commit(now_s_, first_day_, complete);
  } catch (const Error& error) {
    history_->abandon();
    ++counters_.history_failures;
    history_error_ = error.what();
    return;  // what moved stays listed: the next minute's write takes it along
  }
  history_error_.clear();
  const auto clean = static_cast<uint8_t>(~kDirtyFlag);
  for (const uint32_t pair : dirty_pairs_) pairs_[pair].flags &= clean;
  for (const uint32_t host : dirty_hosts_) sums(Side::kHost)[host].flags &= clean;
  dirty_pairs_.clear();
  dirty_hosts_.clear();
}

void Windows::write_pair_day(uint32_t number) {
  const PairWindows& pair = pairs_[number];
  const auto day = static_cast<uint32_t>(pair.last_s / kDaySeconds);
  const PairKey key = key_of_pair(number);
  history_->write_seen(key, pair.first_day, day);
  const uint64_t bytes = pair.days.sum(day, day, 1);
  if (bytes >= history_->options().floor_bytes_day) history_->write_day(key, day, bytes);
}

/// What the host pushed today less its pairs that have days of their own.
void Windows::write_host_rest(uint32_t number) {
  const SumWindows& host = sums(Side::kHost)[number];
  const auto day = static_cast<uint32_t>(host.last_s / kDaySeconds);
  const uint64_t hour = host.last_s / 3600;
  uint64_t rest_bytes = host.hours.sum(hour, hour, static_cast<int>(hour % 24) + 1);
  for (uint32_t member = host.first_member; member != kNoRecord;
       member = pairs_[member].next_of_host) {
    const PairWindows& pair = pairs_[member];
    const uint64_t newest = pair.last_s / kDaySeconds;
    const uint64_t bytes = newest > day ? 0 : pair.days.sum(newest, day, 1);
    if (bytes >= history_->options().floor_bytes_day) rest_bytes -= std::min(rest_bytes, bytes);
  }
  history_->write_day(key_of_host(number), day, rest_bytes);
}

}  // namespace weir
