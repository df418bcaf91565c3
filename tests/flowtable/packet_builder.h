// Builds frames for tests, outermost header first: right lengths and checksums unless told else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowtable/frame.h"

namespace weir {

using Bytes = std::vector<uint8_t>;

/// Values a test wants to differ from the right ones.
struct EthernetFields {
  std::string_view destination = "02:00:00:00:00:02";
  std::string_view source = "02:00:00:00:00:01";
  std::optional<uint16_t> ether_type = {};
  bool length_and_llc_snap = false;  // 802.3 length, then aa aa 03 and SNAP
};
struct Ipv4Fields {
  uint8_t time_to_live = 64;
  uint8_t type_of_service = 0;
  uint16_t identification = 1;
  bool dont_fragment = false;
  bool more_fragments = false;
  uint16_t fragment_offset_bytes = 0;  // a multiple of 8
  Bytes options = {};                  // padded to words
  std::optional<uint8_t> protocol = {};
  std::optional<uint8_t> version = {};
  std::optional<uint8_t> header_words = {};
  std::optional<uint16_t> total_bytes = {};
  std::optional<uint16_t> checksum = {};
};
struct Ipv6Fields {
  uint8_t hop_limit = 64;
  std::optional<uint8_t> next_header = {};
  std::optional<uint8_t> version = {};
  std::optional<uint16_t> payload_bytes = {};
};
struct ExtensionFields {
  Bytes options = {};  // behind the two length bytes, padded to eight
  std::optional<uint8_t> next_header = {};
  std::optional<uint8_t> length_field = {};
};
struct TcpFields {
  uint32_t sequence = 1000;
  uint32_t acknowledgement = 0;
  uint8_t flags = 0x10;  // ACK
  uint16_t window = 65535;
  Bytes options = {};  // padded to words
  std::optional<uint8_t> header_words = {};
  std::optional<uint16_t> checksum = {};
};
struct UdpFields {
  std::optional<uint16_t> length_bytes = {};
  std::optional<uint16_t> checksum = {};
};
struct IcmpFields {
  uint16_t identifier = 1;
  uint16_t sequence = 1;
  std::optional<uint16_t> checksum = {};
};
struct GreFields {
  std::optional<uint32_t> key = {};
  std::optional<uint32_t> sequence = {};
  bool checksum = false;
  std::optional<uint16_t> type = {};
  uint8_t version = 0;
};
struct GtpUFields {
  std::optional<uint16_t> sequence = {};
  Bytes extensions = {};  // as on the wire, the first one's type apart
  uint8_t first_extension = 0;
  uint8_t message = 255;
};
struct TeredoFields {
  bool authentication = false;
  bool origin = false;
};

class PacketBuilder {
 public:
  // ---- link ----
  PacketBuilder& ethernet(EthernetFields fields = {});
  PacketBuilder& vlan(uint16_t id, uint16_t tag_type = 0x8100);
  PacketBuilder& qinq(uint16_t outer_id, uint16_t inner_id);  // 802.1ad around 802.1Q
  PacketBuilder& mpls(uint32_t label, std::optional<bool> bottom = {});
  PacketBuilder& pseudowire();  // control word, then ethernet()
  PacketBuilder& pppoe();       // session and PPP protocol
  PacketBuilder& ppp(bool framing = true, bool compressed = false);
  PacketBuilder& cisco_hdlc();
  PacketBuilder& frame_relay(bool snap = false);
  PacketBuilder& null_loop(uint32_t family, bool big_endian = false);
  PacketBuilder& linux_cooked();
  PacketBuilder& linux_cooked2();
  PacketBuilder& nflog(bool big_endian = false);

  // ---- IP; behind an IP header it is a tunnel ----
  PacketBuilder& ipv4(std::string_view source, std::string_view destination, Ipv4Fields = {});
  PacketBuilder& ipv6(std::string_view source, std::string_view destination, Ipv6Fields = {});
  /// Either, by the looks of `source`.
  PacketBuilder& ip(std::string_view source, std::string_view destination);
  PacketBuilder& extension(uint8_t protocol, ExtensionFields fields = {});  // IPv6, not AH
  PacketBuilder& authentication(uint8_t value_words = 3);
  PacketBuilder& fragment6(uint16_t offset_bytes, bool more, uint32_t identification = 1);

