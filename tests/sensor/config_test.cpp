// The configuration: what loads, what is refused and in which words, and that its text loads as it.
#include "sensor/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_fixture.h"
#include "flowtable/error.h"
#include "sensor/option_value.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SensorConfig load(std::string_view text, std::vector<std::string> set = {}, std::string home = "") {
  return load_config_text(declared_schema(), {"weir.toml", std::move(set), std::move(home)}, text);
}

std::string refusal(std::string_view text, std::vector<std::string> set = {},
                    std::string home = "") {
  try {
    load(text, std::move(set), std::move(home));
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitUsage);
    return error.what();
  }
  return "(it loads)";
}

TEST(Config, nothing_given_means_the_contracts_defaults) {
  const SensorConfig config = load("");
  EXPECT_EQ(config.sensor.id, "weir-1");
  ASSERT_EQ(config.networks.size(), 1u);
  EXPECT_THAT(config.networks[0].home, ElementsAre("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                                   "100.64.0.0/10", "fc00::/7"));
  EXPECT_EQ(config.flow_table.connections, 1048576u);
  EXPECT_EQ(config.flow_table.totals, 262144u);
  EXPECT_EQ(config.flow_table.heavy_hitters, 4096u);
  EXPECT_EQ(config.flow_table.tcp_idle_s, 3600u);
  EXPECT_EQ(config.judge.incident_idle_s, 86400u);
  EXPECT_EQ(config.spool.max_bytes, 1073741824u);
  EXPECT_TRUE(config.ports.empty());
  EXPECT_TRUE(config.suppress.empty());
  EXPECT_EQ(config.detector_options[0],
            (std::vector<OptionValue>{int64_t{100000000}, int64_t{500000000}}));
  EXPECT_EQ(config.detector_options[1], (std::vector<OptionValue>{0.8}));
}

TEST(Config, a_file_sets_what_it_names_and_leaves_the_rest) {
  const SensorConfig config = load(R"(
[sensor]
id = "edge-7"
[[networks]]
name = "guest"
vlans = [20, 21]
home = ["192.168.20.0/24"]
[[networks]]
home = ["10.0.0.0/8"]
[[port]]
device = "0000:03:00.0"
[detectors.volume.burst]
threshold_1h_bytes = 7
[detectors.volume]
ratio.minimum_ratio = 1
[[suppress]]
name = "backup"
owner = "ops"
reason = "nightly backup"
expires = 2027-01-31
destinations = ["backup.example.org", "198.51.100.0/24"]
budget_bytes = 50000000000
)");
  EXPECT_EQ(config.sensor.id, "edge-7");
  EXPECT_EQ(config.sensor.control, "/run/weir/control.sock");
  ASSERT_EQ(config.networks.size(), 2u);
  EXPECT_THAT(config.networks[0].vlans, ElementsAre(20u, 21u));
  EXPECT_EQ(config.networks[1].name, "default");
  ASSERT_EQ(config.ports.size(), 1u);
  EXPECT_EQ(config.ports[0].rx_descriptors, 1024u);
  EXPECT_EQ(config.detector_options[0][0], OptionValue(int64_t{100000000}));
  EXPECT_EQ(config.detector_options[0][1], OptionValue(int64_t{7}));
  EXPECT_EQ(config.detector_options[1][0], OptionValue(1.0));
  ASSERT_EQ(config.suppress.size(), 1u);
  EXPECT_EQ(config.suppress[0].expires, "2027-01-31");
  EXPECT_EQ(config.suppress[0].budget_bytes, 50000000000u);
}

struct Refused {
  const char* text;
  const char* message;  // a part of it, from its start
};

TEST(Config, a_mistake_in_the_file_is_one_sentence_with_line_value_and_remedy) {
  const Refused refused[] = {
      {"[flow_table]\nconections = 5",
       R"(weir.toml:2: "conections" is no option of [flow_table]; did you mean connections?)"},
      {"[flowtable]\nconnections = 5",
       R"(weir.toml:1: "flowtable" is no section; did you mean flow_table?)"},
      {"[detectors.volume.bust]\nx = 1",
       R"(weir.toml:1: "bust" is no option of [detectors.volume]; did you mean burst?)"},
      {"[capture]\nzzzzzzzz = 5",
       R"("zzzzzzzz" is no option of [capture]; there are decap, decode_depth)"},
      {"[flow_table]\n\nconnections = \"many\"",
       R"(weir.toml:3: flow_table.connections = "many": this is text; give a power of two)"},
      {"[flow_table]\ntotals = 5000",
       "weir.toml:2: flow_table.totals = 5000: no power of two (the next are 4096 and 8192)"},
      {"[flow_table]\ntcp_idle_s = 0",
       "flow_table.tcp_idle_s = 0: too small; give an integer from 1"},
      {"[judge]\nescalate_factor = 5000", "judge.escalate_factor = 5000: too large"},
      {"[judge]\nescalate_factor = 4.5", "judge.escalate_factor = 4.5: this is a number; give an"},
      {"[sensor]\nid = \"a b\"", "sensor.id = \"a b\": no name; give 1 to 64"},
      {"[sensor]\nmetrics = \"127.0.0.1\"", "no address with a port; give HOST:PORT"},
      {"[sensor]\nmetrics = \"[::1]:0\"", "no address with a port"},
      {"[eal]\nhuge_pages = \"onn\"", "\"onn\": not known, did you mean on?; give one of auto, on"},
      {"[eal]\nextra_arguments = \"x\"", "this is text; give a list of texts"},
      {"[[networks]]\nhome = [\"10.1.2.3/8\"]",
       "weir.toml:2: networks.0.home = \"10.1.2.3/8\": has bits below its prefix, did you mean "
       "\"10.0.0.0/8\"?"},
      {"[[networks]]\nhome = [\"fd00::1/7\"]", "did you mean \"fc00::/7\"?"},
      {"[[networks]]\nhome = [\"10.0.0.0/33\"]", "\"10.0.0.0/33\": no address range; give a list"},
      {"[[networks]]\nhome = []", "weir.toml:2: network \"default\" has home = []"},
      {"[[networks]]\nvlans = [4095]", "networks.0.vlans = 4095: too large; give a list of int"},
      {"[[networks]]\nvlans = [5]", "weir.toml:1: no network takes the frames that none names"},
      {"[[networks]]\n[[networks]]\nname = \"b\"", "weir.toml:2: networks \"default\" and \"b\""},
      {"[[networks]]\n[[networks]]\nvlans=[1]", "a second network is named \"default\""},
      {"[[networks]]\n[[networks]]\nname=\"b\"\nvlans=[1]\n[[networks]]\nname=\"c\"\nvlans=[1]",
       "weir.toml:7: vlans holds 1 in network \"b\" and in \"c\"; name it once"},
      {"[networks]\nhome = []",
       "weir.toml:1: networks may stand several times; write [[networks]]"},
      {"sensor = 3", "weir.toml:1: sensor is a section, and here it is an integer; write [sensor]"},
      {"[[port]]\nlanes = 2", "weir.toml:1: port.0.device is missing and has no default"},
      {"[[port]]\ndevice = \"\"", "port.0.device = \"\": empty"},
      {"[[port]]\ndevice = \"a\"\n[[port]]\ndevice = \"a\"", "weir.toml:4: device \"a\" is a port"},
      {"[[port]]\ndevice = \"a\"\nlanes = 16",
       "weir.toml:3: mempool.mbufs = 65536 cannot fill the rings of 16 lane(s), which hold 214016"},
      {"[mempool]\nmbufs = 16777216",
       "weir.toml:2: eal.memory_mib = 1024 is less than the 40961 MiB"},
      {"[lanes]\ncapture_cores = [1, 1]", "weir.toml:2: lanes.capture_cores names core 1 twice"},
      {"[[port]]\ndevice = \"a\"\n[lanes]\ncapture_cores = [1, 2]",
       "weir.toml:4: lanes.capture_cores names 2 core(s) for 1 lane(s)"},
      {"[detectors]\nenabled = [\"volume.brst\"]",
       "weir.toml:2: detectors.enabled holds \"volume.brst\", which is no detector; did you mean "
       "volume.burst?"},
      {"[detectors]\nscopes = [\"outbound\", \"inner\"]", "\"inner\": not known"},
      {"[detectors.volume.ratio]\nminimum_ratio = 1.5", "minimum_ratio = 1.5: too large; give a n"},
      {"[detectors.volume.ratio]\nminimum_ratio = nan", "no number that can be compared"},
      {"[uplink]\nretry_min_ms = 60000",
       "weir.toml:2: uplink.retry_min_ms = 60000 is above uplink."},
      {"[uplink]\ncollector = \"c.example.org:7443\"",
       "weir.toml:2: uplink.collector = \"c.example"},
      {"[capture]\ndecap = [\"*\", \"10.0.0.1\"]", "\"*\" stands alone"},
      {"[sensor]\nid = \"a\"\nid = \"b\"", "weir.toml:3: not TOML: "},
      {"[sensor\n", "weir.toml:1: not TOML: "},
      {"a = 99999999999999999999", "weir.toml:1: not TOML: "},
  };
  for (const auto& [text, message] : refused) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr(message), HasSubstr("weir.toml:"))) << text;
  }
}

