// HOT. Digests of packets, to know a SPAN port's second copy.
#include "flowtable/duplicate_window.h"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

constexpr uint32_t kV4HeaderBytes = 20;
constexpr uint32_t kV6HeaderBytes = 40;

__m128i load(const uint8_t* bytes) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

}  // namespace

DuplicateWindow::DuplicateWindow(const HashKey& key)
    : buckets_(std::make_unique<Bucket[]>(kBuckets)) {
  const __m128i secret = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key.data()));
  round_[0] = _mm_aesenc_si128(_mm_xor_si128(secret, _mm_set1_epi32(0x5bd1)), secret);
  round_[1] = _mm_aesenc_si128(_mm_xor_si128(secret, _mm_set1_epi32(0x9e37)), secret);
}

uint64_t DuplicateWindow::digest_of_bytes(const Packet& packet) const noexcept {
  const bool v4 = packet.readable_bytes >= kV4HeaderBytes && packet.ip[0] >> 4 == 4;
  if (packet.readable_bytes < (v4 ? kV4HeaderBytes : kV6HeaderBytes)) return 0;
  // The IP header without TTL and checksum (IPv4 bytes 8, 10, 11) or hop limit (IPv6 byte 7).
  __m128i head = load(packet.ip);
  head = _mm_and_si128(
      head, v4 ? _mm_set_epi8(-1, -1, -1, -1, 0, 0, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1)
               : _mm_set_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1));
  const uint32_t bytes = packet.readable_bytes;
  // A round before the next block joins: without it, id and source port would cancel each other.
  __m128i one = _mm_aesenc_si128(_mm_xor_si128(head, round_[0]), round_[1]);
  const auto beside = static_cast<int64_t>(uint64_t{packet.network} << 32 | packet.ip_bytes);
  __m128i two = _mm_xor_si128(_mm_cvtsi64_si128(beside), round_[1]);
  uint32_t at = 16;
  for (; at + 32 <= bytes; at += 32) {  // two chains, so that the rounds overlap
    one = _mm_aesenc_si128(_mm_xor_si128(one, load(packet.ip + at)), round_[0]);
    two = _mm_aesenc_si128(_mm_xor_si128(two, load(packet.ip + at + 16)), round_[1]);
  }
  if (at < bytes) {
    uint8_t rest[32] = {};
    std::memcpy(rest, packet.ip + at, bytes - at);
    one = _mm_aesenc_si128(_mm_xor_si128(one, load(rest)), round_[0]);
    two = _mm_aesenc_si128(_mm_xor_si128(two, load(rest + 16)), round_[1]);
  }
  __m128i sum = _mm_aesenc_si128(one, two);
  sum = _mm_aesenc_si128(_mm_aesenc_si128(sum, round_[1]), round_[0]);
  const auto value = static_cast<uint64_t>(_mm_cvtsi128_si64(sum));
  return value != 0 ? value : 1;
}

bool DuplicateWindow::seen(uint64_t digest, uint64_t now_ns) noexcept {
  if (digest == 0) return false;
  for (Entry& entry : buckets_[digest % kBuckets].entries) {
    if (entry.digest == digest) {
      const bool recent = now_ns - entry.time_ns <= kWindowNs;
      entry.time_ns = now_ns;
      return recent;
    }
  }
  remember(digest, now_ns);
  return false;
}

void DuplicateWindow::clear() noexcept { std::fill_n(buckets_.get(), kBuckets, Bucket{}); }

}  // namespace weir
