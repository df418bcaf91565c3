// The registry: every word of the list is a detector, and every detector declares itself whole.
#include <gtest/gtest.h>

#include <set>

#include "detectors/detector.h"

namespace weir {
namespace {

TEST(Registry, holds_the_volume_detectors_and_the_health_of_the_sensor) {
  std::set<std::string_view> ids;
  for (const Detector* detector : detectors()) ids.insert(detector->id);
  for (const char* id :
       {"volume.burst", "volume.slow", "volume.host", "volume.destination",
        "volume.new_destination", "volume.ratio", "volume.served", "sensor.health"})
    EXPECT_TRUE(ids.contains(id)) << id;
  EXPECT_EQ(ids.size(), detectors().size()) << "an id is used twice";
}

TEST(Registry, every_detector_starts_with_its_defaults_and_explains_itself) {
  for (const Detector* detector : detectors()) {
    SCOPED_TRACE(detector->id);
    EXPECT_FALSE(detector->summary.empty());
    std::vector<OptionValue> values;
    std::set<std::string_view> names;
    for (const Option& option : detector->options) {
      names.insert(option.name);
      values.push_back(option.standard);
      EXPECT_FALSE(option.help.empty()) << option.name;
    }
    EXPECT_EQ(names.size(), detector->options.size());
    EXPECT_NE(detector->make(values), nullptr);
    EXPECT_FALSE(detector->explain(Finding{}).empty());
  }
}

}  // namespace
}  // namespace weir
