// Makes random frames: a link, tags, IP headers with tunnels between, a transport, then damage.
#include "tests/flowtable/random_frames.h"

#include <algorithm>

namespace weir {
namespace {

class Maker {
 public:
  explicit Maker(std::mt19937& random) : random_(random) {}

  RandomFrame frame() {
    RandomFrame made;
    made.port = static_cast<uint16_t>(below(4));
    made.link = add_link();
    add_tags();
    const int layers = 1 + (one_in(2) ? 0 : static_cast<int>(below(6)));
    for (int i = 0; i < layers; ++i) {
      add_ip();
      if (i + 1 < layers) add_tunnel();
    }
    add_transport();
    builder_.fill(below(64), static_cast<uint8_t>(below(256)));
    if (one_in(4)) builder_.padding(below(40), static_cast<uint8_t>(below(256)));
    made.bytes = builder_.build();
    if (one_in(2)) spoil(made.bytes);
    made.frame_bytes = static_cast<uint32_t>(made.bytes.size());
    if (one_in(8)) made.frame_bytes += below(3000);
    if (one_in(4)) made.bytes.resize(below(static_cast<uint32_t>(made.bytes.size()) + 1));
    return made;
  }

 private:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool one_in(uint32_t n) { return below(n) == 0; }
  uint16_t any16() { return static_cast<uint16_t>(below(65536)); }
  Bytes some_bytes(uint32_t limit) {
    Bytes bytes(below(limit));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(below(256));
    return bytes;
  }

  LinkType add_link() {
    if (!one_in(3)) {
      builder_.ethernet({.length_and_llc_snap = one_in(6)});
      return LinkType::kEthernet;
    }
    switch (below(11)) {
      case 0:
        builder_.null_loop(one_in(2) ? 2 : 30, one_in(2));
        return one_in(2) ? LinkType::kNull : LinkType::kLoop;
      case 1:
        builder_.ppp(one_in(2), one_in(2));
        return one_in(2) ? LinkType::kPpp : LinkType::kPppSerial;
      case 2:
        builder_.cisco_hdlc();
        return one_in(2) ? LinkType::kCiscoHdlc : LinkType::kPppSerial;
      case 3:
        builder_.frame_relay(one_in(2));
        return LinkType::kFrameRelay;
      case 4:
        builder_.linux_cooked();
        return LinkType::kLinuxSll;
      case 5:
        builder_.linux_cooked2();
        return LinkType::kLinuxSll2;
      case 6:
        builder_.nflog(one_in(2));
        return LinkType::kNflog;
      case 7:
        return one_in(2) ? LinkType::kIpv4 : LinkType::kIpv6;
      case 8:
        builder_.pppoe();
        return LinkType::kPppEther;
      case 9:
        builder_.raw({0x18, 0x41, 0x03, 0x00, 0x80, 0x00, 0x80, 0xc2, 0, 7}).ethernet();
        return LinkType::kFrameRelay;
      default:
        return LinkType::kRawIp;
    }
  }

  void add_tags() {
    while (one_in(4)) {
      constexpr uint16_t kTagTypes[] = {0x8100, 0x88a8, 0x9100, 0x9200};
      builder_.vlan(static_cast<uint16_t>(one_in(2) ? below(8) : below(4096)), kTagTypes[below(4)]);
    }
    while (one_in(12)) add_odd_tag();
    while (one_in(8)) builder_.mpls(below(1u << 20));
    if (one_in(12)) builder_.mpls(3).pseudowire().ethernet();
    if (one_in(8)) builder_.pppoe();
  }

  void add_odd_tag() {
    const auto last = static_cast<uint8_t>(1 + below(6));
    switch (below(6)) {
      case 0:
        builder_.raw({0x80, 1, 0, 0, 0x08, 0x00}, 0x8926);
        break;
      case 1:
        builder_.raw({0x10, 0, 0, 0xd3, 0, 0, 0x86, 0xdd}, 0x893f);
        break;
      case 2:
        builder_.raw({0, 1}, 0x8903).ethernet();
        break;
      case 3:
        builder_.raw({0, 1, 2, 3}, 0x88e7).ethernet();
        break;
      case 4:
        builder_.raw({0, 0, 0, 0, 0, 7, 0x08, 0x00}, 0x88e5);
        break;
      default:
        builder_.raw({0, 2, 2, last, 0, 0, 1, 2}, 0x894f);
        if (last == 3) builder_.ethernet();
    }
  }

  std::string address4() {
    constexpr const char* kPool[] = {"10.0.0.1",    "10.9.9.9",      "192.168.3.4", "192.0.2.9",
                                     "8.8.8.8",     "239.1.1.1",     "127.0.0.1",   "0.0.0.0",
                                     "100.64.0.77", "172.31.255.255"};
    return kPool[below(std::size(kPool))];
  }
  std::string address6() {
    constexpr const char* kPool[] = {"fd00::1", "fd00::2", "2001:db8::9", "2001:db8::a",
                                     "fe80::1", "ff02::1", "::"};
    return kPool[below(std::size(kPool))];
  }

