// Envelopes in a byte stream: each behind its size as a varint. Knows no sockets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/v1/uplink.pb.h"

namespace weir {

/// Of a serialised envelope, its size in front not counted.
inline constexpr size_t kEnvelopeMaxBytes = size_t{1} << 20;

/// Appends `envelope` to `stream`. False, and `stream` is as it was, when it is above
/// kEnvelopeMaxBytes: send fewer alerts in one.
[[nodiscard]] bool append_envelope(const v1::Envelope& envelope, std::string& stream);

/// Takes a stream apart however it was cut. Holds at most what was fed and not yet taken; drain
/// it after each feed and that is one envelope and one piece.
class EnvelopeDecoder {
 public:
  enum class Result {
    kEnvelope,  // `envelope` was filled
    kMore,      // feed more bytes
    kBad,       // the stream is no stream of envelopes; stays so: close the connection
  };

  void feed(std::string_view bytes);
  Result next(v1::Envelope& envelope);

  /// After kBad: what was wrong, for the log.
  std::string_view fault() const { return fault_; }

  /// Bytes held: fed and in no envelope yet.
  size_t pending_bytes() const { return buffer_.size() - read_; }

 private:
  Result refuse(std::string_view fault);

  std::string buffer_;
  size_t read_ = 0;  // of buffer_, already given out
  std::string_view fault_;
};

}  // namespace weir
