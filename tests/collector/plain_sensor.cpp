// A sensor's end of the wire, one envelope at a time: says what a test wants, right or wrong.
#include "tests/collector/plain_sensor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "proto/envelope_codec.h"

namespace weir::testing {

struct PlainSensor::Parts {
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  int socket = -1;
  EnvelopeDecoder decoder;
  uint64_t acknowledged = 0;
};

PlainSensor::PlainSensor(int port, const std::string& authority,
                         const std::optional<CertificateFiles>& own)
    : parts_(std::make_unique<Parts>()) {
  signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  Parts& parts = *parts_;
  parts.context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_load_verify_locations(parts.context, authority.c_str(), nullptr);
  SSL_CTX_set_verify(parts.context, SSL_VERIFY_PEER, nullptr);
  if (own) {
    SSL_CTX_use_certificate_chain_file(parts.context, own->certificate.c_str());
    SSL_CTX_use_PrivateKey_file(parts.context, own->key.c_str(), SSL_FILETYPE_PEM);
  }
  parts.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{10, 0};
  setsockopt(parts.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(parts.socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return;
  parts.ssl = SSL_new(parts.context);
  SSL_set_fd(parts.ssl, parts.socket);
  if (SSL_connect(parts.ssl) == 1) return;
  SSL_free(parts.ssl);
  parts.ssl = nullptr;
}

PlainSensor::~PlainSensor() {
  SSL_free(parts_->ssl);
  SSL_CTX_free(parts_->context);
  ::close(parts_->socket);
}

bool PlainSensor::send_bytes(const std::string& bytes) {
  return parts_->ssl != nullptr &&
         SSL_write(parts_->ssl, bytes.data(), static_cast<int>(bytes.size())) ==
             static_cast<int>(bytes.size());
}

bool PlainSensor::send(const v1::Envelope& envelope) {
  std::string bytes;
  return append_envelope(envelope, bytes) && send_bytes(bytes);
}

std::optional<v1::Envelope> PlainSensor::receive() {
  if (parts_->ssl == nullptr) return std::nullopt;
  v1::Envelope envelope;
  char piece[4096];
  while (parts_->decoder.next(envelope) != EnvelopeDecoder::Result::kEnvelope) {
    const int bytes = SSL_read(parts_->ssl, piece, sizeof(piece));
    if (bytes <= 0) return std::nullopt;
    parts_->decoder.feed({piece, static_cast<size_t>(bytes)});
  }
  return envelope;
}

bool PlainSensor::ends() {
  if (parts_->ssl == nullptr) return true;
  char piece[4096];
  for (;;) {
    const int bytes = SSL_read(parts_->ssl, piece, sizeof(piece));
    if (bytes > 0) continue;
    return errno != EAGAIN;
  }
}

std::optional<uint64_t> PlainSensor::greet(const std::string& id, uint64_t epoch) {
  v1::Envelope envelope;
  envelope.mutable_hello()->set_sensor_id(id);
  envelope.mutable_hello()->set_epoch(epoch);
  envelope.mutable_hello()->set_version("test");
  if (!send(envelope)) return std::nullopt;
  const auto answer = receive();
  if (!answer || !answer->has_welcome() || answer->welcome().epoch() != epoch) return std::nullopt;
  return parts_->acknowledged = answer->welcome().acknowledged_sequence();
}

bool PlainSensor::alerts(const std::string& id, uint64_t epoch, uint64_t first, uint64_t count) {
  v1::Envelope envelope;
  for (uint64_t i = 0; i < count; ++i)
    *envelope.mutable_alerts()->add_alerts() = alert_of(id, epoch, first + i);
  return send(envelope);
}

bool PlainSensor::acknowledged(uint64_t sequence) {
  while (parts_->acknowledged < sequence) {
    const auto answer = receive();
    if (!answer) return false;
    if (answer->has_ack()) parts_->acknowledged = answer->ack().sequence();
  }
  return true;
}

v1::Alert alert_of(const std::string& id, uint64_t epoch, uint64_t sequence) {
  v1::Alert alert;
  alert.set_sensor_id(id);
  alert.set_epoch(epoch);
  alert.set_sequence(sequence);
  alert.set_incident_id(id + "-" + std::to_string(sequence / 2));
  alert.set_revision(1 + static_cast<uint32_t>(sequence % 2));
  alert.set_state(sequence % 2 == 0 ? v1::Alert::OPEN : v1::Alert::CLOSED);
  alert.set_severity(static_cast<v1::Alert::Severity>(sequence / 2 % 5));
  alert.set_host("10.0.0." + std::to_string(sequence % 200));
  alert.mutable_destination()->set_address("198.51.100.7");
  alert.mutable_ledger()->set_out_payload_high_bytes(sequence * 1000);
  alert.mutable_evidence()->Add()->set_detector("volume.burst");
  alert.mutable_last_seen()->set_seconds(1'700'000'000 + static_cast<int64_t>(sequence));
  return alert;
}

}  // namespace weir::testing
