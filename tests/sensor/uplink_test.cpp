// The uplink over real TLS: what it delivers, when it tries again, and what it says.
#include "sensor/uplink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "flowtable/error.h"
#include "tests/sensor/envelope_server.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using testing::Authority;
using testing::CertificateFiles;
using ::testing::Contains;
using testing::EnvelopeServer;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Received;

SpoolBatch alerts(size_t count, size_t bytes = 200) {
  SpoolBatch batch;
  for (size_t i = 0; i < count; ++i) {
    v1::Alert& alert = batch.alerts.emplace_back();
    alert.set_incident_id("incident");
    alert.set_host(std::string(bytes, 'h'));
  }
  return batch;
}

class UplinkTest : public ::testing::Test {
 protected:
  UplinkTest()
      : folder_(make_folder()),
        authority_(folder_, "authority"),
        stranger_(folder_, "stranger"),
        server_certificate_(authority_.issue("server", "127.0.0.1")),
        server_(std::make_unique<EnvelopeServer>(authority_.file(), server_certificate_)) {
    use(authority_.issue("sensor", "weir-1"));
    options_.sensor_id = "weir-1";
    options_.version = "9.9";
    options_.collector = server_->address();
    options_.ca_file = authority_.file();
    options_.retry_min_ms = 10;
    options_.retry_max_ms = 100;
    options_.heartbeat_s = 1;
    spool_options_.state_dir = folder_;
  }
  ~UplinkTest() override {
    uplink_.reset();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "weir-uplink-XXXXXX";
    return mkdtemp(folder.data());
  }
  void use(const CertificateFiles& files) {
    options_.certificate_file = files.certificate;
    options_.key_file = files.key;
  }
  void hear(const std::string& sentence) {
    const std::lock_guard lock(mutex_);
    said_.push_back(sentence);
  }
  std::vector<std::string> said() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  Uplink& start() {
    uplink_.reset();
    const auto say = [this](const std::string& sentence) { hear(sentence); };
    uplink_ = std::make_unique<Uplink>(
        options_, std::make_unique<Spool>(spool_options_, say),
        UplinkHooks{say, [](v1::Heartbeat& heartbeat) { heartbeat.add_lanes()->set_port("net0"); },
                    [this](const std::vector<v1::Alert>& stored) {
                      const std::lock_guard lock(mutex_);
                      for (const v1::Alert& alert : stored) stored_.push_back(alert.sequence());
                    },
                    [this](const OwnTraffic& own) {
                      const std::lock_guard lock(mutex_);
                      own_ = own;
                    }});
    return *uplink_;
  }
  bool acknowledged(int seconds = 10) {
    return uplink_->wait_acknowledged(milliseconds(1000 * seconds));
  }
  /// Waits for a sentence that contains the words.
  ::testing::AssertionResult hears(const std::string& words) const {
    for (int tries = 0; tries < 1000; ++tries) {
      for (const std::string& sentence : said())
        if (sentence.find(words) != std::string::npos) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(milliseconds(10));
    }
    return ::testing::AssertionFailure()
           << "not said: " << words << "\nbut: " << ::testing::PrintToString(said());
  }
  void expect_all(uint64_t count) const {
    const Received received = server_->received();
    EXPECT_EQ(received.alerts.size(), count);
    uint64_t expected = 1;
    for (const auto& [number, alert] : received.alerts) EXPECT_EQ(number.second, expected++);
  }

  std::string folder_;
  Authority authority_, stranger_;
  CertificateFiles server_certificate_;
  std::unique_ptr<EnvelopeServer> server_;
  UplinkOptions options_;
  SpoolOptions spool_options_;
  std::unique_ptr<Uplink> uplink_;
  mutable std::mutex mutex_;
  std::vector<std::string> said_;
  std::vector<uint64_t> stored_;
  OwnTraffic own_;
};

TEST_F(UplinkTest, delivers_every_alert_once_in_order) {
  start();
  for (int i = 0; i < 50; ++i) uplink_->submit(alerts(20));
  ASSERT_TRUE(acknowledged());
  expect_all(1000);
  EXPECT_EQ(server_->received().repeated, 0u);
  const UplinkStatus status = uplink_->status();
  EXPECT_TRUE(status.connected);
  EXPECT_EQ(status.acknowledged, 1000u);
  EXPECT_EQ(status.remote_port, server_->port());
  EXPECT_EQ(status.remote_address, "127.0.0.1");
  EXPECT_NE(status.local_port, 0);
  EXPECT_EQ(stored_.size(), 1000u);
}

