// Progress of a long replay, on a terminal only.
#include "sensor/progress.h"

#include <unistd.h>

#include <cstdio>

namespace weir {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(200);
constexpr uint32_t kCallsBetweenLooks = 256;

}  // namespace

Progress::Progress()
    : terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

Progress::~Progress() { clear(); }

void Progress::show(const std::string& capture, uint64_t packets, uint64_t bytes_read,
                    uint64_t file_bytes) {
  if (!terminal_ || ++calls_ % kCallsBetweenLooks != 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kEvery) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(packets) / seconds / 1e6;
  const double share = file_bytes == 0 ? 0 : 100.0 * static_cast<double>(bytes_read) /
                                                 static_cast<double>(file_bytes);
  std::fprintf(stderr, "\r\033[K%s  %.1f M packets  %.2f M packets/s  %.0f %%", capture.c_str(),
               static_cast<double>(packets) / 1e6, rate, share);
  shown_ = true;
}

void Progress::clear() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace weir
