// A sensor's end of the wire, one envelope at a time: says what a test wants, right or wrong.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/sensor/certificates.h"
#include "weir/v1/uplink.pb.h"

namespace weir::testing {

class PlainSensor {
 public:
  /// Connects to loopback; `own` empty: without a certificate.
  PlainSensor(int port, const std::string& authority, const std::optional<CertificateFiles>& own);
  ~PlainSensor();
  PlainSensor(const PlainSensor&) = delete;
  PlainSensor& operator=(const PlainSensor&) = delete;

  /// False once the connection has ended.
  bool send(const v1::Envelope& envelope);
  bool send_bytes(const std::string& bytes);
  /// The next envelope; nothing at the end of the connection, or after ten seconds.
  std::optional<v1::Envelope> receive();
  /// True when the other end closes within ten seconds.
  bool ends();

  /// Hello, and what the Welcome says is stored; nothing: refused.
  std::optional<uint64_t> greet(const std::string& id, uint64_t epoch);
  /// `count` alerts from `first` on, in one envelope.
  bool alerts(const std::string& id, uint64_t epoch, uint64_t first, uint64_t count);
  /// Reads until everything up to `sequence` is acknowledged.
  bool acknowledged(uint64_t sequence);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// An alert as a sensor would send it: incident `sequence` / 2, two revisions each.
v1::Alert alert_of(const std::string& id, uint64_t epoch, uint64_t sequence);

}  // namespace weir::testing
