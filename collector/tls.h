// TLS of the collector: context, the name in a sensor's certificate.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "collector/config.h"

namespace weir::collector {

struct TlsContext {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
  int64_t expires_s = 0;  // of the collector's certificate, seconds since 1970
};

/// TLS 1.3 alone; a client must show a certificate that `ca_file` vouches for. Throws Error
/// (kExitFailed) that names the file and what is wrong with it.
std::shared_ptr<TlsContext> make_tls_context(const Config& config);

/// The sensor id in the certificate of the other end: its first DNS name among the subject
/// alternative names (RFC 5280 4.2.1.6); "" where there is none.
std::string sensor_of_certificate(SSL* ssl);

}  // namespace weir::collector
