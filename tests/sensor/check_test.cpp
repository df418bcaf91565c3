// `weir-sensor check` says what is wrong with a machine and what to do about it.
#include "sensor/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "config_fixture.h"
#include "flowtable/error.h"
#include "sensor/cpu_check.h"
#include "tests/sensor/certificates.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Machine good_machine() {
  Machine machine;
  machine.cpu_features = UINT32_MAX;
  machine.available_bytes = uint64_t{16} << 30;
  machine.huge_page_bytes = 2 << 20;
  machine.huge_pages_free = 600;
  machine.today = std::chrono::year{2026} / 11 / 24;
  return machine;
}

SensorConfig config_with(std::vector<std::string> set) {
  return load_config(declared_schema(), {"", std::move(set), ""});
}

std::string lines(const SensorConfig& config, const Machine& machine, CheckLine::Result result) {
  std::string all;
  for (const CheckLine& line : check_machine(config, machine)) {
    if (line.result == result) all += line.sentence + "\n";
  }
  return all;
}

TEST(Check, a_good_machine_gets_four_good_lines) {
  const SensorConfig config = config_with({});
  EXPECT_EQ(check_machine(config, good_machine()).size(), 4u);
  EXPECT_EQ(lines(config, good_machine(), CheckLine::Result::kWarn), "");
  EXPECT_EQ(lines(config, good_machine(), CheckLine::Result::kFail), "");
}

TEST(Check, a_lesser_CPU_fails_by_the_names_of_what_it_lacks) {
  Machine machine = good_machine();
  machine.cpu_features = 0x7;  // SSE4.2, POPCNT, AVX
  EXPECT_EQ(lines(config_with({}), machine, CheckLine::Result::kFail),
            "CPU: lacks AVX2, BMI, BMI2, FMA, AES, PCLMUL; run the sensor on a CPU of 2013 or "
            "later\n");
}

TEST(Check, tables_larger_than_the_memory_fail_and_nearly_as_large_ones_warn) {
  const SensorConfig config = config_with({"flow_table.connections=67108864"});  // 8 GiB and more
  Machine machine = good_machine();
  machine.available_bytes = uint64_t{4} << 30;
  EXPECT_THAT(lines(config, machine, CheckLine::Result::kFail),
              AllOf(HasSubstr("4096 MiB are available; lower flow_table.connections")));
  EXPECT_EQ(lines(config_with({}), machine, CheckLine::Result::kFail), "");
  const SensorConfig two_lanes =
      config_with({"port.0.device=net_null0", "port.0.lanes=2", "flow_table.connections=33554432"});
  EXPECT_THAT(lines(two_lanes, machine, CheckLine::Result::kFail), HasSubstr("of 2 lane(s)"));
}

TEST(Check, too_few_huge_pages_warn_with_the_command_and_fail_where_they_are_asked_for) {
  Machine machine = good_machine();
  machine.huge_pages_free = 10;
  EXPECT_THAT(lines(config_with({}), machine, CheckLine::Result::kWarn),
              AllOf(HasSubstr("huge pages: 10 of 2 MiB are free, 512 are wanted"),
                    HasSubstr("`sysctl vm.nr_hugepages=512`, or go on without")));
  const SensorConfig on = config_with({"eal.huge_pages=on"});
  EXPECT_THAT(lines(on, machine, CheckLine::Result::kFail), HasSubstr("512 are wanted"));
  const SensorConfig off = config_with({"eal.huge_pages=off"});
  EXPECT_EQ(lines(off, machine, CheckLine::Result::kWarn), "");
}

TEST(Check, a_home_of_everything_and_an_expired_suppression_are_warned_of) {
  EXPECT_THAT(
      lines(config_with({"networks.0.home=0.0.0.0/0"}), good_machine(), CheckLine::Result::kWarn),
      HasSubstr("home networks: default has 0.0.0.0/0, so nothing of that family is out"));
  const auto suppressed_until = [](const std::string& date) {
    return config_with({"suppress.0.name=old", "suppress.0.owner=ops", "suppress.0.reason=r",
                        "suppress.0.expires=" + date, "suppress.0.budget_bytes=1"});
  };
  EXPECT_THAT(lines(suppressed_until("2026-11-23"), good_machine(), CheckLine::Result::kWarn),
              HasSubstr("[[suppress]] old of ops expired on 2026-11-23"));
  EXPECT_EQ(lines(suppressed_until("2026-11-24"), good_machine(), CheckLine::Result::kWarn), "");
}

TEST(Check, certificates_of_the_uplink_are_read_and_their_end_is_told) {
  std::string folder = std::filesystem::temp_directory_path() / "weir-check-XXXXXX";
  folder = mkdtemp(folder.data());
  testing::Authority authority(folder, "authority");
  Machine machine = good_machine();
  machine.today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const auto told = [&](const std::string& id, long to_s, CheckLine::Result result) {
    const testing::CertificateFiles own = authority.issue("own", "weir-1", -864000, to_s);
    return lines(
        config_with({"sensor.id=" + id, "uplink.collector=weir.example:7443",
                     "uplink.ca_file=" + authority.file(),
                     "uplink.certificate_file=" + own.certificate, "uplink.key_file=" + own.key}),
        machine, result);
  };
  EXPECT_THAT(told("weir-1", 100 * 86400, CheckLine::Result::kOk),
              HasSubstr("uplink: the certificate for weir.example:7443 holds for 100 days\n"));
  EXPECT_THAT(told("weir-1", 3 * 86400, CheckLine::Result::kWarn), HasSubstr("holds for 3 days; "));
  EXPECT_THAT(told("weir-1", -2 * 86400, CheckLine::Result::kFail),
              HasSubstr("has expired; issue"));
  EXPECT_THAT(told("weir-2", 86400, CheckLine::Result::kFail),
              HasSubstr("was issued for weir-1 and not for sensor.id = \"weir-2\""));
  std::filesystem::remove_all(folder);
}

TEST(Check, the_command_prints_a_line_each_and_exits_2_for_a_bad_configuration) {
  std::ostringstream good;
  const int exit_code = run_check(declared_schema(), {"", {"eal.huge_pages=off"}, ""}, good);
  EXPECT_TRUE(exit_code == kExitDone || exit_code == kExitFailed);
  EXPECT_THAT(good.str(), AllOf(HasSubstr("ok: configuration: defaults, 2 detectors"),
                                HasSubstr("\nok: CPU: has AVX2"), HasSubstr(": memory: tables"),
                                HasSubstr("\nok: huge pages: not used"),
                                HasSubstr("\nok: home networks: default has 10.0.0.0/8")));
  std::ostringstream bad;
  EXPECT_EQ(run_check(declared_schema(), {"", {"judge.escalate_factor=1"}, ""}, bad), kExitUsage);
  EXPECT_EQ(bad.str().find("fail: configuration: --set judge.escalate_factor=1: "), 0u);
}

TEST(Check, this_machine_is_read) {
  const Machine machine = read_machine();
  EXPECT_GT(machine.available_bytes, uint64_t{1} << 20);
  EXPECT_TRUE(machine.today.ok());
  EXPECT_GT(machine.today.year(), std::chrono::year{2023});
}

TEST(CpuCheck, this_build_runs_here_so_nothing_is_missing) {
  EXPECT_STREQ(missing_cpu_features(present_cpu_features()), "");
  EXPECT_STREQ(missing_cpu_features(UINT32_MAX & ~(1u << 7)), "AES");
}

}  // namespace
}  // namespace weir
