// Capture files behind a port: an idle net_ring device whose RX callback brings the file's frames.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <string>

#include "sensor/capture_file.h"
#include "sensor/lane.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_eth_rxtx_callback;

namespace weir {

/// One port with one queue; captures are put behind it one after the other. Same thread as the
/// lane that polls it.
class CapturePort {
 public:
  static constexpr const char* kDevice = "net_ring0";  // for the EAL

  /// `mbufs`, `mbuf_bytes`: of the mempool it fills frames from. Throws Error (kExitFailed).
  CapturePort(uint32_t mbufs, uint32_t mbuf_bytes);
  ~CapturePort();
  CapturePort(const CapturePort&) = delete;
  CapturePort& operator=(const CapturePort&) = delete;

  RxQueue queue() const { return {port_, 0}; }

  /// Puts a capture behind the port and reads its first record. Throws Error.
  void open(const std::string& path);

  /// False at the capture's end; throws Error where it is damaged, once all before was polled.
  bool more();
  uint64_t next_time_ns() const { return record_.time_ns; }

  /// Frames stamped after this are held back.
  void deliver_until(uint64_t time_ns) { until_ns_ = time_ns; }

  const CaptureFile& file() const { return *file_; }

  /// Link types of the capture that the decoder does not read: number -> frames.
  const std::map<uint16_t, uint64_t>& unsupported_links() const { return unsupported_; }

 private:
  static uint16_t fill(uint16_t port, uint16_t queue, rte_mbuf** mbufs, uint16_t filled,
                       uint16_t most, void* self);
  uint16_t fill(rte_mbuf** mbufs, uint16_t most) noexcept;
  rte_mbuf* mbuf_of(const CaptureRecord& record) const noexcept;
  void advance() noexcept;

  uint16_t port_ = 0;
  rte_mempool* mempool_ = nullptr;
  const rte_eth_rxtx_callback* callback_ = nullptr;
  int stamp_offset_ = 0;
  std::unique_ptr<CaptureFile> file_;
  CaptureRecord record_;
  bool has_record_ = false;
  std::exception_ptr error_;
  uint64_t until_ns_ = 0;
  std::map<uint16_t, uint64_t> unsupported_;
};

}  // namespace weir
