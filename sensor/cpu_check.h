// Whether this CPU has the instructions that the sensor is built for.
#pragma once

#include <cstdint>

namespace weir {

/// A bit for each feature needed, set where this CPU has it.
uint32_t present_cpu_features() noexcept;

/// "AVX2, AES" for those not in `present`; "" when nothing is missing. Static text, one thread.
///
/// The same check runs before every other initialisation of the program and ends it with one
/// sentence and exit code 1: code built for more may stand in any of them.
const char* missing_cpu_features(uint32_t present) noexcept;

}  // namespace weir
