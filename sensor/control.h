// The control thread: signals, reload, the control socket, the metrics page, systemd's watchdog.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "sensor/control_socket.h"
#include "sensor/live_view.h"
#include "sensor/metrics_server.h"

namespace weir {

/// Made before the other threads start, run by the main thread.
class Control {
 public:
  /// Binds its sockets. Throws Error.
  explicit Control(const LiveView& view);

  /// Serves until SIGTERM or SIGINT.
  void run();

  /// For whatever else lives on this thread.
  boost::asio::io_context& context() { return context_; }

 private:
  void wait_for_signal();
  void reload();
  void feed_watchdog();
  std::string metrics_page() const;

  LiveView view_;
  SensorConfig now_;  // the configuration in force
  boost::asio::io_context context_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer watchdog_;
  uint64_t watchdog_us_ = 0;  // 0: systemd asks for none
  std::unique_ptr<ControlSocket> socket_;
  std::unique_ptr<MetricsServer> metrics_;
};

}  // namespace weir
