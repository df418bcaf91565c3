// Which pairs, hosts and destinations have windows: finding them, making room, letting go.
#include <algorithm>

#include "detectors/windows.h"
#include "detectors/windows_records.h"

namespace weir {
namespace {

/// Records looked at for one that gives way, and how far the search goes.
constexpr int kCandidates = 8;
constexpr uint32_t kMaximumSteps = 64;

const IpAddress& address_on(bool host_side, const PairKey& key) {
  return host_side ? key.host : key.destination;
}

}  // namespace

uint32_t Windows::hash_of_address(uint16_t network, Scope scope, const IpAddress& address) const {
  return static_cast<uint32_t>(
      hash_.pair(address, {.low = static_cast<uint64_t>(scope)}, network).value());
}

uint32_t Windows::hash_of_members(uint32_t host, uint32_t destination) const {
  return static_cast<uint32_t>(hash_.pair({.low = host}, {.low = destination}, 0).value());
}

RecordStore<SumWindows>& Windows::sums(Side side) { return sums_[static_cast<size_t>(side)]; }
const RecordStore<SumWindows>& Windows::sums(Side side) const {
  return sums_[static_cast<size_t>(side)];
}

uint32_t Windows::find_sum(Side side, const PairKey& key) const {
  const RecordStore<SumWindows>& store = sums(side);
  const IpAddress& address = address_on(side == Side::kHost, key);
  return sum_index_[static_cast<size_t>(side)].find(
      hash_of_address(key.network, key.scope, address), [&](uint32_t number) {
        const SumWindows& sum = store[number];
        return sum.address == address && sum.network == key.network && sum.scope == key.scope;
      });
}

uint32_t Windows::find_or_make_sum(Side side, const PairKey& key, uint64_t weight_bytes) {
  const uint32_t found = find_sum(side, key);
  if (found != kNoRecord) return found;
  uint32_t number = sums(side).take();
  if (number == kNoRecord) number = make_room_for_sum(side, weight_bytes);
  if (number == kNoRecord) return kNoRecord;
  SumWindows& sum = sums(side)[number];
  sum.flags = kUsedFlag;
  sum.network = key.network;
  sum.scope = key.scope;
  sum.address = address_on(side == Side::kHost, key);
  sum.last_s = static_cast<uint32_t>(now_s_);
  sum_index_[static_cast<size_t>(side)].insert(hash_of_address(key.network, key.scope, sum.address),
                                               number);
  return number;
}

/// Only sums without pairs give way, and a pair that has room is not refused for want of its sums:
/// then any of them does.
uint32_t Windows::make_room_for_sum(Side side, uint64_t weight_bytes) {
  RecordStore<SumWindows>& store = sums(side);
  uint32_t& hand = sum_hand_[static_cast<size_t>(side)];
  uint32_t least = kNoRecord;
  uint64_t least_bytes = pairs_.used() < options_.pairs ? UINT64_MAX : weight_bytes;
  int candidates = 0;
  for (uint32_t step = 0; step < kMaximumSteps && candidates < kCandidates; ++step) {
    hand = hand + 1 < store.end() ? hand + 1 : 0;
    if (store[hand].members != 0) continue;
    ++candidates;
    const uint64_t bytes = pushed(store[hand], Window::kDay).high_bytes;
    if (bytes >= least_bytes) continue;
    least = hand;
    least_bytes = bytes;
  }
  if (least == kNoRecord) return kNoRecord;
  drop_sum(side, least);
  return store.take();
}

uint32_t Windows::find_or_make_pair(uint32_t host, uint32_t destination, uint64_t weight_bytes) {
  const uint32_t hash = hash_of_members(host, destination);
  const uint32_t found = pair_index_.find(hash, [&](uint32_t number) {
    return pairs_[number].host == host && pairs_[number].destination == destination;
  });
  if (found != kNoRecord) return found;
  uint32_t number = pairs_.take();
  if (number == kNoRecord && make_room_for_pair(weight_bytes)) number = pairs_.take();
  if (number == kNoRecord) return kNoRecord;
  PairWindows& pair = pairs_[number];
  pair.flags = kUsedFlag;
  pair.last_s = static_cast<uint32_t>(now_s_);
  pair.first_day = static_cast<uint32_t>(now_s_ / kDaySeconds);
  pair.host = host;
  pair.destination = destination;
  pair_index_.insert(hash, number);
  link(number);
  return number;
}

/// The one that pushed least in a month, of a few, gives way to a pair whose total sent more: a
/// flood of small pairs displaces small pairs.
bool Windows::make_room_for_pair(uint64_t weight_bytes) {
  uint32_t least = kNoRecord;
  uint64_t least_bytes = weight_bytes;
  for (int candidate = 0; candidate < kCandidates; ++candidate) {
    pair_hand_ = pair_hand_ + 1 < pairs_.end() ? pair_hand_ + 1 : 0;
    if ((pairs_[pair_hand_].flags & kUsedFlag) == 0) continue;
    const uint64_t bytes = pushed_by_pair(pair_hand_, Window::kMonth).high_bytes +
                           served_by_pair(pair_hand_).high_bytes;
    if (bytes >= least_bytes) continue;
    least = pair_hand_;
    least_bytes = bytes;
  }
  if (least == kNoRecord) return false;
  drop_pair(least);
  ++counters_.evicted_pairs;
  return true;
}

void Windows::drop_pair(uint32_t number) {
  PairWindows& pair = pairs_[number];
  pair_index_.erase(hash_of_members(pair.host, pair.destination), number);
  unlink(number);
  pair = PairWindows{};
  pairs_.give_back(number);
}

void Windows::drop_sum(Side side, uint32_t number) {
  SumWindows& sum = sums(side)[number];
  sum_index_[static_cast<size_t>(side)].erase(hash_of_address(sum.network, sum.scope, sum.address),
                                              number);
  sum = SumWindows{};
  sums(side).give_back(number);
}

/// Into the lists of its host and its destination, in front.
void Windows::link(uint32_t number) {
  PairWindows& pair = pairs_[number];
  SumWindows& host = sums(Side::kHost)[pair.host];
  SumWindows& destination = sums(Side::kDestination)[pair.destination];
  pair.next_of_host = host.first_member;
  pair.next_of_destination = destination.first_member;
  if (pair.next_of_host != kNoRecord) pairs_[pair.next_of_host].previous_of_host = number;
  if (pair.next_of_destination != kNoRecord)
    pairs_[pair.next_of_destination].previous_of_destination = number;
  host.first_member = number;
  destination.first_member = number;
  ++host.members;
  ++destination.members;
}

void Windows::unlink(uint32_t number) {
  const PairWindows& pair = pairs_[number];
  SumWindows& host = sums(Side::kHost)[pair.host];
  SumWindows& destination = sums(Side::kDestination)[pair.destination];
  if (pair.next_of_host != kNoRecord)
    pairs_[pair.next_of_host].previous_of_host = pair.previous_of_host;
  if (pair.next_of_destination != kNoRecord)
    pairs_[pair.next_of_destination].previous_of_destination = pair.previous_of_destination;
  if (pair.previous_of_host != kNoRecord)
    pairs_[pair.previous_of_host].next_of_host = pair.next_of_host;
  else
    host.first_member = pair.next_of_host;
  if (pair.previous_of_destination != kNoRecord)
    pairs_[pair.previous_of_destination].next_of_destination = pair.next_of_destination;
  else
    destination.first_member = pair.next_of_destination;
  --host.members;
  --destination.members;
}

/// Once a day: pairs whose month is empty, and sums without pairs whose day is. What stays gets a
/// bound that fits again.
void Windows::drop_idle() {
  for (uint32_t number = 0; number < pairs_.end(); ++number) {
    PairWindows& pair = pairs_[number];
    if ((pair.flags & kUsedFlag) == 0) continue;
    pair.bound_bytes =
        pushed_by_pair(number, Window::kMonth).high_bytes + served_by_pair(number).high_bytes;
    if (pair.bound_bytes == 0) drop_pair(number);
  }
  for (const Side side : {Side::kHost, Side::kDestination}) {
    for (uint32_t number = 0; number < sums(side).end(); ++number) {
      SumWindows& sum = sums(side)[number];
      if ((sum.flags & kUsedFlag) == 0) continue;
      sum.bound_bytes = pushed(sum, Window::kDay).high_bytes;
      if (sum.members == 0 && sum.bound_bytes == 0) drop_sum(side, number);
    }
  }
}

template <class Each>
void Windows::for_each_member(Side side, uint32_t sum, const Each& each) const {
  uint32_t number = sums(side)[sum].first_member;
  while (number != kNoRecord) {
    each(number);
    const PairWindows& pair = pairs_[number];
    number = side == Side::kHost ? pair.next_of_host : pair.next_of_destination;
  }
}

uint32_t Windows::hosts_of_destination(uint32_t destination, Window window) const {
  uint32_t hosts = 0;
  for_each_member(Side::kDestination, destination, [&](uint32_t pair) {
    if (pushed_by_pair(pair, window).high_bytes > 0) ++hosts;
  });
  return hosts;
}

Amount Windows::left_by_pair(uint32_t number) const {
  Amount left = pushed_by_pair(number, Window::kHour);
  const Amount served = served_by_pair(number);
  if (served.high_bytes == 0) return left;
  uint32_t clients = 0;
  for_each_member(Side::kHost, pairs_[number].host, [&](uint32_t pair) {
    if (served_by_pair(pair).high_bytes > 0) ++clients;
  });
  if (clients >= kServiceClients) return left;
  left.high_bytes += served.high_bytes;
  left.low_bytes += served.low_bytes;
  return left;
}

uint32_t Windows::covered_days() const {
  const auto today = static_cast<uint32_t>(now_s_ / kDaySeconds);
  return today - std::min(today, first_day_);
}

uint64_t Windows::past_days_bytes(uint32_t number) const {
  const PairWindows& pair = pairs_[number];
  const uint64_t newest = pair.last_s / kDaySeconds;
  const uint64_t today = now_s_ / kDaySeconds;
  return pair.days.sum(newest, today) - pair.days.sum(newest, today, 1);
}

uint64_t Windows::scaled_baseline(uint64_t past_days_bytes, Window window) const {
  const uint64_t days = std::min<uint64_t>(covered_days(), 29);
  if (days == 0) return 0;
  return static_cast<uint64_t>(static_cast<double>(past_days_bytes) / static_cast<double>(days) *
                               static_cast<double>(shape_of(window).window_s) /
                               static_cast<double>(kDaySeconds));
}

uint64_t Windows::baseline_of_pair(uint32_t pair, Window window) const {
  return scaled_baseline(past_days_bytes(pair), window);
}

uint64_t Windows::baseline_of_host(uint32_t host, Window window) const {
  uint64_t bytes = 0;
  for_each_member(Side::kHost, host, [&](uint32_t pair) { bytes += past_days_bytes(pair); });
  return scaled_baseline(bytes, window);
}

uint64_t Windows::baseline_of_destination(uint32_t destination, Window window) const {
  uint64_t bytes = 0;
  for_each_member(Side::kDestination, destination,
                  [&](uint32_t pair) { bytes += past_days_bytes(pair); });
  return scaled_baseline(bytes, window);
}

std::vector<Windows::Member> Windows::largest_members(const Finding& finding, size_t count) const {
  Window window = Window::kMonth;
  for (size_t shape = 0; shape < kWindowShapes.size(); ++shape)
    if (kWindowShapes[shape].window_s == finding.window_s) window = static_cast<Window>(shape);
  const PairKey key = {finding.network, finding.scope, finding.host, finding.destination};
  std::vector<Member> members;
  const auto add = [&](uint32_t pair) {
    const Amount amount = pushed_by_pair(pair, window);
    if (amount.high_bytes > 0) members.push_back({key_of_pair(pair), amount});
  };
  const Side side = finding.subject == Subject::kDestination ? Side::kDestination : Side::kHost;
  if (finding.subject != Subject::kSensor) {
    const uint32_t sum = find_sum(side, key);
    if (sum != kNoRecord) for_each_member(side, sum, add);
  }
  if (finding.subject == Subject::kPair)
    std::erase_if(members, [&](const Member& member) { return member.key != key; });
  std::stable_sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    if (a.pushed.high_bytes != b.pushed.high_bytes)
      return a.pushed.high_bytes > b.pushed.high_bytes;
    if (a.key.host != b.key.host) return a.key.host < b.key.host;
    return a.key.destination < b.key.destination;
  });
  if (members.size() > count) members.resize(count);
  return members;
}

}  // namespace weir