std::string suppress_with(const std::string& line) {
  return "[[suppress]]\nname=\"a\"\nowner=\"b\"\nreason=\"c\"\nexpires=2027-01-31\n"
         "budget_bytes=1\n" +
         line;
}

TEST(Config, a_suppression_needs_owner_reason_expiry_and_budget) {
  EXPECT_EQ(refusal(suppress_with("")), "(it loads)");
  const std::string whole = suppress_with("");
  for (const std::string option : {"name", "owner", "reason", "expires", "budget_bytes"}) {
    std::string text = whole;
    const size_t first = text.find(option + "=");
    text.erase(first, text.find('\n', first) - first);
    EXPECT_THAT(refusal(text), AllOf(HasSubstr("weir.toml:1: suppress.0." + option),
                                     HasSubstr("is missing and has no default; give ")));
  }
  std::string text = whole;
  text.replace(text.find("2027-01-31"), 10, "\"2027-02-30\"");
  EXPECT_THAT(refusal(text),
              HasSubstr("weir.toml:5: suppress.0.expires = \"2027-02-30\": no date"));
  text = whole;
  text.replace(text.find("2027-01-31"), 10, "2027-01-31T00:00:00Z");
  EXPECT_THAT(refusal(text), HasSubstr("this is a time; give a date such as 2027-01-31"));
  EXPECT_EQ(refusal(suppress_with("destinations=[\"a.example\", \"192.0.2.1\", \"::/0\"]")),
            "(it loads)");
  for (const char* destination :
       {"example", "*.example.org", "10.0.0.0/40", "10.0.0", "a..b", ""}) {
    EXPECT_THAT(refusal(suppress_with("destinations=[\"" + std::string(destination) + "\"]")),
                HasSubstr("weir.toml:7: suppress.0.destinations = \""))
        << destination;
  }
  EXPECT_THAT(refusal(suppress_with("detectors=[\"volume.x\"]")), HasSubstr("is no detector"));
  EXPECT_THAT(refusal(whole + whole),
              HasSubstr("weir.toml:8: a second [[suppress]] is named \"a\""));
}

