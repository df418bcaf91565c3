// The door: accepts sensors, knows who is connected, and serves metrics.
#include "collector/server.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <csignal>
#include <vector>

#include "collector/error.h"

namespace weir::collector {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kHttpTimeout = std::chrono::seconds(10);
constexpr auto kFinishWithin = std::chrono::seconds(5);
constexpr auto kAcceptAgainAfter = std::chrono::milliseconds(100);  // no file descriptor free
constexpr uint32_t kHttpRequestBytes = 8192;

/// GET /metrics, one request a connection.
class Page : public std::enable_shared_from_this<Page> {
 public:
  Page(tcp::socket socket, const Metrics& metrics)
      : stream_(std::move(socket)), metrics_(metrics) {}

  void start() {
    stream_.expires_after(kHttpTimeout);
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](const error_code& error, size_t) {
                       if (!error) self->answer();
                     });
  }

 private:
  void answer() {
    const bool known = request_.target() == "/metrics" && request_.method() == http::verb::get;
    response_.version(request_.version());
    response_.set(http::field::content_type, "text/plain; version=0.0.4");
    response_.keep_alive(false);
    response_.result(known ? http::status::ok : http::status::not_found);
    response_.body() = known ? metrics_.text() : "GET /metrics is all there is\n";
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](const error_code&, size_t) {
      error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  const Metrics& metrics_;
  beast::flat_buffer buffer_{kHttpRequestBytes};
  http::request<http::empty_body> request_;
  http::response<http::string_body> response_;
};

}  // namespace

Server::Server(const Config& config)
    : config_(config),
      tls_(make_tls_context(config)),
      writer_(config_, metrics_),
      sensors_(bind("listen", config.listen)),
      http_(config.http.empty() ? Acceptor(io_) : bind("http", config.http)),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      guard_(io_) {
  metrics_.certificate_expires(tls_->expires_s);
}

Server::Acceptor Server::bind(const char* option, const std::string& text) {
  const Endpoint wanted = endpoint_of(text);
  const auto refuse = [&](const std::string& why) -> Error {
    return {kExitFailed, std::string("collector.") + option + " \"" + text + "\": " + why};
  };
  error_code error;
  const auto address = asio::ip::make_address(wanted.address, error);
  if (error) throw refuse("is no address of this machine; write an IP address and a port");
  const tcp::endpoint endpoint(address, wanted.port);
  Acceptor acceptor(io_);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    throw refuse("another program listens there already; end it, or choose another port");
  if (error == asio::error::access_denied)
    throw refuse("ports below 1024 need a privilege; choose a higher one");
  if (error) throw refuse("cannot be listened on (" + error.message() + ")");
  return acceptor;
}

void Server::run() {
  accept_sensors();
  if (http_.is_open()) accept_metrics();
  obey_signals();
  spdlog::info("listening for sensors at {}, store {}", config_.listen, config_.store);
  sd_notify(0, "READY=1");
  io_.run();
}

void Server::accept_sensors() {
  sensors_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !sensors_.is_open()) return;
    if (!error) {
      take_sensor(std::move(socket));
      accept_sensors();
      return;
    }
    guard_.expires_after(kAcceptAgainAfter);
    guard_.async_wait([this](const error_code& ended) {
      if (!ended) accept_sensors();
    });
  });
}

void Server::take_sensor(tcp::socket socket) {
  if (sessions_.size() >= config_.max_connections) {
    metrics_.refused(Refusal::kTooMany);
    spdlog::warn("a connection more than collector.max_connections ({}) is refused; raise it",
                 config_.max_connections);
    return;
  }
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  const auto session = std::make_shared<Session>(
      std::move(socket), tls_, config_, writer_, metrics_,
      [this](Session& who) { return admit(who); }, [this](Session& who) { left(who); });
  sessions_.emplace(session.get(), session);
  session->start();
}

/// A sensor that comes again takes the place of its old connection. Another one with the same id
/// has another spool, so another epoch: it must wait until the first is gone.
const char* Server::admit(Session& session) {
  const auto known = by_sensor_.find(session.sensor());
  if (known != by_sensor_.end() && known->second != &session) {
    if (known->second->epoch() != session.epoch())
      return "another sensor with this id is connected; give each sensor its own certificate";
    known->second->close();
  }
  by_sensor_[session.sensor()] = &session;
  return nullptr;
}

void Server::left(Session& session) {
  const auto known = by_sensor_.find(session.sensor());
  if (known != by_sensor_.end() && known->second == &session) by_sensor_.erase(known);
  sessions_.erase(&session);
  if (!sensors_.is_open() && sessions_.empty()) io_.stop();  // that was the last one
}

void Server::accept_metrics() {
  http_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !http_.is_open()) return;
    if (!error) std::make_shared<Page>(std::move(socket), metrics_)->start();
    accept_metrics();
  });
}

void Server::obey_signals() {
  signals_.async_wait([this](const error_code& error, int number) {
    if (error) return;
    if (number != SIGHUP) return stop();
    reload();
    obey_signals();
  });
}

void Server::reload() {
  try {
    tls_ = make_tls_context(config_);
    metrics_.certificate_expires(tls_->expires_s);
    spdlog::info("certificates are loaded anew; they hold for new connections");
  } catch (const Error& error) {
    spdlog::error("{}; the certificates before go on", error.what());
  }
}

void Server::stop() {
  sd_notify(0, "STOPPING=1");
  spdlog::info("ending: what was taken is stored and acknowledged first");
  error_code ignored;
  sensors_.close(ignored);
  http_.close(ignored);
  std::vector<std::shared_ptr<Session>> living;
  for (const auto& [key, session] : sessions_)
    if (auto lives = session.lock()) living.push_back(std::move(lives));
  for (const auto& session : living) session->finish();
  if (sessions_.empty()) return io_.stop();
  guard_.expires_after(kFinishWithin);
  guard_.async_wait([this](const error_code&) { io_.stop(); });
}

}  // namespace weir::collector
