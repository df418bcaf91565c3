// All that captures: ports, the lanes behind their queues, the rings between, and their threads.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "flowtable/decode.h"
#include "flowtable/flow_table.h"
#include "flowtable/home_networks.h"
#include "sensor/capture_thread.h"
#include "sensor/config.h"
#include "sensor/handover.h"
#include "sensor/lane.h"
#include "sensor/live_clock.h"
#include "sensor/port.h"

namespace weir {

/// A decoder with the networks it looks at.
struct Decoding {
  explicit Decoding(const SensorConfig& config)
      : home(home_networks(config)), decoder(home, decode_options(config)) {}
  HomeNetworks home;
  Decoder decoder;
};

/// Lanes of all ports, numbered through: those of `[[port]]` 0 first.
uint16_t lanes_of(const SensorConfig& config);

/// Needs the EAL. Main thread, but for collect_misses.
class Lanes {
 public:
  /// Opens the ports. `table` has lanes_of(config) shards; it and `clock` must outlive this.
  /// Throws Error.
  Lanes(const SensorConfig& config, FlowTable& table, const LiveClock& clock);

  /// Starts the capture threads. Throws Error.
  void start();
  /// Stops them, and counts what waits between lanes.
  void stop();

  /// Reads what ports lost and hands it to the capture cores' accounts. Any one thread.
  void collect_misses();

  /// From now on frames are decoded by this configuration. `sweeps`: how often the judge has swept;
  /// what decoded before is given up two sweeps later at the earliest.
  void decode_by(const SensorConfig& config, uint64_t sweeps);

  /// From now on this connection of the sensor itself is in no total. Any one thread.
  void leave_out(const OwnTraffic& own);

  const HomeNetworks& home() const { return decodings_.back().decoding->home; }
  const std::vector<std::unique_ptr<Port>>& ports() const { return ports_; }
  /// Port of a lane.
  const Port& port_of(uint16_t lane) const { return *ports_[port_of_lane_[lane]]; }
  Lane& lane(uint16_t lane) { return *lanes_[lane]; }
  /// Packets between lanes; exact while the threads stand still.
  uint64_t waiting_packets() const {
    return handover_ == nullptr ? 0 : handover_->waiting_packets();
  }

 private:
  struct Used {
    std::unique_ptr<Decoding> decoding;
    uint64_t replaced_at_sweep = 0;
  };

  std::vector<Used> decodings_;         // the last is in use
  std::deque<OwnTraffic> own_traffic_;  // each once: lanes point into it
  PacketMemory memory_;
  std::unique_ptr<Handover> handover_;  // null with one lane
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<size_t> port_of_lane_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<CaptureThread>> threads_;
};

}  // namespace weir