  // ---- tunnels; the UDP ones bring their UDP header ----
  PacketBuilder& gre(GreFields fields = {});
  PacketBuilder& nvgre(uint32_t vsid);
  PacketBuilder& erspan1();
  PacketBuilder& erspan2(uint16_t session = 1);
  PacketBuilder& erspan3(bool platform_part = false, uint16_t session = 1);
  PacketBuilder& vxlan(uint32_t vni, uint16_t port = 4789);
  PacketBuilder& geneve(uint32_t vni, Bytes options = {});
  PacketBuilder& gtp_u(uint32_t tunnel, GtpUFields fields = {});
  PacketBuilder& teredo(TeredoFields fields = {});

  // ---- transport ----
  PacketBuilder& tcp(uint16_t source_port, uint16_t destination_port, TcpFields fields = {});
  PacketBuilder& udp(uint16_t source_port, uint16_t destination_port, UdpFields fields = {});
  PacketBuilder& icmp(uint8_t type = 8, uint8_t code = 0, IcmpFields fields = {});
  PacketBuilder& icmp6(uint8_t type = 128, uint8_t code = 0, IcmpFields fields = {});
  PacketBuilder& sctp(uint16_t source_port, uint16_t destination_port);
  /// Any other protocol: its number for the header around, nothing more.
  PacketBuilder& protocol(uint8_t number);

  // ---- what is carried ----
  PacketBuilder& payload(Bytes bytes);
  PacketBuilder& payload(std::string_view text);
  PacketBuilder& fill(size_t bytes, uint8_t value = 'w');
  /// Any header this builder does not know; the numbers are what the header around announces.
  PacketBuilder& raw(Bytes header, uint16_t ether_type = 0, uint8_t ip_protocol = 0);
  /// Bytes behind everything that no length counts, as Ethernet padding.
  PacketBuilder& padding(size_t bytes, uint8_t value = 0);

  Bytes build() const;

 private:
  enum class Kind : uint8_t { kPlain, kIpv4, kIpv6, kExtension, kTransport };
  /// A header with its numbers for the header around it. Fields that depend on what follows are
  /// places in `header`, filled in when built, innermost first.
  struct Layer {
    Bytes header = {};
    Kind kind = Kind::kPlain;
    uint16_t ether_type = 0;
    uint8_t ip_protocol = 0;
    std::optional<size_t> next_ether_type_at = {};  // 16 bits: ether_type of the next layer
    std::optional<size_t> next_ppp_at = {};         // its PPP protocol, 16 bits
    std::optional<size_t> next_ppp_short_at = {};   // its PPP protocol, 8 bits
    std::optional<size_t> next_nlpid_at = {};       // its NLPID of frame relay
    std::optional<size_t> next_protocol_at = {};    // 8 bits: ip_protocol of the next layer
    std::optional<size_t> length_at = {};  // 16 bits: bytes from length_from, all that follows
    size_t length_from = 0;
    bool host_order_length = false;          // NFLOG
    std::optional<size_t> bottom_at = {};    // MPLS: 1 if no label follows
    std::optional<size_t> checksum_at = {};  // of header and rest, or of the IPv4 header alone
    bool pseudo_header = false;              // the checksum covers the addresses around
    bool fragment = false;                   // what follows is no whole transport segment
  };
  Layer& add(Layer layer);
  void finish(const Layer& layer, const Layer* next, Bytes& rest) const;
  void sum_transport(size_t ip_layer, Bytes& rest) const;

  std::vector<Layer> layers_;
  Bytes carried_;
  Bytes padding_;
};

/// A frame over `bytes`, which must outlive it: all of it captured, at time `time_ns`.
Frame frame_of(const Bytes& bytes, LinkType link = LinkType::kEthernet, uint64_t time_ns = 0);

}  // namespace weir
