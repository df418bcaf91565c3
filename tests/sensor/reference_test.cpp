// The reference holds every option, detector and metric.
#include "sensor/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"
#include "sensor/metrics.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

TEST(Reference, every_option_detector_technique_and_metric_stands_in_it) {
  const std::string page = reference_text(declared_schema());
  for (const ConfigSection& section : declared_schema().sections()) {
    for (const ConfigRow& row : section.rows) {
      EXPECT_THAT(page, HasSubstr("| `" + std::string(row.option.name) + "` | ")) << section.name;
      EXPECT_THAT(page, HasSubstr(std::string(row.option.help))) << section.name;
    }
  }
  EXPECT_THAT(page, HasSubstr("### `[[networks]]`"));
  EXPECT_THAT(page,
              HasSubstr("### `volume.burst`\n\nMuch leaves in a short time.\n\nFamily volume. "
                        "ATT&CK [T1041](https://attack.mitre.org/techniques/T1041/), [T1048]"));
  EXPECT_THAT(page, HasSubstr("| `weir_ratio_pairs_total` |"));
  for (const MetricRow& row : sensor_metrics()) {
    EXPECT_THAT(page, HasSubstr("| `" + std::string(row.metric.name) + "` | "));
  }
}

}  // namespace
}  // namespace weir
