// Whether this CPU has what the sensor is built for. Built for plain x86-64, and without anything
// from the C++ library: the linker may take an inline function from a file built for more.
#include "sensor/cpu_check.h"

#include <string.h>
#include <unistd.h>

namespace weir {
namespace {

// What -march=x86-64-v3 -maes -mpclmul may use, as far as it can be asked for by name.
constexpr const char* kNames[] = {"SSE4.2", "POPCNT", "AVX", "AVX2",  "BMI",
                                  "BMI2",   "FMA",    "AES", "PCLMUL"};
constexpr uint32_t kFeatures = sizeof kNames / sizeof kNames[0];

char missing_text[128];

void append(const char* text) noexcept {
  strncat(missing_text, text, sizeof missing_text - strlen(missing_text) - 1);
}

/// Before every static initialiser (101 is the first priority that programs may use).
__attribute__((constructor(101))) void refuse_lesser_cpu() noexcept {
  const char* missing = missing_cpu_features(present_cpu_features());
  if (*missing == '\0') return;
  const char* parts[] = {"weir-sensor: this CPU lacks ", missing,
                         ", which this build needs; run it on a CPU of 2013 or later, or build "
                         "with -Dmarch set to this one\n"};
  for (const char* part : parts) {
    if (write(STDERR_FILENO, part, strlen(part)) < 0) break;
  }
  _exit(1);
}

}  // namespace

uint32_t present_cpu_features() noexcept {
  __builtin_cpu_init();
  const bool has[kFeatures] = {
      __builtin_cpu_supports("sse4.2") != 0, __builtin_cpu_supports("popcnt") != 0,
      __builtin_cpu_supports("avx") != 0,    __builtin_cpu_supports("avx2") != 0,
      __builtin_cpu_supports("bmi") != 0,    __builtin_cpu_supports("bmi2") != 0,
      __builtin_cpu_supports("fma") != 0,    __builtin_cpu_supports("aes") != 0,
      __builtin_cpu_supports("pclmul") != 0};
  uint32_t present = 0;
  for (uint32_t i = 0; i < kFeatures; ++i) present |= uint32_t{has[i]} << i;
  return present;
}

const char* missing_cpu_features(uint32_t present) noexcept {
  missing_text[0] = '\0';
  for (uint32_t i = 0; i < kFeatures; ++i) {
    if ((present >> i & 1) != 0) continue;
    if (missing_text[0] != '\0') append(", ");
    append(kNames[i]);
  }
  return missing_text;
}

}  // namespace weir
