// One connection to the collector, as callbacks in the order in which they happen.
#include "sensor/uplink_session.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <ctime>

namespace weir {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

/// From the first packet to the Welcome.
constexpr milliseconds kGreetingPatience{10'000};
/// What a collector that only reads can make us send again.
constexpr uint64_t kInFlightMaxBytes = uint64_t{8} << 20;

constexpr const char* kNoAck = "acknowledges nothing";

/// A collector that is alive acknowledges sooner; one that is slow acknowledges something.
milliseconds ack_patience(const UplinkOptions& options) {
  return milliseconds(std::max<uint64_t>(2000, uint64_t{2000} * options.heartbeat_s));
}

void set_now(google::protobuf::Timestamp& time) {
  std::timespec now{};
  std::timespec_get(&now, TIME_UTC);
  time.set_seconds(now.tv_sec);
  time.set_nanos(static_cast<int32_t>(now.tv_nsec));
}

/// The address that a packet to `collector` leaves from: known before one leaves.
OwnTraffic own_traffic(asio::io_context& io, const tcp::endpoint& collector) {
  asio::ip::udp::socket probe(io);
  boost::system::error_code error;
  probe.connect({collector.address(), collector.port()}, error);  // sends nothing
  const auto sensor = probe.local_endpoint(error).address();
  const auto ours = [](const asio::ip::address& address) {
    return parse_ip_address(address.to_string()).value_or(IpAddress{});
  };
  return {ours(sensor), ours(collector.address()), collector.port()};
}

}  // namespace

UplinkSession::UplinkSession(asio::io_context& io, std::shared_ptr<ClientTls> tls,
                             const UplinkOptions& options, Spool& spool, UplinkStatus& status,
                             Hooks hooks)
    : io_(io),
      tls_(std::move(tls)),
      options_(options),
      spool_(spool),
      status_(status),
      hooks_(std::move(hooks)),
      resolver_(io),
      stream_(io, tls_->context()),
      deadline_(io),
      heartbeat_(io) {}

void UplinkSession::start() {
  watch(kGreetingPatience, "did not answer");
  resolve();
}

void UplinkSession::resolve() {
  const auto [host, port] = host_and_port(options_.collector);
  Code numeric;
  const auto address = asio::ip::make_address(host, numeric);
  if (!numeric) {  // no resolver thread for what is an address already
    const tcp::endpoint endpoint(address, static_cast<uint16_t>(std::stoul(port)));
    connect(tcp::resolver::results_type::create(endpoint, host, port));
    return;
  }
  resolver_.async_resolve(host, port, [self = shared_from_this()](const Code& error, auto found) {
    if (error) return self->fail(error);
    self->connect(found);
  });
}

void UplinkSession::connect(const tcp::resolver::results_type& endpoints) {
  if (ended_) return;
  const auto before_each = [this](const Code&, const tcp::endpoint& next) {
    if (hooks_.connecting) hooks_.connecting(own_traffic(io_, next));
    return true;
  };
  asio::async_connect(stream_.lowest_layer(), endpoints, before_each,
                      [self = shared_from_this()](const Code& error, const tcp::endpoint&) {
                        if (error) return self->fail(error);
                        self->handshake();
                      });
}

void UplinkSession::handshake() {
  if (ended_) return;
  auto& socket = stream_.lowest_layer();
  Code error;
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  // A peer whose machine is gone acknowledges no segment: heartbeats find that out.
  const auto patience_ms = static_cast<unsigned>(ack_patience(options_).count()) + 1000;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms,
               sizeof(patience_ms));
  const tcp::endpoint remote = socket.remote_endpoint(error), local = socket.local_endpoint(error);
  status_.remote_address = remote.address().to_string();
  status_.remote_port = remote.port();
  status_.local_address = local.address().to_string();
  status_.local_port = local.port();
  tls_->prepare(stream_);
  stream_.async_handshake(asio::ssl::stream_base::client,
                          [self = shared_from_this()](const Code& failure) {
                            if (failure) return self->fail(failure);
                            self->say_hello();
                            self->read();
                          });
}

void UplinkSession::say_hello() {
  v1::Envelope envelope;
  v1::Hello& hello = *envelope.mutable_hello();
  hello.set_sensor_id(options_.sensor_id);
  hello.set_epoch(spool_.epoch());
  hello.set_version(options_.version);
  hello.set_next_sequence(spool_.acknowledged() + 1);
  (void)append_envelope(envelope, buffer_);  // far below the limit
  send();
}

void UplinkSession::read() {
  if (ended_) return;
  stream_.async_read_some(asio::buffer(received_), [self = shared_from_this()](const Code& error,
                                                                               size_t bytes) {
    if (error) return self->fail(error);
    self->decoder_.feed({self->received_.data(), bytes});
    v1::Envelope envelope;
    for (;;) {
      const auto result = self->decoder_.next(envelope);
      if (result == EnvelopeDecoder::Result::kMore) break;
      if (result == EnvelopeDecoder::Result::kBad)
        return self->end({"it sent what is no envelope (" + std::string(self->decoder_.fault()) +
                              "); correct the port, it is no weir-collector's",
                          false});
      self->take(envelope);
      if (self->ended_) return;
    }
    self->read();
  });
}

void UplinkSession::take(const v1::Envelope& envelope) {
  switch (envelope.body_case()) {
    case v1::Envelope::kWelcome:
      take_welcome(envelope.welcome());
      break;
    case v1::Envelope::kAck:
      take_ack(envelope.ack());
      break;
    case v1::Envelope::kDirective:
      hooks_.directed();
      break;
    default:  // of a later version
      break;
  }
}

