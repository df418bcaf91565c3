// One type for IPv4 and IPv6 addresses, ordered as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// An address as a 128-bit number in host byte order; IPv4 a.b.c.d is ::ffff:a.b.c.d (RFC
/// 4291 2.5.5.2).
struct IpAddress {
  uint64_t high = 0;
  uint64_t low = 0;

  static constexpr uint64_t kV4Prefix = 0x0000'ffff'0000'0000ull;

  static constexpr IpAddress v4(uint32_t address) { return {0, kV4Prefix | address}; }
  constexpr bool is_v4() const { return high == 0 && (low >> 32) == 0xffff; }
  constexpr uint32_t v4_value() const { return static_cast<uint32_t>(low); }

  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// "10.1.2.3" or "2001:db8::1" (RFC 5952). Cold: allocates.
std::string to_string(const IpAddress& address);

/// Parses either family; nothing if the text is no address. Cold.
std::optional<IpAddress> parse_ip_address(std::string_view text);

/// All addresses from `first` to `last`, both included.
struct IpRange {
  IpAddress first;
  IpAddress last;
  friend constexpr bool operator==(const IpRange&, const IpRange&) = default;
  constexpr bool contains(const IpAddress& address) const {
    return first <= address && address <= last;
  }
};

/// Parses "10.0.0.0/8", "fd00::/8" or a lone address; bits below the prefix length must be zero.
/// Nothing if the text is no such thing. Cold.
std::optional<IpRange> parse_cidr(std::string_view text);

}  // namespace weir
