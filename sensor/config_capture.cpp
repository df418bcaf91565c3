// Option rows of the packet's way: sensor, networks, ports, lanes, memory, flow table.
#include "sensor/config_section.h"

namespace weir {
namespace {

ConfigSection sensor_section() {
  using S = SensorSection;
  const auto at = &SensorConfig::sensor;
  return section(
      "sensor", "The sensor itself.",
      {row(at, &S::id,
           {.name = "id",
            .help = "Name of this sensor in alerts; give every sensor its own, the one in its "
                    "certificate.",
            .check = OptionCheck::kName}),
       row(at, &S::state_dir,
           {.name = "state_dir",
            .help = "Directory of history, incidents and spool. A replay uses it only with "
                    "--state.",
            .check = OptionCheck::kFile}),
       row(at, &S::control,
           {.name = "control",
            .help = "Unix socket of the control commands.",
            .check = OptionCheck::kFile}),
       row(at, &S::metrics,
           {.name = "metrics",
            .help = "Where Prometheus fetches metrics; keep it on loopback, it asks for no "
                    "password.",
            .check = OptionCheck::kHostPort})});
}

ConfigSection networks_section() {
  using T = NetworkTable;
  const auto at = &SensorConfig::networks;
  return repeated(
      at, "networks",
      "Address spaces and what is at home in each. One table without ports, vlans and vnis is the "
      "default: it takes every frame that no other names. Without any [[networks]] the one below "
      "holds.",
      {row(at, &T::name,
           {.name = "name",
            .help = "Name of the network in alerts and in the ledger.",
            .check = OptionCheck::kName}),
       row(at, &T::ports,
           {.name = "ports",
            .maximum = 65535,
            .help = "Ports (by number, in the order of [[port]]) whose frames belong to it.",
            .check = OptionCheck::kIntegers}),
       row(at, &T::vlans,
           {.name = "vlans",
            .minimum = 1,
            .maximum = 4094,
            .help = "VLAN ids whose frames belong to it; they win over ports.",
            .check = OptionCheck::kIntegers}),
       row(at, &T::vnis,
           {.name = "vnis",
            .minimum = 1,
            .maximum = 16777215,
            .help = "Ids of stripped VXLAN, GENEVE and NVGRE tunnels whose frames belong to it; "
                    "they win over VLANs.",
            .check = OptionCheck::kIntegers}),
       row(at, &T::home,
           {.name = "home",
            .help = "Addresses at home. Everything that leaves them is outbound; add your public "
                    "ranges.",
            .check = OptionCheck::kCidrs})});
}

ConfigSection services_section() {
  using S = ServicesSection;
  const auto at = &SensorConfig::services;
  return section(
      "services",
      "Servers that speak for others: traffic to them counts as the host's to the name it asked "
      "for, and their own upstream traffic raises no host incident.",
      {row(at, &S::resolvers,
           {.name = "resolvers",
            .help = "DNS resolvers that your hosts ask.",
            .check = OptionCheck::kCidrs}),
       row(at, &S::proxies,
           {.name = "proxies",
            .help = "HTTP and SOCKS proxies that your hosts use.",
            .check = OptionCheck::kCidrs}),
       row(at, &S::mail_relays,
           {.name = "mail_relays",
            .help = "Mail servers that send for your hosts.",
            .check = OptionCheck::kCidrs})});
}

ConfigSection eal_section() {
  using S = EalSection;
  const auto at = &SensorConfig::eal;
  return section(
      "eal", "DPDK's environment.",
      {row(at, &S::huge_pages,
           {.name = "huge_pages",
            .help = "Huge pages for packets and tables: auto takes them where reserved; on "
                    "refuses to start without; off never does.",
            .check = OptionCheck::kChoice,
            .choices = "auto|on|off"}),
       row(at, &S::memory_mib,
           {.name = "memory_mib",
            .minimum = 64,
            .maximum = 1048576,
            .unit = "MiB",
            .help = "Memory that DPDK takes at start; raise it with mempool.mbufs."}),
       row(at, &S::extra_arguments,
           {.name = "extra_arguments",
            .help = "More arguments for rte_eal_init, as DPDK documents them; for drivers that "
                    "need one."})});
}

ConfigSection port_section() {
  using T = PortTable;
  const auto at = &SensorConfig::ports;
  return repeated(
      at, "port", "A SPAN or TAP port that the sensor listens on. A replay needs none.",
      {row(at, &T::device,
           {.name = "device",
            .help = "A PCI address (0000:03:00.0) or a virtual device "
                    "(net_af_packet0,iface=eth1).",
            .required = true}),
       row(at, &T::lanes,
           {.name = "lanes",
            .minimum = 1,
            .maximum = 64,
            .help = "RX queues, each with a capture core and a detector thread; more for more "
                    "traffic."}),
       row(at, &T::mtu_bytes,
           {.name = "mtu_bytes",
            .minimum = 1280,
            .maximum = 65535,
            .unit = "bytes",
            .help = "Largest frame taken; at least what the switch mirrors."}),
       row(at, &T::promiscuous,
           {.name = "promiscuous",
            .help = "Take frames for other addresses; a SPAN port carries no others."}),
       row(at, &T::rx_descriptors,
           {.name = "rx_descriptors",
            .minimum = 64,
            .maximum = 32768,
            .unit = "descriptors",
            .help = "Ring of the NIC for each lane; raise it when nic_missed drops rise in bursts.",
            .check = OptionCheck::kPowerOfTwo}),
       row(at, &T::rss,
           {.name = "rss",
            .help = "Let the NIC spread connections over lanes; off for drivers that hash wrongly.",
            .check = OptionCheck::kChoice,
            .choices = "auto|off"}),
       row(at, &T::link_wait_s,
           {.name = "link_wait_s",
            .maximum = 3600,
            .unit = "s",
            .help = "How long to wait at start for the link to come up."})});
}

ConfigSection lanes_section() {
  using S = LanesSection;
  const auto at = &SensorConfig::lanes;
  return section(
      "lanes", "Cores and rings of the lanes.",
      {row(at, &S::capture_cores,
           {.name = "capture_cores",
            .maximum = 1023,
            .help = "CPU cores of the capture threads, one a lane; [] = chosen.",
            .check = OptionCheck::kIntegers}),
       row(at, &S::detector_cores,
           {.name = "detector_cores",
            .maximum = 1023,
            .help = "CPU cores of the detector threads, one a lane; [] = chosen.",
            .check = OptionCheck::kIntegers}),
       row(at, &S::reader_ring_packets,
           {.name = "reader_ring_packets",
            .minimum = 64,
            .maximum = 1048576,
            .unit = "packets",
            .help = "Ring from capture to detector thread; raise it when content goes unread in "
                    "bursts.",
            .check = OptionCheck::kPowerOfTwo}),
       row(at, &S::finding_ring,
           {.name = "finding_ring",
            .minimum = 64,
            .maximum = 1048576,
            .unit = "findings",
            .help = "Ring from detector thread to judge; a full one delays findings, it loses "
                    "none.",
            .check = OptionCheck::kPowerOfTwo}),
       row(at, &S::handover_ring_packets,
           {.name = "handover_ring_packets",
            .minimum = 64,
            .maximum = 1048576,
            .unit = "packets",
            .help = "Ring between lanes for packets that landed in the wrong one; raise it when "
                    "handover_full drops rise.",
            .check = OptionCheck::kPowerOfTwo})});
}

ConfigSection mempool_section() {
  using S = MempoolSection;
  const auto at = &SensorConfig::mempool;
  return section(
      "mempool", "Packet memory.",
      {row(at, &S::mbufs,
           {.name = "mbufs",
            .minimum = 1024,
            .maximum = 16777216,
            .unit = "mbufs",
            .help = "Packet buffers of all lanes; raise it when no_mbuf drops rise."}),
       row(at, &S::mbuf_bytes,
           {.name = "mbuf_bytes",
            .minimum = 512,
            .maximum = 65535,
            .unit = "bytes",
            .help = "Size of a packet buffer with its headroom of 128; larger frames take "
                    "several."})});
}

ConfigSection capture_section() {
  using S = CaptureSection;
  const auto at = &SensorConfig::capture;
  return section(
      "capture", "Decoding.",
      {row(at, &S::decap,
           {.name = "decap",
            .help = "Outer destinations whose tunnels (GRE, VXLAN, GENEVE, GTP-U, IP in IP) end "
                    "at your tap: they are stripped and the inner pair is counted. ERSPAN always "
                    "is. [\"*\"] = all; then data tunnelled out is counted at its inner "
                    "addresses.",
            .check = OptionCheck::kCidrsOrStar}),
       row(at, &S::decode_depth,
           {.name = "decode_depth",
            .minimum = 1,
            .maximum = 32,
            .unit = "layers",
            .help = "Tags and tunnels walked in one frame; deeper ones are left as payload."})});
}

ConfigSection flow_table_section() {
  using S = FlowTableOptions;
  const auto at = &SensorConfig::flow_table;
  return section(
      "flow_table",
      "The account of every connection and of every (host, destination) total. Its memory is "
      "taken at start, for each lane.",
      {row(at, &S::connections,
           {.name = "connections",
            .minimum = 16,
            .maximum = 268435456,
            .unit = "connections",
            .help = "Connections a lane remembers at once, at most 132 bytes each; without room a "
                    "connection counts in its total.",
            .check = OptionCheck::kPowerOfTwo}),
       row(at, &S::totals,
           {.name = "totals",
            .minimum = 16,
            .maximum = 67108864,
            .unit = "totals",
            .help = "Pairs of host and destination a lane remembers at once; those that sent least "
                    "are folded first.",
            .check = OptionCheck::kPowerOfTwo}),
       row(at, &S::heavy_hitters,
           {.name = "heavy_hitters",
            .minimum = 16,
            .maximum = 1048576,
            .unit = "pairs",
            .help = "Pairs followed approximately when totals are full; more make the reported "
                    "error bound smaller.",
            .check = OptionCheck::kPowerOfTwo}),
       row(at, &S::tcp_idle_s,
           {.name = "tcp_idle_s",
            .minimum = 1,
            .maximum = kOptionMaxS,
            .unit = "s",
            .help = "An open TCP connection is forgotten after this long without a packet."}),
       row(at, &S::tcp_closed_s,
           {.name = "tcp_closed_s",
            .minimum = 1,
            .maximum = kOptionMaxS,
            .unit = "s",
            .help = "A closed TCP connection is kept this long for late segments."}),
       row(at, &S::udp_idle_s,
           {.name = "udp_idle_s",
            .minimum = 1,
            .maximum = kOptionMaxS,
            .unit = "s",
            .help = "UDP packets further apart than this are another connection."}),
       row(at, &S::other_idle_s,
           {.name = "other_idle_s",
            .minimum = 1,
            .maximum = kOptionMaxS,
            .unit = "s",
            .help = "The same for every other protocol."})});
}

}  // namespace

std::vector<ConfigSection> capture_sections() {
  return {sensor_section(),  networks_section(), services_section(),
          eal_section(),     port_section(),     lanes_section(),
          mempool_section(), capture_section(),  flow_table_section()};
}

}  // namespace weir
