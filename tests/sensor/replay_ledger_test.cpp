// The account of every real capture: complete, conserved, the same twice, and tshark's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <utility>

#include "tests/sensor/capture_corpus.h"
#include "tests/sensor/sensor_run.h"

namespace weir::testing {
namespace {

using Pair = std::pair<std::string, std::string>;  // source, destination

/// Of everything the driver handed over.
constexpr const char* kDrops[] = {"no_mbuf",        "handover_full",    "link_unsupported",
                                  "link_malformed", "tunnel_malformed", "ip_malformed",
                                  "not_ip"};

std::vector<std::string> good_captures() {
  std::vector<std::string> good;
  for (const IndexRow& row : read_index())
    if (!row.path.starts_with("malformed/")) good.push_back(captures_folder() / row.path);
  return good;
}

void expect_conservation(const LedgerLine& line) {
  uint64_t packets = line["counted_packets"];
  uint64_t frame_bytes = line["counted_frame_bytes"];
  for (const std::string drop : kDrops) {
    packets += line["drop_" + drop + "_packets"];
    frame_bytes += line["drop_" + drop + "_frame_bytes"];
  }
  EXPECT_EQ(line["packets"], packets) << line.text;
  EXPECT_EQ(line["frame_bytes"], frame_bytes) << line.text;
  EXPECT_EQ(line["ip_bytes"], line["out_ip_bytes"] + line["in_ip_bytes"] +
                                  line["internal_ip_bytes"] + line["transit_ip_bytes"] +
                                  line["local_ip_bytes"])
      << line.text;
  EXPECT_LE(line["ip_bytes"], line["counted_frame_bytes"]) << line.text;
  EXPECT_LE(line["out_payload_low_bytes"], line["out_payload_high_bytes"]) << line.text;
}

/// The table's rows add up to the line.
void expect_rows_add_up(const CaptureAccount& account) {
  DirectionCounts out, in;
  std::map<std::string, uint64_t> ip_bytes;
  for (const LedgerRow& row : account.rows) {
    ip_bytes[row.scope] += row.out.ip_bytes + row.in.ip_bytes;
    if (row.scope != "outbound") continue;
    add(out, row.out);
    add(in, row.in);
  }
  const LedgerLine& line = account.line;
  EXPECT_EQ(out.ip_bytes, line["out_ip_bytes"]) << line.text;
  EXPECT_EQ(in.ip_bytes, line["in_ip_bytes"]) << line.text;
  EXPECT_EQ(out.payload_low_bytes, line["out_payload_low_bytes"]) << line.text;
  EXPECT_EQ(out.payload_high_bytes, line["out_payload_high_bytes"]) << line.text;
  for (const std::string scope : {"internal", "transit", "local"})
    EXPECT_EQ(ip_bytes[scope], line[scope + "_ip_bytes"]) << line.text;
}

/// Lines of `text` that speak of `path`; all of them must be sentences of the program.
std::vector<std::string> sentences_on(const std::string& text, const std::string& path) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("weir-sensor: " + path + ": ")) found.push_back(line);
  return found;
}