  void add_ip() {
    if (one_in(3)) {
      Ipv6Fields fields;
      if (one_in(12)) fields.payload_bytes = static_cast<uint16_t>(one_in(2) ? 0 : below(400));
      builder_.ipv6(address6(), address6(), fields);
      constexpr uint8_t kExtensions[] = {0, 43, 60, 135, 139, 140};
      while (one_in(4)) builder_.extension(kExtensions[below(6)], {.options = some_bytes(30)});
      if (one_in(12)) builder_.extension(0, {.options = {0xc2, 4, 0, 1, 0, 0}});
      if (one_in(12)) builder_.authentication();
      if (one_in(8))
        builder_.fragment6(static_cast<uint16_t>(one_in(2) ? 0 : 8 * below(99)), one_in(2));
      return;
    }
    Ipv4Fields fields;
    if (one_in(6)) fields.options = some_bytes(40);
    if (one_in(8)) fields.more_fragments = true;
    if (one_in(12)) fields.fragment_offset_bytes = static_cast<uint16_t>(8 * below(99));
    if (one_in(12)) fields.total_bytes = static_cast<uint16_t>(one_in(2) ? 0 : below(400));
    builder_.ipv4(address4(), address4(), std::move(fields));
  }

  void add_tunnel() {
    switch (below(13)) {
      case 11:
        builder_.gre({.type = 0x883e}).raw(one_in(2) ? Bytes{} : Bytes{0, 1, 2, 3});
        break;
      case 0:
        builder_.gre({.checksum = one_in(2)});
        break;
      case 1:
        builder_.gre({.key = any16(), .sequence = any16()}).ethernet();
        break;
      case 2:
        builder_.nvgre(1 + below(8)).ethernet();
        break;
      case 3:
        builder_.erspan1().ethernet();
        break;
      case 4:
        builder_.erspan2().ethernet();
        break;
      case 5:
        builder_.erspan3(one_in(2)).ethernet();
        break;
      case 6:
        builder_.vxlan(below(8), one_in(2) ? 4789 : 8472).ethernet();
        break;
      case 7:
        builder_.geneve(below(8), some_bytes(20));
        if (one_in(2)) builder_.ethernet();
        break;
      case 8:
        builder_.gtp_u(any16(), {.extensions = one_in(2) ? Bytes{1, 0, 0, 0} : Bytes{},
                                 .first_extension = 0x85});
        break;
      case 9:
        builder_.teredo({.authentication = one_in(2), .origin = one_in(2)});
        break;
      case 10:
        builder_.gre({.key = any16(), .version = 1}).ppp(one_in(2), one_in(2));
        break;
      default:
        return;  // IP in IP
    }
    add_tags();
  }

  void add_transport() {
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        builder_.tcp(any16(), any16(),
                     {.flags = static_cast<uint8_t>(below(256)), .options = some_bytes(40)});
        break;
      case 3:
        builder_.udp(any16(), any16());
        break;
      case 4:
        builder_.udp(any16(), any16(), {.length_bytes = static_cast<uint16_t>(below(90))});
        break;
      case 5:
        one_in(2) ? builder_.icmp() : builder_.icmp6();
        break;
      case 6:
        builder_.sctp(any16(), any16());
        break;
      default:
        builder_.protocol(static_cast<uint8_t>(below(256)));
    }
  }

  void spoil(Bytes& bytes) {
    for (uint32_t times = 1 + below(4); times > 0 && !bytes.empty(); --times) {
      // Headers are at the front.
      const size_t limit = one_in(2) ? std::min<size_t>(bytes.size(), 80) : bytes.size();
      const size_t at = below(static_cast<uint32_t>(limit));
      switch (below(4)) {
        case 0:
          bytes[at] = static_cast<uint8_t>(below(256));
          break;
        case 1:
          bytes[at] = static_cast<uint8_t>(bytes[at] ^ 1u << below(8));
          break;
        case 2:
          bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at));
          break;
        default: {
          const Bytes again(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.end());
          if (bytes.size() < 2000) bytes.insert(bytes.end(), again.begin(), again.end());
        }
      }
    }
  }

  std::mt19937& random_;
  PacketBuilder builder_;
};

}  // namespace

RandomFrame random_frame(std::mt19937& random) { return Maker(random).frame(); }

Frame frame_of(const RandomFrame& random_frame) {
  Frame frame = frame_of(random_frame.bytes, random_frame.link);
  frame.frame_bytes = random_frame.frame_bytes;
  frame.port = random_frame.port;
  return frame;
}

}  // namespace weir
