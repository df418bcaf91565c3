// Fuzzer: any stream, cut anywhere, decodes as the same stream in one piece and round-trips.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proto/envelope_codec.h"

namespace {

using weir::EnvelopeDecoder;

struct Decoded {
  std::vector<std::string> envelopes;
  bool bad = false;
};

Decoded decode_in_pieces(std::string_view stream, size_t piece_bytes) {
  Decoded decoded;
  EnvelopeDecoder decoder;
  weir::v1::Envelope envelope;
  for (size_t at = 0; at < stream.size(); at += piece_bytes) {
    decoder.feed(stream.substr(at, piece_bytes));
    EnvelopeDecoder::Result result;
    while ((result = decoder.next(envelope)) == EnvelopeDecoder::Result::kEnvelope) {
      decoded.envelopes.push_back(envelope.SerializeAsString());
      std::string again;
      EnvelopeDecoder other;
      weir::v1::Envelope copy;
      // Parsing may only drop padding, so what was accepted fits again.
      if (!weir::append_envelope(envelope, again)) abort();
      other.feed(again);
      if (other.next(copy) != EnvelopeDecoder::Result::kEnvelope) abort();
      if (other.pending_bytes() != 0) abort();
    }
    decoded.bad = result == EnvelopeDecoder::Result::kBad;
  }
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t data_bytes) {
  if (data_bytes < 1) return 0;
  const size_t piece_bytes = data[0] % 64 + 1u;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), data_bytes - 1);
  const Decoded whole = decode_in_pieces(stream, stream.size() + 1);
  const Decoded cut = decode_in_pieces(stream, piece_bytes);
  if (whole.envelopes != cut.envelopes || whole.bad != cut.bad) abort();
  return 0;
}