TEST(ReplayLedger, every_capture_is_counted_whole_and_conserved) {
  const std::vector<IndexRow> index = read_index();
  if (index.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  const EachRun run = replay_each(good_captures());
  std::map<std::string, const CaptureAccount*> accounts;
  for (const CaptureAccount& account : run.captures) accounts[account.line.capture] = &account;
  size_t read = 0;
  for (const IndexRow& row : index) {
    if (row.path.starts_with("malformed/")) continue;
    const std::string path = captures_folder() / row.path;
    ASSERT_TRUE(accounts.contains(path)) << path << " has no ledger line";
    const CaptureAccount& account = *accounts[path];
    EXPECT_EQ(std::to_string(account.line["packets"]), row.packets) << path;
    EXPECT_EQ(std::to_string(account.line["frame_bytes"]), row.data_bytes) << path;
    expect_conservation(account.line);
    expect_rows_add_up(account);
    // Read to the end; only a link type outside the contract makes a failed capture of it.
    if (account.line["captures_failed"] != 0) {
      EXPECT_EQ(account.line["drop_link_unsupported_packets"], account.line["packets"]) << path;
    }
    EXPECT_EQ(account.line["captures_failed"], sentences_on(run.err, path).size()) << run.err;
    ++read;
  }
  EXPECT_GT(read, 1000u);
  EXPECT_EQ(run.captures.size(), read);
}

TEST(ReplayLedger, a_malformed_capture_ends_in_one_sentence_or_replays_clean) {
  const std::vector<std::string> malformed = captures_below("malformed/");
  if (malformed.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  const EachRun run = replay_each(malformed);
  ASSERT_EQ(run.captures.size(), malformed.size());
  EXPECT_EQ(run.exit_code, 1);  // some are refused
  size_t sentences = 0;
  for (size_t i = 0; i < malformed.size(); ++i) {
    const LedgerLine& line = run.captures[i].line;
    EXPECT_EQ(line.capture, malformed[i]);
    expect_conservation(line);
    expect_rows_add_up(run.captures[i]);
    const auto said = sentences_on(run.err, malformed[i]);
    sentences += said.size();
    const bool has_to_say = line["captures_failed"] + line["captures_cut"] != 0;
    EXPECT_GE(said.size(), has_to_say ? 1u : 0u) << malformed[i] << ": " << run.err;
    EXPECT_LE(said.size(), 1u) << malformed[i] << ": " << run.err;
  }
  EXPECT_EQ(sentences, static_cast<size_t>(std::count(run.err.begin(), run.err.end(), '\n')))
      << "other lines than those of captures: " << run.err;
}

TEST(ReplayLedger, two_runs_are_the_same_byte_for_byte) {
  const std::vector<std::string> captures = good_captures();
  if (captures.empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  const std::vector<std::string> low = {"--set", "detectors.volume.burst.threshold_1h_bytes=1000"};
  const EachRun first = replay_each(captures, low);
  const EachRun second = replay_each(captures, low);
  EXPECT_TRUE(first.out == second.out);
  EXPECT_TRUE(first.json == second.json);
  EXPECT_GT(alerts_of(first.json).size(), 500u) << "too few alerts to compare";
}

TEST(ReplayLedger, gomorrahs_retransmitted_upload_counts_its_distinct_bytes_once) {
  const auto path = captures_folder() / "exfil/http/gomorrah-stealer_post-1.2MB.pcap";
  if (!exists(path)) GTEST_SKIP() << "no capture " << path;
  const EachRun run = replay_each({path}, {"--home", "192.168.100.0/24"});
  ASSERT_EQ(run.captures.size(), 1u);
  uint64_t found = 0;
  for (const LedgerRow& row : run.captures[0].rows) {
    if (row.host != "192.168.100.240" || row.destination != "185.81.153.102") continue;
    EXPECT_EQ(row.out.payload_low_bytes, 1'240'984u);
    EXPECT_EQ(row.out.payload_high_bytes, 1'240'984u);
    ++found;
  }
  EXPECT_EQ(found, 1u);
}

// ---- beside tshark ----

/// Captures over Ethernet without tunnels, fragments and IP lengths of 0, out of every folder.
constexpr const char* kPlain[] = {
    "benign/apps/ndpi-android.pcap",
    "benign/apps/ndpi-telegram.pcap",
    "benign/cloud_upload/ndpi-alicloud.pcap",
    "benign/cloud_upload/ndpi-instagram.pcap",
    "benign/conferencing/ndpi-viber.pcap",
    "benign/conferencing/ndpi-wa_voice.pcap",
    "benign/conferencing/ndpi-webex.pcap",
    "benign/dns/maccdc-like-dns_good.pcap",
    "benign/doh/onetwogleb-26may.pcap",
    "benign/email/attachment-480kB_qq.pcap",
    "benign/email/smtp-auth-login.pcap",
    "benign/enterprise/exchange-mapi.pcap",
    "benign/enterprise/smb-mercury.pcap",
    "benign/icmp/icmp-portscan-slips.pcap",
    "benign/iot_ics/ndpi-bacnet.pcap",
    "benign/malicious_not_exfil/guloader-onedrive-download.pcap",
    "benign/malicious_not_exfil/portscan-lab.pcap",
    "benign/p2p/gnutella-ppa.pcap",
    "benign/vpn_remote/ndpi-anyconnect-vpn.pcap",
    "benign/vpn_remote/ndpi-openvpn.pcap",
    "benign/web/firefox58-startup.pcap",
    "exfil/http/gomorrah-stealer_post-1.2MB.pcap",
    "exfil/http/formbook-2018_9x154kB-posts.pcap",
    "exfil/smb/smb2-write-pdf-1.5MB.pcap",
    "exfil/dns/iodine-cname_ggy666.tk.pcap",
};

bool tshark_runs() { return std::system("tshark --version > /dev/null 2>&1") == 0; }

/// Bytes by source and destination as tshark's ip.len has them; the first header of each frame,
/// since an ICMP error quotes another.
std::map<Pair, uint64_t> tshark_sums(const std::string& path) {
  std::map<Pair, uint64_t> sums;
  const std::string command = "tshark -n -r '" + path +
                              "' -Y ip -T fields -E occurrence=f -e ip.src -e ip.dst -e ip.len "
                              "-o ip.defragment:FALSE 2> /dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return sums;
  char source[64], destination[64];
  uint64_t ip_bytes = 0;
  while (fscanf(pipe, "%63s %63s %lu", source, destination, &ip_bytes) == 3)
    sums[{source, destination}] += ip_bytes;
  pclose(pipe);
  return sums;
}

TEST(ReplayLedger, the_table_agrees_with_tsharks_sums_of_ip_lengths) {
  if (read_index().empty()) GTEST_SKIP() << "no captures at " << captures_folder();
  if (!tshark_runs()) GTEST_SKIP() << "tshark is not installed";
  std::vector<std::string> captures;
  for (const char* path : kPlain) captures.push_back(captures_folder() / path);
  const EachRun run = replay_each(captures);
  ASSERT_EQ(run.captures.size(), captures.size());
  for (size_t i = 0; i < captures.size(); ++i) {
    std::map<Pair, uint64_t> sums;
    for (const LedgerRow& row : run.captures[i].rows) {
      if (row.host.find(':') != std::string::npos) continue;  // IPv6
      if (row.out.packets != 0) sums[{row.host, row.destination}] += row.out.ip_bytes;
      if (row.in.packets != 0) sums[{row.destination, row.host}] += row.in.ip_bytes;
    }
    EXPECT_FALSE(sums.empty()) << captures[i];
    EXPECT_EQ(sums, tshark_sums(captures[i])) << captures[i];
  }
}

}  // namespace
}  // namespace weir::testing
