// Opens a live port: probe, configure, spread over lanes, start; and reads what it lost.
#include "sensor/port.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <thread>

#include "flowtable/error.h"
#include "sensor/frame_stamp.h"
#include "sensor/port_frame.h"

namespace weir {
namespace {

constexpr uint32_t kMempoolCache = 256;
constexpr uint32_t kKeyBytesMax = 64;
/// Addresses alone, so that a host and a destination meet in one lane. The types that hash ports
/// are left out: a NIC without the others hands all to one queue, and lanes hand over.
constexpr uint64_t kSpreadTypes =
    RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_IPV6 |
    RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER | RTE_ETH_RSS_IPV6_EX;

/// A frame in the kernel's packet ring lies behind its header (packet(7), TPACKET_V2).
constexpr uint32_t kRingHeaderBytes = 66;
constexpr uint32_t kRingFrameMin = 2048;
constexpr uint32_t kDriverHeaderBytes = 32;        // of the frame, that net_af_packet does not copy
constexpr uint32_t kLinkHeaderBytes = 14 + 2 * 4;  // Ethernet and two tags
constexpr uint32_t kPageBytes = 4096;

uint32_t round_up(uint32_t value, uint32_t to) { return (value + to - 1) / to * to; }

uint64_t number_in(const std::string& file) {
  std::ifstream stream(file);
  uint64_t number = 0;
  stream >> number;
  return number;
}

}  // namespace

PacketMemory::PacketMemory(const MempoolSection& config) {
  pool_ = rte_pktmbuf_pool_create("weir_packets", config.mbufs, kMempoolCache, 0,
                                  static_cast<uint16_t>(config.mbuf_bytes), SOCKET_ID_ANY);
  if (pool_ == nullptr)
    throw Error(kExitFailed, "mempool: no memory for " + std::to_string(config.mbufs) +
                                 " mbufs of " + std::to_string(config.mbuf_bytes) + " bytes (" +
                                 rte_strerror(rte_errno) +
                                 "); raise eal.memory_mib or lower mempool.mbufs");
}

PacketMemory::~PacketMemory() { rte_mempool_free(pool_); }

uint32_t PacketMemory::room_bytes() const {
  return rte_pktmbuf_data_room_size(pool_) - RTE_PKTMBUF_HEADROOM;
}

/// Lives as long as the callback.
struct Port::Stamp {
  const LiveClock& clock;
  int offset;
  uint16_t number;
  uint32_t cut_bytes;

