// A small blocking TLS server: a thread a connection, one envelope after the other.
#include "tests/sensor/envelope_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>

#include "proto/envelope_codec.h"

namespace weir::testing {

struct EnvelopeServer::Tls {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  ~Tls() { SSL_CTX_free(context); }
};

struct EnvelopeServer::Connection {
  SSL* ssl;
  uint64_t alerts = 0;
  bool send(const v1::Envelope& envelope) {
    std::string bytes;
    return append_envelope(envelope, bytes) && send(bytes);
  }
  bool send(const std::string& bytes) {
    return SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
};

EnvelopeServer::EnvelopeServer(const std::string& authority, const CertificateFiles& own, int port)
    : tls_(std::make_unique<Tls>()), port_(port) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX_set_min_proto_version(tls_->context, TLS1_3_VERSION);
  SSL_CTX_load_verify_locations(tls_->context, authority.c_str(), nullptr);
  SSL_CTX_use_certificate_file(tls_->context, own.certificate.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(tls_->context, own.key.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_verify(tls_->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);

  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t address_bytes = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &address_bytes) != 0)
    throw std::runtime_error("no port to listen on");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept(); });
}

EnvelopeServer::~EnvelopeServer() {
  ending_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  hang_up();
  for (std::thread& thread : threads_) thread.join();
}

void EnvelopeServer::behave(const Manner& manner) {
  const std::lock_guard lock(mutex_);
  manner_ = manner;
}

EnvelopeServer::Manner EnvelopeServer::manner() const {
  const std::lock_guard lock(mutex_);
  return manner_;
}

void EnvelopeServer::hang_up() {
  const std::lock_guard lock(mutex_);
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
}

Received EnvelopeServer::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

bool EnvelopeServer::wait(const std::function<bool(const Received&)>& condition) const {
  for (int tries = 0; tries < 1000; ++tries) {
    {
      const std::lock_guard lock(mutex_);
      if (condition(received_)) return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void EnvelopeServer::accept() {
  while (!ending_) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const std::lock_guard lock(mutex_);
    sockets_.insert(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void EnvelopeServer::serve(int socket) {
  Connection connection{SSL_new(tls_->context)};
  SSL_set_fd(connection.ssl, socket);
  if (SSL_accept(connection.ssl) == 1) {
    EnvelopeDecoder decoder;
    v1::Envelope envelope;
    char bytes[16384];
    bool open = true;
    while (open) {
      const int count = SSL_read(connection.ssl, bytes, sizeof(bytes));
      if (count <= 0) break;
      decoder.feed({bytes, static_cast<size_t>(count)});
      while (open && decoder.next(envelope) == EnvelopeDecoder::Result::kEnvelope)
        open = take(connection, envelope);
    }
    SSL_shutdown(connection.ssl);
  }
  ERR_clear_error();
  SSL_free(connection.ssl);
  {
    const std::lock_guard lock(mutex_);
    sockets_.erase(socket);
  }
  close(socket);
}

/// False: hang up.
bool EnvelopeServer::take(Connection& connection, const v1::Envelope& envelope) {
  const Manner manner = this->manner();
  if (envelope.has_hello()) {
    const uint64_t epoch = envelope.hello().epoch();
    v1::Envelope answer;
    {
      const std::lock_guard lock(mutex_);
      received_.hellos.push_back(envelope.hello());
      v1::Welcome& welcome = *answer.mutable_welcome();
      welcome.set_version("test");
      welcome.set_epoch(epoch);
      welcome.set_acknowledged_sequence(std::max(stored_[epoch], manner.acknowledged));
      stored_[epoch] = welcome.acknowledged_sequence();
    }
    if (!manner.raw.empty()) return connection.send(manner.raw);
    if (manner.answers && !connection.send(answer)) return false;
    v1::Envelope directive;
    directive.mutable_directive()->mutable_reload();
    if (manner.directs && !connection.send(directive)) return false;
    while (!manner.reads && !ending_ && !this->manner().reads)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return true;
  }
  if (envelope.has_heartbeat()) {
    const std::lock_guard lock(mutex_);
    received_.heartbeats.push_back(envelope.heartbeat());
    return true;
  }
  uint64_t epoch = 0;
  {
    const std::lock_guard lock(mutex_);
    if (envelope.has_gap()) {
      epoch = envelope.gap().epoch();
      received_.gaps.push_back(envelope.gap());
      stored_[epoch] = std::max(stored_[epoch], envelope.gap().last());
    }
    for (const v1::Alert& alert : envelope.alerts().alerts()) {
      epoch = alert.epoch();
      const auto [known, fresh] =
          received_.alerts.emplace(std::pair(epoch, alert.sequence()), alert);
      received_.repeated += fresh ? 0 : 1;
      if (!fresh && known->second.SerializeAsString() != alert.SerializeAsString())
        ++received_.conflicting;
      stored_[epoch] = std::max(stored_[epoch], alert.sequence());
      ++connection.alerts;
    }
  }
  if (manner.hang_up_after != 0 && connection.alerts >= manner.hang_up_after) return false;
  return !manner.acknowledges || acknowledge(connection, epoch);
}

bool EnvelopeServer::acknowledge(Connection& connection, uint64_t epoch) {
  std::this_thread::sleep_for(std::chrono::milliseconds(manner().ack_delay_ms));
  v1::Envelope answer;
  {
    const std::lock_guard lock(mutex_);
    answer.mutable_ack()->set_epoch(epoch);
    answer.mutable_ack()->set_sequence(stored_[epoch] + manner_.ack_ahead);
  }
  return connection.send(answer);
}

}  // namespace weir::testing
