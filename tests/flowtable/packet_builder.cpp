// Encodes the headers of PacketBuilder.
#include "tests/flowtable/packet_builder.h"

#include <cstdio>
#include <stdexcept>
#include <utility>

#include "flowtable/ip_address.h"

namespace weir {
namespace {

void put16(Bytes& bytes, uint32_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}
void put32(Bytes& bytes, uint32_t value) {
  put16(bytes, value >> 16);
  put16(bytes, value);
}
void put64(Bytes& bytes, uint64_t value) {
  put32(bytes, static_cast<uint32_t>(value >> 32));
  put32(bytes, static_cast<uint32_t>(value));
}
void put(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

void set16(Bytes& bytes, size_t at, size_t value) {
  bytes.at(at) = static_cast<uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<uint8_t>(value);
}

Bytes padded(Bytes bytes, size_t unit, size_t already = 0) {
  while ((bytes.size() + already) % unit != 0) bytes.push_back(0);
  return bytes;
}

Bytes mac(std::string_view text) {
  unsigned b[6];
  if (std::sscanf(std::string(text).c_str(), "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4],
                  &b[5]) != 6)
    throw std::invalid_argument("no MAC address: " + std::string(text));
  Bytes bytes;
  for (const unsigned byte : b) bytes.push_back(static_cast<uint8_t>(byte));
  return bytes;
}

IpAddress address(std::string_view text) {
  const auto parsed = parse_ip_address(text);
  if (!parsed) throw std::invalid_argument("no IP address: " + std::string(text));
  return *parsed;
}

/// RFC 1071.
uint32_t add_words(const Bytes& bytes, size_t from, size_t to, uint32_t sum) {
  for (size_t i = from; i < to; ++i)
    sum += (i - from) % 2 == 0 ? uint32_t{bytes.at(i)} << 8 : bytes.at(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

uint16_t ppp_protocol(uint16_t ether_type) {
  switch (ether_type) {
    case 0x0800:
      return 0x0021;
    case 0x86dd:
      return 0x0057;
    case 0x8847:
      return 0x0281;
    default:
      return 0xc021;  // LCP
  }
}

}  // namespace

PacketBuilder::Layer& PacketBuilder::add(Layer layer) {
  layers_.push_back(std::move(layer));
  return layers_.back();
}

PacketBuilder& PacketBuilder::ethernet(EthernetFields fields) {
  Layer layer{.ether_type = 0x6558, .ip_protocol = 143};
  put(layer.header, mac(fields.destination));
  put(layer.header, mac(fields.source));
  put16(layer.header, fields.ether_type.value_or(0));
  if (fields.length_and_llc_snap) {
    layer.length_at = 12;
    layer.length_from = 14;
    put(layer.header, {0xaa, 0xaa, 0x03, 0, 0, 0});
    put16(layer.header, fields.ether_type.value_or(0));
  }
  if (!fields.ether_type) layer.next_ether_type_at = layer.header.size() - 2;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::vlan(uint16_t id, uint16_t tag_type) {
  Layer layer{.ether_type = tag_type, .next_ether_type_at = 2};
  put16(layer.header, id);
  put16(layer.header, 0);
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::qinq(uint16_t outer_id, uint16_t inner_id) {
  return vlan(outer_id, 0x88a8).vlan(inner_id);
}

PacketBuilder& PacketBuilder::mpls(uint32_t label, std::optional<bool> bottom) {
  Layer layer{.ether_type = 0x8847, .ip_protocol = 137};
  put32(layer.header, label << 12 | (bottom.value_or(false) ? 0x100u : 0u) | 64u);
  if (!bottom) layer.bottom_at = 2;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::pseudowire() { return raw({0, 0, 0, 1}); }

PacketBuilder& PacketBuilder::pppoe() {
  Layer layer{.ether_type = 0x8864, .next_ppp_at = 6, .length_at = 4, .length_from = 6};
  layer.header = {0x11, 0, 0, 7, 0, 0, 0, 0};
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::ppp(bool framing, bool compressed) {
  Layer layer{.ether_type = 0x880b};
  if (framing) layer.header = {0xff, 0x03};
  (compressed ? layer.next_ppp_short_at : layer.next_ppp_at) = layer.header.size();
  layer.header.resize(layer.header.size() + (compressed ? 1 : 2));
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::cisco_hdlc() {
  add({.header = {0x0f, 0, 0, 0}, .next_ether_type_at = 2});
  return *this;
}

PacketBuilder& PacketBuilder::frame_relay(bool snap) {
  if (snap)
    add({.header = {0x18, 0x41, 0x03, 0x00, 0x80, 0, 0, 0, 0, 0}, .next_ether_type_at = 8});
  else
    add({.header = {0x18, 0x41, 0x03, 0}, .next_nlpid_at = 3});
  return *this;
}

PacketBuilder& PacketBuilder::null_loop(uint32_t family, bool big_endian) {
  Layer layer;
  put32(layer.header, big_endian ? family : __builtin_bswap32(family));
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::linux_cooked() {
  add({.header = {0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0}, .next_ether_type_at = 14});
  return *this;
}

PacketBuilder& PacketBuilder::linux_cooked2() {
  add({.header = {0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0},
       .next_ether_type_at = 0});
  return *this;
}

PacketBuilder& PacketBuilder::nflog(bool big_endian) {
  Layer layer{.header = {2, 0, 0, 0}, .length_from = 12, .host_order_length = !big_endian};
  const auto put_order = [&](uint16_t value) {
    put16(layer.header, big_endian ? value : __builtin_bswap16(value));
  };
  put_order(5);  // a prefix of one byte, padded to four
  put_order(10);
  put(layer.header, {'w', 0, 0, 0});
  layer.length_at = layer.header.size();
  layer.length_from = layer.header.size();
  put_order(0);
  put_order(9);
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::ipv4(std::string_view source, std::string_view destination,
                                   Ipv4Fields fields) {
  const Bytes options = padded(fields.options, 4);
  Layer layer{.kind = Kind::kIpv4, .ether_type = 0x0800, .ip_protocol = 4};
  const uint8_t words = fields.header_words.value_or(static_cast<uint8_t>(5 + options.size() / 4));
  layer.header = {static_cast<uint8_t>(fields.version.value_or(4) << 4 | (words & 15)),
                  fields.type_of_service};
  put16(layer.header, fields.total_bytes.value_or(0));
  put16(layer.header, fields.identification);
  put16(layer.header, (fields.dont_fragment ? 0x4000u : 0u) |
                          (fields.more_fragments ? 0x2000u : 0u) |
                          fields.fragment_offset_bytes / 8u);
  put(layer.header, {fields.time_to_live, fields.protocol.value_or(0)});
  put16(layer.header, fields.checksum.value_or(0));
  put32(layer.header, address(source).v4_value());
  put32(layer.header, address(destination).v4_value());
  put(layer.header, options);
  if (!fields.total_bytes) layer.length_at = 2;
  if (!fields.protocol) layer.next_protocol_at = 9;
  if (!fields.checksum) layer.checksum_at = 10;
  layer.fragment = fields.more_fragments || fields.fragment_offset_bytes != 0;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::ipv6(std::string_view source, std::string_view destination,
                                   Ipv6Fields fields) {
  Layer layer{.kind = Kind::kIpv6, .ether_type = 0x86dd, .ip_protocol = 41};
  layer.header = {static_cast<uint8_t>(fields.version.value_or(6) << 4), 0, 0, 0};
  put16(layer.header, fields.payload_bytes.value_or(0));
  put(layer.header, {fields.next_header.value_or(59), fields.hop_limit});
  for (const IpAddress& end : {address(source), address(destination)}) {
    put64(layer.header, end.high);
    put64(layer.header, end.low);
  }
  if (!fields.payload_bytes) {
    layer.length_at = 4;
    layer.length_from = 40;
  }
  if (!fields.next_header) layer.next_protocol_at = 6;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::ip(std::string_view source, std::string_view destination) {
  return address(source).is_v4() ? ipv4(source, destination) : ipv6(source, destination);
}

PacketBuilder& PacketBuilder::extension(uint8_t protocol, ExtensionFields fields) {
  const Bytes options = padded(fields.options.empty() ? Bytes(6) : fields.options, 8, 2);
  Layer layer{.kind = Kind::kExtension, .ip_protocol = protocol};
  layer.header = {fields.next_header.value_or(59),
                  fields.length_field.value_or(static_cast<uint8_t>((options.size() + 2) / 8 - 1))};
  put(layer.header, options);
  if (!fields.next_header) layer.next_protocol_at = 0;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::authentication(uint8_t value_words) {
  Layer layer{.kind = Kind::kExtension, .ip_protocol = 51, .next_protocol_at = 0};
  layer.header = {59, static_cast<uint8_t>(value_words + 1), 0, 0};
  layer.header.resize(12u + value_words * 4u);
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::fragment6(uint16_t offset_bytes, bool more, uint32_t identification) {
  Layer layer{.kind = Kind::kExtension, .ip_protocol = 44, .next_protocol_at = 0};
  layer.header = {59, 0};
  put16(layer.header, (offset_bytes & 0xfff8u) | (more ? 1u : 0u));
  put32(layer.header, identification);
  layer.fragment = more || offset_bytes != 0;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::gre(GreFields fields) {
  Layer layer{.ip_protocol = 47};
  layer.header = {static_cast<uint8_t>((fields.checksum ? 0x80 : 0) | (fields.key ? 0x20 : 0) |
                                       (fields.sequence ? 0x10 : 0)),
                  fields.version};
  put16(layer.header, fields.type.value_or(0));
  if (!fields.type) layer.next_ether_type_at = 2;
  if (fields.checksum) {
    layer.checksum_at = 4;
    put32(layer.header, 0);
  }
  if (fields.key) put32(layer.header, *fields.key);
  if (fields.sequence) put32(layer.header, *fields.sequence);
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::nvgre(uint32_t vsid) { return gre({.key = vsid << 8}); }

PacketBuilder& PacketBuilder::erspan1() { return gre({.type = 0x88be}); }

PacketBuilder& PacketBuilder::erspan2(uint16_t session) {
  gre({.sequence = 1, .type = 0x88be});
  return raw(
      {0x10, 0, static_cast<uint8_t>(session >> 8 & 3), static_cast<uint8_t>(session), 0, 0, 0, 0});
}

PacketBuilder& PacketBuilder::erspan3(bool platform_part, uint16_t session) {
  gre({.sequence = 1, .type = 0x22eb});
  Bytes header{0x20,
               0,
               static_cast<uint8_t>(session >> 8 & 3),
               static_cast<uint8_t>(session),
               0,
               0,
               0,
               0,
               0,
               0,
               0,
               static_cast<uint8_t>(platform_part ? 1 : 0)};
  if (platform_part) header.resize(20);
  return raw(std::move(header));
}

PacketBuilder& PacketBuilder::vxlan(uint32_t vni, uint16_t port) {
  Bytes header{0x08, 0, 0, 0};
  put32(header, vni << 8);
  return udp(49152, port).raw(std::move(header));
}

PacketBuilder& PacketBuilder::geneve(uint32_t vni, Bytes options) {
  options = padded(std::move(options), 4);
  udp(49153, 6081);
  Layer layer{.next_ether_type_at = 2};
  layer.header = {static_cast<uint8_t>(options.size() / 4), 0, 0, 0};
  put32(layer.header, vni << 8);
  put(layer.header, options);
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::gtp_u(uint32_t tunnel, GtpUFields fields) {
  udp(2152, 2152);
  const bool optional = fields.sequence || !fields.extensions.empty();
  Layer layer{.length_at = 2, .length_from = 8};
  layer.header = {
      static_cast<uint8_t>(0x30 | (fields.sequence ? 2 : 0) | (fields.extensions.empty() ? 0 : 4)),
      fields.message, 0, 0};
  put32(layer.header, tunnel);
  if (optional) {
    put16(layer.header, fields.sequence.value_or(0));
    put(layer.header, {0, fields.first_extension});
    put(layer.header, fields.extensions);
  }
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::teredo(TeredoFields fields) {
  udp(49154, 3544);
  Bytes header;
  if (fields.authentication) put(header, {0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0});
  if (fields.origin) put(header, {0, 0, 0x12, 0x34, 1, 2, 3, 4});
  return header.empty() ? *this : raw(std::move(header));
}

PacketBuilder& PacketBuilder::tcp(uint16_t source_port, uint16_t destination_port,
                                  TcpFields fields) {
  const Bytes options = padded(fields.options, 4);
  Layer layer{.kind = Kind::kTransport, .ip_protocol = 6, .pseudo_header = true};
  put16(layer.header, source_port);
  put16(layer.header, destination_port);
  put32(layer.header, fields.sequence);
  put32(layer.header, fields.acknowledgement);
  const uint8_t words = fields.header_words.value_or(static_cast<uint8_t>(5 + options.size() / 4));
  put(layer.header, {static_cast<uint8_t>(words << 4), fields.flags});
  put16(layer.header, fields.window);
  put16(layer.header, fields.checksum.value_or(0));
  put16(layer.header, 0);
  put(layer.header, options);
  if (!fields.checksum) layer.checksum_at = 16;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::udp(uint16_t source_port, uint16_t destination_port,
                                  UdpFields fields) {
  Layer layer{.kind = Kind::kTransport, .ip_protocol = 17, .pseudo_header = true};
  put16(layer.header, source_port);
  put16(layer.header, destination_port);
  put16(layer.header, fields.length_bytes.value_or(0));
  put16(layer.header, fields.checksum.value_or(0));
  if (!fields.length_bytes) layer.length_at = 4;
  if (!fields.checksum) layer.checksum_at = 6;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::icmp(uint8_t type, uint8_t code, IcmpFields fields) {
  Layer layer{.kind = Kind::kTransport, .ip_protocol = 1};
  layer.header = {type, code};
  put16(layer.header, fields.checksum.value_or(0));
  put16(layer.header, fields.identifier);
  put16(layer.header, fields.sequence);
  if (!fields.checksum) layer.checksum_at = 2;
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::icmp6(uint8_t type, uint8_t code, IcmpFields fields) {
  icmp(type, code, fields);
  layers_.back().ip_protocol = 58;
  layers_.back().pseudo_header = true;
  return *this;
}

PacketBuilder& PacketBuilder::sctp(uint16_t source_port, uint16_t destination_port) {
  Layer layer{.ip_protocol = 132};
  put16(layer.header, source_port);
  put16(layer.header, destination_port);
  put64(layer.header, 0);
  add(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::protocol(uint8_t number) { return raw({}, 0, number); }

PacketBuilder& PacketBuilder::payload(Bytes bytes) {
  carried_ = std::move(bytes);
  return *this;
}

PacketBuilder& PacketBuilder::payload(std::string_view text) {
  return payload(Bytes(text.begin(), text.end()));
}

PacketBuilder& PacketBuilder::fill(size_t bytes, uint8_t value) {
  return payload(Bytes(bytes, value));
}

PacketBuilder& PacketBuilder::raw(Bytes header, uint16_t ether_type, uint8_t ip_protocol) {
  add({.header = std::move(header), .ether_type = ether_type, .ip_protocol = ip_protocol});
  return *this;
}

PacketBuilder& PacketBuilder::padding(size_t bytes, uint8_t value) {
  padding_ = Bytes(bytes, value);
  return *this;
}

void PacketBuilder::finish(const Layer& layer, const Layer* next, Bytes& rest) const {
  Bytes header = layer.header;
  const uint16_t ether_type = next != nullptr ? next->ether_type : 0x88b5;  // local experimental
  if (layer.next_ether_type_at) set16(header, *layer.next_ether_type_at, ether_type);
  if (layer.next_ppp_at) set16(header, *layer.next_ppp_at, ppp_protocol(ether_type));
  if (layer.next_ppp_short_at)
    header.at(*layer.next_ppp_short_at) = static_cast<uint8_t>(ppp_protocol(ether_type));
  if (layer.next_nlpid_at) header.at(*layer.next_nlpid_at) = ether_type == 0x86dd ? 0x8e : 0xcc;
  if (layer.next_protocol_at)
    header.at(*layer.next_protocol_at) = next != nullptr ? next->ip_protocol : 59;
  if (layer.bottom_at && (next == nullptr || next->ether_type != 0x8847))
    header.at(*layer.bottom_at) |= 1;
  if (layer.length_at) {
    const auto bytes = static_cast<uint16_t>(header.size() + rest.size() - layer.length_from);
    set16(header, *layer.length_at, layer.host_order_length ? __builtin_bswap16(bytes) : bytes);
  }
  if (layer.checksum_at && !layer.pseudo_header) {
    uint32_t sum = add_words(header, 0, header.size(), 0);
    if (layer.kind != Kind::kIpv4) sum = add_words(rest, 0, rest.size(), sum);
    set16(header, *layer.checksum_at, ~sum & 0xffff);
  }
  rest.insert(rest.begin(), header.begin(), header.end());
}

/// `rest` begins with the IP header of `ip_layer`: fills in the checksum of the transport header
/// behind it, which covers the addresses (RFC 9293 3.1, RFC 8200 8.1).
void PacketBuilder::sum_transport(size_t ip_layer, Bytes& rest) const {
  size_t at = layers_[ip_layer].header.size();
  size_t transport = ip_layer + 1;
  if (layers_[ip_layer].fragment) return;
  while (transport < layers_.size() && layers_[transport].kind == Kind::kExtension) {
    if (layers_[transport].fragment) return;
    at += layers_[transport++].header.size();
  }
  if (transport == layers_.size() || !layers_[transport].pseudo_header ||
      !layers_[transport].checksum_at)
    return;
  const bool v4 = layers_[ip_layer].kind == Kind::kIpv4;
  uint32_t sum = add_words(rest, v4 ? 12 : 8, v4 ? 20 : 40, 0);
  sum += static_cast<uint32_t>(rest.size() - at) + layers_[transport].ip_protocol;
  sum = add_words(rest, at, rest.size(), sum);
  const uint32_t checksum = ~sum & 0xffff;
  const bool udp = layers_[transport].ip_protocol == 17;  // zero would mean: no checksum
  set16(rest, at + *layers_[transport].checksum_at, udp && checksum == 0 ? 0xffff : checksum);
}

Bytes PacketBuilder::build() const {
  Bytes rest = carried_;
  for (size_t i = layers_.size(); i-- > 0;) {
    finish(layers_[i], i + 1 < layers_.size() ? &layers_[i + 1] : nullptr, rest);
    if (layers_[i].kind == Kind::kIpv4 || layers_[i].kind == Kind::kIpv6) sum_transport(i, rest);
  }
  put(rest, padding_);
  return rest;
}

Frame frame_of(const Bytes& bytes, LinkType link, uint64_t time_ns) {
  const auto frame_bytes = static_cast<uint32_t>(bytes.size());
  return {.data = bytes.data(),
          .contiguous_bytes = frame_bytes,
          .captured_bytes = frame_bytes,
          .frame_bytes = frame_bytes,
          .link = link,
          .time_ns = time_ns};
}

}  // namespace weir
