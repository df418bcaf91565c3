// Two ends of a TCP connection that make the packets a test asks for and know the truth.
#pragma once

#include <array>
#include <cstdint>

#include "tests/flowtable/ledger_packets.h"

namespace weir {

inline constexpr uint64_t kMillisecondNs = 1'000'000;
inline constexpr uint64_t kSecondNs = 1'000'000'000;
inline constexpr uint64_t kTestStartNs = 1'700'000'000 * kSecondNs;

/// Time goes on by a millisecond a packet.
class TestClock {
 public:
  uint64_t next_ns() { return now_ns_ += kMillisecondNs; }
  void skip_s(uint64_t seconds) { now_ns_ += seconds * kSecondNs; }
  uint64_t now_ns() const { return now_ns_; }

 private:
  uint64_t now_ns_ = kTestStartNs;
};

enum class Side : uint8_t { kOpener, kOther };

inline Side peer_of(Side side) { return side == Side::kOpener ? Side::kOther : Side::kOpener; }

class TcpTalk {
 public:
  /// `numbers`: initial sequence numbers of opener and other end.
  TcpTalk(PacketMaker& maker, TestClock& clock, const Endpoint& opener, const Endpoint& other,
          std::array<uint32_t, 2> numbers, Promise promise = Promise::kExact);

  TestPacket syn(uint32_t payload_bytes = 0);
  TestPacket syn_ack();

  /// The next bytes that this side has to say.
  TestPacket data(Side from, uint32_t payload_bytes);

  /// Bytes at any position of the stream: said before, or never.
  TestPacket data_at(Side from, int64_t position, uint32_t payload_bytes);

  /// Acknowledges everything the peer has said so far.
  TestPacket ack(Side from);
  TestPacket fin(Side from);
  TestPacket rst(Side from);

  /// The byte before the next one once more, or none at that place (RFC 9293 3.8.4).
  TestPacket keep_alive(Side from, uint32_t payload_bytes);

  /// Takes the bytes for said (and received), without a packet anyone here sees.
  void say_unseen(Side from, uint32_t payload_bytes) { said(from) += payload_bytes; }

  int64_t said_bytes(Side side) const { return said_bytes_[index(side)]; }

  /// Anything, as anyone could forge it: raw numbers, told to stand at `position`.
  TestPacket raw(Side from, const TestSegment& segment, int64_t position);

  uint32_t sequence_at(Side side, int64_t position) const {
    return numbers_[index(side)] + 1u + static_cast<uint32_t>(position);
  }

 private:
  static size_t index(Side side) { return static_cast<size_t>(side); }
  int64_t& said(Side side) { return said_bytes_[index(side)]; }
  TestPacket make(Side from, uint32_t sequence, uint8_t flags, uint32_t payload_bytes,
                  int64_t position);

  PacketMaker& maker_;
  TestClock& clock_;
  std::array<Endpoint, 2> ends_;
  std::array<uint32_t, 2> numbers_;
  std::array<int64_t, 2> said_bytes_{};
  std::array<bool, 2> finished_{};
  Promise promise_;
};

}  // namespace weir
