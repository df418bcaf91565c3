// Random schedules of many connections: after every burst the fast table agrees with its twin.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "tests/flowtable/ledger_pair.h"
#include "tests/flowtable/tcp_talk.h"

namespace weir {
namespace {

constexpr int64_t kMebibyte = 1 << 20;

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) { return std::uniform_int_distribution(0u, limit - 1)(engine_); }
  uint32_t any() { return std::uniform_int_distribution<uint32_t>()(engine_); }
  bool one_in(uint32_t count) { return below(count) == 0; }
  Side side() { return one_in(2) ? Side::kOpener : Side::kOther; }

 private:
  std::mt19937 engine_;
};

/// One place where TCP connections follow each other on the same addresses and ports.
class Speaker {
 public:
  Speaker(PacketMaker& maker, TestClock& clock, Dice& dice, uint32_t number, Promise promise)
      : maker_(maker), clock_(clock), dice_(dice), promise_(promise) {
    const bool v6 = number % 3 == 2;
    const Endpoint inside{
        v6 ? IpAddress{0xfd00'0000'0000'0000, number / 4} : IpAddress::v4(0x0a000000u + number / 4),
        static_cast<uint16_t>(1024 + number)};
    const Endpoint outside{
        v6 ? IpAddress{0x2001'0db8'0000'0000, number / 2} : IpAddress::v4(0xc6336400u + number / 2),
        443};
    jumps_ahead_ = number % 2 == 0;
    ends_ = number % 5 == 4 ? std::array{outside, inside} : std::array{inside, outside};
  }

  void step(LedgerPair& pair) {
    if (!talk_) return open(pair);
    switch (promise_) {
      case Promise::kExact:
        return dice_.one_in(40) ? end(pair) : orderly_step(pair);
      case Promise::kLossy:
        return dice_.one_in(60) ? end(pair) : lossy_step(pair);
      case Promise::kHostile:
        return dice_.one_in(3) ? hostile_step(pair) : lossy_step(pair);
    }
  }

 private:
  void open(LedgerPair& pair) {
    // Half of the numbers are about to wrap.
    const std::array<uint32_t, 2> numbers{dice_.one_in(2) ? dice_.any() : 0u - dice_.below(9000),
                                          dice_.any()};
    talk_.emplace(maker_, clock_, ends_[0], ends_[1], numbers, promise_);
    held_back_ = {};
    joined_at_ = {};
    if (promise_ == Promise::kHostile && dice_.one_in(3)) {  // joined in its middle
      for (const Side side : {Side::kOpener, Side::kOther}) {
        talk_->say_unseen(side, dice_.below(100'000));
        joined_at_[static_cast<size_t>(side)] = static_cast<uint32_t>(talk_->said_bytes(side));
        pair.add(talk_->data(side, 1 + dice_.below(1460)));
      }
      return;
    }
    pair.add(talk_->syn(dice_.one_in(4) ? dice_.below(500) : 0));
    pair.add(talk_->syn_ack());
    pair.add(talk_->ack(Side::kOpener));
  }

  void end(LedgerPair& pair) {
    for (const Side side : {Side::kOpener, Side::kOther}) deliver_all(pair, side);
    if (dice_.one_in(3)) {
      pair.add(talk_->rst(dice_.side()));
    } else {
      pair.add(talk_->fin(Side::kOther));
      pair.add(talk_->ack(Side::kOpener));
      pair.add(talk_->fin(Side::kOpener));
      pair.add(talk_->ack(Side::kOther));
    }
    talk_.reset();
  }

  std::vector<TestPacket>& held_back(Side side) { return held_back_[static_cast<size_t>(side)]; }

  void deliver_all(LedgerPair& pair, Side side) {
    for (TestPacket& each : held_back(side)) deliver(pair, std::move(each));
    held_back(side).clear();
  }

  void deliver(LedgerPair& pair, TestPacket late) {
    late.packet.time_ns = clock_.next_ns();
    pair.add(std::move(late));
  }

  void repeat(LedgerPair& pair, Side side) {
    const auto said_bytes = static_cast<uint32_t>(talk_->said_bytes(side));
    const uint32_t first = joined_at_[static_cast<size_t>(side)];
    if (said_bytes == first) return;
    const uint32_t position = first + dice_.below(said_bytes - first);
    pair.add(talk_->data_at(side, position, dice_.below(said_bytes - position + 1) % 60'000));
  }

  void orderly_step(LedgerPair& pair) {
    const Side side = dice_.side();
    switch (dice_.below(10)) {
      case 0:  // a hole, unless one is open
        if (held_back(side).empty()) {
          held_back(side).push_back(talk_->data(side, 1 + dice_.below(1460)));
          pair.add(talk_->data(side, 1 + dice_.below(1460)));
        }
        return;
      case 1:
      case 2:
        return deliver_all(pair, side);
      case 3:
        if (held_back(side).empty()) repeat(pair, side);
        return;
      case 4:
        return pair.add(talk_->keep_alive(side, dice_.below(2)));
      case 5: {
        const TestPacket original = talk_->data(side, dice_.below(1000));
        pair.add(original);
        return pair.add(span_copy(original, clock_.next_ns(), 5));
      }
      case 6:
        return pair.add(talk_->ack(side));
      default:
        return pair.add(talk_->data(side, dice_.below(dice_.one_in(10) ? 60'000 : 1461)));
    }
  }

  void lossy_step(LedgerPair& pair) {
    const Side side = dice_.side();
    switch (dice_.below(10)) {
      case 0:
        return talk_->say_unseen(side, dice_.below(5000));
      case 1:
      case 2:
        return held_back(side).push_back(talk_->data(side, 1 + dice_.below(1460)));
      case 3:
      case 4:
        if (!held_back(side).empty()) {
          const auto which = dice_.below(static_cast<uint32_t>(held_back(side).size()));
          deliver(pair, std::move(held_back(side)[which]));
          held_back(side).erase(held_back(side).begin() + which);
        }
        return;
      case 5:
        return repeat(pair, side);
      case 6:
        return pair.add(talk_->ack(side));
      default:
        return pair.add(talk_->data(side, dice_.below(1461)));
    }
  }

  /// A number at least 64 MiB from everything this side said. Always to the same half of the ring:
  /// who jumps all the way round it sends new bytes, for all that 32 bits can tell.
  uint32_t far_sequence(Side side) {
    const int64_t distance = 64 * kMebibyte + dice_.below(1900) * kMebibyte;
    return talk_->sequence_at(side, talk_->said_bytes(side) + (jumps_ahead_ ? 1 : -1) * distance);
  }

  void hostile_step(LedgerPair& pair) {
    const Side side = dice_.side();
    const TestSegment forged{far_sequence(side), dice_.any(), kTcpAck, 0};
    switch (dice_.below(6)) {
      case 0: {  // a numbering of its own, for one segment or some
        int64_t position = ++lines_ << 40;
        TestSegment segment = forged;
        for (uint32_t i = 0; i <= dice_.below(4); ++i) {
          segment.payload_bytes = 1 + dice_.below(60'000);
          pair.add(talk_->raw(side, segment, position));
          segment.sequence += segment.payload_bytes;
          position += segment.payload_bytes;
        }
        return;
      }
      case 1: {
        TestSegment reset = forged;
        reset.flags = kTcpRst;
        return pair.add(talk_->raw(side, reset, 0));
      }
      case 2: {
        TestSegment answer = forged;
        answer.flags = kTcpSyn | kTcpAck;
        return pair.add(talk_->raw(side, answer, 0));
      }
      case 3:
        return pair.add(talk_->raw(side, forged, 0));
      case 4: {  // beyond everything said, within reach
        const int64_t position = talk_->said_bytes(side) + dice_.below(1 << 20);
        return pair.add(talk_->data_at(side, position, dice_.below(60'000)));
      }
      default: {
        TestSegment end = forged;
        end.flags = kTcpFin | kTcpAck;
        return pair.add(talk_->raw(side, end, 0));
      }
    }
  }

  PacketMaker& maker_;
  TestClock& clock_;
  Dice& dice_;
  Promise promise_;
  std::array<Endpoint, 2> ends_;
  std::optional<TcpTalk> talk_;
  std::array<std::vector<TestPacket>, 2> held_back_;
  std::array<uint32_t, 2> joined_at_{};
  int64_t lines_ = 0;
  bool jumps_ahead_ = false;
};

/// Datagrams, fragments and pings between a few ends.
void other_step(LedgerPair& pair, PacketMaker& maker, TestClock& clock, Dice& dice) {
  const Endpoint inside{IpAddress::v4(0x0a000000u + dice.below(4)),
                        static_cast<uint16_t>(dice.below(3))};
  const Endpoint outside{IpAddress::v4(0xc6336400u + dice.below(8)), 53};
  const bool outward = dice.one_in(2);
  const Endpoint& from = outward ? inside : outside;
  const Endpoint& to = outward ? outside : inside;
  TestPacket made;
  switch (dice.below(5)) {
    case 0:
      made = maker.later_fragment(dice.one_in(2) ? kProtocolTcp : kProtocolUdp, from.address,
                                  to.address, dice.below(1400), clock.next_ns());
      break;
    case 1:
      made = maker.other(kProtocolIcmp, from, to, dice.below(1000), clock.next_ns());
      break;
    case 2:
      made = without_transport(maker.tcp(from, to, {.payload_bytes = 99}, clock.next_ns()));
      break;
    default:
      made = maker.udp(from, to, dice.below(1400), clock.next_ns());
  }
  made.packet.network = static_cast<uint16_t>(dice.below(2));
  if (dice.one_in(50)) made.packet.drop = DropReason::kIpMalformed;
  if (dice.one_in(50)) made.packet.time_ns -= kSecondNs;
  pair.add(made);
  if (dice.one_in(4) && made.packet.drop == DropReason::kNone) {
    pair.add(span_copy(made, clock.next_ns(), 3));
  }
}

void run_schedule(uint32_t seed, Promise promise, bool with_pauses) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  PacketMaker maker;
  TestClock clock;
  Dice dice(seed);
  LedgerPair pair(1 + seed % 32);
  std::vector<Speaker> speakers;
  for (uint32_t i = 0; i < 12; ++i) speakers.emplace_back(maker, clock, dice, i, promise);
  for (int step = 0; step < 3000; ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    if (dice.one_in(5)) {
      other_step(pair, maker, clock, dice);
    } else {
      speakers[dice.below(static_cast<uint32_t>(speakers.size()))].step(pair);
    }
    if (with_pauses && dice.one_in(200)) clock.skip_s(1 + 15 * dice.below(12));
    if (testing::Test::HasFailure()) return;
  }
  pair.compare_all();
}

class LedgerRandom : public testing::TestWithParam<uint32_t> {};

TEST_P(LedgerRandom, orderly_connections_are_exact_after_every_burst) {
  run_schedule(GetParam(), Promise::kExact, true);
}

TEST_P(LedgerRandom, loss_and_disorder_stay_within_the_bounds_of_what_was_seen) {
  run_schedule(GetParam(), Promise::kLossy, true);
}

TEST_P(LedgerRandom, no_forgery_puts_low_above_or_high_below_the_distinct_bytes_seen) {
  run_schedule(GetParam(), Promise::kHostile, false);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LedgerRandom, testing::Range(0u, 40u));

}  // namespace
}  // namespace weir
