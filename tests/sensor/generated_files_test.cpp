// Files of the tree that the sensor writes itself are what it would write now.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "detectors/detector.h"
#include "sensor/config.h"
#include "sensor/config_schema.h"
#include "sensor/reference.h"

namespace weir {
namespace {

std::string file_of_tree(const std::string& path) {
  std::ifstream stream(std::string(WEIR_SOURCE_ROOT) + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(GeneratedFiles, deploy_sensor_toml_is_what_print_config_prints) {
  const ConfigSchema schema(detectors());
  const std::string printed = effective_text(schema, default_config(schema));
  EXPECT_TRUE(file_of_tree("deploy/sensor.toml") == printed)
      << "write it anew: weir-sensor print-config > deploy/sensor.toml";
}

TEST(GeneratedFiles, docs_reference_md_is_what_reference_prints) {
  EXPECT_TRUE(file_of_tree("docs/reference.md") == reference_text(ConfigSchema(detectors())))
      << "write it anew: weir-sensor reference > docs/reference.md";
}

TEST(GeneratedFiles, the_file_for_deployment_loads_and_changes_nothing) {
  const ConfigSchema schema(detectors());
  const SensorConfig config =
      load_config(schema, {std::string(WEIR_SOURCE_ROOT) + "/deploy/sensor.toml", {}, ""});
  EXPECT_EQ(effective_text(schema, config), effective_text(schema, default_config(schema)));
}

}  // namespace
}  // namespace weir
