// One connected sensor: who it is, what it says, what was acknowledged.
#include "collector/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "collector/error.h"

namespace weir::collector {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kUnansweredMost = 8;             // envelopes; then the sensor waits
constexpr auto kBurst = std::chrono::seconds(2);  // of max_alerts_per_s, before a sensor waits

std::string text_of(const Session::Socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "?";
  return endpoint.address().to_string() + " port " + std::to_string(endpoint.port());
}

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
      pause_(stream_.get_executor()) {}

void Session::start() {
  metrics_.connected(1);
  expect_within_s(config_.handshake_timeout_s, Refusal::kSlow);
  stream_.async_handshake(
      asio::ssl::stream_base::server,
      [self = shared_from_this()](const error_code& error) { self->shaken_hands(error); });
}

void Session::shaken_hands(const error_code& error) {
  if (gone_) return;
  if (error) {
    refuse(Refusal::kTls, "TLS handshake failed (" + error.message() +
                              "); the sensor's certificate must come from the authority in " +
                              config_.ca_file + " and be valid now");
    return;
  }
  sensor_ = sensor_of_certificate(stream_.native_handle());
  if (sensor_.empty())
    refuse(Refusal::kNoName,
           "its certificate has no DNS name as subject alternative name, which is the sensor's id; "
           "make one with deploy/make-certificates");
  else
    read();
}

void Session::read() {
  reading_ = true;
  stream_.async_read_some(
      asio::buffer(piece_), [self = shared_from_this()](const error_code& error, size_t bytes) {
        self->reading_ = false;
        if (self->gone_) return;
        if (error || bytes == 0) {
          spdlog::info("sensor {} at {} is gone: {}", self->sensor_, self->peer_, error.message());
          self->leave();
          return;
        }
        self->decoder_.feed({self->piece_.data(), bytes});
        self->take_pieces();
      });
}

/// Takes the envelopes that are here, then reads on; stops while the sensor has to wait, and is
/// called again when it has waited.
void Session::take_pieces() {
  v1::Envelope envelope;
  while (!leaving_ && !waiting_ && unanswered_ < kUnansweredMost) {
    switch (decoder_.next(envelope)) {
      case EnvelopeDecoder::Result::kEnvelope:
        if (!take(envelope)) return;
        break;
      case EnvelopeDecoder::Result::kBad:
        refuse(Refusal::kMalformed, "sends no envelopes: " + std::string(decoder_.fault()));
        return;
      case EnvelopeDecoder::Result::kMore:
        if (!reading_) read();
        return;
    }
  }
}

/// False when the connection ends with it.
bool Session::take(v1::Envelope& envelope) {
  if (!greeted_) {
    if (envelope.has_hello()) return greet(envelope.hello());
    return refuse(Refusal::kMalformed, "does not begin with a Hello");
  }
  expect_within_s(config_.silent_after_s, Refusal::kSilent);
  if (envelope.has_alerts()) return take_alerts(envelope);
  Arrival arrival{sensor_, epoch_, now_ns(), {}};
  if (envelope.has_heartbeat())
    arrival.body = std::move(*envelope.mutable_heartbeat());
  else if (envelope.has_gap())
    arrival.body = std::move(*envelope.mutable_gap());
  else
    return true;  // from a later version, or not a sensor's to send
  submit(std::move(arrival));
  return true;
}

bool Session::greet(const v1::Hello& hello) {
  if (hello.sensor_id() != sensor_)
    return refuse(Refusal::kOtherId, "calls itself \"" + hello.sensor_id() +
                                         "\", and its certificate says \"" + sensor_ +
                                         "\"; set sensor.id to the name in the certificate");
  epoch_ = hello.epoch();
  if (const char* why = admit_(*this)) return refuse(Refusal::kTwoSensors, why);
  greeted_ = true;
  expect_within_s(config_.silent_after_s, Refusal::kSilent);
  spdlog::info("sensor {} at {} is here, version {}", sensor_, peer_, hello.version());
  submit({sensor_, epoch_, now_ns(), hello});
  return true;
}

bool Session::take_alerts(v1::Envelope& envelope) {
  for (const v1::Alert& alert : envelope.alerts().alerts())
    if (alert.sensor_id() != sensor_ || alert.epoch() != epoch_)
      return refuse(Refusal::kMalformed, "sends an alert of another sensor or epoch than its own");
  const int alerts = envelope.alerts().alerts_size();
  submit({sensor_, epoch_, now_ns(), std::move(*envelope.mutable_alerts())});
  slow_down(alerts);
  return true;
}

void Session::submit(Arrival arrival) {
  ++unanswered_;
  const bool greeting = std::holds_alternative<v1::Hello>(arrival.body);
  writer_.submit(std::move(arrival), [self = shared_from_this(), greeting](const Outcome* outcome) {
    const bool stored = outcome != nullptr;
    const uint64_t acknowledged = stored ? outcome->acknowledged_sequence : 0;
    asio::post(self->stream_.get_executor(), [self, greeting, stored, acknowledged] {
      self->answered(stored, acknowledged, greeting);
    });
  });
}

void Session::slow_down(int alerts) {
  const auto now = Clock::now();
  const auto each =
      std::chrono::duration<double>(1.0 / static_cast<double>(config_.max_alerts_per_s));
  next_alert_at_ = std::max(next_alert_at_, now - kBurst) +
                   std::chrono::duration_cast<Clock::duration>(each * alerts);
  if (next_alert_at_ <= now) return;
  waiting_ = true;
  deadline_.cancel();  // it is not the sensor that is slow
  pause_.expires_at(next_alert_at_);
  pause_.async_wait([self = shared_from_this()](const error_code&) {
    self->waiting_ = false;
    if (self->gone_ || self->leaving_) return;
    self->expect_within_s(self->config_.silent_after_s, Refusal::kSilent);
    self->take_pieces();
  });
}

void Session::answered(bool stored, uint64_t acknowledged, bool greeting) {
  --unanswered_;
  if (gone_) return;
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
  take_pieces();
}

void Session::send(const v1::Envelope& envelope) {
  if (!append_envelope(envelope, to_send_)) return;  // a Welcome or an Ack is never that large
  if (being_sent_.empty()) write_more();
}

void Session::write_more() {
  if (to_send_.empty()) return end_if_idle();
  being_sent_.swap(to_send_);
  asio::async_write(stream_, asio::buffer(being_sent_),
                    [self = shared_from_this()](const error_code& error, size_t) {
                      self->being_sent_.clear();
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
    if (error || !self || self->gone_) return;
    self->metrics_.refused(otherwise);
    spdlog::warn("{} {}: closed, since it said nothing in time",
                 self->sensor_.empty() ? "someone at" : "sensor " + self->sensor_ + " at",
                 self->peer_);
    self->close();
  });
}

bool Session::refuse(Refusal why, const std::string& sentence) {
  metrics_.refused(why);
  spdlog::warn("{} {}: {}", sensor_.empty() ? "someone at" : "sensor " + sensor_ + " at", peer_,
               sentence);
  leave();
  return false;
}

void Session::leave() {
  leaving_ = true;
  end_if_idle();
}

void Session::end_if_idle() {
  if (leaving_ && unanswered_ == 0 && being_sent_.empty() && to_send_.empty()) close();
}

void Session::finish() { leave(); }

void Session::close() {
  if (gone_) return;
  gone_ = true;
  error_code ignored;
  deadline_.cancel();
  pause_.cancel();
  stream_.next_layer().shutdown(Socket::shutdown_both, ignored);
  stream_.next_layer().close(ignored);
  metrics_.connected(-1);
  left_(*this);
}

}  // namespace weir::collector
