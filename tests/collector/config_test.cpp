// The collector's configuration: what loads, and what is said of what does not.
#include "collector/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "collector/error.h"
#include "collector/listing.h"

namespace weir::collector {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CollectorConfig : public ::testing::Test {
 protected:
  CollectorConfig() {
    path_ = std::string(P_tmpdir) + "/weir-collector-config-XXXXXX";
    close(mkstemp(path_.data()));
  }
  ~CollectorConfig() override { unlink(path_.c_str()); }

  Config load(const std::string& text, const std::vector<std::string>& set = {}) {
    std::ofstream(path_) << text;
    return load_config({path_, set});
  }
  std::string refusal(const std::string& text, const std::vector<std::string>& set = {}) {
    try {
      load(text, set);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), kExitUsage);
      return error.what();
    }
    return "";
  }
  std::string path_;
};

TEST_F(CollectorConfig, what_is_printed_loads_as_it_is) {
  Config config;
  config.ca_file = "with \"quotes\" and \\";
  config.certificate_file = config.key_file = "k";
  config.silent_after_s = 61;
  EXPECT_EQ(config_text(load(config_text(config))), config_text(config));
}

TEST_F(CollectorConfig, the_file_in_deploy_is_what_is_printed) {
  std::ifstream file(WEIR_SOURCE_ROOT "/deploy/collector.toml");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), config_text({}));
}

TEST_F(CollectorConfig, set_wins_over_the_file_and_knows_thousands) {
  const Config config =
      load("[collector]\nmax_store_bytes = 20000000\n", {"max_store_bytes=3G", "collector.http="});
  EXPECT_EQ(config.max_store_bytes, 3'000'000'000u);
  EXPECT_EQ(config.http, "");
}

TEST_F(CollectorConfig, mistakes_have_file_line_value_and_remedy) {
  EXPECT_THAT(
      refusal("[collector]\nretention_day = 3\n"),
      AllOf(HasSubstr(path_ + ":2"), HasSubstr("retention_day"), HasSubstr("retention_days")));
  EXPECT_THAT(refusal("[collector]\nretention_days = 0\n"),
              AllOf(HasSubstr(path_ + ":2"), HasSubstr("from 1 to 36500 days")));
  EXPECT_THAT(refusal("[collector]\nretention_days = \"x\"\n"), HasSubstr("must be a number"));
  EXPECT_THAT(refusal("[collector]\nlisten = 7443\n"), HasSubstr("must be a text"));
  EXPECT_THAT(refusal("[collector]\nlisten = \"here\"\n"), HasSubstr("0.0.0.0:7443"));
  EXPECT_THAT(refusal("[sensor]\nid = \"a\"\n"), HasSubstr("[collector]"));
  EXPECT_THAT(refusal("[collector\n"), HasSubstr(path_ + ":1"));
  EXPECT_THAT(refusal("", {"max_store_bytes=many"}), HasSubstr("no whole number"));
  EXPECT_THAT(refusal("", {"silent"}), HasSubstr("KEY=VALUE"));
}

TEST_F(CollectorConfig, endpoints_may_be_of_either_family) {
  EXPECT_EQ(endpoint_of("[::1]:7480").address, "::1");
  EXPECT_EQ(endpoint_of("127.0.0.1:7480").port, 7480);
}

TEST(CollectorTime, may_be_a_day_a_moment_or_so_long_ago) {
  constexpr int64_t kNow = 1'800'000'000'000'000'000;
  EXPECT_EQ(parse_time("2026-11-24", kNow), 1'795'478'400'000'000'000);
  EXPECT_EQ(parse_time("2026-11-24T00:01:00Z", kNow), 1'795'478'460'000'000'000);
  EXPECT_EQ(parse_time("2h", kNow), kNow - 7'200'000'000'000);
  EXPECT_EQ(parse_time("90s", kNow), kNow - 90'000'000'000);
  for (const char* wrong : {"", "2", "h", "2w", "-2h", "2026-13-01", "99999999999999d"})
    EXPECT_THROW(parse_time(wrong, kNow), Error) << wrong;
}

}  // namespace
}  // namespace weir::collector
