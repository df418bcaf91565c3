// The metrics: every one with help, every lane, drop and detector with its own sample.
#include "sensor/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "config_fixture.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Metrics, the_text_has_a_sample_for_every_lane_drop_and_detector) {
  LaneMetrics lanes[2];
  lanes[0].port = lanes[1].port = "net_null0";
  lanes[1].lane = 1;
  lanes[0].counters.packets = 12345678901;
  lanes[1].counters.frame_bytes = 7;
  lanes[1].counters.drop_packets[static_cast<size_t>(DropReason::kIpMalformed)] = 3;
  const uint64_t findings[] = {5, 0};
  UplinkMetrics uplink;
  uplink.spool_alerts = 17;
  uplink.sent_gaps = 2;
  uplink.certificate_expires_s = 1800000000;
  std::ostringstream out;
  SensorMetrics sensor;
  sensor.open_incidents = 4;
  write_metrics(out, lanes, kDeclared, findings, uplink, &sensor);
  for (const char* line :
       {"# TYPE weir_packets_total counter\n",
        "weir_packets_total{port=\"net_null0\",lane=\"0\"} 12345678901\n",
        "weir_packets_total{port=\"net_null0\",lane=\"1\"} 0\n",
        "weir_frame_bytes_total{port=\"net_null0\",lane=\"1\"} 7\n",
        "weir_drop_packets_total{reason=\"ip_malformed\",port=\"net_null0\",lane=\"1\"} 3\n",
        "weir_drop_packets_total{reason=\"nic_missed\",port=\"net_null0\",lane=\"0\"} 0\n",
        "weir_findings_total{detector=\"volume.burst\"} 5\n",
        "weir_findings_total{detector=\"volume.ratio\"} 0\n", "# TYPE weir_spool_alerts gauge\n",
        "weir_spool_alerts 17\n", "# TYPE weir_open_incidents gauge\n", "weir_open_incidents 4\n",
        "weir_uplink_gaps_total 2\n",
        "weir_uplink_certificate_expires_timestamp_seconds 1800000000\n"}) {
    EXPECT_THAT(out.str(), HasSubstr(line));
  }
  for (const MetricRow& row : sensor_metrics()) {
    EXPECT_THAT(out.str(), HasSubstr("# HELP " + std::string(row.metric.name) + " " +
                                     std::string(row.metric.help) + "\n"));
  }
}

}  // namespace
}  // namespace weir
