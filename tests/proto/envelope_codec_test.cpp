// Envelopes survive any cut of the stream; a bad stream is refused at once and for good.
#include "proto/envelope_codec.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

using google::protobuf::util::MessageDifferencer;
using Result = EnvelopeDecoder::Result;

v1::Envelope gap(uint64_t first, uint64_t last, const std::string& reason) {
  v1::Envelope envelope;
  envelope.mutable_gap()->set_first(first);
  envelope.mutable_gap()->set_last(last);
  envelope.mutable_gap()->set_reason(reason);
  return envelope;
}

std::vector<v1::Envelope> one_of_each() {
  std::vector<v1::Envelope> envelopes(7);
  envelopes[0].mutable_hello()->set_sensor_id("weir-1");
  envelopes[1].mutable_welcome()->set_acknowledged_sequence(41);
  auto* alert = envelopes[2].mutable_alerts()->add_alerts();
  alert->set_incident_id("0123456789abcdef");
  alert->add_evidence()->set_detector("volume.burst");
  envelopes[3].mutable_heartbeat()->add_lanes()->mutable_coverage()->set_out_read_bytes(7);
  envelopes[4] = gap(1, 200, std::string(300, 'r'));  // its size takes two bytes
  envelopes[5].mutable_ack()->set_sequence(42);
  envelopes[6].mutable_directive()->mutable_reload();
  return envelopes;
}

std::string stream_of(const std::vector<v1::Envelope>& envelopes) {
  std::string stream;
  for (const auto& envelope : envelopes) EXPECT_TRUE(append_envelope(envelope, stream));
  return stream;
}

TEST(EnvelopeCodec, every_kind_comes_back_however_the_stream_is_cut) {
  const auto sent = one_of_each();
  const std::string stream = stream_of(sent);
  for (size_t piece_bytes = 1; piece_bytes <= stream.size(); ++piece_bytes) {
    EnvelopeDecoder decoder;
    std::vector<v1::Envelope> got;
    v1::Envelope envelope;
    for (size_t at = 0; at < stream.size(); at += piece_bytes) {
      decoder.feed(std::string_view(stream).substr(at, piece_bytes));
      while (decoder.next(envelope) == Result::kEnvelope) got.push_back(envelope);
      ASSERT_EQ(decoder.fault(), "");
    }
    ASSERT_EQ(got.size(), sent.size()) << piece_bytes;
    for (size_t i = 0; i < sent.size(); ++i) {
      EXPECT_TRUE(MessageDifferencer::Equals(got[i], sent[i])) << piece_bytes << " " << i;
    }
    EXPECT_EQ(decoder.pending_bytes(), 0u);
  }
}

TEST(EnvelopeCodec, an_envelope_of_1_MiB_passes_and_one_byte_more_is_not_written) {
  v1::Envelope envelope = gap(0, 0, std::string(kEnvelopeMaxBytes, 'x'));
  const size_t excess_bytes = envelope.ByteSizeLong() - kEnvelopeMaxBytes;
  envelope.mutable_gap()->mutable_reason()->resize(kEnvelopeMaxBytes - excess_bytes);
  ASSERT_EQ(envelope.ByteSizeLong(), kEnvelopeMaxBytes);
  std::string stream;
  ASSERT_TRUE(append_envelope(envelope, stream));
  EnvelopeDecoder decoder;
  decoder.feed(stream);
  v1::Envelope got;
  EXPECT_EQ(decoder.next(got), Result::kEnvelope);
  EXPECT_TRUE(MessageDifferencer::Equals(got, envelope));

  envelope.mutable_gap()->mutable_reason()->push_back('x');
  std::string unchanged = "as it was";
  EXPECT_FALSE(append_envelope(envelope, unchanged));
  EXPECT_EQ(unchanged, "as it was");
}

struct BadStream {
  const char* sentence;
  std::string stream;
  const char* fault;
};

TEST(EnvelopeCodec, a_bad_stream_is_refused_before_its_body_is_awaited_and_stays_refused) {
  const BadStream bad[] = {
      {"2 MiB announced", {"\x80\x80\x80\x01", 4}, "an envelope's size takes more than 3 bytes"},
      {"1 MiB + 1 announced", {"\x81\x80\x40", 3}, "an envelope is above 1 MiB"},
      {"endless size", {"\xff\xff\xff\xff\xff\xff", 6}, "size takes more than 3 bytes"},
      {"padded size", {"\x82\x00\x0a\x00", 4}, "padded"},
      {"no protobuf", {"\x02\xff\xff", 3}, "cannot be parsed"},
      {"field cut short", {"\x02\x0a\x09", 3}, "cannot be parsed"},
  };
  for (const auto& [sentence, stream, fault] : bad) {
    EnvelopeDecoder decoder;
    v1::Envelope envelope;
    decoder.feed(stream);
    EXPECT_EQ(decoder.next(envelope), Result::kBad) << sentence;
    EXPECT_NE(decoder.fault().find(fault), std::string_view::npos)
        << sentence << ": " << decoder.fault();
    decoder.feed(stream_of(one_of_each()));
    EXPECT_EQ(decoder.next(envelope), Result::kBad) << sentence;
    EXPECT_EQ(decoder.pending_bytes(), 0u) << sentence;
  }
}

TEST(EnvelopeCodec, an_empty_envelope_is_an_envelope_without_a_body) {
  EnvelopeDecoder decoder;
  decoder.feed(std::string_view("\0", 1));
  v1::Envelope envelope = gap(1, 2, "stale");
  ASSERT_EQ(decoder.next(envelope), Result::kEnvelope);
  EXPECT_EQ(envelope.body_case(), v1::Envelope::BODY_NOT_SET);
}

TEST(EnvelopeCodec, memory_held_is_what_was_fed_and_not_taken) {
  EnvelopeDecoder decoder;
  const std::string stream = stream_of({gap(1, 2, "a"), gap(3, 4, "b")});
  v1::Envelope envelope;
  for (int round = 0; round < 1000; ++round) {
    decoder.feed(stream);
    while (decoder.next(envelope) == Result::kEnvelope) {
    }
    ASSERT_EQ(decoder.pending_bytes(), 0u);
  }
}

}  // namespace
}  // namespace weir
