// One connection to the collector, from the resolver to the last acknowledgement.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>  // Asio 1.74 forgets it

#include "proto/envelope_codec.h"
#include "sensor/client_tls.h"
#include "sensor/spool.h"
#include "sensor/uplink.h"

namespace weir {

/// Speaks Hello, Welcome, Alerts, Gap, Heartbeat, Ack. Everything on the thread of `io`. Holds
/// itself while something is under way; `ended` is the last that is called, once.
class UplinkSession : public std::enable_shared_from_this<UplinkSession> {
 public:
  struct Hooks {
    std::function<void(const OwnTraffic&)> connecting;  // may be null
    std::function<void(const v1::Welcome&)> welcomed;
    std::function<void()> acknowledged;
    std::function<void()> directed;
    std::function<void(v1::Heartbeat&)> fill_heartbeat;
    std::function<void(const ClientTls::Trouble&)> ended;
  };
  /// All references outlive the session.
  UplinkSession(boost::asio::io_context& io, std::shared_ptr<ClientTls> tls,
                const UplinkOptions& options, Spool& spool, UplinkStatus& status, Hooks hooks);

  void start();
  /// There is something new in the spool.
  void wake();
  /// Ends it from this side; `ended` is not called. At once, or by TLS's own farewell.
  void close();
  void shut_down();
  bool welcomed() const { return welcomed_; }
  /// Whether the collector did more than greet: then the next attempt need not wait long.
  bool was_useful() const { return acknowledged_something_; }

 private:
  using Code = boost::system::error_code;
  void resolve();
  void connect(const boost::asio::ip::tcp::resolver::results_type& endpoints);
  void handshake();
  void say_hello();
  void read();
  void take(const v1::Envelope& envelope);
  void take_welcome(const v1::Welcome& welcome);
  void take_ack(const v1::Ack& ack);
  void fill_buffer();
  void add_heartbeat();
  void send();
  void beat();
  void watch(std::chrono::milliseconds patience, const char* what);
  void watch_acknowledgement();
  void fail(const Code& error);
  void end(const ClientTls::Trouble& trouble);

  boost::asio::io_context& io_;
  std::shared_ptr<ClientTls> tls_;
  const UplinkOptions& options_;
  Spool& spool_;
  UplinkStatus& status_;
  Hooks hooks_;
  boost::asio::ip::tcp::resolver resolver_;
  TlsStream stream_;
  boost::asio::steady_timer deadline_, heartbeat_;
  EnvelopeDecoder decoder_;
  std::array<char, 16384> received_{};
  std::string buffer_;   // on its way to the socket
  std::string missing_;  // what the deadline waits for
  bool writing_ = false, welcomed_ = false, ended_ = false, heartbeat_due_ = false;
  bool acknowledged_something_ = false;
  uint64_t sent_ = 0;  // highest number sent in this session
  struct Sent {
    uint64_t last;
    uint64_t bytes;
  };
  std::deque<Sent> in_flight_;  // not acknowledged yet
  uint64_t in_flight_bytes_ = 0;
};

}  // namespace weir
