// HOT. Packets that a SPAN port delivered twice: digests of the last few thousand, for 20 ms.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "flowtable/keyed_hash.h"
#include "flowtable/packet.h"

namespace weir {

/// A copy differs from its original in MAC, VLAN, TTL and IP header checksum at most. Two digests
/// lie in each bucket; the older one makes room.
class DuplicateWindow {
 public:
  static constexpr uint64_t kWindowNs = 20'000'000;
  static constexpr uint32_t kBuckets = 1u << 12;

  explicit DuplicateWindow(const HashKey& key);

  /// Everything of the packet that a copy in the same network has in common with it: all bytes that
  /// were captured. TCP, whose sequence numbers tell payload apart: of its first bytes those that
  /// differ between packets of one connection, whose keyed hash `connection` stands for the rest
  /// (0: none is known).
  uint64_t digest(const Packet& packet, uint64_t connection) const noexcept {
    return connection != 0 && packet.protocol == kProtocolTcp &&
                   packet.readable_bytes >= packet.transport_offset + kTcpHeaderBytes
               ? digest_of_segment(packet, connection)
               : digest_of_bytes(packet);
  }

  void prefetch(uint64_t digest) const noexcept {
    __builtin_prefetch(&buckets_[digest % kBuckets], 1);
  }

  /// True if the same digest was seen within the window; remembers it either way.
  bool seen(uint64_t digest, uint64_t now_ns) noexcept;

  /// Remembers the digest of a packet that is known to be the first of its kind.
  void remember(uint64_t digest, uint64_t now_ns) noexcept {
    Bucket& bucket = buckets_[digest % kBuckets];
    bucket.entries[1] = bucket.entries[0];
    bucket.entries[0] = {digest, now_ns};
  }

  void clear() noexcept;

 private:
  struct Entry {
    uint64_t digest = 0;
    uint64_t time_ns = 0;
  };
  struct alignas(32) Bucket {  // never across two cache lines
    Entry entries[2];          // the newer one first
  };
  static constexpr uint32_t kTcpHeaderBytes = 20;

  /// RFC 9293 3.1: sequence, acknowledgement, flags, window, checksum, urgent pointer are the last
  /// 16 bytes of the header; the checksum speaks for options and payload. The first 7 bytes of an
  /// IPv4 header hold the identification, another one in a retransmission (RFC 791 3.1), those of
  /// an IPv6 header the flow label (RFC 8200 3); the eighth is the hop limit there, and here the
  /// offset of a fragment, which is 0.
  uint64_t digest_of_segment(const Packet& packet, uint64_t connection) const noexcept {
    const auto* header = packet.ip + packet.transport_offset;
    const __m128i segment = _mm_loadu_si128(reinterpret_cast<const __m128i*>(header + 4));
    uint64_t beside;
    std::memcpy(&beside, packet.ip, sizeof(beside));
    beside &= UINT64_MAX >> 8;
    __m128i state = _mm_insert_epi64(_mm_cvtsi64_si128(static_cast<int64_t>(connection)),
                                     static_cast<int64_t>(beside), 1);
    state = _mm_xor_si128(_mm_aesenc_si128(state, round_[0]), segment);
    state = _mm_aesenc_si128(_mm_aesenc_si128(state, round_[1]), round_[0]);
    const auto value = static_cast<uint64_t>(_mm_cvtsi128_si64(state));
    return value != 0 ? value : 1;
  }
  uint64_t digest_of_bytes(const Packet& packet) const noexcept;

  __m128i round_[2];
  std::unique_ptr<Bucket[]> buckets_;
};

}  // namespace weir
