// The door: accepts sensors, knows who is connected, and serves metrics.
#include "collector/server.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
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
using asio::use_awaitable;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kHttpTimeout = std::chrono::seconds(10);
constexpr auto kFinishWithin = std::chrono::seconds(5);
constexpr auto kAcceptAgainAfter = std::chrono::milliseconds(100);  // no file descriptor free
constexpr uint32_t kHttpRequestBytes = 8192;

}  // namespace

Server::Server(const Config& config)
    : config_(config),
      tls_(make_tls_context(config)),
      writer_(config_, metrics_),
      sensors_(bind("listen", config.listen)),
      http_(config.http.empty() ? Acceptor(io_) : bind("http", config.http)),
      signals_(io_, SIGTERM, SIGINT, SIGHUP) {
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
  asio::co_spawn(io_, accept_sensors(), asio::detached);
  if (http_.is_open()) asio::co_spawn(io_, accept_metrics(), asio::detached);
  asio::co_spawn(io_, obey_signals(), asio::detached);
  spdlog::info("listening for sensors at {}, store {}", config_.listen, config_.store);
  sd_notify(0, "READY=1");
  io_.run();
}

asio::awaitable<void> Server::accept_sensors() {
  while (sensors_.is_open()) {
    error_code error;
    tcp::socket socket = co_await sensors_.async_accept(asio::redirect_error(use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      asio::steady_timer wait(io_, kAcceptAgainAfter);
      co_await wait.async_wait(use_awaitable);
      continue;
    }
    if (sessions_.size() >= config_.max_connections) {
      metrics_.refused(Refusal::kTooMany);
      spdlog::warn("a connection more than collector.max_connections ({}) is refused; raise it",
                   config_.max_connections);
      continue;
    }
    socket.set_option(tcp::no_delay(true), error);
    const auto session = std::make_shared<Session>(
        std::move(socket), tls_, config_, writer_, metrics_,
        [this](Session& who) { return admit(who); }, [this](Session& who) { left(who); });
    sessions_.emplace(session.get(), session);
    asio::co_spawn(
        io_, [session]() -> asio::awaitable<void> { co_await session->serve(); }, asio::detached);
  }
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
}

asio::awaitable<void> Server::accept_metrics() {
  while (http_.is_open()) {
    error_code error;
    tcp::socket socket = co_await http_.async_accept(asio::redirect_error(use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (!error) asio::co_spawn(io_, serve_metrics(std::move(socket)), asio::detached);
  }
}

/// GET /metrics, one request a connection.
asio::awaitable<void> Server::serve_metrics(tcp::socket socket) {
  namespace http = beast::http;
  beast::tcp_stream stream(std::move(socket));
  stream.expires_after(kHttpTimeout);
  beast::flat_buffer buffer(kHttpRequestBytes);
  http::request<http::empty_body> request;
  error_code error;
  co_await http::async_read(stream, buffer, request, asio::redirect_error(use_awaitable, error));
  if (error) co_return;
  http::response<http::string_body> response;
  response.version(request.version());
  response.set(http::field::content_type, "text/plain; version=0.0.4");
  response.keep_alive(false);
  const bool known = request.target() == "/metrics" && request.method() == http::verb::get;
  response.result(known ? http::status::ok : http::status::not_found);
  response.body() = known ? metrics_.text() : "GET /metrics is all there is\n";
  response.prepare_payload();
  co_await http::async_write(stream, response, asio::redirect_error(use_awaitable, error));
  stream.socket().shutdown(tcp::socket::shutdown_send, error);
}

asio::awaitable<void> Server::obey_signals() {
  for (;;) {
    error_code error;
    const int number = co_await signals_.async_wait(asio::redirect_error(use_awaitable, error));
    if (error) co_return;
    if (number != SIGHUP) break;
    reload();
  }
  stop();
  asio::steady_timer guard(io_);
  for (const auto until = std::chrono::steady_clock::now() + kFinishWithin;
       !sessions_.empty() && std::chrono::steady_clock::now() < until;) {
    guard.expires_after(std::chrono::milliseconds(20));
    co_await guard.async_wait(use_awaitable);
  }
  io_.stop();
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
}

}  // namespace weir::collector
