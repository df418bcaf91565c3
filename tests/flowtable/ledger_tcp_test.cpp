// The byte ledger for TCP: what counts as payload, and between which bounds when not all is seen.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/flowtable/ledger_pair.h"
#include "tests/flowtable/tcp_talk.h"

namespace weir {
namespace {

const Endpoint kHost{IpAddress::v4(0x0a000001), 40000};
const Endpoint kOutside{IpAddress::v4(0xc6336401), 443};
constexpr uint32_t kReachBytes = 16u << 20;

class LedgerTcp : public testing::Test {
 protected:
  TcpTalk talk(std::array<uint32_t, 2> numbers = {1000, 5000}, Promise promise = Promise::kExact) {
    return {maker_, clock_, kHost, kOutside, numbers, promise};
  }
  void open(TcpTalk& talk) {
    pair_.add(talk.syn());
    pair_.add(talk.syn_ack());
    pair_.add(talk.ack(Side::kOpener));
  }
  void expect_out(uint64_t low_bytes, uint64_t high_bytes) {
    const TotalSnapshot total = pair_.total(kHost.address, kOutside.address);
    EXPECT_EQ(total.out.payload_low_bytes, low_bytes);
    EXPECT_EQ(total.out.payload_high_bytes, high_bytes);
  }
  void expect_in(uint64_t low_bytes, uint64_t high_bytes) {
    const TotalSnapshot total = pair_.total(kHost.address, kOutside.address);
    EXPECT_EQ(total.in.payload_low_bytes, low_bytes);
    EXPECT_EQ(total.in.payload_high_bytes, high_bytes);
  }