TEST(Config, set_takes_suffixes_lists_and_tables_by_name_or_number) {
  const SensorConfig config =
      load("[[networks]]\n[[networks]]\nname = \"guest\"\nvlans = [3]",
           {"detectors.volume.burst.threshold_1h_bytes=2M", "spool.max_bytes=3G",
            "judge.incident_idle_s=1k", "detectors.volume.ratio.minimum_ratio=0.5",
            "networks.default.home=10.0.0.0/8, 192.0.2.0/24", "networks.guest.vlans=7,8",
            "networks.1.home=[\"fd00::/8\"]", "port.0.device=net_null0", "port.0.promiscuous=false",
            "sensor.id=\"quoted\"", "sensor.metrics=", "detectors.shadow=[]"});
  EXPECT_EQ(config.detector_options[0][1], OptionValue(int64_t{2000000}));
  EXPECT_EQ(config.spool.max_bytes, 3000000000u);
  EXPECT_EQ(config.judge.incident_idle_s, 1000u);
  EXPECT_EQ(config.detector_options[1][0], OptionValue(0.5));
  EXPECT_THAT(config.networks[0].home, ElementsAre("10.0.0.0/8", "192.0.2.0/24"));
  EXPECT_THAT(config.networks[1].vlans, ElementsAre(7u, 8u));
  EXPECT_THAT(config.networks[1].home, ElementsAre("fd00::/8"));
  ASSERT_EQ(config.ports.size(), 1u);
  EXPECT_EQ(config.ports[0].device, "net_null0");
  EXPECT_FALSE(config.ports[0].promiscuous);
  EXPECT_EQ(config.sensor.id, "quoted");
  EXPECT_EQ(config.sensor.metrics, "");
}

