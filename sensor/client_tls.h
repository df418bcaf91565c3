// The sensor's side of TLS 1.3: its certificate, whom it trusts, and what a failure means.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstdint>
#include <string>
#include <utility>  // Asio 1.74 forgets it

#include "sensor/uplink.h"

namespace weir {

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

/// Certificate, key and authority as they were on disk when this was made: made anew, they are
/// read anew. One thread.
class ClientTls {
 public:
  /// Throws Error (kExitFailed): which file, what is wrong with it, what to do.
  explicit ClientTls(const UplinkOptions& options);

  /// Sets what the peer is asked for: a chain to `ca_file` and the server's name.
  void prepare(TlsStream& stream) const;
  boost::asio::ssl::context& context() { return context_; }

  /// Of the sensor's own certificate, seconds since 1970.
  uint64_t expires_s() const { return expires_s_; }

  struct Trouble {
    std::string sentence;
    bool refused = false;  // trying again changes nothing: a certificate must be replaced
  };
  /// What `error` on this stream means and what to do. `welcomed`: the collector had accepted us.
  Trouble explain(const boost::system::error_code& error, TlsStream& stream, bool welcomed) const;

 private:
  [[noreturn]] void refuse(const std::string& option, const std::string& file,
                           const std::string& sentence) const;
  void load();
  void check_names();
  std::string peer_trouble(long verified) const;
  bool explain_alert(int reason, Trouble& trouble) const;
  std::string own_certificate() const;

  UplinkOptions options_;
  std::string server_name_;
  boost::asio::ssl::context context_;
  uint64_t expires_s_ = 0;
};

/// "HOST:PORT" or "[2001:db8::1]:PORT" in two.
std::pair<std::string, std::string> host_and_port(const std::string& collector);

}  // namespace weir