void UplinkSession::take_welcome(const v1::Welcome& welcome) {
  if (welcomed_ || welcome.epoch() != spool_.epoch()) return;
  if (!spool_.agree(welcome.acknowledged_sequence()))
    return end(
        {"it has alerts of this spool that this spool never numbered: the spool is an older "
         "copy of itself; a new epoch was begun, and nothing is lost",
         false});
  welcomed_ = true;
  sent_ = welcome.acknowledged_sequence();
  deadline_.cancel();
  hooks_.welcomed(welcome);
  hooks_.acknowledged();
  beat();
}

void UplinkSession::take_ack(const v1::Ack& ack) {
  // More than was sent cannot be stored: such a collector would make us forget alerts.
  if (!welcomed_ || ack.epoch() != spool_.epoch() || ack.sequence() > sent_) return;
  acknowledged_something_ = true;
  spool_.acknowledge(ack.sequence());
  while (!in_flight_.empty() && in_flight_.front().last <= ack.sequence()) {
    in_flight_bytes_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
  hooks_.acknowledged();
  watch_acknowledgement();
  send();
}

void UplinkSession::wake() { send(); }

void UplinkSession::beat() {
  heartbeat_due_ = true;
  send();
  heartbeat_.expires_after(std::chrono::seconds(options_.heartbeat_s));
  heartbeat_.async_wait([self = shared_from_this()](const Code& error) {
    if (!error && !self->ended_) self->beat();
  });
}

void UplinkSession::add_heartbeat() {
  v1::Envelope envelope;
  v1::Heartbeat& heartbeat = *envelope.mutable_heartbeat();
  set_now(*heartbeat.mutable_time());
  heartbeat.set_epoch(spool_.epoch());
  heartbeat.set_spool_alerts(spool_.counters().alerts);
  heartbeat.mutable_certificate_expires()->set_seconds(static_cast<int64_t>(tls_->expires_s()));
  if (hooks_.fill_heartbeat) hooks_.fill_heartbeat(heartbeat);
  if (!append_envelope(envelope, buffer_)) {
    heartbeat.clear_lanes();  // that many lanes are a mistake; that it lives is said all the same
    heartbeat.clear_silenced();
    (void)append_envelope(envelope, buffer_);
  }
}

void UplinkSession::fill_buffer() {
  if (heartbeat_due_) add_heartbeat();
  heartbeat_due_ = false;
  v1::Envelope envelope;
  uint64_t last = 0;
  while (buffer_.size() < kEnvelopeMaxBytes && in_flight_bytes_ < kInFlightMaxBytes &&
         spool_.next_envelope(sent_, envelope, last)) {
    if (envelope.has_alerts())  // the sensor may have had another name when they were written
      for (v1::Alert& alert : *envelope.mutable_alerts()->mutable_alerts())
        alert.set_sensor_id(options_.sensor_id);
    const size_t before = buffer_.size();
    if (!append_envelope(envelope, buffer_)) break;
    status_.sent_gaps += envelope.has_gap() ? 1 : 0;
    status_.sent_alerts += static_cast<uint64_t>(envelope.alerts().alerts_size());
    if (in_flight_.empty()) watch(ack_patience(options_), kNoAck);
    in_flight_.push_back({last, buffer_.size() - before});
    in_flight_bytes_ += buffer_.size() - before;
    sent_ = last;
  }
}

void UplinkSession::send() {
  if (writing_ || ended_) return;
  if (welcomed_) fill_buffer();
  if (buffer_.empty()) return;
  writing_ = true;
  asio::async_write(stream_, asio::buffer(buffer_),
                    [self = shared_from_this()](const Code& error, size_t) {
                      self->writing_ = false;
                      self->buffer_.clear();
                      // Why it was closed is in what can still be read.
                      if (error) return self->watch(milliseconds(1000), "closed the connection");
                      if (self->welcomed_) self->send();
                    });
}

/// Each acknowledgement is progress: the rest has the whole time again.
void UplinkSession::watch_acknowledgement() {
  if (in_flight_.empty())
    deadline_.cancel();
  else
    watch(ack_patience(options_), kNoAck);
}

/// Ends the session unless it is called again, or cancelled, within `patience`.
void UplinkSession::watch(milliseconds patience, const char* what) {
  missing_ = what;
  deadline_.expires_after(patience);
  deadline_.async_wait([self = shared_from_this(), patience](const Code& error) {
    if (error || self->ended_ || self->deadline_.expiry() > std::chrono::steady_clock::now())
      return;
    self->end({"it " + self->missing_ + " within " + std::to_string(patience.count() / 1000) +
                   " s; check the collector, its disk and the way to it",
               false});
  });
}

void UplinkSession::fail(const Code& error) {
  if (!ended_) end(tls_->explain(error, stream_, welcomed_));
}

void UplinkSession::end(const ClientTls::Trouble& trouble) {
  if (ended_) return;
  close();
  hooks_.ended(trouble);
}

void UplinkSession::shut_down() {
  if (!welcomed_ || ended_) return close();
  ended_ = true;
  heartbeat_.cancel();
  stream_.async_shutdown([self = shared_from_this()](const Code&) { self->close(); });
  deadline_.expires_after(milliseconds(1000));
  deadline_.async_wait([self = shared_from_this()](const Code& error) {
    if (!error) self->close();
  });
}

void UplinkSession::close() {
  ended_ = true;
  Code ignored;
  resolver_.cancel();
  deadline_.cancel();
  heartbeat_.cancel();
  stream_.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
  stream_.lowest_layer().close(ignored);
  status_.remote_address.clear();
  status_.local_address.clear();
  status_.remote_port = status_.local_port = 0;
}

}  // namespace weir
