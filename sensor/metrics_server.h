// The page that Prometheus fetches.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

namespace weir {

/// HTTP, read-only: GET /metrics. Control thread.
class MetricsServer {
 public:
  /// Listens at "HOST:PORT"; `page` writes the text. Throws Error (kExitFailed): the port is taken,
  /// or the address is not this machine's.
  MetricsServer(boost::asio::io_context& context, const std::string& address,
                std::function<std::string()> page);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  /// Where it listens; the port that the kernel chose, if that was left to it.
  uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void accept();

  std::function<std::string()> page_;
  boost::asio::ip::tcp::acceptor acceptor_;
  int clients_ = 0;
};

}  // namespace weir
