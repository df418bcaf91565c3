// Loading certificates, and the sentences for everything that goes wrong with them.
#include "sensor/client_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include "flowtable/error.h"

namespace weir {
namespace {

namespace ssl = boost::asio::ssl;

bool is_address(const std::string& name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  return !error;
}

uint64_t end_of(const X509* certificate) {
  std::tm end{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
    return 0;
  return static_cast<uint64_t>(timegm(&end));
}

std::string day_text(uint64_t time_s) {
  const auto time = static_cast<std::time_t>(time_s);
  std::tm day{};
  gmtime_r(&time, &day);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &day)};
}

}  // namespace

std::pair<std::string, std::string> host_and_port(const std::string& collector) {
  const size_t colon = collector.rfind(':');
  if (colon == std::string::npos) return {collector, ""};
  std::string host = collector.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return {host, collector.substr(colon + 1)};
}

ClientTls::ClientTls(const UplinkOptions& options)
    : options_(options),
      server_name_(options.server_name.empty() ? host_and_port(options.collector).first
                                               : options.server_name),
      context_(ssl::context::tls_client) {
  load();
  check_names();
}

void ClientTls::refuse(const std::string& option, const std::string& file,
                       const std::string& sentence) const {
  throw Error(kExitFailed, "uplink." + option + " = \"" + file + "\": " + sentence);
}

void ClientTls::load() {
  SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_3_VERSION);
  const std::pair<const char*, const std::string*> files[] = {
      {"ca_file", &options_.ca_file},
      {"certificate_file", &options_.certificate_file},
      {"key_file", &options_.key_file}};
  for (const auto& [option, file] : files) {
    if (std::ifstream(*file)) continue;
    refuse(option, *file,
           std::string("cannot be read (") + std::strerror(errno) +
               "); correct the path, or let the service's user read it");
  }
  boost::system::error_code error;
  context_.load_verify_file(options_.ca_file, error);
  if (error)
    refuse("ca_file", options_.ca_file,
           "holds no certificate in PEM form; give the one "
           "of the authority that signed the collector's");
  context_.use_certificate_chain_file(options_.certificate_file, error);
  if (error)
    refuse("certificate_file", options_.certificate_file,
           "holds no certificate in PEM form; give the one issued for this sensor");
  // Nobody is there to type a passphrase.
  context_.set_password_callback([](size_t, ssl::context::password_purpose) { return ""; }, error);
  context_.use_private_key_file(options_.key_file, ssl::context::pem, error);
  if (error &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == X509_R_KEY_VALUES_MISMATCH)
    refuse("key_file", options_.key_file,
           "is not the key of uplink.certificate_file = \"" + options_.certificate_file +
               "\"; give the two that were issued together");
  if (error)
    refuse("key_file", options_.key_file,
           "holds no private key in PEM form without a "
           "passphrase; give such a one");
  expires_s_ = end_of(SSL_CTX_get0_certificate(context_.native_handle()));
}

/// The collector knows a sensor by its certificate alone: another id would be refused each time.
void ClientTls::check_names() {
  X509* certificate = SSL_CTX_get0_certificate(context_.native_handle());
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string known;
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* text = name->d.dNSName;
    const std::string id(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<size_t>(ASN1_STRING_length(text)));
    found = found || id == options_.sensor_id;
    known += (known.empty() ? "" : ", ") + id;
  }
  GENERAL_NAMES_free(names);
  if (found) return;
  refuse("certificate_file", options_.certificate_file,
         "was issued for " + (known.empty() ? "no DNS name (SAN)" : known) +
             " and not for sensor.id = \"" + options_.sensor_id +
             "\"; set sensor.id to its name, or give this sensor's own certificate");
}

void ClientTls::prepare(TlsStream& stream) const {
  SSL* connection = stream.native_handle();
  boost::system::error_code error;
  stream.set_verify_mode(ssl::verify_peer, error);
  if (is_address(server_name_)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), server_name_.c_str());
    return;
  }
  SSL_set1_host(connection, server_name_.c_str());
  SSL_set_tlsext_host_name(connection, server_name_.c_str());
}

std::string ClientTls::own_certificate() const {
  return "uplink.certificate_file = \"" + options_.certificate_file + "\" (until " +
         day_text(expires_s_) + ")";
}

std::string ClientTls::peer_trouble(long verified) const {
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired; issue a new one there, or set this machine's clock";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet; set the clock of this machine or of the collector";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for \"" + server_name_ +
             "\"; set uplink.server_name to the name it carries, or issue it for this one";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate was not signed by uplink.ca_file = \"" + options_.ca_file +
             "\"; give the authority's that signed it, or find out who answers there";
    default:
      return std::string("its certificate is not accepted (") +
             X509_verify_cert_error_string(verified) + "); issue a right one there";
  }
}

/// What the collector said about our certificate.
bool ClientTls::explain_alert(int reason, Trouble& trouble) const {
  std::string what;
  switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      what = "has expired; issue a new one for this sensor and reload it";
      break;
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      what = "was revoked; issue a new one for this sensor and reload it";
      break;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      what =
          "was signed by an authority it does not know; have this sensor's certificate issued "
          "by the collector's authority";
      break;
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      what = "is not accepted; its log says why, and another one may have to be issued";
      break;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_HTTP_REQUEST:
      trouble.sentence = "does not speak TLS 1.3; correct the port, it is no weir-collector's";
      return true;
    default:
      return false;
  }
  trouble.sentence = "says that " + own_certificate() + " " + what;
  trouble.refused = true;
  return true;
}

ClientTls::Trouble ClientTls::explain(const boost::system::error_code& error, TlsStream& stream,
                                      bool welcomed) const {
  namespace failure = boost::asio::error;
  Trouble trouble;
  const long verified = SSL_get_verify_result(stream.native_handle());
  const bool tls = error.category() == failure::get_ssl_category();
  if (tls && verified != X509_V_OK) return {peer_trouble(verified), true};
  if (tls && explain_alert(ERR_GET_REASON(static_cast<unsigned long>(error.value())), trouble))
    return trouble;
  if (error == failure::connection_refused)
    return {"nobody listens there; start weir-collector, or correct uplink.collector", false};
  if (error == failure::host_not_found || error == failure::host_not_found_try_again ||
      error == failure::no_data || error == failure::service_not_found)
    return {"the name is not found; correct uplink.collector, or this machine's resolver", false};
  if (error == failure::host_unreachable || error == failure::network_unreachable ||
      error == failure::timed_out)
    return {"it cannot be reached (" + error.message() + "); check the route and the firewall",
            false};
  const bool closed = error == failure::eof || error == failure::connection_reset ||
                      error == failure::broken_pipe || error == ssl::error::stream_truncated;
  if (!closed) return {"the connection failed (" + error.message() + ")", false};
  if (welcomed) return {"it closed the connection; it is tried again", false};
  const bool expired = expires_s_ <= static_cast<uint64_t>(std::time(nullptr));
  if (expired)
    return {"it closed the connection, and " + own_certificate() +
                " has expired; issue a new one for this sensor and reload it",
            true};
  return {"it closed the connection before it welcomed this sensor; its log says why", false};
}

}  // namespace weir
