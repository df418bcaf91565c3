// sensor.health: what the lanes' counters say about the feed itself: silent, one-sided, doubled,
// dropped, foreign, out of time.
#include <algorithm>
#include <array>
#include <cmath>

#include "detectors/detector.h"
#include "detectors/windows.h"
#include "detectors/words.h"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kWindowSeconds = 60;

/// The rows of kOptions; a finding names the one that was exceeded.
enum Row : uint16_t {
  kSilence,
  kOneWay,
  kDuplicates,
  kDrops,
  kTransit,
  kBackward,
  kJump,
  kHandover,
  kClock,
  kMinimumPackets,
  kMinimumPacketsReplay,
  kRows,
};

constexpr std::array<std::string_view, kDropReasons> kDropNames = {
    "lost in the NIC",
    "without an mbuf",
    "lost between lanes",
    "of an unsupported link type",
    "with a malformed link header",
    "with a malformed tunnel header",
    "with a malformed IP header",
    "not IP",
    "of the sensor itself",
};

struct Feed {  // cumulative, over all lanes
  uint64_t packets = 0, duplicate_packets = 0, time_backward_packets = 0;
  uint64_t handed_over_packets = 0;
  uint64_t out_ip_bytes = 0, in_ip_bytes = 0, transit_ip_bytes = 0, ip_bytes = 0;
  std::array<uint64_t, kDropReasons> drop_packets{};
};

Feed feed_of(std::span<const LaneCounters> lanes) {
  Feed feed;
  for (const LaneCounters& lane : lanes) {
    feed.packets += lane.packets;
    feed.duplicate_packets += lane.duplicate_packets;
    feed.time_backward_packets += lane.time_backward_packets;
    feed.handed_over_packets += lane.handed_over_packets;
    feed.out_ip_bytes += lane.out_ip_bytes;
    feed.in_ip_bytes += lane.in_ip_bytes;
    feed.transit_ip_bytes += lane.transit_ip_bytes;
    feed.ip_bytes += lane.ip_bytes;
    for (size_t reason = 0; reason < kDropReasons; ++reason)
      feed.drop_packets[reason] += lane.drop_packets[reason];
  }
  return feed;
}

Feed grown(const Feed& now, const Feed& before) {
  Feed feed = {.packets = now.packets - before.packets,
               .duplicate_packets = now.duplicate_packets - before.duplicate_packets,
               .time_backward_packets = now.time_backward_packets - before.time_backward_packets,
               .handed_over_packets = now.handed_over_packets - before.handed_over_packets,
               .out_ip_bytes = now.out_ip_bytes - before.out_ip_bytes,
               .in_ip_bytes = now.in_ip_bytes - before.in_ip_bytes,
               .transit_ip_bytes = now.transit_ip_bytes - before.transit_ip_bytes,
               .ip_bytes = now.ip_bytes - before.ip_bytes};
  for (size_t reason = 0; reason < kDropReasons; ++reason)
    feed.drop_packets[reason] = now.drop_packets[reason] - before.drop_packets[reason];
  return feed;
}

/// Looks at each minute, and at the end of a replay at the whole of it. Silence can only be told
/// where time goes on without packets: live.
class SensorHealth : public SweepDetector {
 public:
  explicit SensorHealth(std::span<const OptionValue> values) {
    for (size_t row = 0; row < kRows; ++row)
      limits_[row] = static_cast<uint64_t>(std::get<int64_t>(values[row]));
  }

  void sweep(const SweepView& moved, std::vector<Finding>& findings) override {
    const Feed feed = feed_of(moved.lanes);
    if (!started_) {
      started_ = true;
      // The first sweep sees what came before it: that belongs to the first minute.
      first_ns_ = window_start_ns_ = last_packet_ns_ = last_sweep_ns_ = moved.now_ns;
    }
    judge_time(moved.now_ns, feed, findings);
    judge_clock(moved, findings);
    last_ = feed;
    last_sweep_ns_ = moved.now_ns;
    if (moved.now_ns - window_start_ns_ >= kWindowSeconds * kSecondNs) {
      judge(grown(feed, window_start_), window_start_ns_, moved.now_ns, limits_[kMinimumPackets],
            findings);
      window_start_ = feed;
      window_start_ns_ = moved.now_ns;
    }
    if (moved.last) judge(feed, first_ns_, moved.now_ns, limits_[kMinimumPacketsReplay], findings);
  }

