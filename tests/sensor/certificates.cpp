// Certificates for tests, made with OpenSSL and written as PEM.
#include "tests/sensor/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cctype>
#include <cstdio>
#include <stdexcept>

namespace weir::testing {
namespace {

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (extension == nullptr) throw std::runtime_error("no extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* new_certificate(EVP_PKEY* key, const std::string& name, long from_s, long to_s) {
  static std::atomic<long> serial{1};
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), to_s);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

template <class Write>
std::string write_file(const std::filesystem::path& path, const Write& write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr || write(file) != 1)
    throw std::runtime_error("cannot write " + path.string());
  std::fclose(file);
  return path;
}

}  // namespace

struct Authority::Pair {
  X509* certificate;
  EVP_PKEY* key;
};

Authority::Authority(std::filesystem::path folder, const std::string& name)
    : folder_(std::move(folder)), pair_(new Pair{nullptr, EVP_EC_gen("P-256")}) {
  pair_->certificate = new_certificate(pair_->key, name, -7200, 60 * 86400);
  X509_set_issuer_name(pair_->certificate, X509_get_subject_name(pair_->certificate));
  add_extension(pair_->certificate, pair_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(pair_->certificate, pair_->key, EVP_sha256());
  file_ = write_file(folder_ / (name + ".pem"),
                     [&](std::FILE* file) { return PEM_write_X509(file, pair_->certificate); });
}

Authority::~Authority() {
  X509_free(pair_->certificate);
  EVP_PKEY_free(pair_->key);
  delete pair_;
}

CertificateFiles Authority::issue(const std::string& file, const std::string& name, long from_s,
                                  long to_s) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = new_certificate(key, name, from_s, to_s);
  X509_set_issuer_name(certificate, X509_get_subject_name(pair_->certificate));
  const bool address = std::isdigit(static_cast<unsigned char>(name[0])) != 0;
  add_extension(certificate, pair_->certificate, NID_subject_alt_name,
                (address ? "IP:" : "DNS:") + name);
  X509_sign(certificate, pair_->key, EVP_sha256());
  const CertificateFiles files = {
      write_file(folder_ / (file + ".pem"),
                 [&](std::FILE* out) { return PEM_write_X509(out, certificate); }),
      write_file(folder_ / (file + ".key"), [&](std::FILE* out) {
        return PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
      })};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace weir::testing
