// Fuzzer: any bytes are read to an end or refused in a sentence, and nothing outside is touched.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "flowtable/error.h"
#include "sensor/capture_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int fd = memfd_create("capture", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != static_cast<ssize_t>(size))
    abort();
  uint64_t records = 0;
  uint64_t sum = 0;
  try {
    weir::CaptureFile file(path);
    weir::CaptureRecord record;
    while (file.next(record)) {
      ++records;
      if (record.captured_bytes > record.frame_bytes) abort();
      if (record.captured_bytes > weir::kMaxFrameBytes) abort();
      if (record.time_ns > weir::kLatestTimeNs) abort();
      for (uint32_t i = 0; i < record.captured_bytes; ++i) sum += record.data[i];
    }
    if (file.records() != records || file.next(record)) abort();
    if (file.bytes_read() > size || file.file_bytes() != size) abort();
    if (file.cut() == false && file.bytes_read() != size) abort();
  } catch (const weir::Error& error) {
    if (error.exit_code() != weir::kExitFailed) abort();
  }
  return sum == UINT64_MAX;  // reads every byte: AddressSanitizer sees each
}
