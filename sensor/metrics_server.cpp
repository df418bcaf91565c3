// Serves the metrics page with Boost.Beast.
#include "sensor/metrics_server.h"

#include <boost/asio/dispatch.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "flowtable/error.h"

namespace weir {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Failure = boost::system::error_code;

constexpr int kClientsMost = 16;
constexpr uint32_t kHeaderMaxBytes = 8192;
constexpr std::chrono::seconds kPatience{10};

/// One connection; keeps itself alive while it is read or written.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(asio::ip::tcp::socket socket, const std::function<std::string()>& page, int& clients)
      : stream_(std::move(socket)), page_(page), clients_(clients) {
    ++clients_;
  }
  ~Client() { --clients_; }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderMaxBytes);
    parser_->body_limit(0);
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const Failure& failure, size_t) {
                       if (!failure) self->answer();
                     });
  }

 private:
  void answer() {
    const auto& request = parser_->get();
    const std::string target(request.target());
    const bool get = request.method() == http::verb::get;
    const bool known = target == "/metrics" || target == "/";
    response_ = {};
    response_.version(request.version());
    response_.keep_alive(request.keep_alive());
    response_.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    if (!get) {
      response_.result(http::status::method_not_allowed);
      response_.body() = "This page can only be read: GET /metrics\n";
    } else if (!known) {
      response_.result(http::status::not_found);
      response_.body() = "The page is /metrics\n";
    } else {
      response_.body() = page_();
    }
    response_.prepare_payload();
    stream_.expires_after(kPatience);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](const Failure& failure, size_t) {
                        if (!failure && self->response_.keep_alive()) self->read();
                      });
  }

  beast::tcp_stream stream_;
  const std::function<std::string()>& page_;
  int& clients_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

MetricsServer::MetricsServer(asio::io_context& context, const std::string& address,
                             std::function<std::string()> page)
    : page_(std::move(page)), acceptor_(context) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const std::string port = address.substr(colon + 1);
  try {
    asio::ip::tcp::resolver resolver(context);
    const auto found = resolver.resolve(host, port, asio::ip::tcp::resolver::passive);
    const asio::ip::tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    const bool taken = error.code() == asio::error::address_in_use;
    throw Error(kExitFailed,
                "sensor.metrics: cannot listen at " + address + " (" + error.code().message() +
                    "); " +
                    (taken ? "another program has that port, choose another one or \"\" for none"
                           : "give an address of this machine such as 127.0.0.1:9177, or \"\""));
  }
  accept();
}

void MetricsServer::accept() {
  acceptor_.async_accept([this](const Failure& failure, asio::ip::tcp::socket socket) {
    if (failure == asio::error::operation_aborted) return;
    if (!failure && clients_ < kClientsMost)
      std::make_shared<Client>(std::move(socket), page_, clients_)->read();
    accept();
  });
}

}  // namespace weir
