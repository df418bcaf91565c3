// One connected sensor: who it is, what it says, what was acknowledged.
#include "collector/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "collector/error.h"

namespace weir::collector {
namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using boost::system::error_code;

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kUnansweredMost = 8;             // envelopes; then the sensor waits
constexpr auto kBurst = std::chrono::seconds(2);  // of max_alerts_per_s, before a sensor waits
constexpr auto kForever = std::chrono::hours(24 * 365);

std::string text_of(const Session::Socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "?";
  return endpoint.address().to_string() + " port " + std::to_string(endpoint.port());
}

/// Ends `serve` with a reason that was counted and logged.
struct Refused {};

}  // namespace

Session::Session(Socket socket, std::shared_ptr<TlsContext> tls, const Config& config,
                 Writer& writer, Metrics& metrics, Admit admit, Left left)
    : stream_(std::move(socket), tls->context),
      tls_(std::move(tls)),
      config_(config),
      writer_(writer),
      metrics_(metrics),
      admit_(std::move(admit)),
      left_(std::move(left)),
      peer_(text_of(stream_.next_layer())),
      deadline_(stream_.get_executor()),
      room_(stream_.get_executor()) {}

asio::awaitable<void> Session::serve() {
  const auto self = shared_from_this();
  metrics_.connected(1);
  try {
    co_await converse();
  } catch (const Refused&) {
    // was said where it was found
  } catch (const std::exception& error) {
    spdlog::info("sensor {} at {} is gone: {}", sensor_.empty() ? "?" : sensor_, peer_,
                 error.what());
  }
  deadline_.cancel();
  metrics_.connected(-1);
  while (unanswered_ != 0 || !being_sent_.empty()) {  // its last acknowledgements
    error_code ignored;
    room_.expires_after(std::chrono::seconds(1));
    co_await room_.async_wait(asio::redirect_error(use_awaitable, ignored));
    if (!stream_.next_layer().is_open()) break;
  }
  close();
  left_(*this);
}

asio::awaitable<void> Session::converse() {
  expect_within_s(config_.handshake_timeout_s, Refusal::kSlow);
  error_code error;
  co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                   asio::redirect_error(use_awaitable, error));
  if (error)
    refuse(Refusal::kTls, "TLS handshake failed (" + error.message() +
                              "); the sensor's certificate must come from the authority in " +
                              config_.ca_file + " and be valid now");
  sensor_ = sensor_of_certificate(stream_.native_handle());
  if (sensor_.empty())
    refuse(Refusal::kNoName,
           "its certificate has no DNS name as subject alternative name, which is "
           "the sensor's id; make one with deploy/make-certificates");
  v1::Envelope envelope;
  if (!co_await next(envelope)) co_return;
  if (!envelope.has_hello()) refuse(Refusal::kMalformed, "does not begin with a Hello");
  co_await greet(envelope.hello());
  while (!finishing_) {
    expect_within_s(config_.silent_after_s, Refusal::kSilent);
    if (!co_await next(envelope)) co_return;
    co_await take(envelope);
  }
}

/// False at the end of the stream.
asio::awaitable<bool> Session::next(v1::Envelope& envelope) {
  std::array<char, kReadBytes> piece;
  for (;;) {
    switch (decoder_.next(envelope)) {
      case EnvelopeDecoder::Result::kEnvelope:
        co_return true;
      case EnvelopeDecoder::Result::kBad:
        refuse(Refusal::kMalformed, "sends no envelopes: " + std::string(decoder_.fault()));
      case EnvelopeDecoder::Result::kMore:
        break;
    }
    if (finishing_) co_return false;
    error_code error;
    const size_t bytes = co_await stream_.async_read_some(
        asio::buffer(piece), asio::redirect_error(use_awaitable, error));
    if (error && !finishing_ && error != asio::error::eof &&
        error != asio::ssl::error::stream_truncated)
      throw boost::system::system_error(error);
    if (bytes == 0) co_return false;
    decoder_.feed({piece.data(), bytes});
  }
}

asio::awaitable<void> Session::greet(const v1::Hello& hello) {
  if (hello.sensor_id() != sensor_)
    refuse(Refusal::kOtherId, "calls itself \"" + hello.sensor_id() +
                                  "\", and its certificate says \"" + sensor_ +
                                  "\"; set sensor.id to the name in the certificate");
  epoch_ = hello.epoch();
  if (const char* why = admit_(*this)) refuse(Refusal::kTwoSensors, why);
  admitted_ = true;
  spdlog::info("sensor {} at {} is here, version {}", sensor_, peer_, hello.version());
  Arrival arrival{sensor_, epoch_, now_ns(), hello};  // a temporary here g++ 12 destroys twice
  co_await submit(std::move(arrival));
}