 private:
  /// Silence and jumps, from one sweep to the next.
  void judge_time(uint64_t now_ns, const Feed& feed, std::vector<Finding>& findings) {
    if (feed.packets == last_.packets) {
      const uint64_t silent_s = (now_ns - last_packet_ns_) / kSecondNs;
      if (silent_s >= limits_[kSilence])
        report(kSilence, silent_s, last_packet_ns_, now_ns, findings).counterfactual = silent_s + 1;
      return;
    }
    last_packet_ns_ = now_ns;
    const uint64_t step_s = (now_ns - last_sweep_ns_) / kSecondNs;
    if (step_s >= limits_[kJump] && feed.packets >= limits_[kMinimumPacketsReplay])
      report(kJump, step_s, last_sweep_ns_, now_ns, findings).counterfactual = step_s + 1;
  }

  /// Somebody set the system's clock: ours is bent, never stepped, and needs long to follow.
  void judge_clock(const SweepView& moved, std::vector<Finding>& findings) {
    const auto apart_s = static_cast<uint64_t>(std::abs(moved.clock_ahead_ns)) / kSecondNs;
    if (apart_s < limits_[kClock]) return;
    Finding& finding = report(kClock, apart_s, last_sweep_ns_, moved.now_ns, findings);
    finding.counterfactual = apart_s + 1;
    finding.cause = moved.clock_ahead_ns < 0;
  }

  /// Shares and directions of `feed`, seen from `start_ns` to `now_ns`.
  void judge(const Feed& feed, uint64_t start_ns, uint64_t now_ns, uint64_t minimum_packets,
             std::vector<Finding>& findings) {
    const uint64_t handed_over =
        feed.packets + feed.drop_packets[static_cast<size_t>(DropReason::kNicMissed)];
    if (handed_over < std::max<uint64_t>(minimum_packets, 1)) return;
    const auto share = [&](Row row, uint64_t part, uint64_t whole, uint16_t cause) {
      const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
      if (percent <= static_cast<double>(limits_[row])) return;
      Finding& finding = report(row, static_cast<uint64_t>(percent), start_ns, now_ns, findings);
      finding.counterfactual = static_cast<uint64_t>(std::ceil(percent));
      finding.detail = percent;
      finding.cause = cause;
    };
    share(kDuplicates, feed.duplicate_packets, handed_over, 0);
    share(kBackward, feed.time_backward_packets, handed_over, 0);
    share(kHandover, feed.handed_over_packets, handed_over, 0);
    for (uint16_t reason = 0; reason < kDropReasons; ++reason)
      if (reason != static_cast<uint16_t>(DropReason::kNotIp) &&  // ARP and the like are no loss
          reason != static_cast<uint16_t>(DropReason::kOwnUplink))
        share(kDrops, feed.drop_packets[reason], handed_over, reason);
    if (feed.ip_bytes > 0) share(kTransit, feed.transit_ip_bytes, feed.ip_bytes, 0);
    const uint64_t more = std::max(feed.out_ip_bytes, feed.in_ip_bytes);
    const uint64_t less = std::min(feed.out_ip_bytes, feed.in_ip_bytes);
    // Even a bare download is acknowledged with more than a thousandth of its bytes.
    if (more >= limits_[kOneWay] && less < more / 1000) {
      Finding& finding = report(kOneWay, more, start_ns, now_ns, findings);
      finding.counterfactual = more + 1;
      finding.cause = feed.out_ip_bytes < feed.in_ip_bytes;
    }
  }

  Finding& report(Row row, uint64_t observed, uint64_t start_ns, uint64_t now_ns,
                  std::vector<Finding>& findings) const {
    Finding& finding = findings.emplace_back();
    finding.subject = Subject::kSensor;
    finding.time_ns = now_ns;
    finding.observed = finding.observed_low = observed;
    finding.threshold = limits_[row];
    finding.window_start_ns = start_ns;
    finding.window_s = (now_ns - start_ns) / kSecondNs;
    finding.score = 0.2;
    finding.option = row;
    return finding;
  }

  std::array<uint64_t, kRows> limits_{};
  bool started_ = false;
  uint64_t first_ns_ = 0;
  uint64_t last_packet_ns_ = 0;  // of the last sweep that saw one
  uint64_t last_sweep_ns_ = 0;
  uint64_t window_start_ns_ = 0;
  Feed window_start_;
  Feed last_;
};

