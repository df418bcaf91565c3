// From `[[suppress]]` tables to what the judge takes.
#include "sensor/suppression_config.h"

#include <chrono>
#include <cstdio>

namespace weir {
namespace {

/// The end of a day "2027-01-31", UTC.
uint64_t end_of_day_ns(const std::string& date) {
  int year = 0;
  unsigned month = 0, day = 0;
  std::sscanf(date.c_str(), "%d-%u-%u", &year, &month, &day);
  const std::chrono::sys_days days =
      std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  const auto end = (days + std::chrono::days(1)).time_since_epoch();
  return static_cast<uint64_t>(std::chrono::nanoseconds(end).count());
}

}  // namespace

std::vector<SuppressionOptions> suppression_options(const SensorConfig& config) {
  std::vector<SuppressionOptions> all;
  for (const SuppressTable& table : config.suppress) {
    SuppressionOptions options;
    options.name = table.name;
    options.owner = table.owner;
    options.reason = table.reason;
    options.expires = table.expires;
    options.expires_ns = end_of_day_ns(table.expires);
    options.hosts = ip_ranges(table.hosts);
    for (const std::string& destination : table.destinations) {
      if (const auto range = parse_cidr(destination))
        options.destinations.push_back(*range);
      else
        options.destination_names.push_back(destination);
    }
    options.detectors = table.detectors;
    options.budget_bytes = table.budget_bytes;
    options.budget_window_s = table.budget_window_s;
    all.push_back(std::move(options));
  }
  return all;
}

}  // namespace weir
