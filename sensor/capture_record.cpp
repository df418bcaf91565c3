// The numbers of https://www.tcpdump.org/linktypes.html: which are read, and the names of others.
#include "sensor/capture_record.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace weir {
namespace {

struct LinkRow {
  uint16_t number;
  LinkType link;
  std::string_view name;
};

// Sorted by number.
constexpr auto kLinks = std::to_array<LinkRow>({
    {0, LinkType::kNull, "BSD loopback"},
    {1, LinkType::kEthernet, "Ethernet"},
    {3, LinkType::kUnsupported, "AX.25"},
    {6, LinkType::kUnsupported, "IEEE 802.5 token ring"},
    {7, LinkType::kUnsupported, "ARCNET"},
    {8, LinkType::kUnsupported, "SLIP"},
    {9, LinkType::kPpp, "PPP"},
    {10, LinkType::kUnsupported, "FDDI"},
    {12, LinkType::kRawIp, "raw IP"},
    {14, LinkType::kRawIp, "raw IP"},
    {50, LinkType::kPppSerial, "PPP over serial or HDLC"},
    {51, LinkType::kPppEther, "PPPoE"},
    {100, LinkType::kUnsupported, "ATM RFC 1483"},
    {101, LinkType::kRawIp, "raw IP"},
    {104, LinkType::kCiscoHdlc, "Cisco HDLC"},
    {105, LinkType::kUnsupported, "IEEE 802.11"},
    {106, LinkType::kUnsupported, "Linux classical IP over ATM"},
    {107, LinkType::kFrameRelay, "frame relay"},
    {108, LinkType::kLoop, "OpenBSD loopback"},
    {113, LinkType::kLinuxSll, "Linux cooked v1"},
    {117, LinkType::kUnsupported, "OpenBSD pflog"},
    {119, LinkType::kUnsupported, "IEEE 802.11 with Prism header"},
    {122, LinkType::kUnsupported, "IP over Fibre Channel"},
    {123, LinkType::kUnsupported, "SunATM"},
    {127, LinkType::kUnsupported, "IEEE 802.11 with radiotap"},
    {129, LinkType::kUnsupported, "ARCNET (Linux)"},
    {138, LinkType::kUnsupported, "Apple IP over IEEE 1394"},
    {139, LinkType::kUnsupported, "SS7 MTP2 with pseudo-header"},
    {140, LinkType::kUnsupported, "SS7 MTP2"},
    {141, LinkType::kUnsupported, "SS7 MTP3"},
    {143, LinkType::kUnsupported, "DOCSIS"},
    {144, LinkType::kUnsupported, "Linux IrDA"},
    {147, LinkType::kUnsupported, "private use 0"},
    {148, LinkType::kUnsupported, "private use 1"},
    {149, LinkType::kUnsupported, "private use 2"},
    {163, LinkType::kUnsupported, "IEEE 802.11 with AVS header"},
    {165, LinkType::kUnsupported, "BACnet MS/TP"},
    {166, LinkType::kUnsupported, "PPP with direction (pppd)"},
    {169, LinkType::kUnsupported, "GPRS LLC"},
    {177, LinkType::kUnsupported, "Linux LAPD"},
    {178, LinkType::kUnsupported, "Juniper Ethernet"},
    {187, LinkType::kUnsupported, "Bluetooth HCI"},
    {189, LinkType::kUnsupported, "USB (Linux)"},
    {192, LinkType::kUnsupported, "per-packet information (PPI)"},
    {195, LinkType::kUnsupported, "IEEE 802.15.4"},
    {197, LinkType::kUnsupported, "ERF"},
    {201, LinkType::kUnsupported, "Bluetooth HCI with direction"},
    {203, LinkType::kUnsupported, "LAPD"},
    {204, LinkType::kUnsupported, "PPP with direction"},
    {205, LinkType::kUnsupported, "Cisco HDLC with direction"},
    {206, LinkType::kUnsupported, "frame relay with direction"},
    {215, LinkType::kUnsupported, "IEEE 802.15.4 with preamble"},
    {220, LinkType::kUnsupported, "USB (Linux, with padding)"},
    {224, LinkType::kUnsupported, "Fibre Channel FC-2"},
    {226, LinkType::kUnsupported, "Solaris ipnet"},
    {227, LinkType::kUnsupported, "CAN socket"},
    {228, LinkType::kIpv4, "raw IPv4"},
    {229, LinkType::kIpv6, "raw IPv6"},
    {230, LinkType::kUnsupported, "IEEE 802.15.4 without FCS"},
    {231, LinkType::kUnsupported, "D-Bus"},
    {235, LinkType::kUnsupported, "DVB common interface"},
    {239, LinkType::kNflog, "NFLOG"},
    {240, LinkType::kUnsupported, "netANALYZER"},
    {242, LinkType::kUnsupported, "IP over InfiniBand"},
    {243, LinkType::kUnsupported, "MPEG-2 transport stream"},
    {247, LinkType::kUnsupported, "InfiniBand"},
    {248, LinkType::kUnsupported, "SCTP"},
    {249, LinkType::kUnsupported, "USBPcap"},
    {251, LinkType::kUnsupported, "Bluetooth Low Energy"},
    {252, LinkType::kUnsupported, "Wireshark upper PDU"},
    {253, LinkType::kUnsupported, "netlink"},
    {258, LinkType::kUnsupported, "pktap"},
    {264, LinkType::kUnsupported, "ISO 14443"},
    {266, LinkType::kUnsupported, "USB (Darwin)"},
    {272, LinkType::kUnsupported, "SDLC"},
    {276, LinkType::kLinuxSll2, "Linux cooked v2"},
    {281, LinkType::kUnsupported, "Broadcom switch tag"},
    {282, LinkType::kUnsupported, "Broadcom switch tag, prepended"},
    {283, LinkType::kUnsupported, "IEEE 802.15.4 TAP"},
    {284, LinkType::kUnsupported, "Marvell DSA switch tag"},
    {285, LinkType::kUnsupported, "Marvell EDSA switch tag"},
    {288, LinkType::kUnsupported, "USB 2.0"},
});
static_assert(std::ranges::is_sorted(kLinks, {}, &LinkRow::number));

const LinkRow* find_link(uint16_t link_number) {
  const auto* row = std::ranges::lower_bound(kLinks, link_number, {}, &LinkRow::number);
  return row != kLinks.end() && row->number == link_number ? row : nullptr;
}

}  // namespace

LinkType link_type_of(uint16_t link_number) {
  const LinkRow* row = find_link(link_number);
  return row ? row->link : LinkType::kUnsupported;
}

std::string link_type_name(uint16_t link_number) {
  const LinkRow* row = find_link(link_number);
  return row ? std::string(row->name) : "LINKTYPE " + std::to_string(link_number);
}

}  // namespace weir
