// Limits, scores, findings and sentences common to the volume detectors.
#include "detectors/volume.h"

#include <algorithm>

#include "detectors/words.h"

namespace weir {
namespace {

Finding finding_of(const SweepView& view, const PairKey& key, const ByteLimit& limit,
                   Amount amount) {
  constexpr uint64_t kSecondNs = 1'000'000'000;
  const WindowShape& shape = shape_of(limit.window);
  const uint64_t now_bucket = view.now_ns / kSecondNs / shape.bucket_s;
  const uint64_t before = std::min(now_bucket, static_cast<uint64_t>(shape.buckets - 1));
  Finding finding;
  finding.time_ns = view.now_ns;
  finding.observed = amount.high_bytes;
  finding.observed_low = amount.low_bytes;
  finding.threshold = limit.threshold_bytes;
  finding.window_s = shape.window_s;
  finding.window_start_ns = (now_bucket - before) * shape.bucket_s * kSecondNs;
  finding.counterfactual = amount.high_bytes + 1;
  finding.host = key.host;
  finding.destination = key.destination;
  finding.network = key.network;
  finding.scope = key.scope;
  finding.option = limit.option;
  return finding;
}

}  // namespace

uint64_t whole_of(const OptionValue& value) {
  return static_cast<uint64_t>(std::get<int64_t>(value));
}

std::vector<ByteLimit> limits_of(std::span<const Window> windows,
                                 std::span<const OptionValue> values) {
  std::vector<ByteLimit> limits;
  for (size_t i = 0; i < windows.size(); ++i)
    limits.push_back({windows[i], whole_of(values[i]), static_cast<uint16_t>(i)});
  return limits;
}

uint64_t least_threshold(std::span<const ByteLimit> limits) {
  uint64_t least_bytes = UINT64_MAX;
  for (const ByteLimit& limit : limits) least_bytes = std::min(least_bytes, limit.threshold_bytes);
  return least_bytes;
}

void PushedByPair::sweep(const SweepView& moved, std::vector<Finding>& findings) {
  for (const uint32_t pair : moved.pairs) {
    if (moved.windows.bound_of_pair(pair) < least_bytes_) continue;
    for (const ByteLimit& limit : limits_) {
      const Amount pushed = moved.windows.pushed_by_pair(pair, limit.window);
      const Amount left = limit.window == Window::kHour ? moved.windows.left_by_pair(pair) : pushed;
      if (left.high_bytes == 0 || left.high_bytes < limit.threshold_bytes) continue;
      Finding& finding = findings.emplace_back(pair_finding(moved, pair, limit, left));
      finding.detail = static_cast<double>(left.high_bytes - pushed.high_bytes);
      finding.score = stepped_score(0.5, finding.observed, finding.threshold);
    }
  }
}

double stepped_score(double base, uint64_t observed, uint64_t threshold) {
  constexpr int kStep = 4;
  int steps = 0;
  const uint64_t least = std::max<uint64_t>(threshold, 1);
  for (uint64_t left = observed / kStep; left >= least && steps < 10; left /= kStep) ++steps;
  return std::min(0.9, base + 0.1 * steps);
}

Finding pair_finding(const SweepView& view, uint32_t pair, const ByteLimit& limit, Amount amount) {
  Finding finding = finding_of(view, view.windows.key_of_pair(pair), limit, amount);
  finding.subject = Subject::kPair;
  finding.total = view.windows.total_of_pair(pair);
  finding.lane = view.windows.lane_of_pair(pair);
  finding.baseline = view.windows.baseline_of_pair(pair, limit.window);
  return finding;
}

Finding host_finding(const SweepView& view, uint32_t host, const ByteLimit& limit, Amount amount) {
  Finding finding = finding_of(view, view.windows.key_of_host(host), limit, amount);
  finding.subject = Subject::kHost;
  finding.baseline = view.windows.baseline_of_host(host, limit.window);
  return finding;
}

Finding destination_finding(const SweepView& view, uint32_t destination, const ByteLimit& limit,
                            Amount amount) {
  Finding finding = finding_of(view, view.windows.key_of_destination(destination), limit, amount);
  finding.subject = Subject::kDestination;
  finding.baseline = view.windows.baseline_of_destination(destination, limit.window);
  return finding;
}

std::string moved_words(const Finding& finding, const std::string& who_and_verb,
                        const std::string& to_whom) {
  std::string words = who_and_verb + " " + byte_words(finding.observed) + " to " + to_whom +
                      " within " + window_words(finding.window_s) + "; the limit is " +
                      byte_words(finding.threshold) + ".";
  if (finding.observed_low < finding.threshold && finding.threshold <= finding.observed)
    words += " The true amount is between " + byte_words(finding.observed_low) + " and " +
             byte_words(finding.observed) + ": part of the transfer was not seen.";
  if (finding.baseline != 0)
    words += " Usual in such a time: " + byte_words(finding.baseline) + ".";
  return words;
}

}  // namespace weir
