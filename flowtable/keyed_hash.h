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
    __m128i state = _mm_xor_si128(block(low.high, low.low), round_[0]);
    state = _mm_aesenc_si128(_mm_aesenc_si128(state, round_[1]), round_[2]);
    state = _mm_xor_si128(state, block(high.high, high.low));
    state = _mm_aesenc_si128(_mm_aesenc_si128(state, round_[3]), round_[4]);
    state = _mm_xor_si128(state, _mm_cvtsi32_si128(network));
    state = _mm_aesenc_si128(_mm_aesenc_si128(state, round_[5]), round_[6]);
    return {_mm_aesenc_si128(state, round_[7])};
  }

  /// Ports in the order of the addresses. Never 0, so that 0 can mean an empty record.
  uint64_t connection(const PairHash& pair, uint16_t low_port, uint16_t high_port,
                      uint8_t protocol) const noexcept {
    const uint64_t rest =
        static_cast<uint64_t>(low_port) << 32 | static_cast<uint64_t>(high_port) << 16 | protocol;
    __m128i state = _mm_xor_si128(pair.state, block(0, rest));
    state = _mm_aesenc_si128(_mm_aesenc_si128(state, round_[8]), round_[9]);
    state = _mm_aesenc_si128(state, round_[10]);
    const auto value = static_cast<uint64_t>(_mm_cvtsi128_si64(state));
    return value != 0 ? value : 1;
  }

 private:
  static constexpr int kRounds = 11;
  static __m128i block(uint64_t high, uint64_t low) noexcept {
    return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
  }
  __m128i round_[kRounds];
};

}  // namespace weir