TEST_F(UplinkTest, says_hello_with_its_id_epoch_and_next_number) {
  start();
  uplink_->submit(alerts(3));
  ASSERT_TRUE(acknowledged());
  start();
  ASSERT_TRUE(server_->wait([](const Received& received) { return received.hellos.size() == 2; }));
  const Received received = server_->received();
  EXPECT_EQ(received.hellos[1].sensor_id(), "weir-1");
  EXPECT_EQ(received.hellos[1].version(), "9.9");
  EXPECT_EQ(received.hellos[1].next_sequence(), 4u);
  EXPECT_EQ(received.hellos[1].epoch(), received.hellos[0].epoch());
}

TEST_F(UplinkTest, alerts_of_a_sensor_that_was_renamed_go_under_its_new_name) {
  start();
  SpoolBatch batch = alerts(1);
  batch.alerts[0].set_sensor_id("weir-0");
  uplink_->submit(std::move(batch));
  ASSERT_TRUE(acknowledged());
  EXPECT_EQ(server_->received().alerts.begin()->second.sensor_id(), "weir-1");
}

TEST_F(UplinkTest, a_heartbeat_carries_lanes_and_expiry) {
  start();
  ASSERT_TRUE(
      server_->wait([](const Received& received) { return received.heartbeats.size() >= 2; }));
  const v1::Heartbeat heartbeat = server_->received().heartbeats[1];
  EXPECT_EQ(heartbeat.lanes(0).port(), "net0");
  EXPECT_EQ(static_cast<uint64_t>(heartbeat.certificate_expires().seconds()),
            uplink_->status().certificate_expires_s);
  EXPECT_GT(heartbeat.time().seconds(), 1700000000);
}

TEST_F(UplinkTest, its_own_traffic_is_told_before_its_first_packet) {
  server_->behave({.answers = false});
  start();
  ASSERT_TRUE(server_->wait([](const Received& received) { return received.hellos.size() == 1; }));
  const std::lock_guard lock(mutex_);
  const IpAddress loopback = IpAddress::v4(0x7f000001);
  EXPECT_EQ(own_, (OwnTraffic{loopback, loopback, static_cast<uint16_t>(server_->port())}));
}

TEST_F(UplinkTest, without_a_collector_alerts_wait_and_are_sent_when_it_comes) {
  const int port = server_->port();
  server_.reset();
  start();
  uplink_->submit(alerts(10));
  EXPECT_TRUE(hears("nobody listens there; start weir-collector"));
  EXPECT_FALSE(uplink_->wait_acknowledged(milliseconds(50)));
  EXPECT_EQ(uplink_->status().spool.alerts, 10u);
  server_ = std::make_unique<EnvelopeServer>(authority_.file(), server_certificate_, port);
  ASSERT_TRUE(acknowledged());
  expect_all(10);
  EXPECT_TRUE(hears("connected to weir-collector"));
  EXPECT_EQ(said().size(), 2u) << "a trouble that lasts is said once";
}

TEST_F(UplinkTest, what_a_dying_collector_stored_without_acknowledging_is_not_sent_again) {
  EnvelopeServer::Manner dying;
  dying.hang_up_after = 5;
  server_->behave(dying);
  start();
  for (int i = 0; i < 40; ++i) uplink_->submit(alerts(1));
  ASSERT_TRUE(acknowledged());
  expect_all(40);
}

TEST_F(UplinkTest, acknowledgements_lost_on_the_way_cost_nothing) {
  EnvelopeServer::Manner silent;
  silent.acknowledges = false;
  server_->behave(silent);
  start();
  uplink_->submit(alerts(10));
  ASSERT_TRUE(server_->wait([](const Received& received) { return received.alerts.size() == 10; }));
  EXPECT_TRUE(hears("acknowledges nothing within 2 s"));
  server_->behave({});
  ASSERT_TRUE(acknowledged());
  expect_all(10);
}

TEST_F(UplinkTest, a_collector_that_does_not_read_is_left_and_tried_again) {
  EnvelopeServer::Manner stalled;
  stalled.reads = false;
  server_->behave(stalled);
  start();
  for (int i = 0; i < 20; ++i) uplink_->submit(alerts(10, 100000));
  EXPECT_TRUE(hears("acknowledges nothing"));
  server_->behave({});
  ASSERT_TRUE(acknowledged());
  expect_all(200);
}

