// Endless TCP traffic over a given number of connections, computed, so that it needs no memory.
#include "bench/flowtable/traffic.h"

#include <bit>
#include <cstring>

namespace weir {
namespace {

constexpr uint32_t kIpAndTcpBytes = 40;
constexpr uint64_t kStartNs = 1'700'000'000'000'000'000;
constexpr uint64_t kStepNs = 100;

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014).
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

void put32(uint8_t* at, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof(value));
}

void put16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

/// The headers as they lie on the wire, for what reads bytes (the digest of a packet).
void write_headers(const Packet& packet, uint16_t identification, uint8_t* bytes) {
  bytes[0] = 0x45;
  put16(bytes + 2, packet.ip_bytes);
  put16(bytes + 4, identification);
  bytes[8] = 64;
  bytes[9] = kProtocolTcp;
  put32(bytes + 12, packet.source.v4_value());
  put32(bytes + 16, packet.destination.v4_value());
  put16(bytes + 20, packet.source_port);
  put16(bytes + 22, packet.destination_port);
  put32(bytes + 24, packet.sequence);
  put32(bytes + 28, packet.acknowledgement);
  bytes[32] = 0x50;
  bytes[33] = packet.tcp_flags;
}

}  // namespace

Traffic::Traffic(uint32_t connections)
    : connections_(connections), half_bits_((std::bit_width(connections - 1) + 1) / 2) {}

/// A Feistel network of four rounds permutes the next even power of two; numbers beyond the
/// connections are sent through it again.
uint32_t Traffic::shuffled(uint32_t position) const {
  const uint32_t half = (1u << half_bits_) - 1;
  uint32_t value = position;
  do {
    uint32_t left = value >> half_bits_, right = value & half;
    for (uint32_t i = 0; i < 4; ++i) {
      const auto key = static_cast<uint64_t>(round_) << 32 | i << 28 | right;
      const uint32_t next = (left ^ static_cast<uint32_t>(mix(key))) & half;
      left = right;
      right = next;
    }
    value = left << half_bits_ | right;
  } while (value >= connections_);
  return value;
}

void Traffic::fill(Packet& packet, uint8_t* bytes, uint32_t connection) const {
  const uint32_t pair = connection / kConnectionsPerTotal;
  const IpAddress host = IpAddress::v4(0x0a000000 | pair);
  const IpAddress destination =
      IpAddress::v4(0x10000000 | (static_cast<uint32_t>(mix(pair)) & 0x0fffffff));
  const auto host_port = static_cast<uint16_t>(20000 + connection % kConnectionsPerTotal);
  const uint32_t data_round = round_ < kHandshakeRounds ? 0 : round_ - kHandshakeRounds;
  const bool by_client = round_ < kHandshakeRounds ? round_ != 1 : data_round % 2 == 0;
  // Sequence numbers run off the low bits of the connection's number, SYN included.
  const uint32_t client_at = connection + (data_round + 1) / 2 * kClientPayloadBytes;
  const uint32_t server_at = ~connection + data_round / 2 * kServerPayloadBytes;
  const uint32_t opened = round_ == 0 ? 0 : 1;

  packet = {};
  packet.source = by_client ? host : destination;
  packet.destination = by_client ? destination : host;
  packet.source_port = by_client ? host_port : uint16_t{443};
  packet.destination_port = by_client ? uint16_t{443} : host_port;
  packet.source_home = by_client;
  packet.scope = Scope::kOutbound;
  packet.protocol = kProtocolTcp;
  packet.transport_readable = true;
  packet.transport_offset = 20;
  packet.payload_offset = kIpAndTcpBytes;
  packet.time_ns = kStartNs + packets_ * kStepNs;
  packet.sequence = by_client ? client_at + opened : server_at + (round_ == 1 ? 0 : 1);
  if (round_ != 0) packet.acknowledgement = by_client ? server_at + 1 : client_at + 1;
  packet.tcp_flags = static_cast<uint8_t>((round_ < 2 ? kTcpSyn : 0) | (round_ != 0 ? kTcpAck : 0));
  if (round_ >= kHandshakeRounds)
    packet.payload_bytes = by_client ? kClientPayloadBytes : kServerPayloadBytes;
  packet.ip_bytes = kIpAndTcpBytes + packet.payload_bytes;
  packet.frame_bytes = packet.ip_bytes + 14;
  packet.ip = bytes;
  packet.readable_bytes = kHeaderBytes;
  write_headers(packet, static_cast<uint16_t>(round_), bytes);
}

void Traffic::next(TrafficBurst& burst) {
  for (uint32_t i = 0; i < kBurstPackets; ++i) {
    const uint32_t connection = shuffled(position_);
    Packet& packet = burst.packets[i];
    fill(packet, burst.bytes[i], connection);
    burst.connections[i] = connection;
    burst.buckets[i] = mix(~uint64_t{connection});
    packets_ += 1;
    ip_bytes_ += packet.ip_bytes;
    (packet.source_home ? client_payload_bytes_ : server_payload_bytes_) += packet.payload_bytes;
    if (++position_ == connections_) {
      position_ = 0;
      ++round_;
    }
  }
}

}  // namespace weir
