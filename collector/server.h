// The door: accepts sensors, knows who is connected, and serves metrics.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>

#include "collector/config.h"
#include "collector/metrics.h"
#include "collector/session.h"
#include "collector/tls.h"
#include "collector/writer.h"

namespace weir::collector {

/// `weir-collector run`. One thread beside the writer's.
class Server {
 public:
  /// Opens the store, loads the certificates, binds both addresses; throws Error.
  explicit Server(const Config& config);

  /// Serves until SIGTERM or SIGINT; what was taken by then is stored and acknowledged. SIGHUP
  /// loads the certificates anew.
  void run();

 private:
  using Acceptor = boost::asio::ip::tcp::acceptor;

  Acceptor bind(const char* option, const std::string& text);
  void accept_sensors();
  void take_sensor(boost::asio::ip::tcp::socket socket);
  void accept_metrics();
  void obey_signals();
  const char* admit(Session& session);
  void left(Session& session);
  void reload();
  void stop();

  Config config_;
  std::shared_ptr<TlsContext> tls_;
  Metrics metrics_;
  boost::asio::io_context io_{1};
  Writer writer_;  // ends before io_, to which it posts
  Acceptor sensors_;
  Acceptor http_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer guard_;  // of the end, and of accepting again
  std::map<Session*, std::weak_ptr<Session>> sessions_;
  std::map<std::string, Session*> by_sensor_;
};

}  // namespace weir::collector