TEST_F(UplinkTest, a_slow_collector_is_waited_for) {
  EnvelopeServer::Manner slow;
  slow.ack_delay_ms = 300;
  server_->behave(slow);
  start();
  for (int i = 0; i < 10; ++i) uplink_->submit(alerts(10, 90000));
  ASSERT_TRUE(acknowledged(20));
  expect_all(100);
  EXPECT_EQ(server_->received().hellos.size(), 1u);
}

TEST_F(UplinkTest, a_collector_that_never_welcomes_is_left) {
  EnvelopeServer::Manner mute;
  mute.raw = "\x05hello";
  server_->behave(mute);
  start();
  EXPECT_TRUE(hears("it is no weir-collector's"));
  EXPECT_FALSE(uplink_->status().connected);
}

TEST_F(UplinkTest, gaps_are_told_in_their_place) {
  server_->behave({.answers = false});
  spool_options_.max_bytes = 1 << 20;
  start();
  for (int i = 0; i < 40; ++i) {
    SpoolBatch batch = alerts(1, 50000);
    batch.alerts[0].set_incident_id(std::to_string(i));
    uplink_->submit(std::move(batch));
  }
  uplink_->stop();
  server_->behave({});
  start();
  ASSERT_TRUE(acknowledged());
  const Received received = server_->received();
  ASSERT_EQ(received.gaps.size(), 1u);
  EXPECT_EQ(received.gaps[0].first(), 1u);
  EXPECT_EQ(received.alerts.begin()->first.second, received.gaps[0].last() + 1);
  EXPECT_EQ(received.alerts.size() + received.gaps[0].last(), 40u);
}

TEST_F(UplinkTest, an_older_copy_of_the_spool_begins_a_new_epoch_by_itself) {
  start();
  uplink_->submit(alerts(3));
  ASSERT_TRUE(acknowledged());
  uplink_.reset();
  std::filesystem::copy_file(folder_ + "/spool.db", folder_ + "/copy");
  start();
  uplink_->submit(alerts(5));
  ASSERT_TRUE(acknowledged());
  uplink_.reset();
  std::filesystem::rename(folder_ + "/copy", folder_ + "/spool.db");
  start();
  uplink_->submit(alerts(2));
  ASSERT_TRUE(hears("older copy of itself"));
  ASSERT_TRUE(acknowledged());
  const Received received = server_->received();
  EXPECT_EQ(received.alerts.size(), 10u);
}

TEST_F(UplinkTest, a_directive_is_counted_and_said_once) {
  server_->behave({.directs = true});
  start();
  EXPECT_TRUE(hears("sent a directive"));
  EXPECT_EQ(uplink_->status().directives, 1u);
}

TEST_F(UplinkTest, an_acknowledgement_of_what_was_never_sent_deletes_nothing) {
  server_->behave({.ack_ahead = 100});
  start();
  uplink_->submit(alerts(1));
  ASSERT_TRUE(hears("acknowledges nothing"));
  EXPECT_EQ(uplink_->status().spool.alerts, 1u);
  server_->behave({});
  ASSERT_TRUE(acknowledged());
  EXPECT_EQ(uplink_->status().acknowledged, 1u);
}

TEST_F(UplinkTest, stopping_keeps_what_was_submitted_last) {
  server_.reset();
  start();
  uplink_->submit(alerts(7));
  uplink_->stop();
  const Spool spool(spool_options_, [](const std::string&) {});
  EXPECT_EQ(spool.counters().alerts, 7u);
}

// ---- certificates ----

TEST_F(UplinkTest, an_expired_certificate_of_the_sensor_is_said_with_the_remedy) {
  use(authority_.issue("old", "weir-1", -7200, -3600));
  start();
  uplink_->submit(alerts(1));
  EXPECT_TRUE(hears("has expired; issue a new one for this sensor and reload it"));
  EXPECT_TRUE(hears("\": says that uplink.certificate_file"));
  EXPECT_TRUE(uplink_->status().refused);
}

