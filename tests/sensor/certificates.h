// Certificates for tests: an authority of the test's own, and what it signs.
#pragma once

#include <filesystem>
#include <string>

namespace weir::testing {

struct CertificateFiles {
  std::string certificate, key;
};

/// An authority whose files lie in a folder that the test owns.
class Authority {
 public:
  /// Makes NAME.pem in `folder`.
  Authority(std::filesystem::path folder, const std::string& name);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  const std::string& file() const { return file_; }
  /// FILE.pem and FILE.key for a DNS name or an address in the SAN, valid from now + `from_s` to
  /// now + `to_s`.
  CertificateFiles issue(const std::string& file, const std::string& name, long from_s = -3600,
                         long to_s = 30 * 86400);

 private:
  struct Pair;
  std::filesystem::path folder_;
  std::string file_;
  Pair* pair_;
};

}  // namespace weir::testing