TEST(Config, a_mistake_in_an_argument_names_the_argument) {
  const Refused refused[] = {
      {"judge.escalate_factor", "--set judge.escalate_factor: not KEY=VALUE; write for example"},
      {"=4", "--set =4: not KEY=VALUE"},
      {"judge=4", "--set judge=4: judge is a section; name an option of it"},
      {"detectors.volume=4", "--set detectors.volume=4: detectors.volume is a section"},
      {"jugde.escalate_factor=4",
       "--set jugde.escalate_factor=4: \"jugde\" is no section; did you mean judge?"},
      {"detectors.volume.bust.threshold_1h_bytes=4",
       "\"bust\" is no option of [detectors.volume]; did you mean burst?"},
      {"sensor.id.x=4", "sensor.id is an option and has none below it; write sensor.id=VALUE"},
      {"judge.escalate=4", "\"escalate\" is no option of [judge]; there are escalate_factor, inc"},
      {"judge.incident_idle=60", "no option of [judge]; did you mean incident_idle_s?"},
      {"detectors.volume.burst.treshold_1h_bytes=4", "did you mean threshold_1h_bytes?"},
      {"judge.escalate_factor=4K",
       "--set judge.escalate_factor=4K: judge.escalate_factor = \"4K\""},
      {"judge.escalate_factor=", "judge.escalate_factor = \"\": this is text; give an integer"},
      {"spool.max_bytes=99999999999G", "this is text; give an integer"},
      {"flow_table.connections=1M", "no power of two (the next are 524288 and 1048576)"},
      {"networks.home=10.0.0.0/8", "say which [[networks]]; write networks.0.home"},
      {"networks.guest.home=10.0.0.0/8",
       "there is no [[networks]] guest; there are default; networks.1 adds one"},
      {"networks.0.home=10.0.0.1/8", "--set networks.0.home=10.0.0.1/8: networks.0.home = "},
      {"port.0.lanes=2", "--set port.0.lanes=2: port.0.device is missing and has no default"},
      {"port.promiscuous=1", "say which [[port]]"},
  };
  for (const auto& [argument, message] : refused) {
    EXPECT_THAT(refusal("", {argument}), AllOf(HasSubstr(message), HasSubstr("--set ")))
        << argument;
  }
}

TEST(Config, home_replaces_the_addresses_of_the_default_network) {
  const SensorConfig config =
      load("[[networks]]\nname=\"a\"\nvlans=[1]\n[[networks]]", {}, "192.0.2.0/24,2001:db8::/32");
  EXPECT_THAT(config.networks[1].home, ElementsAre("192.0.2.0/24", "2001:db8::/32"));
  EXPECT_NE(config.networks[0].home, config.networks[1].home);
  EXPECT_THAT(refusal("", {}, "192.0.2.1/24"),
              HasSubstr("--home 192.0.2.1/24: networks.0.home = \"192.0.2.1/24\": has bits below"));
}

TEST(Config, a_file_that_cannot_be_read_is_named) {
  try {
    load_config(declared_schema(), {"/nowhere/weir.toml", {}, ""});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitUsage);
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/weir.toml: cannot be read: No such file"));
  }
}

TEST(Config, the_text_of_a_configuration_loads_as_that_configuration) {
  const SensorConfig defaults = default_config(declared_schema());
  const std::string printed = effective_text(declared_schema(), defaults);
  EXPECT_EQ(effective_text(declared_schema(), load(printed)), printed);
  EXPECT_THAT(printed, HasSubstr("\n# [[port]]\n"));
  EXPECT_THAT(printed, HasSubstr("\nthreshold_1h_bytes = 500000000\n"));

  const SensorConfig changed = load(suppress_with("destinations=[\"a.example\"]"),
                                    {"port.0.device=x\"\\\t\x7f\xc3\xa9", "networks.0.home=::/0",
                                     "detectors.volume.burst.threshold_1h_bytes=1",
                                     "lanes.capture_cores=3", "suppress.a.hosts=10.0.0.0/8"});
  const std::string text = effective_text(declared_schema(), changed);
  EXPECT_NE(text, printed);
  EXPECT_EQ(effective_text(declared_schema(), load(text)), text);
}

