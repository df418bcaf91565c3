// HOT. The keyed hash of address pairs and connections: AES rounds under a secret key.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "flowtable/flow_table_options.h"
#include "flowtable/ip_address.h"

namespace weir {

/// The hash of an address pair, kept whole so that a connection's hash can continue from it.
struct PairHash {
  __m128i state;
  uint64_t value() const noexcept { return static_cast<uint64_t>(_mm_cvtsi128_si64(state)); }
};

/// Who does not know the key cannot aim at a bucket. Two AES rounds spread every input bit over the
/// whole state (AES proposal, section 8: full diffusion after two rounds); each 16-byte block gets
/// two before the next one enters, and the last gets three.
class KeyedHash {
 public:
  explicit KeyedHash(const HashKey& key) noexcept {
    const __m128i secret = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key.data()));
    for (int i = 0; i < kRounds; ++i) {
      __m128i round = _mm_xor_si128(secret, _mm_set1_epi32(i + 1));
      for (int times = 0; times < 4; ++times) round = _mm_aesenc_si128(round, secret);
      round_[i] = round;
    }
  }

  /// `low` and `high`: the pair's addresses in numeric order.
  PairHash pair(const IpAddress& low, const IpAddress& high, uint16_t network) const noexcept {
    // The network enters between the rounds of the first address, so that it meets the second one
    // spread: pairs of two networks do not cancel each other.
    __m128i state = _mm_aesenc_si128(_mm_xor_si128(block(low), round_[0]), round_[1]);
    state = _mm_aesenc_si128(_mm_xor_si128(state, _mm_cvtsi32_si128(network)), round_[2]);
    state = _mm_xor_si128(state, block(high));
    state = _mm_aesenc_si128(_mm_aesenc_si128(state, round_[3]), round_[4]);
    return {_mm_aesenc_si128(state, round_[5])};
  }

  /// `ports`: that of the lower address above that of the higher one. Never 0, so that 0 can mean
  /// an empty record.
  uint64_t connection(const PairHash& pair, uint32_t ports, uint8_t protocol) const noexcept {
    const auto rest = static_cast<int64_t>(uint64_t{protocol} << 32 | ports);
    __m128i state = _mm_xor_si128(pair.state, _mm_cvtsi64_si128(rest));
    state = _mm_aesenc_si128(_mm_aesenc_si128(state, round_[6]), round_[7]);
    state = _mm_aesenc_si128(state, round_[8]);
    const auto value = static_cast<uint64_t>(_mm_cvtsi128_si64(state));
    return value != 0 ? value : 1;
  }

 private:
  static constexpr int kRounds = 9;
  static __m128i block(const IpAddress& address) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(&address));
  }
  __m128i round_[kRounds];
};

}  // namespace weir
