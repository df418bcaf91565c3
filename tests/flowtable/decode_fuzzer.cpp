// Fuzzes the decoder: it must read nothing beyond a frame and agree with its slow twin.
#include <cstdio>
#include <cstdlib>
#include <span>

#include "tests/flowtable/decoded.h"
#include "tests/flowtable/slow_decoder.h"

/// The first four bytes choose link type, depth, decapsulation and what the wire had beyond the
/// capture; the rest is the frame.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace weir;
  constexpr LinkType kLinks[] = {LinkType::kEthernet,  LinkType::kNull,       LinkType::kPpp,
                                 LinkType::kRawIp,     LinkType::kPppSerial,  LinkType::kPppEther,
                                 LinkType::kCiscoHdlc, LinkType::kFrameRelay, LinkType::kLoop,
                                 LinkType::kLinuxSll,  LinkType::kIpv4,       LinkType::kIpv6,
                                 LinkType::kNflog,     LinkType::kLinuxSll2};
  static const std::vector<Network> networks{
      {.home = default_home_ranges()},
      {.name = "other", .vlans = {3}, .vnis = {5}, .home = ranges_of({"192.0.2.0/24"})}};
  static const HomeNetworks home(networks);
  constexpr size_t kChoices = 4;
  if (size_bytes < kChoices) return 0;
  const DecodeOptions options{.decap = data[1] & 1 ? ranges_of({"::/0"}) : std::vector<IpRange>{},
                              .decode_depth = data[1] / 16u};
  const Bytes bytes(data + kChoices, data + size_bytes);
  Frame frame = frame_of(bytes, kLinks[data[0] % std::size(kLinks)]);
  frame.frame_bytes += data[2] * 16u;
  frame.port = data[3];
  Packet fast;
  const Decoder decoder(home, options);
  decoder.decode({&frame, 1}, &fast);
  const std::string found = difference(fast, slow_decode(frame, networks, options));
  if (found.empty()) return 0;
  std::fprintf(stderr, "%s\n", found.c_str());
  std::abort();
}
