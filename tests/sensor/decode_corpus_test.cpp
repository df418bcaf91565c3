// The decoder over every real capture at hand: as its slow twin, and as tshark counts.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "flowtable/error.h"
#include "sensor/capture_file.h"
#include "tests/flowtable/decoded.h"
#include "tests/flowtable/slow_decoder.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTsharkSample = 20;  // captures; tshark takes a third of a second to start

fs::path captures_folder() {
  const char* shared = getenv("WEIR_SHARED");
  return fs::path(shared ? shared : WEIR_SOURCE_ROOT "/../shared") / "captures";
}

std::vector<fs::path> captures() {
  std::vector<fs::path> paths;
  if (!fs::exists(captures_folder())) return paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(captures_folder())) {
    const std::string kind = entry.path().extension();
    if (kind == ".pcap" || kind == ".pcapng" || kind == ".cap" || kind == ".gz")
      paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

using PairBytes = std::map<std::pair<std::string, std::string>, uint64_t>;

/// What the decoder makes of a capture.
struct Account {
  PairBytes ipv4_bytes;
  uint64_t packets = 0;
  uint64_t counted = 0;
  std::string disagreement;  // with the twin
  bool plain =
      true;  // Ethernet with VLAN tags at most, no tunnel or fragment, no IP length of zero
};

Account account_of(const fs::path& path) {
  static const std::vector<Network> networks{{.home = default_home_ranges()}};
  static const HomeNetworks home(networks);
  const DecodeOptions options;
  const Decoder decoder(home, options);
  Account account;
  CaptureFile file(path);
  CaptureRecord record;
  while (file.next(record)) {
    const Frame frame{.data = record.data,
                      .contiguous_bytes = record.captured_bytes,
                      .captured_bytes = record.captured_bytes,
                      .frame_bytes = record.frame_bytes,
                      .link = record.link,
                      .time_ns = record.time_ns};
    Packet packet;
    decoder.decode({&frame, 1}, &packet);
    ++account.packets;
    if (account.disagreement.empty())
      account.disagreement = difference(packet, slow_decode(frame, networks, options));
    if (record.link != LinkType::kEthernet) account.plain = false;
    if (packet.drop != DropReason::kNone) continue;
    ++account.counted;
    if (packet.inner_tunnel != TunnelKind::kNone || packet.outer_tunnel != TunnelKind::kNone ||
        packet.fragment != FragmentKind::kNone || (packet.layers != 0 && packet.vlan == 0))
      account.plain = false;
    if (!packet.source.is_v4()) continue;
    if (packet.ip[2] == 0 && packet.ip[3] == 0) account.plain = false;
    account.ipv4_bytes[{to_string(packet.source), to_string(packet.destination)}] +=
        packet.ip_bytes;
  }
  return account;
}

/// The sums of tshark's fields; of several IP headers in a frame, as in an ICMP error, the first.
PairBytes tshark_sums(const fs::path& path) {
  const std::string command = "tshark -n -r '" + path.string() +
                              "' -Y ip -T fields -E occurrence=f -e ip.src -e ip.dst -e ip.len "
                              "2>/dev/null";
  PairBytes sums;
  FILE* output = popen(command.c_str(), "r");
  if (output == nullptr) return sums;
  char line[256];
  while (std::fgets(line, sizeof line, output) != nullptr) {
    std::istringstream fields(line);
    std::string source, destination;
    uint64_t bytes = 0;
    if (fields >> source >> destination >> bytes) sums[{source, destination}] += bytes;
  }
  pclose(output);
  return sums;
}

TEST(DecodeCorpus, the_decoder_equals_its_slow_twin_on_every_frame_of_every_capture) {
  const std::vector<fs::path> paths = captures();
  if (paths.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  uint64_t packets = 0, counted = 0;
  for (const fs::path& path : paths) {
    try {
      const Account account = account_of(path);
      EXPECT_EQ(account.disagreement, "") << path;
      packets += account.packets;
      counted += account.counted;
    } catch (const Error&) {
      // a damaged file, which the reader's own tests are about
    }
  }
  EXPECT_GT(counted, packets / 2);
  EXPECT_GT(packets, 100'000u);
}

TEST(DecodeCorpus, bytes_of_pairs_equal_tsharks_on_a_sample_of_plain_captures) {
  const std::vector<fs::path> paths = captures();
  if (paths.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  if (std::system("tshark --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no tshark here";
  size_t compared = 0;
  for (size_t i = 0; i < paths.size(); i += paths.size() / (kTsharkSample * 3 / 2)) {
    try {
      const Account account = account_of(paths[i]);
      if (!account.plain || account.ipv4_bytes.empty()) continue;
      EXPECT_EQ(account.ipv4_bytes, tshark_sums(paths[i])) << paths[i];
      ++compared;
    } catch (const Error&) {
      // a damaged file, which the reader's own tests are about
    }
  }
  EXPECT_GE(compared, kTsharkSample / 2);
}

}  // namespace
}  // namespace weir
