// Totals as the flow table would show them, and a slow account of what they moved.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "detectors/detector.h"
#include "detectors/windows.h"
#include "flowtable/ip_address.h"

namespace weir {

inline constexpr uint64_t kTestSecondNs = 1'000'000'000;
inline constexpr uint64_t kTestDaySeconds = 20'000ull * 86400;  // midnight of some day

inline IpAddress address(std::string_view text) { return parse_ip_address(text).value(); }

/// A total whose counters a test grows.
class GrowingTotal {
 public:
  GrowingTotal(uint32_t slot, IpAddress host, IpAddress destination,
               Scope scope = Scope::kOutbound) {
    copy_.id = {slot, 1};
    copy_.host = host;
    copy_.destination = destination;
    copy_.scope = scope;
  }
  const TotalSnapshot& push(uint64_t bytes, uint64_t unseen_bytes = 0) {
    ++copy_.out.packets;
    copy_.out.payload_high_bytes += bytes;
    copy_.out.payload_low_bytes += bytes - unseen_bytes;
    return copy_;
  }
  const TotalSnapshot& serve(uint64_t bytes) {
    push(bytes);
    copy_.served.payload_high_bytes += bytes;
    copy_.served.payload_low_bytes += bytes;
    return copy_;
  }
  const TotalSnapshot& receive(uint64_t bytes) {
    copy_.in.payload_high_bytes += bytes;
    copy_.in.payload_low_bytes += bytes;
    return copy_;
  }
  TotalSnapshot& copy() { return copy_; }

 private:
  TotalSnapshot copy_;
};

/// One detector over its own windows.
class DetectorRun {
 public:
  explicit DetectorRun(std::string_view id,
                       std::vector<std::pair<std::string_view, OptionValue>> set = {},
                       WindowsOptions options = {}, History* history = nullptr)
      : windows(options, history) {
    for (const Detector* each : detectors())
      if (each->id == id) detector = each;
    std::vector<OptionValue> values;
    for (const Option& option : detector->options) {
      OptionValue value = option.standard;
      for (const auto& [name, chosen] : set)
        if (name == option.name) value = chosen;
      values.push_back(value);
    }
    sweeper = detector->make(values);
  }

  std::vector<Finding> sweep(uint64_t now_s, const std::vector<TotalSnapshot>& touched,
                             const std::vector<LaneCounters>& lanes = {}, bool last = false) {
    windows.begin_sweep(now_s * kTestSecondNs);
    for (const TotalSnapshot& total : touched) windows.observe(total);
    std::vector<Finding> findings;
    sweeper->sweep(windows.end_sweep(lanes, last), findings);
    return findings;
  }

  const Detector* detector = nullptr;
  Windows windows;
  std::unique_ptr<SweepDetector> sweeper;
};

}  // namespace weir
