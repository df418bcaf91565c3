// Option rows of what is made of the account: history, detectors, judge, suppressions, uplink.
#include "sensor/config_section.h"

namespace weir {
namespace {

ConfigSection history_section() {
  return section("history", "Days of traffic on disk.",
                 {row(&SensorConfig::history, &HistorySection::floor_bytes_day,
                      {.name = "floor_bytes_day",
                       .maximum = kOptionMaxBytes,
                       .unit = "bytes",
                       .help = "Pairs that send less in a day are kept as one sum per host: what "
                               "slow theft may hide in."})});
}

ConfigSection detectors_section() {
  using S = DetectorsSection;
  const auto at = &SensorConfig::detectors;
  return section(
      "detectors", "Which detectors run. Each has a section of its own below.",
      {row(at, &S::enabled,
           {.name = "enabled",
            .help = "Detectors that run, by id; \"volume.*\" = all of a family, \"*\" = all."}),
       row(at, &S::shadow,
           {.name = "shadow",
            .help = "Detectors that run and are counted in metrics but raise no incident; to try "
                    "one out."}),
       row(at, &S::scopes,
           {.name = "scopes",
            .help = "Traffic that volume detectors judge; add internal to see data move inside.",
            .check = OptionCheck::kChoice,
            .choices = "outbound|internal|transit|local"})});
}

ConfigSection judge_section() {
  using S = JudgeSection;
  const auto at = &SensorConfig::judge;
  return section(
      "judge", "How findings become incidents.",
      {row(at, &S::escalate_factor,
           {.name = "escalate_factor",
            .minimum = 2,
            .maximum = 1000,
            .help = "An incident is reported anew each time what was observed grew by this."}),
       row(at, &S::incident_idle_s,
           {.name = "incident_idle_s",
            .minimum = 60,
            .maximum = kOptionMaxS,
            .unit = "s",
            .help = "An incident closes after this long without new evidence."})});
}

ConfigSection suppress_section() {
  using T = SuppressTable;
  const auto at = &SensorConfig::suppress;
  return repeated(
      at, "suppress",
      "An allowance: known traffic that may stay silent up to a budget and a day. It is still "
      "counted, and what was silenced is reported.",
      {row(at, &T::name,
           {.name = "name",
            .help = "Name in reports.",
            .check = OptionCheck::kName,
            .required = true}),
       row(at, &T::owner,
           {.name = "owner", .help = "Who answers for this traffic.", .required = true}),
       row(at, &T::reason, {.name = "reason", .help = "Why it is no theft.", .required = true}),
       row(at, &T::expires,
           {.name = "expires",
            .help = "Last day (UTC) on which it holds.",
            .check = OptionCheck::kDate,
            .required = true}),
       row(at, &T::hosts,
           {.name = "hosts", .help = "Inside ends it covers.", .check = OptionCheck::kCidrs}),
       row(at, &T::destinations,
           {.name = "destinations",
            .help = "Outside ends it covers: address ranges, or domains (with everything below "
                    "them) that DNS confirmed; [] = all.",
            .check = OptionCheck::kDestinations}),
       row(at, &T::detectors,
           {.name = "detectors",
            .help = "Detectors it silences, by id; \"volume.*\" = all of a family, \"*\" = all."}),
       row(at, &T::budget_bytes,
           {.name = "budget_bytes",
            .minimum = 1,
            .maximum = kOptionMaxBytes,
            .unit = "bytes",
            .help = "Payload bytes out that may stay silent within a window; above it detectors "
                    "speak.",
            .required = true}),
       row(at, &T::budget_window_s,
           {.name = "budget_window_s",
            .minimum = 60,
            .maximum = 30.0 * 86400,
            .unit = "s",
            .help = "Window of the budget."})});
}

ConfigSection alerts_section() {
  using S = AlertsSection;
  const auto at = &SensorConfig::alerts;
  return section(
      "alerts", "Where a live sensor writes its alerts beside the collector.",
      {row(at, &S::file,
           {.name = "file",
            .help = "File of JSON lines, one an alert; opened anew on SIGHUP, for logrotate. \"\" "
                    "= none.",
            .check = OptionCheck::kFile}),
       row(at, &S::syslog,
           {.name = "syslog", .help = "A line to syslog for each alert, facility daemon."})});
}

ConfigSection uplink_section() {
  using S = UplinkSection;
  const auto at = &SensorConfig::uplink;
  return section(
      "uplink", "The collector, over TLS 1.3 with a client certificate.",
      {row(at, &S::collector,
           {.name = "collector",
            .help = "Address of the collector; the four names below belong to it.",
            .check = OptionCheck::kHostPort}),
       row(at, &S::server_name,
           {.name = "server_name",
            .help = "Name that the collector's certificate must carry; \"\" = its host above."}),
       row(at, &S::ca_file,
           {.name = "ca_file",
            .help = "Certificate of the authority that signed the collector's.",
            .check = OptionCheck::kFile}),
       row(at, &S::certificate_file,
           {.name = "certificate_file",
            .help = "This sensor's certificate, its SAN = sensor.id.",
            .check = OptionCheck::kFile}),
       row(at, &S::key_file,
           {.name = "key_file",
            .help = "Key of that certificate; readable by the service alone.",
            .check = OptionCheck::kFile}),
       row(at, &S::retry_min_ms,
           {.name = "retry_min_ms",
            .minimum = 10,
            .maximum = 3600000,
            .unit = "ms",
            .help = "First pause before connecting again; it doubles with each failure."}),
       row(at, &S::retry_max_ms,
           {.name = "retry_max_ms",
            .minimum = 10,
            .maximum = 3600000,
            .unit = "ms",
            .help = "Longest pause before connecting again."}),
       row(at, &S::heartbeat_s,
           {.name = "heartbeat_s",
            .minimum = 1,
            .maximum = 3600,
            .unit = "s",
            .help = "How often the sensor says that it lives and what it did not see."})});
}

ConfigSection spool_section() {
  return section("spool", "Alerts on disk until the collector has acknowledged them.",
                 {row(&SensorConfig::spool, &SpoolSection::max_bytes,
                      {.name = "max_bytes",
                       .minimum = 1048576,
                       .maximum = kOptionMaxBytes,
                       .unit = "bytes",
                       .help = "Above it superseded revisions go first, then the lowest severity, "
                               "then the oldest; the collector is told of the gap."})});
}

}  // namespace

std::vector<ConfigSection> verdict_sections() {
  return {history_section(), detectors_section(), judge_section(), suppress_section(),
          alerts_section(),  uplink_section(),    spool_section()};
}

}  // namespace weir
