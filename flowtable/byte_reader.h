// HOT. The one way to read untrusted bytes: a header is checked once, its fields at compile time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace weir {

/// A header of which all `kBytes` are known to be readable. Fields are in network byte order.
template <uint32_t kBytes>
class HeaderView {
 public:
  HeaderView() = default;
  explicit HeaderView(const uint8_t* data) : data_(data) {}

  template <uint32_t kOffset>
  uint8_t u8() const noexcept {
    static_assert(kOffset + 1 <= kBytes);
    return data_[kOffset];
  }
  template <uint32_t kOffset>
  uint16_t u16() const noexcept {
    return __builtin_bswap16(load<uint16_t, kOffset>());
  }
  template <uint32_t kOffset>
  uint32_t u32() const noexcept {
    return __builtin_bswap32(load<uint32_t, kOffset>());
  }
  template <uint32_t kOffset>
  uint64_t u64() const noexcept {
    return __builtin_bswap64(load<uint64_t, kOffset>());
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  template <typename Number, uint32_t kOffset>
  Number load() const noexcept {
    static_assert(kOffset + sizeof(Number) <= kBytes);
    Number number;
    std::memcpy(&number, data_ + kOffset, sizeof number);
    return number;
  }
  const uint8_t* data_ = nullptr;
};

/// A place in a packet: what can be read from here, and what the wire had from here. The first is
/// less where a capture cut the packet or an mbuf chain begins. Invariant: readable <= wire.
class ByteReader {
 public:
  ByteReader(const uint8_t* data, uint32_t readable_bytes, uint32_t wire_bytes) noexcept
      : at_(data), readable_bytes_(std::min(readable_bytes, wire_bytes)), wire_bytes_(wire_bytes) {}

  const uint8_t* at() const noexcept { return at_; }
  uint32_t readable_bytes() const noexcept { return readable_bytes_; }
  uint32_t wire_bytes() const noexcept { return wire_bytes_; }

  /// Looks at the next `kBytes` without moving; false if they cannot all be read.
  template <uint32_t kBytes>
  [[nodiscard]] bool view(HeaderView<kBytes>& header) const noexcept {
    header = HeaderView<kBytes>(at_);
    return readable_bytes_ >= kBytes;
  }

  /// The same, and moves behind it; does not move when false.
  template <uint32_t kBytes>
  [[nodiscard]] bool take(HeaderView<kBytes>& header) noexcept {
    if (!view(header)) return false;
    at_ += kBytes;
    readable_bytes_ -= kBytes;
    wire_bytes_ -= kBytes;  // had as many: readable <= wire
    return true;
  }

  /// Moves over `bytes`, which need not be readable; false, without moving, if the wire had fewer.
  [[nodiscard]] bool skip(uint32_t bytes) noexcept {
    if (bytes > wire_bytes_) return false;
    const uint32_t readable = std::min(bytes, readable_bytes_);
    at_ += readable;
    readable_bytes_ -= readable;
    wire_bytes_ -= bytes;
    return true;
  }

  /// What lies in the next `bytes` and no further; the wire must have had them.
  ByteReader first(uint32_t bytes) const noexcept { return {at_, readable_bytes_, bytes}; }

  /// Nothing beyond the next `bytes` belongs to what is being read.
  void limit(uint32_t bytes) noexcept {
    wire_bytes_ = std::min(wire_bytes_, bytes);
    readable_bytes_ = std::min(readable_bytes_, bytes);
  }

 private:
  const uint8_t* at_;
  uint32_t readable_bytes_;
  uint32_t wire_bytes_;
};

}  // namespace weir
