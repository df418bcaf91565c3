// Durations, times and foreign text for people.
#include "sensor/readable.h"

#include <array>
#include <ctime>

namespace weir {

std::string duration_text(uint64_t duration_s) {
  struct Unit {
    uint64_t seconds;
    const char* name;
  };
  static constexpr std::array<Unit, 4> kUnits = {
      {{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}}};
  std::string text;
  int written = 0;
  for (const Unit& unit : kUnits) {
    const uint64_t count = duration_s / unit.seconds;
    duration_s %= unit.seconds;
    if (count == 0) {
      if (written > 0) break;  // "1 d 5 s" would claim a precision nobody reads
      continue;
    }
    if (written == 2) break;
    if (written > 0) text.push_back(' ');
    text += std::to_string(count) + unit.name;
    ++written;
  }
  return text.empty() ? "0 s" : text;
}

std::string time_text(uint64_t time_ns) {
  const auto seconds = static_cast<time_t>(time_ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 48> text{};
  const size_t written = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), written};
}

std::string printable(std::string_view text, size_t limit_bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string safe;
  for (const char character : text.substr(0, limit_bytes)) {
    const auto byte = static_cast<uint8_t>(character);
    if (byte >= 0x20 && byte < 0x7f) {
      safe.push_back(character);
    } else {
      safe += "\\x";
      safe.push_back(kDigits[byte >> 4]);
      safe.push_back(kDigits[byte & 15]);
    }
  }
  if (text.size() > limit_bytes) safe += "...";
  return safe;
}

}  // namespace weir