asio::awaitable<void> Session::take(v1::Envelope& envelope) {
  Arrival arrival{sensor_, epoch_, now_ns(), {}};
  if (envelope.has_alerts()) {
    for (const v1::Alert& alert : envelope.alerts().alerts())
      if (alert.sensor_id() != sensor_ || alert.epoch() != epoch_)
        refuse(Refusal::kMalformed, "sends an alert of another sensor or epoch than its own");
    const int alerts = envelope.alerts().alerts_size();
    arrival.body = std::move(*envelope.mutable_alerts());
    co_await submit(std::move(arrival));
    co_await slow_down(alerts);
  } else if (envelope.has_heartbeat()) {
    arrival.body = std::move(*envelope.mutable_heartbeat());
    co_await submit(std::move(arrival));
  } else if (envelope.has_gap()) {
    arrival.body = std::move(*envelope.mutable_gap());
    co_await submit(std::move(arrival));
  }  // others are from a later version, or not a sensor's to send
}

/// Hands it to the writer, and waits while too many are there already.
asio::awaitable<void> Session::submit(Arrival arrival) {
  ++unanswered_;
  const bool greeting = std::holds_alternative<v1::Hello>(arrival.body);
  writer_.submit(std::move(arrival), [self = shared_from_this(), greeting](const Outcome* outcome) {
    const bool stored = outcome != nullptr;
    const uint64_t acknowledged = stored ? outcome->acknowledged_sequence : 0;
    asio::post(self->stream_.get_executor(), [self, greeting, stored, acknowledged] {
      self->answered(stored, acknowledged, greeting);
    });
  });
  while (unanswered_ >= kUnansweredMost && stream_.next_layer().is_open()) {
    error_code ignored;
    room_.expires_after(kForever);
    co_await room_.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
}

asio::awaitable<void> Session::slow_down(int alerts) {
  const auto now = Clock::now();
  const auto each =
      std::chrono::duration<double>(1.0 / static_cast<double>(config_.max_alerts_per_s));
  next_alert_at_ = std::max(next_alert_at_, now - kBurst) +
                   std::chrono::duration_cast<Clock::duration>(each * alerts);
  if (next_alert_at_ <= now) co_return;
  deadline_.cancel();  // it is not the sensor that is slow
  asio::steady_timer wait(stream_.get_executor(), next_alert_at_);
  error_code ignored;
  co_await wait.async_wait(asio::redirect_error(use_awaitable, ignored));
}

void Session::answered(bool stored, uint64_t acknowledged, bool greeting) {
  --unanswered_;
  room_.cancel();
  if (!stored) return close();  // it comes again, and brings all that was not acknowledged
  v1::Envelope envelope;
  if (greeting) {
    envelope.mutable_welcome()->set_version(WEIR_VERSION);
    envelope.mutable_welcome()->set_epoch(epoch_);
    envelope.mutable_welcome()->set_acknowledged_sequence(acknowledged);
  } else {
    envelope.mutable_ack()->set_epoch(epoch_);
    envelope.mutable_ack()->set_sequence(acknowledged);
  }
  send(envelope);
}

void Session::send(const v1::Envelope& envelope) {
  if (!append_envelope(envelope, to_send_)) return;  // a Welcome or an Ack is never that large
  if (being_sent_.empty()) write_more();
}

void Session::write_more() {
  if (to_send_.empty() || !stream_.next_layer().is_open()) return;
  being_sent_.swap(to_send_);
  asio::async_write(stream_, asio::buffer(being_sent_),
                    [self = shared_from_this()](const error_code& error, size_t) {
                      self->being_sent_.clear();
                      self->room_.cancel();
                      if (error)
                        self->close();
                      else
                        self->write_more();
                    });
}

void Session::expect_within_s(uint64_t seconds, Refusal otherwise) {
  deadline_.expires_after(std::chrono::seconds(seconds));
  deadline_.async_wait([weak = weak_from_this(), otherwise](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->metrics_.refused(otherwise);
    spdlog::warn("{} {}: closed, since it said nothing in time",
                 self->sensor_.empty() ? "someone at" : "sensor " + self->sensor_ + " at",
                 self->peer_);
    self->close();
  });
}

void Session::refuse(Refusal why, const std::string& sentence) {
  metrics_.refused(why);
  spdlog::warn("{} {}: {}", sensor_.empty() ? "someone at" : "sensor " + sensor_ + " at", peer_,
               sentence);
  throw Refused();
}

void Session::finish() {
  finishing_ = true;
  error_code ignored;
  stream_.next_layer().shutdown(Socket::shutdown_receive, ignored);
}

void Session::close() {
  error_code ignored;
  deadline_.cancel();
  room_.cancel();
  stream_.next_layer().shutdown(Socket::shutdown_both, ignored);
  stream_.next_layer().close(ignored);
}

}  // namespace weir::collector
