// The epoch of a replay: the same captures and configuration give the same number.
#include "sensor/replay_epoch.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

namespace weir {
namespace {

constexpr std::streamoff kEndBytes = 65536;

}  // namespace

uint64_t replay_epoch(std::span<const std::string> captures, std::string_view effective_config) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(),
                                                                     &EVP_MD_CTX_free);
  EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
  std::vector<char> buffer(kEndBytes);
  for (const std::string& path : captures) {
    std::error_code error;  // a pipe is never opened here: who writes into it would end
    const bool regular = std::filesystem::is_regular_file(path, error);
    std::ifstream file;
    if (regular) file.open(path, std::ios::binary | std::ios::ate);
    if (!file.is_open()) {
      EVP_DigestUpdate(hash.get(), path.data(), path.size());
      continue;
    }
    const std::streamoff size = file.tellg();
    EVP_DigestUpdate(hash.get(), &size, sizeof(size));
    for (const std::streamoff at : {std::streamoff{0}, std::max(size - kEndBytes, kEndBytes)}) {
      if (at >= size) continue;
      file.seekg(at);
      file.read(buffer.data(), std::min(kEndBytes, size - at));
      EVP_DigestUpdate(hash.get(), buffer.data(), static_cast<size_t>(file.gcount()));
      file.clear();
    }
  }
  EVP_DigestUpdate(hash.get(), effective_config.data(), effective_config.size());
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  EVP_DigestFinal_ex(hash.get(), digest.data(), nullptr);
  uint64_t epoch = 0;
  for (int i = 0; i < 8; ++i) epoch = epoch << 8 | digest[static_cast<size_t>(i)];
  return epoch;
}

}  // namespace weir
