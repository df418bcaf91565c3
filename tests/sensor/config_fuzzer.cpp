// Fuzzer: any file and any --set loads or is refused in one sentence, and what loads prints as a
// file that loads as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config_fixture.h"
#include "flowtable/error.h"
#include "sensor/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t data_bytes) {
  using namespace weir;
  std::string_view text(reinterpret_cast<const char*>(data), data_bytes);
  ConfigArguments arguments{"fuzzed.toml", {}, ""};
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    arguments.set.emplace_back(text.substr(nul + 1));
    text = text.substr(0, nul);
  }
  SensorConfig config;
  try {
    config = load_config_text(declared_schema(), arguments, text);
  } catch (const Error&) {
    return 0;
  }
  const std::string printed = effective_text(declared_schema(), config);
  const SensorConfig again = load_config_text(declared_schema(), {"printed.toml", {}, ""}, printed);
  if (effective_text(declared_schema(), again) != printed) abort();
  return 0;
}
