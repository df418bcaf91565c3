// Opens the ports and puts a lane with a thread behind each of their queues.
#include "sensor/lanes.h"

#include <sched.h>

#include <algorithm>
#include <optional>

#include "sensor/device.h"

namespace weir {
namespace {

/// Polls of each lane at the end, at most: the rings between lanes hold fewer bursts.
constexpr int kLastRounds = 4096;

/// The core a lane's thread is pinned to. Chosen ones: only NICs that DPDK drives are worth a core
/// each, and only where cores are left for the judge and the rest.
std::optional<uint32_t> core_of(const SensorConfig& config, uint16_t lane, uint16_t lanes) {
  if (!config.lanes.capture_cores.empty()) return config.lanes.capture_cores[lane];
  for (const PortTable& port : config.ports)
    if (parse_device(port.device).kind != DeviceKind::kPci) return std::nullopt;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  if (CPU_COUNT(&allowed) < lanes + 2) return std::nullopt;
  uint16_t left = lane;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu)
    if (CPU_ISSET(cpu, &allowed) && left-- == 0) return static_cast<uint32_t>(cpu);
  return std::nullopt;
}

}  // namespace

uint16_t lanes_of(const SensorConfig& config) {
  uint32_t lanes = 0;
  for (const PortTable& port : config.ports) lanes += port.lanes;
  return static_cast<uint16_t>(lanes);
}

Lanes::Lanes(const SensorConfig& config, FlowTable& table, const LiveClock& clock)
    : memory_(config.mempool) {
  const uint16_t lanes = lanes_of(config);
  const LaneMap map(lanes);
  decodings_.push_back({std::make_unique<Decoding>(config), 0});
  if (lanes > 1) handover_ = std::make_unique<Handover>(lanes, config.lanes.handover_ring_packets);
  for (size_t number = 0; number < config.ports.size(); ++number) {
    const auto first_lane = static_cast<uint16_t>(lanes_.size());
    ports_.push_back(std::make_unique<Port>(config.ports[number], static_cast<uint16_t>(number),
                                            first_lane, map, memory_, clock));
    for (uint16_t queue = 0; queue < ports_.back()->queues(); ++queue) {
      const auto lane = static_cast<uint16_t>(lanes_.size());
      port_of_lane_.push_back(number);
      lanes_.push_back(std::make_unique<Lane>(ports_.back()->queue(queue),
                                              decodings_.back().decoding->decoder,
                                              table.shard(lane), handover_.get(), lane));
      threads_.push_back(
          std::make_unique<CaptureThread>(*lanes_.back(), lane, core_of(config, lane, lanes)));
    }
  }
}

/// A collector has few addresses, so what was left out before is kept.
void Lanes::leave_out(const OwnTraffic& own) {
  auto known = std::find(own_traffic_.begin(), own_traffic_.end(), own);
  if (known == own_traffic_.end()) known = own_traffic_.insert(known, own);
  for (const auto& lane : lanes_) lane->leave_out(*known);
}

void Lanes::start() {
  for (const auto& thread : threads_) thread->start();
}

void Lanes::stop() {
  for (const auto& thread : threads_) thread->stop();
  for (int round = 0; round < kLastRounds && waiting_packets() > 0; ++round)
    for (const auto& lane : lanes_) lane->poll();
}

void Lanes::collect_misses() {
  size_t lane = 0;
  for (const auto& port : ports_)
    for (const QueueMisses& misses : port->read_misses()) {
      if (misses.missed_packets + misses.no_mbuf_packets > 0)
        lanes_[lane]->report_missed(misses.missed_packets, misses.no_mbuf_packets);
      ++lane;
    }
}

void Lanes::decode_by(const SensorConfig& config, uint64_t sweeps) {
  std::erase_if(decodings_, [&](const Used& used) {
    return &used != &decodings_.back() && sweeps >= used.replaced_at_sweep + 2;
  });
  decodings_.back().replaced_at_sweep = sweeps;
  decodings_.push_back({std::make_unique<Decoding>(config), 0});
  for (const auto& lane : lanes_) lane->decode_by(decodings_.back().decoding->decoder);
}

}  // namespace weir
