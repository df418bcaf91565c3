// The JSON of an alert is the contract's: names, defaults, enum words, strings for 64 bits.
#include "proto/alert_json.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>

#include "weir/v1/uplink.pb.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(AlertJson, an_empty_alert_prints_its_defaults_under_the_contracts_names) {
  const std::string json = alert_json(v1::Alert());
  for (const char* field :
       {R"("incident_id":"")", R"("revision":0)", R"("state":"OPEN")", R"("sensor_id":"")",
        R"("epoch":"0")", R"("sequence":"0")", R"("severity":"INFO")", R"("score":0)",
        R"("network":"")", R"("host":"")", R"("scope":"OUTBOUND")", R"("evidence":[])",
        R"("members":[])"}) {
    EXPECT_THAT(json, HasSubstr(field));
  }
  EXPECT_THAT(json, Not(HasSubstr("\n")));
}

TEST(AlertJson, a_full_alert_is_one_line_with_strings_for_64_bits_and_RFC_3339_times) {
  v1::Alert alert;
  alert.set_state(v1::Alert::CLOSED);
  alert.set_severity(v1::Alert::CRITICAL);
  alert.set_epoch(UINT64_MAX);
  alert.set_score(0.92);
  alert.mutable_first_seen()->set_seconds(1700000000);
  alert.mutable_first_seen()->set_nanos(123456789);
  alert.mutable_destination()->set_address("203.0.113.9");
  alert.mutable_destination()->set_name("a\nb\"c");
  alert.mutable_destination()->set_name_source(v1::Destination::RESOLVED);
  alert.mutable_ledger()->set_out_payload_high_bytes(1240984);
  auto* evidence = alert.add_evidence();
  evidence->set_detector("volume.burst");
  evidence->mutable_counterfactual()->set_threshold(1240985);
  const std::string json = alert_json(alert);
  for (const char* field :
       {R"("state":"CLOSED")", R"("severity":"CRITICAL")", R"("epoch":"18446744073709551615")",
        R"("score":0.92)", R"("first_seen":"2023-11-14T22:13:20.123456789Z")",
        R"("name":"a\nb\"c")", R"("name_source":"RESOLVED")", R"("tenant":"")",
        R"("out_payload_high_bytes":"1240984")", R"("in_packets":"0")", R"("family":"VOLUME")",
        R"("learning":false)", R"("threshold":"1240985")", R"("attack":[])",
        R"("connections":[])"}) {
    EXPECT_THAT(json, HasSubstr(field));
  }
  EXPECT_THAT(json, Not(HasSubstr("\n")));
  EXPECT_EQ(json, alert_json(alert));
}

// Canonical JSON prints maps in random order, and an alert must be the same bytes twice.
void expect_no_map(const google::protobuf::Descriptor& message, std::set<std::string>& seen) {
  if (!seen.insert(message.full_name()).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    EXPECT_FALSE(message.field(i)->is_map()) << message.field(i)->full_name();
    const auto* inner = message.field(i)->message_type();
    if (inner != nullptr) expect_no_map(*inner, seen);
  }
}

TEST(AlertJson, no_message_of_the_contract_has_a_map_field) {
  std::set<std::string> seen;
  expect_no_map(*v1::Envelope::descriptor(), seen);
  EXPECT_TRUE(seen.contains("weir.v1.Evidence"));
}

}  // namespace
}  // namespace weir