  /// HOT. Runs in every poll of the queue, an empty one too.
  static uint16_t frames(uint16_t, uint16_t, rte_mbuf** mbufs, uint16_t count, uint16_t,
                         void* self) {
    const Stamp& stamp = *static_cast<const Stamp*>(self);
    const uint64_t now_ns = stamp.clock.now_ns();
    for (uint16_t i = 0; i < count; ++i)
      stamp_frame(mbufs[i], stamp.offset, stamp.number, stamp.cut_bytes, now_ns);
    return count;
  }
};

Port::Port(const PortTable& config, uint16_t number, uint16_t first_lane, const LaneMap& map,
           const PacketMemory& memory, const LiveClock& clock)
    : config_(config),
      number_(number),
      device_(parse_device(config.device)),
      queues_(static_cast<uint16_t>(config.lanes)),
      counted_queue_missed_(config.lanes, 0) {
  const std::string trouble = device_trouble(device_, geteuid() == 0);
  if (!trouble.empty()) throw Error(kExitFailed, "port " + std::to_string(number) + ": " + trouble);
  probe(memory);
  try {
    configure(memory);
    start(memory, clock);
    spread_as(map, first_lane);
    read_misses();  // what was lost before counts from here
  } catch (...) {
    rte_eth_dev_close(id_);
    throw;
  }
}

Port::~Port() {
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

void Port::fail(const std::string& what, int error) const {
  const char* why = error < 0 ? rte_strerror(-error) : rte_strerror(error);
  throw Error(kExitFailed, "port " + std::to_string(number_) + " (" + device_.name + "): " + what +
                               " (" + why + ")");
}

/// What net_af_packet must be told: rings that hold whole frames, a queue a lane.
std::string Port::driver_arguments(const PacketMemory& memory) {
  std::string arguments = device_.arguments;
  const auto add = [&](const char* key, uint32_t value) {
    if (!device_.argument(key).empty()) return;
    arguments += (arguments.empty() ? "" : ",") + std::string(key) + "=" + std::to_string(value);
  };
  if (device_.kind == DeviceKind::kAfXdp) add("queue_count", queues_);
  if (device_.kind != DeviceKind::kAfPacket) return arguments;
  const uint32_t mtu_bytes = interface_mtu_bytes(device_.interface);
  const uint32_t frame_bytes =
      std::max(round_up(kRingHeaderBytes + kLinkHeaderBytes + mtu_bytes, 16), kRingFrameMin);
  if (frame_bytes - kDriverHeaderBytes > memory.room_bytes()) {
    const uint32_t needed = frame_bytes - kDriverHeaderBytes + RTE_PKTMBUF_HEADROOM;
    throw Error(kExitUsage,
                "port " + std::to_string(number_) + ": interface " + device_.interface +
                    " has an MTU of " + std::to_string(mtu_bytes) +
                    ", and net_af_packet puts a frame into one mbuf; set mempool.mbuf_bytes = " +
                    std::to_string(needed) +
                    " (and eal.memory_mib with it), or lower the "
                    "interface's MTU");
  }
  const uint32_t block_bytes = round_up(frame_bytes, kPageBytes);
  const uint32_t in_block = block_bytes / frame_bytes;
  add("blocksz", block_bytes);
  add("framesz", frame_bytes);
  add("framecnt", round_up(config_.rx_descriptors, in_block));
  add("qpairs", queues_);
  device_.arguments = arguments;
  const std::string ring_frame = device_.argument("framesz");
  cut_bytes_ = static_cast<uint32_t>(std::stoul(ring_frame)) - kRingHeaderBytes;
  return arguments;
}

void Port::probe(const PacketMemory& memory) {
  if (device_.is_kernel_interface() && !gluing_offloads(device_.interface).empty() &&
      !turn_off_gluing(device_.interface))
    remarks_.push_back("interface " + device_.interface +
                       " glues frames together before the sensor sees them and refuses to stop; "
                       "their bytes count, their number is too low");
  if (device_.kind != DeviceKind::kPci) {
    const std::string arguments = driver_arguments(memory);
    const int result =
        rte_dev_probe((device_.name + (arguments.empty() ? "" : "," + arguments)).c_str());
    if (result != 0)
      fail("DPDK's driver does not open it; its own words are above; is \"" + device_.arguments +
               "\" what the driver takes, and has the interface so many queues?",
           result);
  }
  const int result = rte_eth_dev_get_port_by_name(device_.name.c_str(), &id_);
  if (result != 0)
    fail(
        "DPDK has no driver for it, or another process has it; stop the other one, or see "
        "`dpdk-devbind.py --status`",
        result);
}

void Port::configure(const PacketMemory& memory) {
  rte_eth_dev_info info{};
  int result = rte_eth_dev_info_get(id_, &info);
  if (result != 0) fail("it says nothing of itself", result);
  if (queues_ > info.max_rx_queues)
    throw Error(kExitUsage, "port " + std::to_string(number_) + ": " + device_.name + " has " +
                                std::to_string(info.max_rx_queues) +
                                " RX queue(s); set its lanes to that or fewer");
  rte_eth_conf conf{};
  const uint32_t overhead_bytes = info.max_mtu != UINT16_MAX && info.max_rx_pktlen > info.max_mtu
                                      ? info.max_rx_pktlen - info.max_mtu
                                      : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
  conf.rxmode.mtu = std::min({config_.mtu_bytes, uint32_t{info.max_mtu},
                              info.max_rx_pktlen - std::min(info.max_rx_pktlen, overhead_bytes)});
  if (conf.rxmode.mtu + kLinkHeaderBytes > memory.room_bytes()) {
    if ((info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0)
      conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
    else if (device_.kind == DeviceKind::kPci)
      throw Error(kExitUsage,
                  "port " + std::to_string(number_) + ": " + device_.name +
                      " puts a frame into one mbuf; set mempool.mbuf_bytes = " +
                      std::to_string(conf.rxmode.mtu + kLinkHeaderBytes + RTE_PKTMBUF_HEADROOM) +
                      " for frames of port.mtu_bytes, or lower that");
  }
  std::array<uint8_t, kKeyBytesMax> key{};
  for (uint32_t i = 0; i < key.size(); ++i) key[i] = LaneMap::key_byte(i);
  const uint64_t spread = info.flow_type_rss_offloads & kSpreadTypes;
  if (queues_ > 1 && config_.rss == "auto" && spread != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf = {key.data(), std::min<uint8_t>(info.hash_key_size, kKeyBytesMax),
                                 spread};
  }
  result =
      rte_eth_dev_configure(id_, queues_, std::min<uint16_t>(queues_, info.max_tx_queues), &conf);
  if (result != 0)
    fail("it does not take the configuration; lower port.mtu_bytes or lanes", result);
}

void Port::start(const PacketMemory& memory, const LiveClock& clock) {
  auto rx = static_cast<uint16_t>(config_.rx_descriptors);
  uint16_t tx = 64;
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx);
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  int result = 0;
  for (uint16_t q = 0; q < queues_ && result == 0; ++q)
    result = rte_eth_rx_queue_setup(id_, q, rx, SOCKET_ID_ANY, nullptr, memory.pool());
  // A driver of virtual devices starts with the TX queues it was given, or not at all.
  for (uint16_t q = 0; q < std::min<uint16_t>(queues_, info.max_tx_queues) && result == 0; ++q)
    result = rte_eth_tx_queue_setup(id_, q, tx, SOCKET_ID_ANY, nullptr);
  if (result != 0)
    fail("its queues cannot be made; raise eal.memory_mib or lower port.rx_descriptors", result);
  for (uint16_t q = 0; q < queues_; ++q) {
    stamps_.push_back(
        std::make_unique<Stamp>(Stamp{clock, frame_stamp_offset(), number_, cut_bytes_}));
    if (rte_eth_add_rx_callback(id_, q, &Stamp::frames, stamps_.back().get()) == nullptr)
      fail("DPDK was built without RX callbacks", rte_errno);
  }
  if (device_.kind == DeviceKind::kAfPacket) find_sockets();
  result = rte_eth_dev_start(id_);
  if (result != 0) fail("it does not start; is another program listening on it?", result);
  if (config_.promiscuous && rte_eth_promiscuous_enable(id_) != 0)
    remarks_.push_back("port " + std::to_string(number_) + " (" + device_.name +
                       ") cannot be promiscuous; if the interface is not already, frames for other "
                       "addresses are not seen");
}

/// The NIC's redirection table: entries of this port's lanes go to their queues; those of other
/// ports' lanes are spread, and handed over from there.
void Port::spread_as(const LaneMap& map, uint16_t first_lane) {
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  if (queues_ == 1 || config_.rss != "auto" || info.reta_size == 0) return;
  std::vector<rte_eth_rss_reta_entry64> table((info.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                              RTE_ETH_RETA_GROUP_SIZE);
  for (uint16_t entry = 0; entry < info.reta_size; ++entry) {
    rte_eth_rss_reta_entry64& group = table[entry / RTE_ETH_RETA_GROUP_SIZE];
    const int lane = map.lane_of_entry(entry) - first_lane;
    group.mask |= uint64_t{1} << (entry % RTE_ETH_RETA_GROUP_SIZE);
    group.reta[entry % RTE_ETH_RETA_GROUP_SIZE] =
        static_cast<uint16_t>(lane >= 0 && lane < queues_ ? lane : entry % queues_);
  }
  if (rte_eth_dev_rss_reta_update(id_, table.data(), info.reta_size) != 0)
    remarks_.push_back("port " + std::to_string(number_) + " (" + device_.name +
                       ") spreads packets by a table of its own; lanes hand over what lands wrong");
}

bool Port::link_is_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

bool Port::wait_for_link(const std::function<bool()>& give_up) const {
  using std::chrono::steady_clock;
  const auto until = steady_clock::now() + std::chrono::seconds(config_.link_wait_s);
  while (!link_is_up()) {
    if (steady_clock::now() >= until || give_up()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

/// net_af_packet does not tell what its sockets lost, so they are asked: the sockets of this
/// process on this interface, in the order in which the driver made them for its queues.
void Port::find_sockets() {
  const auto wanted = static_cast<int>(if_nametoindex(device_.interface.c_str()));
  for (int file = 0; file < static_cast<int>(sysconf(_SC_OPEN_MAX)) && file < 4096; ++file) {
    int domain = 0;
    socklen_t size = sizeof(domain);
    if (getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_PACKET)
      continue;
    sockaddr_ll address{};
    size = sizeof(address);
    if (getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
        address.sll_ifindex == wanted)
      sockets_.push_back(file);
  }
  if (sockets_.size() != queues_) sockets_.clear();
}

/// What the interface's NIC lost ahead of the kernel.
uint64_t Port::interface_missed() const {
  const std::string folder = "/sys/class/net/" + device_.interface + "/statistics/";
  return number_in(folder + "rx_missed_errors") + number_in(folder + "rx_fifo_errors");
}

std::vector<QueueMisses> Port::read_misses() {
  std::vector<QueueMisses> misses(queues_);
  rte_eth_stats stats{};
  const bool told = rte_eth_stats_get(id_, &stats) == 0;
  uint64_t missed = told && device_.kind != DeviceKind::kAfPacket ? stats.imissed : 0;
  if (device_.is_kernel_interface()) missed += interface_missed();
  uint64_t attributed = 0;
  for (uint16_t q = 0; q < queues_; ++q) {
    if (q < sockets_.size()) {
      tpacket_stats lost{};  // since the last reading
      socklen_t size = sizeof(lost);
      if (getsockopt(sockets_[q], SOL_PACKET, PACKET_STATISTICS, &lost, &size) == 0)
        misses[q].missed_packets += lost.tp_drops;
    } else if (device_.kind == DeviceKind::kPci && q < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
      const uint64_t of_queue = std::min(stats.q_errors[q], missed) - counted_queue_missed_[q];
      counted_queue_missed_[q] += of_queue;
      misses[q].missed_packets += of_queue;
      attributed += of_queue;
    }
  }
  // What no queue owns up to stands in the first one's account.
  const uint64_t grown = missed - std::min(missed, counted_missed_);
  misses[0].missed_packets += grown - std::min(grown, attributed);
  counted_missed_ = std::max(missed, counted_missed_);
  // The virtual drivers leave a frame where it is and try again: nothing is lost.
  if (device_.kind == DeviceKind::kPci && told) {
    misses[0].no_mbuf_packets = stats.rx_nombuf - std::min(stats.rx_nombuf, counted_no_mbuf_);
    counted_no_mbuf_ = std::max(stats.rx_nombuf, counted_no_mbuf_);
  }
  return misses;
}

}  // namespace weir
