// Reading a capture file, record by record, beside libpcap, from the page cache.
#include <benchmark/benchmark.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "bench/stopwatch.h"
#include "sensor/capture_file.h"

namespace weir {
namespace {

constexpr uint32_t kRecords = 200'000;
constexpr int kTurns = 9;

/// A pcap file of frames from 60 to 1514 bytes, removed at the end.
class TemporaryCapture {
 public:
  TemporaryCapture() {
    char name[] = "/tmp/weir_bench_XXXXXX";
    FILE* file = fdopen(mkstemp(name), "wb");
    path_ = name;
    const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1};
    std::fwrite(header, sizeof(header), 1, file);
    const std::vector<uint8_t> frame(1514, 'w');
    for (uint32_t i = 0; i < kRecords; ++i) {
      const uint32_t frame_bytes = 60 + i * 2'654'435'761u % 1455;
      const uint32_t record[4] = {1'700'000'000 + i / 1'000'000, i % 1'000'000, frame_bytes,
                                  frame_bytes};
      std::fwrite(record, sizeof(record), 1, file);
      std::fwrite(frame.data(), frame_bytes, 1, file);
      frame_bytes_ += frame_bytes;
    }
    std::fclose(file);
  }
  ~TemporaryCapture() { unlink(path_.c_str()); }
  TemporaryCapture(const TemporaryCapture&) = delete;
  TemporaryCapture& operator=(const TemporaryCapture&) = delete;

  const std::string& path() const { return path_; }
  uint64_t frame_bytes() const { return frame_bytes_; }

 private:
  std::string path_;
  uint64_t frame_bytes_ = 0;
};

uint64_t read_with_weir(const TemporaryCapture& capture) {
  CaptureFile file(capture.path());
  CaptureRecord record;
  uint64_t frame_bytes = 0;
  while (file.next(record)) frame_bytes += record.frame_bytes;
  return file.records() == kRecords ? frame_bytes : 0;
}

uint64_t read_with_libpcap(const TemporaryCapture& capture) {
  char text[PCAP_ERRBUF_SIZE];
  pcap_t* file = pcap_open_offline(capture.path().c_str(), text);
  if (file == nullptr) return 0;
  uint64_t frame_bytes = 0;
  const auto add = [](u_char* user, const pcap_pkthdr* header, const u_char*) {
    *reinterpret_cast<uint64_t*>(user) += header->len;
  };
  pcap_loop(file, -1, add, reinterpret_cast<u_char*>(&frame_bytes));
  pcap_close(file);
  return frame_bytes;
}

/// CPU time a record; 0 where the sum of the frames is wrong.
template <typename Read>
double ns_per_record(const TemporaryCapture& capture, Read read) {
  const double start_ns = thread_cpu_ns();
  const uint64_t frame_bytes = read(capture);
  const double used_ns = thread_cpu_ns() - start_ns;
  return frame_bytes == capture.frame_bytes() ? used_ns / kRecords : 0;
}

void read_capture_file(benchmark::State& state) {
  const TemporaryCapture capture;
  double weir_ns = std::numeric_limits<double>::max(), rival_ns = weir_ns;
  for (auto _ : state) {
    for (int turn = 0; turn < kTurns; ++turn) {
      weir_ns = std::min(weir_ns, ns_per_record(capture, read_with_weir));
      rival_ns = std::min(rival_ns, ns_per_record(capture, read_with_libpcap));
    }
    state.SetIterationTime(weir_ns * 1e-9);
  }
  if (weir_ns == 0 || rival_ns == 0) {
    state.SkipWithError("a reader's records or bytes differ from what was written");
    return;
  }
  state.counters["weir_ns"] = weir_ns;
  state.counters["libpcap_ns"] = rival_ns;
  state.counters["libpcap/weir"] = rival_ns / weir_ns;
}

BENCHMARK(read_capture_file)->Iterations(1)->UseManualTime()->Unit(benchmark::kNanosecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
