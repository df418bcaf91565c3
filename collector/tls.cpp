// TLS of the collector: context, the name in a sensor's certificate.
#include "collector/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "collector/error.h"

namespace weir::collector {
namespace {

namespace ssl = boost::asio::ssl;

template <auto Free>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using File = std::unique_ptr<BIO, Release<BIO_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Release<GENERAL_NAMES_free>>;

std::string reason() {
  const char* text = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return text != nullptr ? text : "unknown reason";
}

[[noreturn]] void refuse(const char* option, const std::string& path, const std::string& what) {
  throw Error(kExitFailed, std::string("collector.") + option + " " + path + ": " + what);
}

void check_readable(const char* option, const std::string& path) {
  const File file(BIO_new_file(path.c_str(), "r"));
  if (!file)
    refuse(option, path,
           std::string("cannot be read (") + std::strerror(errno) +
               "); name a PEM file that the collector's user may read");
}

/// Seconds since 1970.
int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

int64_t check_certificate(const std::string& path) {
  const File file(BIO_new_file(path.c_str(), "r"));
  const Certificate certificate(file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)
                                     : nullptr);
  if (!certificate)
    refuse("certificate_file", path,
           "holds no certificate in PEM form; deploy/make-certificates makes one");
  const int64_t expires_s = seconds_of(X509_get0_notAfter(certificate.get()));
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0)
    refuse("certificate_file", path, "has expired; renew it with the authority of your sensors");
  if (X509_cmp_current_time(X509_get0_notBefore(certificate.get())) > 0)
    refuse("certificate_file", path, "is not valid yet; look at the clock of this machine");
  return expires_s;
}

}  // namespace

std::shared_ptr<TlsContext> make_tls_context(const Config& config) {
  check_readable("ca_file", config.ca_file);
  check_readable("certificate_file", config.certificate_file);
  check_readable("key_file", config.key_file);
  auto made = std::make_shared<TlsContext>();
  made->expires_s = check_certificate(config.certificate_file);
  ssl::context& context = made->context;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.native_handle(), 0);  // every connection shows its certificate
  boost::system::error_code error;
  context.load_verify_file(config.ca_file, error);
  if (error) refuse("ca_file", config.ca_file, "holds no certificate authority (" + reason() + ")");
  context.use_certificate_chain_file(config.certificate_file, error);
  if (error) refuse("certificate_file", config.certificate_file, "is refused: " + reason());
  context.use_private_key_file(config.key_file, ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context.native_handle()) != 1)
    refuse("key_file", config.key_file,
           "is no private key of the certificate " + config.certificate_file + " (" + reason() +
               "); name the pair that belongs together");
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return made;
}

std::string sensor_of_certificate(SSL* ssl) {
  const Certificate certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return "";
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* data = ASN1_STRING_get0_data(name->d.dNSName);
    const auto size = static_cast<size_t>(ASN1_STRING_length(name->d.dNSName));
    return {reinterpret_cast<const char*>(data), size};
  }
  return "";
}

}  // namespace weir::collector
