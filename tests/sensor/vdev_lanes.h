// DPDK's environment for tests, and lanes on net_ring devices that a test feeds frame by frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flowtable/decode.h"
#include "flowtable/flow_table.h"
#include "sensor/capture_record.h"
#include "sensor/handover.h"
#include "sensor/lane.h"

struct rte_mempool;

namespace weir::testing {

/// Starts the EAL on its first use, once a process; it lasts until the end.
void need_eal();

/// Mbufs of one size, given back at the end of the scope.
class MbufPool {
 public:
  MbufPool(uint32_t mbufs, uint16_t room_bytes);
  ~MbufPool();
  MbufPool(const MbufPool&) = delete;
  MbufPool& operator=(const MbufPool&) = delete;
  rte_mempool* pool() const { return pool_; }

 private:
  rte_mempool* pool_;
};

/// A net_ring device of one queue: what is sent on it comes back on it.
class RingDevice {
 public:
  RingDevice(const std::string& name, const MbufPool& pool);
  ~RingDevice();
  RingDevice(const RingDevice&) = delete;
  RingDevice& operator=(const RingDevice&) = delete;
  RxQueue queue() const { return {port_, 0}; }
  /// False when its ring is full.
  bool send(rte_mbuf* mbuf) const;

 private:
  std::string name_;
  uint16_t port_ = 0;
};

/// As many lanes, each on a device of its own; with more than one they hand over.
class VdevLanes {
 public:
  VdevLanes(uint16_t lanes, const Decoder& decoder, FlowTable& table, uint32_t handover_packets);

  /// Puts the frame, with its stamp, behind one lane's queue. The test fails if it finds no room.
  void feed(const CaptureRecord& record, uint16_t lane);
  /// Polls all lanes in turn until none has anything left.
  void drain();

  Lane& lane(uint16_t lane) { return *lanes_[lane]; }
  const Handover* handover() const { return handover_.get(); }

 private:
  MbufPool pool_;
  std::unique_ptr<Handover> handover_;
  std::vector<std::unique_ptr<RingDevice>> devices_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  int stamp_offset_;
};

}  // namespace weir::testing
