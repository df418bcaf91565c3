// Envelopes in a byte stream: size as a varint, then the message (protobuf's delimited format).
#include "proto/envelope_codec.h"

namespace weir {
namespace {

// 1 MiB is 2^20: three groups of seven bits. A longer size is too large or padded; both refused.
constexpr size_t kSizeMaxBytes = 3;
static_assert(kEnvelopeMaxBytes < (size_t{1} << (7 * kSizeMaxBytes)));

}  // namespace

bool append_envelope(const v1::Envelope& envelope, std::string& stream) {
  const size_t envelope_bytes = envelope.ByteSizeLong();
  if (envelope_bytes > kEnvelopeMaxBytes) return false;
  size_t rest = envelope_bytes;
  while (rest >= 0x80) {
    stream.push_back(static_cast<char>((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  stream.push_back(static_cast<char>(rest));
  return envelope.AppendToString(&stream);
}

void EnvelopeDecoder::feed(std::string_view bytes) {
  if (!fault_.empty()) return;
  buffer_.erase(0, read_);
  read_ = 0;
  buffer_.append(bytes);
}

EnvelopeDecoder::Result EnvelopeDecoder::next(v1::Envelope& envelope) {
  if (!fault_.empty()) return Result::kBad;
  size_t envelope_bytes = 0;
  size_t size_bytes = 0;
  for (bool more = true; more; ++size_bytes) {
    if (size_bytes == kSizeMaxBytes) return refuse("an envelope's size takes more than 3 bytes");
    if (read_ + size_bytes == buffer_.size()) return Result::kMore;
    const auto byte = static_cast<unsigned char>(buffer_[read_ + size_bytes]);
    envelope_bytes |= size_t{byte & 0x7fu} << (7 * size_bytes);
    more = (byte & 0x80) != 0;
    if (!more && byte == 0 && size_bytes > 0) return refuse("an envelope's size is padded");
  }
  if (envelope_bytes > kEnvelopeMaxBytes) return refuse("an envelope is above 1 MiB");
  if (pending_bytes() < size_bytes + envelope_bytes) return Result::kMore;
  const char* first = buffer_.data() + read_ + size_bytes;
  if (!envelope.ParseFromArray(first, static_cast<int>(envelope_bytes))) {
    return refuse("an envelope cannot be parsed");
  }
  read_ += size_bytes + envelope_bytes;
  return Result::kEnvelope;
}

EnvelopeDecoder::Result EnvelopeDecoder::refuse(std::string_view fault) {
  fault_ = fault;
  buffer_.clear();
  buffer_.shrink_to_fit();
  read_ = 0;
  return Result::kBad;
}

}  // namespace weir
