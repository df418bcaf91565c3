// A live port: a NIC or a virtual device of DPDK, opened as its `[[port]]` says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sensor/config.h"
#include "sensor/device.h"
#include "sensor/lane.h"
#include "sensor/lane_map.h"
#include "sensor/live_clock.h"

struct rte_mempool;

namespace weir {

/// The buffers of all ports. Needs the EAL.
class PacketMemory {
 public:
  /// Throws Error (kExitFailed) where eal.memory_mib does not hold them.
  explicit PacketMemory(const MempoolSection& config);
  ~PacketMemory();
  PacketMemory(const PacketMemory&) = delete;
  PacketMemory& operator=(const PacketMemory&) = delete;

  rte_mempool* pool() const { return pool_; }
  /// Bytes of a frame that one buffer holds.
  uint32_t room_bytes() const;

 private:
  rte_mempool* pool_ = nullptr;
};

/// What was lost before the sensor, since the last reading: by queue.
struct QueueMisses {
  uint64_t missed_packets = 0;   // NIC or kernel had no room
  uint64_t no_mbuf_packets = 0;  // the driver found no mbuf
};

/// Opened by the constructor, closed by the destructor. Its frames are stamped with the live clock,
/// the port's number and their size, by an RX callback on the thread that polls. Main thread, but
/// for read_misses.
class Port {
 public:
  /// `number`: in the order of `[[port]]`; `first_lane`: of its first queue, in `map`. `memory` and
  /// `clock` must outlive the port. Throws Error: the device is not there, is busy, or cannot do
  /// what is asked.
  Port(const PortTable& config, uint16_t number, uint16_t first_lane, const LaneMap& map,
       const PacketMemory& memory, const LiveClock& clock);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const std::string& name() const { return device_.name; }
  uint16_t queues() const { return queues_; }
  RxQueue queue(uint16_t queue) const { return {id_, queue}; }

  bool link_is_up() const;
  /// Waits for the link; false after `link_wait_s`, or when `give_up` says so.
  bool wait_for_link(const std::function<bool()>& give_up) const;

  /// Any one thread.
  std::vector<QueueMisses> read_misses();

  /// What the user ought to know of the port's state, a sentence each.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  struct Stamp;  // what the callback of a queue knows

  std::string driver_arguments(const PacketMemory& memory);
  void probe(const PacketMemory& memory);
  void configure(const PacketMemory& memory);
  void spread_as(const LaneMap& map, uint16_t first_lane);
  void start(const PacketMemory& memory, const LiveClock& clock);
  void find_sockets();
  uint64_t interface_missed() const;
  [[noreturn]] void fail(const std::string& what, int error) const;

  PortTable config_;
  uint16_t number_;
  Device device_;
  uint16_t id_ = 0;  // DPDK's
  uint16_t queues_ = 1;
  uint32_t cut_bytes_ = 0;  // net_af_packet: a frame of this size may have been longer
  bool opened_ = false;
  std::vector<std::unique_ptr<Stamp>> stamps_;  // by queue
  std::vector<int> sockets_;                    // net_af_packet: the driver's, by queue
  uint64_t counted_missed_ = 0;
  std::vector<uint64_t> counted_queue_missed_;
  uint64_t counted_no_mbuf_ = 0;
  std::vector<std::string> remarks_;
};

}  // namespace weir
