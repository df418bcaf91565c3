// Devices, mbufs and lanes for tests.
#include "tests/sensor/vdev_lanes.h"

#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <atomic>
#include <cstring>
#include <stdexcept>

#include "sensor/eal.h"
#include "sensor/frame_stamp.h"

namespace weir::testing {
namespace {

constexpr uint16_t kRoomBytes = 60'000;
constexpr uint32_t kMbufs = 1023;

std::string fresh_name(const std::string& stem) {
  static std::atomic<int> number{0};
  return stem + std::to_string(number++);
}

}  // namespace

void need_eal() {
  static const Eal eal({.huge_pages = "off", .memory_mib = 512, .extra_arguments = {}}, {});
}

MbufPool::MbufPool(uint32_t mbufs, uint16_t room_bytes) {
  need_eal();
  pool_ = rte_pktmbuf_pool_create(fresh_name("test_mbufs").c_str(), mbufs, 0, 0, room_bytes,
                                  SOCKET_ID_ANY);
  if (pool_ == nullptr) throw std::runtime_error("no memory for mbufs");
}

MbufPool::~MbufPool() { rte_mempool_free(pool_); }

RingDevice::RingDevice(const std::string& name, const MbufPool& pool) : name_(name) {
  const rte_eth_conf config{};
  if (rte_dev_probe(name.c_str()) != 0 || rte_eth_dev_get_port_by_name(name.c_str(), &port_) != 0 ||
      rte_eth_dev_configure(port_, 1, 1, &config) != 0 ||
      rte_eth_rx_queue_setup(port_, 0, 1024, SOCKET_ID_ANY, nullptr, pool.pool()) != 0 ||
      rte_eth_tx_queue_setup(port_, 0, 1024, SOCKET_ID_ANY, nullptr) != 0 ||
      rte_eth_dev_start(port_) != 0)
    throw std::runtime_error("no device " + name);
}

RingDevice::~RingDevice() {
  rte_eth_dev_stop(port_);
  rte_eth_dev_close(port_);
}

bool RingDevice::send(rte_mbuf* mbuf) const { return rte_eth_tx_burst(port_, 0, &mbuf, 1) == 1; }

VdevLanes::VdevLanes(uint16_t lanes, const Decoder& decoder, FlowTable& table,
                     uint32_t handover_packets)
    : pool_(kMbufs, kRoomBytes), stamp_offset_(frame_stamp_offset()) {
  if (lanes > 1) handover_ = std::make_unique<Handover>(lanes, handover_packets);
  for (uint16_t lane = 0; lane < lanes; ++lane) {
    devices_.push_back(std::make_unique<RingDevice>(fresh_name("net_ring"), pool_));
    lanes_.push_back(std::make_unique<Lane>(devices_.back()->queue(), decoder, table.shard(lane),
                                            handover_.get(), lane));
  }
}

void VdevLanes::feed(const CaptureRecord& record, uint16_t lane) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.pool());
  ASSERT_NE(mbuf, nullptr);
  const auto bytes = static_cast<uint16_t>(std::min<uint32_t>(record.captured_bytes, 59'000));
  std::memcpy(rte_pktmbuf_append(mbuf, bytes), record.data, bytes);
  *frame_stamp(mbuf, stamp_offset_) = {record.time_ns, record.frame_bytes,
                                       static_cast<uint16_t>(record.link), record.interface};
  ASSERT_TRUE(devices_[lane]->send(mbuf));
}

void VdevLanes::drain() {
  for (bool any = true; any;) {
    any = false;
    for (const auto& lane : lanes_) any = lane->poll() > 0 || any;
  }
}

}  // namespace weir::testing
