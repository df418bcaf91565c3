// Reads a capture and does nothing with it: the cost of reading alone, for bench/compare.
#include <pcap/pcap.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "sensor/capture_file.h"

namespace {

struct Sums {
  uint64_t records = 0;
  uint64_t frame_bytes = 0;
};

Sums read_with_weir(const std::string& path) {
  weir::CaptureFile file(path);
  weir::CaptureRecord record;
  Sums sums;
  while (file.next(record)) {
    sums.records += 1;
    sums.frame_bytes += record.frame_bytes;
  }
  return sums;
}

Sums read_with_libpcap(const std::string& path) {
  char text[PCAP_ERRBUF_SIZE];
  pcap_t* capture = pcap_open_offline(path.c_str(), text);
  if (capture == nullptr) throw std::runtime_error(text);
  Sums sums;
  const auto add = [](u_char* user, const pcap_pkthdr* header, const u_char*) {
    auto& s = *reinterpret_cast<Sums*>(user);
    s.records += 1;
    s.frame_bytes += header->len;
  };
  const int result = pcap_loop(capture, -1, add, reinterpret_cast<u_char*>(&sums));
  const std::string error = result < 0 ? pcap_geterr(capture) : "";
  pcap_close(capture);
  if (!error.empty()) throw std::runtime_error(error);
  return sums;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string reader = argc == 3 ? argv[1] : "";
  if (reader != "weir" && reader != "libpcap") {
    std::fprintf(stderr, "usage: read_capture weir|libpcap CAPTURE\n");
    return 2;
  }
  try {
    const Sums sums = reader == "weir" ? read_with_weir(argv[2]) : read_with_libpcap(argv[2]);
    std::printf("%llu records, %llu bytes\n", static_cast<unsigned long long>(sums.records),
                static_cast<unsigned long long>(sums.frame_bytes));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "read_capture: %s\n", error.what());
    return 1;
  }
  return 0;
}
