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

void Progress::show(const std::string& path, uint64_t packets_before, const CaptureFile& file) {
  if (!terminal_ || ++calls_ % kCallsBetweenLooks != 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kEvery) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double packets = static_cast<double>(packets_before + file.records());
  const double rate = packets / seconds / 1e6;
  const double share = file.file_bytes() == 0 ? 0
                                              : 100.0 * static_cast<double>(file.bytes_read()) /
                                                    static_cast<double>(file.file_bytes());
  std::fprintf(stderr, "\r\033[K%s  %.1f M packets  %.2f M packets/s  %.0f %%", path.c_str(),
               packets / 1e6, rate, share);
  shown_ = true;
}

void Progress::show(const std::string& text) {
  if (!terminal_) return;
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  shown_ = true;
}

void Progress::clear() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace weir
