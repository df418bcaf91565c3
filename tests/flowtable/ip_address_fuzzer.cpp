// Fuzzes the readers of addresses and prefixes: what they accept, they must read back the same.
#include <cstddef>
#include <cstdlib>

#include "flowtable/ip_address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  if (const auto address = weir::parse_ip_address(text)) {
    if (weir::parse_ip_address(weir::to_string(*address)) != *address) std::abort();
    const auto range = weir::parse_cidr(text);
    if (!range || range->first != *address || range->last != *address) std::abort();
  }
  if (const auto range = weir::parse_cidr(text)) {
    if (range->last < range->first || !range->contains(range->first)) std::abort();
  }
  return 0;
}
