// Numbers and times as an analyst reads them aloud.
#include "detectors/words.h"

#include <array>
#include <cstdio>

namespace weir {
namespace {

std::string counted(uint64_t number, const char* unit) {
  std::string words = std::to_string(number);
  words += ' ';
  words += unit;
  if (number != 1) words += 's';
  return words;
}

/// Three figures without idle zeros: 1.24, 12.4, 124, 2.5.
std::string three_figures(double value) {
  std::array<char, 32> text{};
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  std::string figures = text.data();
  if (decimals > 0) {
    figures.erase(figures.find_last_not_of('0') + 1);
    if (figures.back() == '.') figures.pop_back();
  }
  return figures;
}

}  // namespace

std::string grouped_words(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t place = digits.size(); place > 3; place -= 3) digits.insert(place - 3, 1, ',');
  return digits;
}

std::string short_byte_words(uint64_t bytes) {
  if (bytes < 1000) return counted(bytes, "byte");
  constexpr std::array<const char*, 6> kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return three_figures(value) + " " + kUnits[unit];
}

std::string byte_words(uint64_t bytes) {
  if (bytes < 1000) return short_byte_words(bytes);
  return short_byte_words(bytes) + " (" + grouped_words(bytes) + " bytes)";
}

std::string window_words(uint64_t window_s) {
  constexpr uint64_t kMinuteSeconds = 60, kHourSeconds = 3600, kDaySeconds = 86400;
  if (window_s > kDaySeconds && window_s % kDaySeconds == 0)
    return counted(window_s / kDaySeconds, "day");
  if (window_s >= kHourSeconds && window_s % kHourSeconds == 0)
    return counted(window_s / kHourSeconds, "hour");
  if (window_s >= kMinuteSeconds && window_s % kMinuteSeconds == 0)
    return counted(window_s / kMinuteSeconds, "minute");
  return counted(window_s, "second");
}

std::string percent_words(double percent) { return three_figures(percent) + " %"; }

std::string option_name(const Detector& detector, const Finding& finding) {
  return "detectors." + std::string(detector.id) + "." +
         std::string(detector.options[finding.option].name);
}

std::string counterfactual_words(const Detector& detector, const Finding& finding) {
  return std::string(detector.id) + " would be silent with " + option_name(detector, finding) +
         "=" + std::to_string(finding.counterfactual) + "; one below, it fires.";
}

}  // namespace weir
