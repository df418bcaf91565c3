// Puts an alert into words: who, whom, how much, why, what was not seen, how to go on.
#include "sensor/alert_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "detectors/words.h"
#include "sensor/readable.h"

namespace weir {
namespace {

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr std::string_view kReset = "\x1b[0m", kBold = "\x1b[1m", kFaint = "\x1b[2m";

uint64_t time_ns(const google::protobuf::Timestamp& time) {
  return static_cast<uint64_t>(time.seconds()) * kSecond_ns + static_cast<uint64_t>(time.nanos());
}

std::string_view severity_colour(v1::Alert::Severity severity) {
  switch (severity) {
    case v1::Alert::CRITICAL:
      return "\x1b[1;37;41m";
    case v1::Alert::HIGH:
      return "\x1b[1;31m";
    case v1::Alert::MEDIUM:
      return "\x1b[1;33m";
    case v1::Alert::LOW:
      return "\x1b[1;36m";
    default:
      return kBold;
  }
}

/// The lines of one alert as they grow.
class Page {
 public:
  explicit Page(bool colour) : colour_(colour) {}
  std::string painted(std::string_view colour, std::string_view text) const {
    if (!colour_) return std::string(text);
    return std::string(colour).append(text).append(kReset);
  }
  void line(const std::string& text) { text_.append(text).push_back('\n'); }
  void heading(std::string_view text) { line("  " + painted(kBold, text)); }
  void item(const std::string& text) { line("    " + text); }
  std::string take() { return std::move(text_); }

