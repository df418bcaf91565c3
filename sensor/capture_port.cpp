// Capture files behind a port: an idle net_ring device whose RX callback brings the file's frames.
#include "sensor/capture_port.h"

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>

#include "flowtable/error.h"
#include "sensor/frame_stamp.h"

namespace weir {
namespace {

constexpr uint16_t kDescriptors = 64;  // of the idle device; no frame ever passes them
constexpr uint32_t kMempoolCache = 256;

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(kExitFailed, "capture port: " + what + " (" + rte_strerror(error) +
                               "); raise eal.memory_mib or lower mempool.mbufs");
}

}  // namespace

CapturePort::CapturePort(uint32_t mbufs, uint32_t mbuf_bytes)
    : stamp_offset_(frame_stamp_offset()) {
  mempool_ = rte_pktmbuf_pool_create("weir_mbufs", mbufs, kMempoolCache, 0,
                                     static_cast<uint16_t>(mbuf_bytes), SOCKET_ID_ANY);
  if (mempool_ == nullptr) fail("no memory for " + std::to_string(mbufs) + " mbufs", rte_errno);
  int result = rte_eth_dev_get_port_by_name(kDevice, &port_);
  if (result != 0) fail("DPDK has no device net_ring; install its drivers", -result);
  const rte_eth_conf config{};
  result = rte_eth_dev_configure(port_, 1, 1, &config);
  if (result == 0)
    result = rte_eth_rx_queue_setup(port_, 0, kDescriptors, SOCKET_ID_ANY, nullptr, mempool_);
  if (result == 0) result = rte_eth_tx_queue_setup(port_, 0, kDescriptors, SOCKET_ID_ANY, nullptr);
  if (result == 0) result = rte_eth_dev_start(port_);
  if (result != 0) fail("the net_ring device did not start", -result);
  callback_ = rte_eth_add_rx_callback(port_, 0, &CapturePort::fill, this);
  if (callback_ == nullptr) fail("DPDK was built without RX callbacks", rte_errno);
}

CapturePort::~CapturePort() {
  rte_eth_remove_rx_callback(port_, 0, callback_);
  rte_eth_dev_stop(port_);
  rte_eth_dev_close(port_);
  rte_mempool_free(mempool_);
}

void CapturePort::open(const std::string& path) {
  file_ = std::make_unique<CaptureFile>(path);
  unsupported_.clear();
  error_ = nullptr;
  until_ns_ = 0;
  advance();
}

bool CapturePort::more() {
  if (has_record_) return true;
  if (error_) std::rethrow_exception(error_);
  return false;
}

/// Reads the record that the next poll begins with. What goes wrong is kept for more().
void CapturePort::advance() noexcept {
  try {
    has_record_ = file_->next(record_);
  } catch (...) {
    has_record_ = false;
    error_ = std::current_exception();
  }
}

uint16_t CapturePort::fill(uint16_t, uint16_t, rte_mbuf** mbufs, uint16_t filled, uint16_t most,
                           void* self) {
  return static_cast<uint16_t>(filled + static_cast<CapturePort*>(self)->fill(
                                            mbufs + filled, static_cast<uint16_t>(most - filled)));
}

uint16_t CapturePort::fill(rte_mbuf** mbufs, uint16_t most) noexcept {
  uint16_t filled = 0;
  while (filled < most && has_record_ && record_.time_ns <= until_ns_) {
    rte_mbuf* mbuf = mbuf_of(record_);
    if (mbuf == nullptr) break;  // the burst so far is polled first and frees its mbufs
    *frame_stamp(mbuf, stamp_offset_) = {record_.time_ns, record_.frame_bytes,
                                         static_cast<uint16_t>(record_.link), record_.interface};
    if (record_.link == LinkType::kUnsupported) ++unsupported_[record_.link_number];
    mbufs[filled++] = mbuf;
    advance();
  }
  return filled;
}

/// Copies a record into an mbuf, or into a chain of them; null when the mempool is empty.
rte_mbuf* CapturePort::mbuf_of(const CaptureRecord& record) const noexcept {
  rte_mbuf* first = rte_pktmbuf_alloc(mempool_);
  if (first == nullptr) return nullptr;
  rte_mbuf* last = first;
  for (uint32_t at = 0;;) {
    const uint32_t bytes =
        std::min<uint32_t>(record.captured_bytes - at, rte_pktmbuf_tailroom(last));
    std::memcpy(rte_pktmbuf_append(last, static_cast<uint16_t>(bytes)), record.data + at, bytes);
    if (last != first) {
      first->pkt_len += bytes;
      first->nb_segs = static_cast<uint16_t>(first->nb_segs + 1);
    }
    at += bytes;
    if (at == record.captured_bytes) return first;
    last->next = rte_pktmbuf_alloc(mempool_);
    if (last->next == nullptr) {
      rte_pktmbuf_free(first);
      return nullptr;
    }
    last = last->next;
  }
}

}  // namespace weir
