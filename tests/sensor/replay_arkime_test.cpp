// The ledger beside what Arkime's own tests expect of the same captures.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "flowtable/ip_address.h"
#include "flowtable/packet.h"
#include "tests/sensor/capture_corpus.h"
#include "tests/sensor/sensor_run.h"

namespace weir::testing {
namespace {

using google::protobuf::Struct;
using Pair = std::pair<std::string, std::string>;  // who spoke first, and to whom

/// What one end sent, in Arkime's count: source and client, or destination and server.
struct Sent {
  uint64_t packets = 0;
  uint64_t frame_bytes = 0;
  uint64_t payload_bytes = 0;
};

/// All sessions of a pair of addresses.
struct Talk {
  Sent source, destination;
  bool payload_known = true;  // Arkime counts the payload of these protocols
};

struct Expected {
  std::map<Pair, Talk> talks;
  uint64_t frame_bytes = 0;  // of all sessions, those of no IP included
};

/// Pairs of these captures differ, each for a reason that lies in Arkime's rules.
const std::map<std::string, std::string> kOtherPayload = {
    {"arkime-imap.pcap", "two connections are joined in their middle: Arkime counts no data there"},
    {"arkime-single-packets.pcap", "lone segments: Arkime counts no data without an opening"},
    {"arkime-smtp-html.pcap", "a lone segment: Arkime counts no data without an opening"},
    {"arkime-tcpseq_synthetic.pcap", "a lone stream: Arkime counts no data without an opening"},
    {"arkime-tcp-reassembly-synthetic.pcap", "Arkime counts nothing behind a hole"},
};
const std::map<std::string, std::string> kOtherPackets = {
    {"arkime-80211http.pcap", "802.11 is no link type of ours"},
    {"arkime-single-packets.pcap", "a lone answer: Arkime takes its receiver for the source"},
    {"arkime-smtp-html.pcap", "a lone segment from an address to itself: no figure tells its ends"},
    {"arkime-gre-erspan-vxlan.pcap", "its VXLAN goes to a port that is not VXLAN's"},
    {"arkime-socks5-http-302-frag.pcap", "Arkime counts a datagram once, we its fragments"},
};
const std::map<std::string, std::string> kOtherFrames = {
    {"arkime-80211http.pcap", "802.11 is no link type of ours"},
    {"arkime-mpls-basic.pcap", "Arkime has sessions of no IP"},
    {"arkime-socks5-http-302-frag.pcap", "Arkime leaves fragments out"},
    {"arkime-xid.pcap", "Arkime has sessions of no IP"},
};

uint64_t number(const Struct& body, const std::string& section, const std::string& field) {
  const auto& fields = body.fields().at(section).struct_value().fields();
  return fields.contains(field) ? static_cast<uint64_t>(fields.at(field).number_value()) : 0;
}

/// As we write it; nothing in a session of no IP.
std::optional<std::string> address(const Struct& body, const std::string& section) {
  const auto& fields = body.fields().at(section).struct_value().fields();
  if (!fields.contains("ip")) return {};
  const auto parsed = parse_ip_address(fields.at("ip").string_value());
  if (!parsed) return {};
  return to_string(*parsed);
}

void add_session(const Struct& body, Expected& expected) {
  const uint64_t out_bytes = number(body, "source", "bytes");
  const uint64_t in_bytes = number(body, "destination", "bytes");
  expected.frame_bytes += out_bytes + in_bytes;
  const auto source = address(body, "source");
  const auto destination = address(body, "destination");
  if (!source || !destination) return;
  Sent out{number(body, "source", "packets"), out_bytes, number(body, "client", "bytes")};
  Sent in{number(body, "destination", "packets"), in_bytes, number(body, "server", "bytes")};
  const auto protocol = static_cast<int>(body.fields().at("ipProtocol").number_value());
  if (protocol == kProtocolIcmp || protocol == kProtocolIcmpV6)
    for (Sent* sent : {&out, &in}) sent->payload_bytes -= 8 * sent->packets;  // its header
  const bool turned = expected.talks.contains({*destination, *source});
  Talk& talk = expected.talks[turned ? Pair{*destination, *source} : Pair{*source, *destination}];
  if (turned) std::swap(out, in);
  const auto add = [](Sent& sum, const Sent& sent) {
    sum.packets += sent.packets;
    sum.frame_bytes += sent.frame_bytes;
    sum.payload_bytes += sent.payload_bytes;
  };
  add(talk.source, out);
  add(talk.destination, in);
  talk.payload_known &= protocol == kProtocolTcp || protocol == kProtocolUdp ||
                        protocol == kProtocolIcmp || protocol == kProtocolIcmpV6;
}

Expected read_expected(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  Struct test;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &test);
  EXPECT_TRUE(status.ok()) << path << ": " << status.ToString();
  Expected expected;
  for (const auto& session : test.fields().at("sessions3").list_value().values())
    add_session(session.struct_value().fields().at("body").struct_value(), expected);
  return expected;
}

/// The file of Arkime's expectations that belongs to a capture; empty for other captures.
std::filesystem::path expectation_of(const std::filesystem::path& capture) {
  const std::string name = capture.stem();
  if (!name.starts_with("arkime-")) return {};
  const auto path = shared_folder() / "expected/arkime" / (name.substr(7) + ".test");
  return exists(path) ? path : std::filesystem::path();
}

bool encloses(const DirectionCounts& ours, const Sent& theirs) {
  return ours.payload_low_bytes <= theirs.payload_bytes &&
         theirs.payload_bytes <= ours.payload_high_bytes;
}

/// The row of the pair, oriented as the talk; nothing without one.
std::optional<LedgerRow> row_of(const CaptureAccount& account, const Pair& pair, const Talk& talk) {
  for (LedgerRow row : account.rows) {
    const bool same = row.host == pair.first && row.destination == pair.second;
    const bool turned = row.host == pair.second && row.destination == pair.first;
    if (!same && !turned) continue;
    // An address that speaks with itself has one row, whose ends only the figures tell.
    if (!same || (turned && row.out.packets != talk.source.packets) ||
        (turned && !encloses(row.out, talk.source)))
      std::swap(row.out, row.in);
    return row;
  }
  return {};
}

struct Compared {
  int pairs = 0;
  int exact_pairs = 0;  // low = high = Arkime's
  int captures_by_frame = 0;
};

void compare(const CaptureAccount& account, const Expected& expected, Compared& compared) {
  const std::string name = std::filesystem::path(account.line.capture).filename();
  for (const auto& [pair, talk] : expected.talks) {
    SCOPED_TRACE(name + " " + pair.first + " " + pair.second);
    const auto row = row_of(account, pair, talk);
    if (!kOtherPackets.contains(name)) {
      ASSERT_TRUE(row) << "no row in the ledger";
      EXPECT_EQ(row->out.packets, talk.source.packets);
      EXPECT_EQ(row->in.packets, talk.destination.packets);
      EXPECT_LE(row->out.ip_bytes, talk.source.frame_bytes);
      EXPECT_LE(row->in.ip_bytes, talk.destination.frame_bytes);
    }
    if (!row || !talk.payload_known || kOtherPayload.contains(name)) continue;
    EXPECT_TRUE(encloses(row->out, talk.source))
        << row->out.payload_low_bytes << ".." << row->out.payload_high_bytes << " and "
        << talk.source.payload_bytes;
    EXPECT_TRUE(encloses(row->in, talk.destination))
        << row->in.payload_low_bytes << ".." << row->in.payload_high_bytes << " and "
        << talk.destination.payload_bytes;
    ++compared.pairs;
    compared.exact_pairs += row->out.payload_low_bytes == row->out.payload_high_bytes &&
                            row->in.payload_low_bytes == row->in.payload_high_bytes;
  }
  if (kOtherFrames.contains(name)) return;
  EXPECT_EQ(account.line["counted_frame_bytes"], expected.frame_bytes) << name;
  ++compared.captures_by_frame;
}

TEST(ReplayArkime, client_server_and_source_bytes_agree) {
  std::vector<std::string> captures;
  for (const IndexRow& row : read_index())
    if (!expectation_of(row.path).empty()) captures.push_back(captures_folder() / row.path);
  if (captures.empty()) GTEST_SKIP() << "no captures with expectations at " << shared_folder();
  const EachRun run = replay_each(captures);
  ASSERT_EQ(run.captures.size(), captures.size());
  Compared compared;
  for (const CaptureAccount& account : run.captures)
    compare(account, read_expected(expectation_of(account.line.capture)), compared);
  EXPECT_GE(captures.size(), 120u);
  EXPECT_GE(compared.captures_by_frame, 115);
  EXPECT_GE(compared.pairs, 130);
  EXPECT_GE(compared.exact_pairs, compared.pairs - 2) << "others than two with losses";
}

}  // namespace
}  // namespace weir::testing