  PacketMaker maker_;
  TestClock clock_;
  LedgerPair pair_;
};

TEST_F(LedgerTcp, an_upload_seen_whole_is_exact_to_the_byte) {
  TcpTalk upload = talk();
  open(upload);
  for (uint32_t i = 0; i < 200; ++i) pair_.add(upload.data(Side::kOpener, 1 + i * 7));
  pair_.add(upload.data(Side::kOther, 17));
  pair_.add(upload.fin(Side::kOpener));
  pair_.add(upload.fin(Side::kOther));
  pair_.add(upload.ack(Side::kOpener));
  const auto said_bytes = static_cast<uint64_t>(upload.said_bytes(Side::kOpener));
  expect_out(said_bytes, said_bytes);
  expect_in(17, 17);
}

TEST_F(LedgerTcp, the_numbers_of_syn_and_fin_are_no_payload) {
  TcpTalk silent = talk();
  open(silent);
  pair_.add(silent.fin(Side::kOpener));
  pair_.add(silent.ack(Side::kOther));
  pair_.add(silent.fin(Side::kOther));
  pair_.add(silent.ack(Side::kOpener));
  pair_.add(silent.ack(Side::kOpener));
  expect_out(0, 0);
  expect_in(0, 0);
}

TEST_F(LedgerTcp, a_sequence_number_that_wraps_changes_nothing) {
  TcpTalk upload = talk({0xffffff00u, 0xfffffffeu});
  open(upload);
  for (int i = 0; i < 5; ++i) {
    pair_.add(upload.data(Side::kOpener, 100));
    pair_.add(upload.data(Side::kOther, 3));
  }
  expect_out(500, 500);
  expect_in(15, 15);
}

TEST_F(LedgerTcp, a_transfer_of_nine_gigabytes_is_exact) {
  TcpTalk upload = talk();
  open(upload);
  for (int i = 0; i < 150'000; ++i) {
    pair_.add(upload.data(Side::kOpener, 60'000));
    if (i % 64 == 0) pair_.add(upload.ack(Side::kOther));
    if (HasFailure()) return;
  }
  expect_out(9'000'000'000, 9'000'000'000);
}

TEST_F(LedgerTcp, acknowledging_a_large_download_sends_no_payload) {
  TcpTalk download = talk();
  open(download);
  for (int i = 0; i < 5000; ++i) {
    pair_.add(download.data(Side::kOther, 60'000));
    pair_.add(download.ack(Side::kOpener));
    if (HasFailure()) return;
  }
  expect_out(0, 0);
  expect_in(300'000'000, 300'000'000);
}

TEST_F(LedgerTcp, a_retransmission_adds_only_what_was_never_seen) {
  TcpTalk upload = talk();
  open(upload);
  for (int i = 0; i < 10; ++i) pair_.add(upload.data(Side::kOpener, 100));
  pair_.add(upload.data_at(Side::kOpener, 0, 100));
  pair_.add(upload.data_at(Side::kOpener, 350, 300));
  expect_out(1000, 1000);
  pair_.add(upload.data_at(Side::kOpener, 900, 150));
  expect_out(1050, 1050);
}

TEST_F(LedgerTcp, keep_alive_probes_add_nothing) {
  TcpTalk idle = talk();
  open(idle);
  pair_.add(idle.keep_alive(Side::kOpener, 1));
  pair_.add(idle.keep_alive(Side::kOther, 1));
  expect_out(0, 0);
  pair_.add(idle.data(Side::kOpener, 10));
  for (int i = 0; i < 100; ++i) {
    clock_.skip_s(60);
    pair_.add(idle.keep_alive(Side::kOpener, i % 2));
    pair_.add(idle.ack(Side::kOther));
  }
  expect_out(10, 10);
  expect_in(0, 0);
}

TEST_F(LedgerTcp, payload_that_travels_in_the_syn_counts) {
  TcpTalk fast_open = talk();
  pair_.add(fast_open.syn(300));
  pair_.add(fast_open.syn_ack());
  pair_.add(fast_open.data(Side::kOpener, 50));
  expect_out(350, 350);
}

TEST_F(LedgerTcp, a_hole_that_is_filled_leaves_no_trace) {
  TcpTalk upload = talk();
  open(upload);
  pair_.add(upload.data(Side::kOpener, 100));
  const TestPacket late = upload.data(Side::kOpener, 100);
  pair_.add(upload.data(Side::kOpener, 100));
  expect_out(200, 300);
  pair_.add(late);
  expect_out(300, 300);
}

TEST_F(LedgerTcp, a_hole_may_fill_from_either_end_and_in_pieces) {
  TcpTalk upload = talk();
  open(upload);
  pair_.add(upload.data(Side::kOpener, 100));
  upload.say_unseen(Side::kOpener, 400);
  pair_.add(upload.data(Side::kOpener, 100));
  expect_out(200, 600);
  pair_.add(upload.data_at(Side::kOpener, 50, 100));
  expect_out(250, 600);
  pair_.add(upload.data_at(Side::kOpener, 450, 100));
  expect_out(300, 600);
  pair_.add(upload.data_at(Side::kOpener, 0, 600));
  expect_out(600, 600);
}

TEST_F(LedgerTcp, a_second_hole_closes_the_older_one_as_missing) {
  TcpTalk upload = talk({1000, 5000}, Promise::kLossy);
  open(upload);
  pair_.add(upload.data(Side::kOpener, 100));
  const TestPacket late = upload.data(Side::kOpener, 100);
  pair_.add(upload.data(Side::kOpener, 100));
  const TestPacket less_late = upload.data(Side::kOpener, 100);
  pair_.add(upload.data(Side::kOpener, 100));
  expect_out(300, 500);
  pair_.add(late);
  expect_out(300, 500);
  pair_.add(less_late);
  expect_out(400, 500);
}

TEST_F(LedgerTcp, bytes_that_only_the_receiver_saw_count_in_high_once_acknowledged_twice) {
  TcpTalk upload = talk({1000, 5000}, Promise::kLossy);
  open(upload);
  pair_.add(upload.data(Side::kOpener, 100));
  upload.say_unseen(Side::kOpener, 5000);
  pair_.add(upload.ack(Side::kOther));
  expect_out(100, 100);
  pair_.add(upload.ack(Side::kOther));
  expect_out(100, 5100);
}

TEST_F(LedgerTcp, a_connection_joined_in_its_middle_counts_from_there) {
  TcpTalk joined = talk({1000, 5000});
  joined.say_unseen(Side::kOpener, 70'000);
  joined.say_unseen(Side::kOther, 90'000);
  pair_.add(joined.data(Side::kOpener, 1000));
  pair_.add(joined.data(Side::kOther, 2000));
  pair_.add(joined.data(Side::kOpener, 1000));
  expect_out(2000, 2000);
  expect_in(2000, 2000);
  EXPECT_EQ(pair_.total(kHost.address, kOutside.address).served.packets, 0u);
}

TEST_F(LedgerTcp, bytes_before_the_first_ones_seen_are_at_least_in_high) {
  TcpTalk joined = talk({1000, 5000}, Promise::kHostile);
  joined.say_unseen(Side::kOpener, 70'000);
  pair_.add(joined.data(Side::kOpener, 1000));
  pair_.add(joined.data_at(Side::kOpener, 60'000, 1000));
  const TotalSnapshot total = pair_.total(kHost.address, kOutside.address);
  EXPECT_GE(total.out.payload_high_bytes, 2000u);
}

TEST_F(LedgerTcp, ports_used_again_after_the_end_are_another_connection) {
  TcpTalk first = talk();
  open(first);
  pair_.add(first.data(Side::kOpener, 100));
  pair_.add(first.fin(Side::kOpener));
  pair_.add(first.fin(Side::kOther));
  pair_.add(first.ack(Side::kOpener));
  TcpTalk second = talk({900'000'000, 7});
  open(second);
  pair_.add(second.data(Side::kOpener, 100));
  pair_.add(second.rst(Side::kOther));
  TcpTalk third = talk({30, 3'000'000'000});
  open(third);
  pair_.add(third.data(Side::kOpener, 100));
  expect_out(300, 300);
  EXPECT_EQ(pair_.total(kHost.address, kOutside.address).connections, 3u);
}

TEST_F(LedgerTcp, a_new_opening_on_an_open_connection_begins_another_once_data_agrees) {
  TcpTalk first = talk({1000, 5000}, Promise::kHostile);
  open(first);
  pair_.add(first.data(Side::kOpener, 100));
  TcpTalk second = talk({900'000'000, 2'000'000'000}, Promise::kHostile);
  pair_.add(second.syn());
  expect_out(100, 100);
  pair_.add(second.data(Side::kOpener, 100));
  pair_.add(second.data(Side::kOpener, 100));
  expect_out(300, 300);
  EXPECT_EQ(pair_.total(kHost.address, kOutside.address).connections, 2u);
}

TEST_F(LedgerTcp, a_decoy_opening_ahead_of_an_upload_hides_nothing_of_it) {
  TcpTalk upload = talk({1000, 5000}, Promise::kHostile);
  open(upload);
  for (int i = 0; i < 400; ++i) pair_.add(upload.data(Side::kOpener, 50'000));
  constexpr uint32_t kAhead = 1001 + 20'000'000 + 10'000'000;
  pair_.add(upload.raw(Side::kOpener, {kAhead, 0, kTcpSyn, 0}, 0));
  pair_.add(upload.raw(Side::kOpener, {kAhead + 1, 0, kTcpAck, 1}, 30'000'001));
  for (int i = 0; i < 180; ++i) pair_.add(upload.data(Side::kOpener, 50'000));
  EXPECT_GE(pair_.total(kHost.address, kOutside.address).out.payload_high_bytes, 29'000'000u);
}

TEST_F(LedgerTcp, bytes_sent_again_under_a_numbering_that_went_back_do_not_raise_low) {
  TcpTalk upload = talk({1000, 5000}, Promise::kHostile);
  open(upload);
  for (int i = 0; i < 800; ++i) pair_.add(upload.data(Side::kOpener, 50'000));
  for (int i = 0; i < 10; ++i) pair_.add(upload.data_at(Side::kOpener, i * 50'000, 50'000));
  EXPECT_EQ(pair_.total(kHost.address, kOutside.address).out.payload_low_bytes, 40'000'000u);
}

TEST_F(LedgerTcp, segments_far_from_the_known_end_enter_high_only_until_a_second_agrees) {
  TcpTalk upload = talk({1000, 5000}, Promise::kHostile);
  open(upload);
  pair_.add(upload.data(Side::kOpener, 1000));
  constexpr int64_t kFar = 1000 + 2 * int64_t{kReachBytes};
  pair_.add(upload.data_at(Side::kOpener, kFar, 500));
  expect_out(1000, 1500);
  pair_.add(upload.data_at(Side::kOpener, 1000, 100));
  expect_out(1100, 1600);
}

TEST_F(LedgerTcp, the_gap_of_a_jump_that_two_segments_agree_on_is_missing) {
  TcpTalk upload = talk({1000, 5000}, Promise::kHostile);
  open(upload);
  pair_.add(upload.data(Side::kOpener, 1000));
  constexpr int64_t kFar = 1000 + 2 * int64_t{kReachBytes};
  pair_.add(upload.data_at(Side::kOpener, kFar, 500));
  pair_.add(upload.data_at(Side::kOpener, kFar + 500, 500));
  const TotalSnapshot total = pair_.total(kHost.address, kOutside.address);
  EXPECT_GE(total.out.payload_low_bytes, 1500u);
  EXPECT_GE(total.out.payload_high_bytes, static_cast<uint64_t>(kFar) + 1000);
}

}  // namespace
}  // namespace weir