TEST(Config, every_option_stands_in_the_printed_file_with_its_range_and_default) {
  const SensorConfig defaults = default_config(declared_schema());
  std::string printed = effective_text(declared_schema(), defaults);
  std::string unwrapped;  // comments on one line, to look for what they say
  for (size_t at = 0; at < printed.size(); ++at) {
    const bool wrapped = printed.compare(at, 3, "\n# ") == 0;
    unwrapped += wrapped ? ' ' : printed[at];
    if (wrapped) at += 2;
  }
  for (const ConfigSection& section : declared_schema().sections()) {
    const bool off = section.repeated && section.tables(defaults) == 0;
    for (const ConfigRow& row : section.rows) {
      const std::string name(row.option.name);
      EXPECT_THAT(printed, HasSubstr((off ? "\n# " : "\n") + name + " = ")) << section.name;
      EXPECT_THAT(unwrapped, HasSubstr(std::string(row.option.help))) << section.name;
      EXPECT_THAT(unwrapped, HasSubstr(expected_text(row.option).substr(1))) << name;
    }
  }
}

TEST(Config, every_bound_of_every_integer_is_kept) {
  int tried = 0;
  for (const ConfigSection& section : declared_schema().sections()) {
    for (const ConfigRow& row : section.rows) {
      const Option& option = row.option;
      if (!std::holds_alternative<int64_t>(option.standard)) continue;
      const auto read = [&](int64_t integer) {
        return read_value(option, argument_node(option, std::to_string(integer)), "here", "key");
      };
      const auto minimum = static_cast<int64_t>(option.minimum);
      EXPECT_THROW(read(minimum - 1), Error) << section.name << "." << option.name;
      if (!option.required) {
        EXPECT_EQ(read(std::get<int64_t>(option.standard)), option.standard) << option.name;
      }
      if (option.check != OptionCheck::kPowerOfTwo) {
        EXPECT_EQ(read(minimum), OptionValue(minimum)) << section.name << "." << option.name;
      }
      if (option.maximum < 9e18) {
        EXPECT_THROW(read(static_cast<int64_t>(option.maximum) + 1), Error) << option.name;
      }
      EXPECT_FALSE(option.help.empty()) << section.name << "." << option.name;
      ++tried;
    }
  }
  EXPECT_GT(tried, 25);
}

TEST(Config, patterns_of_detectors_are_ids_families_or_all) {
  EXPECT_TRUE(matches_detector({"*"}, "volume.burst"));
  EXPECT_TRUE(matches_detector({"x", "volume.burst"}, "volume.burst"));
  EXPECT_TRUE(matches_detector({"volume.*"}, "volume.burst"));
  EXPECT_FALSE(matches_detector({"vol.*", "volume", "volume.bur"}, "volume.burst"));
  EXPECT_FALSE(matches_detector({}, "volume.burst"));
}

TEST(Config, networks_and_decoding_arrive_as_the_flow_table_takes_them) {
  const SensorConfig config = load(
      "[capture]\ndecap=[\"*\"]\ndecode_depth=3\n[[networks]]\nname="
      "\"a\"\nvnis=[9]\nhome=[\"10.0.0.0/8\"]\n[[networks]]");
  const std::vector<Network> networks = home_networks(config);
  ASSERT_EQ(networks.size(), 2u);
  EXPECT_EQ(networks[0].name, "a");
  EXPECT_THAT(networks[0].vnis, ElementsAre(9u));
  EXPECT_THAT(networks[0].home, ElementsAre(*parse_cidr("10.0.0.0/8")));
  EXPECT_EQ(networks[1].home.size(), 5u);
  const DecodeOptions decode = decode_options(config);
  EXPECT_EQ(decode.decode_depth, 3u);
  ASSERT_EQ(decode.decap.size(), 1u);
  EXPECT_TRUE(decode.decap[0].contains(IpAddress::v4(0x01020304)));
  EXPECT_TRUE(decode.decap[0].contains(*parse_ip_address("2001:db8::1")));
}

}  // namespace
}  // namespace weir