TEST_F(UplinkTest, a_certificate_of_another_authority_is_said_with_the_remedy) {
  use(stranger_.issue("strange", "weir-1"));
  start();
  EXPECT_TRUE(hears("was signed by an authority it does not know"));
  EXPECT_TRUE(uplink_->status().refused);
}

TEST_F(UplinkTest, a_collector_that_another_authority_signed_is_not_told_anything) {
  options_.ca_file = stranger_.file();
  start();
  uplink_->submit(alerts(1));
  EXPECT_TRUE(hears("its certificate was not signed by uplink.ca_file"));
  EXPECT_TRUE(server_->received().hellos.empty());
}

TEST_F(UplinkTest, a_collector_of_another_name_is_not_told_anything) {
  options_.server_name = "collector.example";
  start();
  EXPECT_TRUE(hears("its certificate is not for \"collector.example\"; set uplink.server_name"));
  EXPECT_TRUE(server_->received().hellos.empty());
}

TEST_F(UplinkTest, the_server_s_name_is_verified_against_its_certificate) {
  const int port = server_->port();
  server_.reset();
  server_ = std::make_unique<EnvelopeServer>(authority_.file(),
                                             authority_.issue("named", "collector.example"), port);
  options_.server_name = "collector.example";
  start();
  uplink_->submit(alerts(1));
  EXPECT_TRUE(acknowledged());
}

TEST_F(UplinkTest, an_expired_certificate_of_the_collector_is_said) {
  const int port = server_->port();
  server_.reset();
  server_ = std::make_unique<EnvelopeServer>(
      authority_.file(), authority_.issue("late", "127.0.0.1", -7200, -3600), port);
  start();
  EXPECT_TRUE(hears("its certificate has expired; issue a new one there"));
}

TEST_F(UplinkTest, certificates_are_read_again_on_request_and_the_rest_is_sent) {
  const CertificateFiles expired = authority_.issue("sensor", "weir-1", -7200, -3600);
  use(expired);
  options_.retry_min_ms = options_.retry_max_ms = 3600000;
  start();
  uplink_->submit(alerts(5));
  ASSERT_TRUE(hears("has expired"));
  authority_.issue("sensor", "weir-1");  // the same files
  uplink_->reload_certificates();
  ASSERT_TRUE(acknowledged());
  expect_all(5);
  std::ofstream(expired.key) << "no key";
  uplink_->reload_certificates();
  EXPECT_TRUE(hears("the certificates from before stay in use"));
  uplink_->submit(alerts(1));
  EXPECT_TRUE(acknowledged());
}

struct WrongFile {
  const char* option;
  std::string UplinkOptions::*file;
  const char* contents;  // null: not there
  const char* says;
};

TEST_F(UplinkTest, files_that_cannot_be_used_are_named_at_start) {
  const CertificateFiles other = authority_.issue("other", "weir-1");
  std::ifstream key(other.key);
  const std::string other_key{std::istreambuf_iterator<char>(key), {}};
  const WrongFile wrongs[] = {
      {"ca_file", &UplinkOptions::ca_file, nullptr, "cannot be read (No such file"},
      {"ca_file", &UplinkOptions::ca_file, "x", "holds no certificate in PEM form"},
      {"certificate_file", &UplinkOptions::certificate_file, "x", "holds no certificate"},
      {"key_file", &UplinkOptions::key_file, nullptr, "cannot be read"},
      {"key_file", &UplinkOptions::key_file, "x", "holds no private key"},
      {"key_file", &UplinkOptions::key_file, other_key.c_str(), "is not the key of"},
  };
  const UplinkOptions right = options_;
  for (const WrongFile& wrong : wrongs) {
    options_ = right;
    options_.*wrong.file = folder_ + "/wrong";
    std::filesystem::remove(folder_ + "/wrong");
    if (wrong.contents != nullptr) std::ofstream(folder_ + "/wrong") << wrong.contents;
    try {
      start();
      ADD_FAILURE() << wrong.says;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), kExitFailed);
      EXPECT_THAT(error.what(),
                  AllOf(HasSubstr(std::string("uplink.") + wrong.option), HasSubstr(wrong.says)));
    }
  }
}

TEST_F(UplinkTest, a_certificate_of_another_sensor_is_refused_at_start) {
  use(authority_.issue("second", "weir-2"));
  try {
    start();
    FAIL() << "started";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("was issued for weir-2 and not for sensor.id = \"weir-1\""));
  }
}

}  // namespace
}  // namespace weir
