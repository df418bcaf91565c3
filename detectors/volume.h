// What the volume detectors share: a byte limit on a window, the finding when it is met.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "detectors/detector.h"
#include "detectors/finding.h"
#include "detectors/windows.h"
#include "detectors/words.h"

namespace weir {

/// One option of a volume detector: so many bytes within a window. `option` is its row.
struct ByteLimit {
  Window window = Window::kHour;
  uint64_t threshold_bytes = 0;
  uint16_t option = 0;
};

/// Of an integer option, whose range is never negative.
uint64_t whole_of(const OptionValue& value);

/// The limits of the first `windows.size()` options, in their order.
std::vector<ByteLimit> limits_of(std::span<const Window> windows,
                                 std::span<const OptionValue> values);

uint64_t least_threshold(std::span<const ByteLimit> limits);

/// Fires for every pair that pushed as much as a limit within its window: volume.burst and
/// volume.slow differ in the windows.
class PushedByPair : public SweepDetector {
 public:
  PushedByPair(std::span<const Window> windows, std::span<const OptionValue> values)
      : limits_(limits_of(windows, values)), least_bytes_(least_threshold(limits_)) {}
  void sweep(const SweepView& moved, std::vector<Finding>& findings) override;

 private:
  std::vector<ByteLimit> limits_;
  uint64_t least_bytes_;
};

/// `base` at the threshold, 0.1 more at each further x4, at most 0.9.
double stepped_score(double base, uint64_t observed, uint64_t threshold);

/// Findings on a pair, a host or a destination that met `limit` now. The caller gives the score;
/// who runs the detectors fills in `detector`.
Finding pair_finding(const SweepView& view, uint32_t pair, const ByteLimit& limit, Amount amount);
Finding host_finding(const SweepView& view, uint32_t host, const ByteLimit& limit, Amount amount);
Finding destination_finding(const SweepView& view, uint32_t destination, const ByteLimit& limit,
                            Amount amount);

/// ` 1.24 MB (1,240,984 bytes) to 203.0.113.5 within 1 hour; the limit is 100 kB (...).`, with a
/// sentence more where part was not seen and the low end is below the limit, and one where it is
/// known what is usual. Preceded by who and the verb.
std::string moved_words(const Finding& finding, const std::string& who_and_verb,
                        const std::string& to_whom);

}  // namespace weir
