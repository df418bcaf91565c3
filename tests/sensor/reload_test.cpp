// A reload takes what can change and names what cannot.
#include "sensor/reload.h"

#include <gtest/gtest.h>

#include "config_fixture.h"

namespace weir {
namespace {

SensorConfig config_with(std::vector<std::string> set, const std::string& home = "") {
  return load_config(declared_schema(), {"", std::move(set), home});
}

TEST(Reload, thresholds_suppressions_and_home_networks_are_taken) {
  const SensorConfig now = config_with({});
  SensorConfig fresh =
      config_with({"detectors.volume.burst.threshold_1h_bytes=5", "suppress.0.name=backup",
                   "suppress.0.owner=ops", "suppress.0.reason=nightly",
                   "suppress.0.expires=2027-01-31", "suppress.0.budget_bytes=1000"},
                  "192.0.2.0/24");
  EXPECT_EQ(keep_what_needs_a_restart(declared_schema(), now, fresh), "");
  EXPECT_EQ(fresh.suppress.size(), 1u);
  EXPECT_EQ(fresh.networks[0].home, std::vector<std::string>{"192.0.2.0/24"});
  EXPECT_NE(fresh.detector_options, now.detector_options);
  EXPECT_TRUE(home_changed(now, fresh));
  EXPECT_FALSE(home_changed(now, config_with({"judge.escalate_factor=3"})));
}

TEST(Reload, what_needs_a_restart_stays_as_it_is_and_is_named) {
  const SensorConfig now = config_with({"port.0.device=net_null0"});
  SensorConfig fresh = config_with({"port.0.device=net_null0", "port.0.promiscuous=false",
                                    "flow_table.totals=1024", "sensor.id=other"});
  EXPECT_EQ(keep_what_needs_a_restart(declared_schema(), now, fresh),
            "sensor.id, port.0.promiscuous, flow_table.totals");
  EXPECT_EQ(fresh.flow_table.totals, now.flow_table.totals);
  EXPECT_TRUE(fresh.ports[0].promiscuous);
  fresh = config_with({});
  EXPECT_EQ(keep_what_needs_a_restart(declared_schema(), now, fresh), "the number of [[port]]");
  EXPECT_EQ(fresh.ports.size(), 1u);
}

}  // namespace
}  // namespace weir
