// Two ends of a TCP connection: sequence numbers as RFC 9293 3.4 has them.
#include "tests/flowtable/tcp_talk.h"

namespace weir {

TcpTalk::TcpTalk(PacketMaker& maker, TestClock& clock, const Endpoint& opener,
                 const Endpoint& other, std::array<uint32_t, 2> numbers, Promise promise)
    : maker_(maker), clock_(clock), ends_{opener, other}, numbers_(numbers), promise_(promise) {}

TestPacket TcpTalk::raw(Side from, const TestSegment& segment, int64_t position) {
  TestPacket made =
      maker_.tcp(ends_[index(from)], ends_[index(peer_of(from))], segment, clock_.next_ns());
  made.told = {promise_, position};
  return made;
}

TestPacket TcpTalk::make(Side from, uint32_t sequence, uint8_t flags, uint32_t payload_bytes,
                         int64_t position) {
  const Side peer = peer_of(from);
  uint32_t acknowledgement = 0;
  if ((flags & kTcpAck) != 0) {
    acknowledgement = sequence_at(peer, said_bytes(peer)) + (finished_[index(peer)] ? 1u : 0u);
  }
  return raw(from, {sequence, acknowledgement, flags, payload_bytes}, position);
}

TestPacket TcpTalk::syn(uint32_t payload_bytes) {
  said(Side::kOpener) += payload_bytes;
  return make(Side::kOpener, numbers_[0], kTcpSyn, payload_bytes, 0);
}

TestPacket TcpTalk::syn_ack() { return make(Side::kOther, numbers_[1], kTcpSyn | kTcpAck, 0, 0); }

TestPacket TcpTalk::data(Side from, uint32_t payload_bytes) {
  const int64_t position = said_bytes(from);
  said(from) += payload_bytes;
  return data_at(from, position, payload_bytes);
}

TestPacket TcpTalk::data_at(Side from, int64_t position, uint32_t payload_bytes) {
  return make(from, sequence_at(from, position), kTcpAck, payload_bytes, position);
}

TestPacket TcpTalk::ack(Side from) {
  const int64_t position = said_bytes(from);
  const uint32_t finish = finished_[index(from)] ? 1u : 0u;
  return make(from, sequence_at(from, position) + finish, kTcpAck, 0, position);
}

TestPacket TcpTalk::fin(Side from) {
  const int64_t position = said_bytes(from);
  finished_[index(from)] = true;
  return make(from, sequence_at(from, position), kTcpFin | kTcpAck, 0, position);
}

TestPacket TcpTalk::rst(Side from) {
  const int64_t position = said_bytes(from);
  return make(from, sequence_at(from, position), kTcpRst | kTcpAck, 0, position);
}

TestPacket TcpTalk::keep_alive(Side from, uint32_t payload_bytes) {
  return data_at(from, said_bytes(from) - 1, payload_bytes);
}

}  // namespace weir