 private:
  bool colour_;
  std::string text_;
};

bool is_health(const v1::Alert& alert) { return alert.host().empty(); }

bool is_pair(const v1::Alert& alert) {
  return !is_health(alert) && alert.host() != "*" && alert.destination().address() != "*";
}

// "tcp port 443", "icmp", "protocol 47"
std::string service_text(const std::string& protocol, uint32_t port) {
  if (protocol.empty()) return "";
  std::string text = printable(protocol);
  if (text.find_first_not_of("0123456789") == std::string::npos) text = "protocol " + text;
  if (port != 0) text += " port " + std::to_string(port);
  return text;
}

std::string amount_text(uint64_t low_bytes, uint64_t high_bytes) {
  if (low_bytes == high_bytes) return short_byte_words(high_bytes);
  return "between " + short_byte_words(low_bytes) + " and " + short_byte_words(high_bytes);
}

std::string sent_text(const v1::Alert& alert) {
  if (alert.ledger().out_payload_high_bytes() > 0)
    return amount_text(alert.ledger().out_payload_low_bytes(),
                       alert.ledger().out_payload_high_bytes());
  uint64_t largest_bytes = 0;
  for (const v1::Evidence& evidence : alert.evidence())
    if (evidence.unit() == "bytes") largest_bytes = std::max(largest_bytes, evidence.observed());
  return short_byte_words(largest_bytes);
}

std::string ends_text(const v1::Alert& alert) {
  const std::string host = printable(alert.host());
  const v1::Destination& destination = alert.destination();
  const std::string address = printable(destination.address());
  if (alert.has_storm())
    return grouped_words(alert.storm().incidents()) +
           " more incidents opened too quickly to be reported one by one: " +
           grouped_words(alert.storm().hosts()) + " hosts, " +
           grouped_words(alert.storm().destinations()) + " destinations";
  if (alert.host() == "*") return "Several hosts sent " + sent_text(alert) + " to " + address;
  if (destination.address() == "*")
    return host + " sent " + sent_text(alert) + " to several destinations";
  std::string text = host + " sent " + sent_text(alert) + " to " + address;
  if (!destination.name().empty()) text += " (" + printable(destination.name()) + ")";
  const std::string service = service_text(destination.protocol(), destination.port());
  if (!service.empty()) text += ", " + service;
  return text;
}

const v1::Evidence* first_reason(const v1::Alert& alert) {
  for (const v1::Evidence& evidence : alert.evidence())
    if (!evidence.learning()) return &evidence;
  return alert.evidence().empty() ? nullptr : &alert.evidence(0);
}

// The two lines that suffice to be read aloud.
void write_headline(const v1::Alert& alert, Page& page) {
  const std::string severity = v1::Alert::Severity_Name(alert.severity());
  const std::string badge = page.painted(severity_colour(alert.severity()), severity);
  const uint64_t first_ns = time_ns(alert.first_seen()), last_ns = time_ns(alert.last_seen());
  std::string line = badge + "  ";
  if (is_health(alert)) {
    line += "Sensor " + printable(alert.sensor_id()) + " does not see its traffic as it should.";
  } else {
    line += ends_text(alert);
    const uint64_t duration_s = last_ns > first_ns ? (last_ns - first_ns) / kSecond_ns : 0;
    if (!alert.has_storm())
      line += duration_s == 0 ? " within a second" : " in " + duration_text(duration_s);
    line += ".";
  }
  page.line(line);
  const v1::Evidence* reason = first_reason(alert);
  if (reason != nullptr) page.line("  " + printable(reason->explanation(), 2000));
  const char* state = alert.state() == v1::Alert::CLOSED ? "closed"
                      : alert.revision() == 1            ? "opened"
                                                         : "goes on";
  std::array<char, 32> score{};
  std::snprintf(score.data(), score.size(), "%.2f", alert.score());
  std::string about = "  " + time_text(first_ns) + " to " + time_text(last_ns) + " · incident " +
                      printable(alert.incident_id()) + " " + state + ", revision " +
                      std::to_string(alert.revision()) + " · score " + score.data();
  if (!alert.network().empty() && alert.network() != "default")
    about += " · network " + printable(alert.network());
  page.line(page.painted(kFaint, about));
}

void write_reasons(const v1::Alert& alert, Page& page) {
  page.heading("Why");
  for (const v1::Evidence& evidence : alert.evidence()) {
    std::string attack;
    for (const std::string& technique : evidence.attack())
      attack += (attack.empty() ? " (ATT&CK " : ", ") + printable(technique);
    if (!attack.empty()) attack += ")";
    page.item(printable(evidence.detector()) + attack + ": " +
              printable(evidence.explanation(), 2000));
    const v1::Counterfactual& other = evidence.counterfactual();
    if (other.threshold() > 0)
      page.item("  silent with: --set " + printable(other.option()) + "=" +
                std::to_string(other.threshold()) + "  (one less, and it fires)");
  }
}

void write_ledger(const v1::Alert& alert, Page& page) {
  if (is_health(alert) || alert.has_storm()) return;
  const v1::Ledger& ledger = alert.ledger();
  const auto direction = [&](const char* name, uint64_t low_bytes, uint64_t high_bytes,
                             uint64_t ip_bytes, uint64_t packets) {
    std::string payload = grouped_words(high_bytes);
    if (low_bytes != high_bytes) payload = grouped_words(low_bytes) + " to " + payload;
    page.item(std::string(name) + payload + " payload bytes, " + grouped_words(ip_bytes) +
              " IP bytes, " + grouped_words(packets) + " packets");
  };
  page.heading("Bytes");
  direction("out ", ledger.out_payload_low_bytes(), ledger.out_payload_high_bytes(),
            ledger.out_ip_bytes(), ledger.out_packets());
  direction("in  ", ledger.in_payload_low_bytes(), ledger.in_payload_high_bytes(),
            ledger.in_ip_bytes(), ledger.in_packets());
  if (alert.has_outer())
    page.item("seen inside " + printable(alert.outer().tunnel()) + " from " +
              printable(alert.outer().source()) + " to " + printable(alert.outer().destination()));
  if (!alert.inner_tunnel().empty())
    page.item("the packets themselves carry a " + printable(alert.inner_tunnel()) + " tunnel");
}

void write_connections(const v1::Alert& alert, Page& page) {
  constexpr size_t kShown = 5;
  std::vector<const v1::Connection*> largest;
  for (const v1::Evidence& evidence : alert.evidence()) {
    if (evidence.connections_size() == 0) continue;
    for (const v1::Connection& connection : evidence.connections()) largest.push_back(&connection);
    break;  // the evidence of one pair lists the same connections
  }
  if (largest.empty()) return;
  page.heading("Largest connections");
  for (size_t index = 0; index < std::min(kShown, largest.size()); ++index) {
    const v1::Connection& connection = *largest[index];
    const uint64_t first_ns = time_ns(connection.first_seen());
    const uint64_t last_ns = time_ns(connection.last_seen());
    std::string text = printable(connection.protocol());
    if (connection.host_port() != 0 || connection.destination_port() != 0)
      text += " " + std::to_string(connection.host_port()) + " -> " +
              std::to_string(connection.destination_port());
    text +=
        "  " + amount_text(connection.out_payload_low_bytes(), connection.out_payload_high_bytes());
    text += " out, from " + time_text(first_ns) + " for " +
            duration_text(last_ns > first_ns ? (last_ns - first_ns) / kSecond_ns : 0);
    if (connection.served()) text += ", opened from outside";
    if (!connection.community_id().empty()) text += "  " + printable(connection.community_id());
    page.item(text);
  }
  if (largest.size() > kShown)
    page.item("and " + std::to_string(largest.size() - kShown) + " more in the JSON");
}

void write_members(const v1::Alert& alert, Page& page) {
  if (alert.members_size() == 0) return;
  page.heading("Largest parts");
  for (const v1::Member& member : alert.members()) {
    std::string text = printable(member.host()) + " -> " + printable(member.destination()) + "  " +
                       amount_text(member.out_payload_low_bytes(), member.out_payload_high_bytes());
    if (!member.incident_id().empty())
      text += "  (incident " + printable(member.incident_id()) + ")";
    page.item(text);
  }
}

void write_coverage(const v1::Alert& alert, Page& page) {
  const v1::Coverage& coverage = alert.coverage();
  page.heading("What was not seen");
  std::string unread;
  for (const v1::Unread& one : coverage.unread())
    unread +=
        (unread.empty() ? "" : ", ") +
        (one.cause() == "no_reader"
             ? short_byte_words(one.bytes()) + " were counted and not read (no content detector)"
             : short_byte_words(one.bytes()) + " unread: " + printable(one.cause()));
  page.item("of " + short_byte_words(coverage.out_counted_bytes()) + " that left in all, " +
            (unread.empty() ? "every byte was read" : unread));
  std::string dropped;
  for (const v1::Dropped& one : coverage.dropped())
    dropped += (dropped.empty() ? "frames dropped: " : ", ") + grouped_words(one.packets()) + " " +
               printable(one.reason()) + " (" + short_byte_words(one.frame_bytes()) + ")";
  page.item(dropped.empty() ? "no frame was dropped" : dropped);
  if (coverage.overflow_connection_bytes() > 0 || coverage.overflow_total_bytes() > 0)
    page.item("the flow table was full: " + short_byte_words(coverage.overflow_connection_bytes()) +
              " without a connection, " + short_byte_words(coverage.overflow_total_bytes()) +
              " without a total, estimates off by up to " +
              short_byte_words(coverage.sketch_error_bytes()));
  if (coverage.duplicate_packets() > 0)
    page.item(grouped_words(coverage.duplicate_packets()) + " duplicate packets were counted once");
}

// A display filter matches inside VLANs and tunnels too, unlike a capture filter.
std::string address_filter(const std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "ipv6.addr == " : "ip.addr == ") + printable(address);
}

std::string prefix_text(const std::string& address) {
  if (address == "*") return "\"0.0.0.0/0\", \"::/0\"";
  return "\"" + printable(address) + (address.find(':') != std::string::npos ? "/128\"" : "/32\"");
}

void write_next_steps(const v1::Alert& alert, Page& page) {
  if (is_health(alert) || alert.has_storm()) return;
  const std::string& host = alert.host();
  const std::string& destination = alert.destination().address();
  std::string filter = is_pair(alert) ? address_filter(host) + " && " + address_filter(destination)
                       : host == "*"  ? address_filter(destination)
                                      : address_filter(host);
  page.heading("How to go on");
  page.item("look:     tshark -r CAPTURE -Y '" + filter + "'");
  page.item("cut out:  tshark -r CAPTURE -w incident-" + printable(alert.incident_id()) +
            ".pcapng -Y '" + filter + "'");
  page.item("approve:  [[suppress]] hosts = [" + prefix_text(host) + "], destinations = [" +
            prefix_text(destination) +
            "], budget_bytes = what is right a day, with name, owner, reason, expires");
}

}  // namespace

std::string alert_text(const v1::Alert& alert, bool colour) {
  Page page(colour);
  write_headline(alert, page);
  write_reasons(alert, page);
  write_ledger(alert, page);
  write_members(alert, page);
  write_connections(alert, page);
  write_coverage(alert, page);
  write_next_steps(alert, page);
  return page.take();
}

std::string alert_headline(const v1::Alert& alert, bool colour) {
  Page page(colour);
  write_headline(alert, page);
  return page.take();
}

}  // namespace weir