std::string explain(const Finding& finding) {
  const std::string within = " within " + window_words(finding.window_s);
  const std::string limit = "; the limit is " + std::to_string(finding.threshold) + " %";
  switch (static_cast<Row>(finding.option)) {
    case kSilence:
      return "No packet arrived for " + window_words(finding.observed) +
             ": check the mirror session, the cable and the link.";
    case kOneWay:
      return std::string("Only one direction was seen") + within + ": " +
             byte_words(finding.observed) +
             (finding.cause == 0 ? " going out, next to nothing coming in"
                                 : " coming in, next to nothing going out") +
             "; mirror both directions.";
    case kDuplicates:
      return percent_words(finding.detail) + " of the packets were duplicates" + within + limit +
             ": the same traffic is mirrored more than once.";
    case kDrops:
      return percent_words(finding.detail) + " of the packets were dropped" + within + ", " +
             std::string(kDropNames[finding.cause]) + limit + ".";
    case kTransit:
      return percent_words(finding.detail) + " of the bytes had neither end at home" + within +
             limit + ": check the home networks.";
    case kBackward:
      return percent_words(finding.detail) + " of the packets had a time before the one ahead" +
             within + limit + ": check the clocks that stamp them.";
    case kJump:
      return "The packets' clock jumped ahead by " + grouped_words(finding.observed) +
             " seconds: what lies between was not seen.";
    case kHandover:
      return percent_words(finding.detail) + " of the packets landed in another lane than their " +
             "pair's" + within + limit +
             ": the NIC spreads them in its own way; use one lane a port, or none but one.";
    case kClock:
      return "The system's clock was set: it is " + grouped_words(finding.observed) +
             (finding.cause == 0 ? " seconds behind" : " seconds ahead of") +
             " the sensor's, which follows slowly; restart the sensor, or mend the time source.";
    default:
      return {};
  }
}

const std::array<Option, kRows> kOptions = {{
    {.name = "silence_s",
     .standard = int64_t{60},
     .minimum = 2,
     .unit = "s",
     .help = "Seconds without a packet that are reported; raise it on quiet links."},
    {.name = "one_way_minimum_bytes",
     .standard = int64_t{10'000'000},
     .minimum = 1,
     .unit = "bytes",
     .help = "Bytes across the home boundary from which on a missing direction is reported."},
    {.name = "maximum_duplicate_percent",
     .standard = int64_t{5},
     .maximum = 100,
     .unit = "%",
     .help = "Share of duplicate packets that is reported: the mirror copies a link twice."},
    {.name = "maximum_drop_percent",
     .standard = int64_t{1},
     .maximum = 100,
     .unit = "%",
     .help = "Share of packets dropped for one cause that is reported; what is lost is unseen."},
    {.name = "maximum_transit_percent",
     .standard = int64_t{20},
     .maximum = 100,
     .unit = "%",
     .help = "Share of bytes with neither end at home that is reported: the home networks are "
             "probably wrong."},
    {.name = "maximum_backward_percent",
     .standard = int64_t{1},
     .maximum = 100,
     .unit = "%",
     .help = "Share of packets stamped earlier than the one before that is reported."},
    {.name = "maximum_jump_s",
     .standard = int64_t{86400},
     .minimum = 2,
     .unit = "s",
     .help = "Step of the packets' clock, from one second with packets to the next, that is "
             "reported."},
    {.name = "maximum_handover_percent",
     .standard = int64_t{50},
     .maximum = 100,
     .unit = "%",
     .help = "Share of packets handed over between lanes that is reported: it costs speed, no "
             "bytes."},
    {.name = "maximum_clock_step_s",
     .standard = int64_t{2},
     .minimum = 1,
     .unit = "s",
     .help = "Distance between the sensor's clock and the system's that is reported, live."},
    {.name = "minimum_packets",
     .standard = int64_t{10'000},
     .minimum = 1,
     .unit = "packets",
     .help = "Packets a minute below which its shares are not judged."},
    {.name = "minimum_packets_replay",
     .standard = int64_t{1000},
     .minimum = 1,
     .unit = "packets",
     .help = "Packets below which a whole replay is not judged."},
}};

}  // namespace

extern const Detector sensor_health_detector;
const Detector sensor_health_detector = {
    .id = "sensor.health",
    .summary = "The feed itself is wrong: silent, one-sided, doubled, dropped or foreign.",
    .family = Family::kVolume,
    .options = kOptions,
    .metrics = {},
    .attack = {},
    .make = [](std::span<const OptionValue> values) -> std::unique_ptr<SweepDetector> {
      return std::make_unique<SensorHealth>(values);
    },
    .explain = explain,
};

}  // namespace weir
