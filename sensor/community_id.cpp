// Community ID v1: base64 of SHA-1 over seed, ordered end points and protocol.
#include "sensor/community_id.h"

#include <openssl/evp.h>

#include <array>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "flowtable/error.h"
#include "flowtable/packet.h"

namespace weir {
namespace {

struct TypePair {
  uint16_t request;
  uint16_t reply;
};

// RFC 792, 950, 1256 and what the specification adds to them.
constexpr std::array<TypePair, 5> kIcmpPairs = {{{8, 0}, {10, 9}, {13, 14}, {15, 16}, {17, 18}}};
// RFC 4443, 4861, 2710, 4620, 6275.
constexpr std::array<TypePair, 6> kIcmpV6Pairs = {
    {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}}};

template <size_t kPairs>
std::optional<uint16_t> other_type(const std::array<TypePair, kPairs>& pairs, uint16_t type) {
  for (const TypePair& pair : pairs) {
    if (pair.request == type) return pair.reply;
    if (pair.reply == type) return pair.request;
  }
  return std::nullopt;
}

void append_16(std::vector<uint8_t>& bytes, uint16_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

void append_address(std::vector<uint8_t>& bytes, const IpAddress& address) {
  if (address.is_v4()) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<uint8_t>(address.v4_value() >> shift));
    return;
  }
  for (const uint64_t half : {address.high, address.low})
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<uint8_t>(half >> shift));
}

}  // namespace

std::string community_id(const ConnectionTuple& connection, uint16_t seed) {
  IpAddress first = connection.source, second = connection.destination;
  uint16_t first_port = connection.source_port, second_port = connection.destination_port;
  bool has_ports = connection.protocol == kProtocolTcp || connection.protocol == kProtocolUdp ||
                   connection.protocol == kProtocolSctp;
  bool one_way = false;
  if (connection.protocol == kProtocolIcmp || connection.protocol == kProtocolIcmpV6) {
    has_ports = true;
    const auto reply = connection.protocol == kProtocolIcmp ? other_type(kIcmpPairs, first_port)
                                                            : other_type(kIcmpV6Pairs, first_port);
    one_way = !reply;
    if (reply) second_port = *reply;
  }
  if (!one_way && std::tie(second, second_port) < std::tie(first, first_port)) {
    std::swap(first, second);
    std::swap(first_port, second_port);
  }

  std::vector<uint8_t> bytes;
  append_16(bytes, seed);
  append_address(bytes, first);
  append_address(bytes, second);
  bytes.push_back(connection.protocol);
  bytes.push_back(0);
  if (has_ports) {
    append_16(bytes, first_port);
    append_16(bytes, second_port);
  }

  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_bytes = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &digest_bytes, EVP_sha1(), nullptr) !=
      1)
    throw Error(kExitFailed,
                "OpenSSL offers no SHA-1, which Community ID is made of; allow it in openssl.cnf.");
  std::array<uint8_t, 64> text{};
  const int characters =
      EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest_bytes));
  return "1:" + std::string(text.begin(), text.begin() + characters);
}

}  // namespace weir
