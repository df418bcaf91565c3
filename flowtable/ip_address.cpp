// Text of addresses and prefixes. Cold.
#include "flowtable/ip_address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace weir {
namespace {

uint64_t read_be64(const uint8_t* bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void write_be64(uint64_t value, uint8_t* bytes) {
  for (int i = 7; i >= 0; --i, value >>= 8) bytes[i] = static_cast<uint8_t>(value);
}

}  // namespace

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  std::array<uint8_t, 16> bytes{};
  write_be64(address.high, bytes.data());
  write_be64(address.low, bytes.data() + 8);
  const bool v4 = address.is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? 12 : 0), text.data(), text.size());
  return text.data();
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string copy(text);  // inet_pton wants a terminated string
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1)
    return IpAddress::v4(static_cast<uint32_t>(read_be64(bytes.data()) >> 32));
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1)
    return IpAddress{read_be64(bytes.data()), read_be64(bytes.data() + 8)};
  return std::nullopt;
}

std::optional<IpRange> parse_cidr(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned width = address->is_v4() ? 32 : 128;
  unsigned prefix = width;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || end != digits.data() + digits.size() || prefix > width)
      return std::nullopt;
  }
  const unsigned host_bits = width - prefix;
  IpAddress mask;  // ones where the host part is
  if (host_bits >= 64) {
    mask.low = ~0ull;
    mask.high = host_bits == 128 ? ~0ull : (1ull << (host_bits - 64)) - 1;
  } else {
    mask.low = (1ull << host_bits) - 1;
  }
  if ((address->high & mask.high) != 0 || (address->low & mask.low) != 0) return std::nullopt;
  return IpRange{*address, {address->high | mask.high, address->low | mask.low}};
}

}  // namespace weir
