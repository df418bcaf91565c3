// What a detector reports: a fixed-size record without words; the judge writes those.
#pragma once

#include <cstdint>

#include "flowtable/ip_address.h"
#include "flowtable/packet.h"
#include "flowtable/total.h"

namespace weir {

enum class Family : uint8_t { kVolume, kChannel, kContent, kNovelty };

/// What a finding is about. kPair: host and destination; kHost: destination is `*`;
/// kDestination: host is `*`. kSensor: the sensor itself, both are `*`.
enum class Subject : uint8_t { kPair, kHost, kDestination, kSensor };

/// Level-triggered: a detector reports on every sweep on which its condition holds for something
/// that moved; the judge keeps the largest `observed` and makes revisions of it.
struct Finding {
  uint64_t time_ns = 0;       // lane or judge clock when it was made
  uint64_t observed = 0;      // in `unit` of the option, e.g. bytes
  uint64_t observed_low = 0;  // the same by the low end of the ledger; == observed where certain
  uint64_t threshold = 0;
  uint64_t window_s = 0;
  uint64_t window_start_ns = 0;
  uint64_t baseline = 0;  // what is usual in that window; 0 = unknown
  // Silent at `option` = counterfactual, fires one below.
  uint64_t counterfactual = 0;
  double score = 0;       // 0..1 before the judge combines families
  double detail = 0;      // detector's own figure: the ratio, the number of hosts, ...
  IpAddress host;         // zero with kDestination
  IpAddress destination;  // zero with kHost
  RecordId total;         // kPair only
  uint16_t lane = 0;
  uint16_t network = 0;
  uint16_t detector = 0;  // index in the registry
  uint16_t option = 0;    // index of the option that fired in the detector's table
  uint16_t cause = 0;     // kSensor: what the option leaves open, e.g. which DropReason
  Family family = Family::kVolume;
  Subject subject = Subject::kPair;
  Scope scope = Scope::kOutbound;
  bool learning = false;  // history does not cover yet what the detector claims: adds no score
};
static_assert(sizeof(Finding) <= 256);

}  // namespace weir
