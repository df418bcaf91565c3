// Reads device names; asks the kernel what it knows of a device, and says what to do about it.
#include "sensor/device.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "flowtable/error.h"
#include "sensor/nearest_word.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

struct DriverName {
  std::string_view name;
  DeviceKind kind;
};
constexpr DriverName kDrivers[] = {{"net_af_packet", DeviceKind::kAfPacket},
                                   {"net_af_xdp", DeviceKind::kAfXdp},
                                   {"net_ring", DeviceKind::kRing},
                                   {"net_null", DeviceKind::kNull}};

[[noreturn]] void refuse(const std::string& text, const std::string& sentence) {
  throw Error(kExitUsage, "port: device \"" + text + "\" " + sentence);
}

/// "0000:03:00.0" or, without its domain, "03:00.0".
bool is_pci_address(const std::string& text) {
  unsigned domain = 0, bus = 0, slot = 0, function = 0;
  int read = 0;
  const char* whole = text.c_str();
  if (std::sscanf(whole, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &read) == 4 &&
      whole[read] == '\0')
    return true;
  read = 0;
  return std::sscanf(whole, "%2x:%2x.%1x%n", &bus, &slot, &function, &read) == 3 &&
         whole[read] == '\0';
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string first_line(const std::string& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list.empty() ? "none" : list;
}

/// IFF_UP stands in the flags that sysfs shows in hexadecimal.
bool is_up(const std::string& interface, const DeviceFolders& folders) {
  const std::string flags = first_line(folders.interfaces + "/" + interface + "/flags");
  return (std::strtoul(flags.c_str(), nullptr, 16) & IFF_UP) != 0;
}

std::string interface_trouble(const Device& device, bool is_root, const DeviceFolders& folders) {
  const std::string& interface = device.interface;
  const std::vector<std::string> known = names_in(folders.interfaces);
  if (std::find(known.begin(), known.end(), interface) == known.end()) {
    const std::string nearest = nearest_word(interface, known);
    return "there is no interface \"" + interface + "\"; " +
           (nearest.empty() ? "there are " + list_of(known) : "did you mean " + nearest + "?");
  }
  if (!is_up(interface, folders))
    return "interface " + interface + " is down; bring it up with `ip link set " + interface +
           " up`";
  if (!is_root)
    return "listening on interface " + interface +
           " takes a privilege; start the sensor as root or from its systemd unit, it drops what "
           "it does not need";
  return "";
}

std::string pci_trouble(const Device& device, const DeviceFolders& folders) {
  const std::string address = device.name;
  const std::string folder = folders.pci_devices + "/" + address;
  std::error_code error;
  if (!fs::exists(folder, error)) {
    std::vector<std::string> network_cards;
    for (const std::string& name : names_in(folders.pci_devices))
      if (first_line(folders.pci_devices + "/" + name + "/class").starts_with("0x02"))
        network_cards.push_back(name);
    return "there is no PCI device " + address + "; the network cards of this machine are " +
           list_of(network_cards);
  }
  if (!first_line(folder + "/class").starts_with("0x02"))
    return "PCI device " + address +
           " is no network card; `lspci -D | grep -i net` shows those of this machine";
  const std::string driver = fs::read_symlink(folder + "/driver", error).filename();
  if (driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio" ||
      driver.starts_with("mlx"))
    return "";
  const std::vector<std::string> interfaces = names_in(folder + "/net");
  return "network card " + address + " belongs to " +
         (driver.empty() ? "no driver" : "the kernel's driver " + driver) +
         (interfaces.empty() ? "" : " as " + interfaces.front()) +
         "; hand it to DPDK with `deploy/bind-nic " + address + "`" +
         (interfaces.empty() ? ""
                             : ", or leave it there and listen with device = \"net_af_packet0,"
                               "iface=" +
                                   interfaces.front() + "\"");
}

/// One ethtool command that reads or writes a number; false if the kernel refuses.
bool ethtool(const std::string& interface, uint32_t command, uint32_t& value) {
  const int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return false;
  ethtool_value request{command, value};
  ifreq name{};
  std::strncpy(name.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  name.ifr_data = reinterpret_cast<char*>(&request);
  const bool done = ioctl(file, SIOCETHTOOL, &name) == 0;
  close(file);
  value = request.data;
  return done;
}

}  // namespace

std::string Device::argument(std::string_view key) const {
  size_t first = 0;
  while (first < arguments.size()) {
    const size_t comma = std::min(arguments.find(',', first), arguments.size());
    const std::string_view word = std::string_view(arguments).substr(first, comma - first);
    if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=')
      return std::string(word.substr(key.size() + 1));
    first = comma + 1;
  }
  return "";
}

Device parse_device(const std::string& text) {
  Device device;
  const size_t comma = std::min(text.find(','), text.size());
  device.name = text.substr(0, comma);
  device.arguments = comma < text.size() ? text.substr(comma + 1) : "";
  if (is_pci_address(device.name)) {
    device.kind = DeviceKind::kPci;
    if (device.name.size() < 12) device.name = "0000:" + device.name;
    return device;
  }
  const auto driver = std::find_if(std::begin(kDrivers), std::end(kDrivers), [&](const auto& row) {
    if (!device.name.starts_with(row.name)) return false;
    const std::string number = device.name.substr(row.name.size());
    return number.empty() ||
           std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  });
  if (driver == std::end(kDrivers)) {
    const bool plain = device.arguments.empty() && device.name.find('_') == std::string::npos;
    refuse(text, plain ? "is neither a PCI address nor a device of DPDK; for an interface of the "
                         "kernel write \"net_af_packet0,iface=" +
                             device.name + "\""
                       : "is of no driver that Weir listens with; there are a PCI address, "
                         "net_af_packet, net_af_xdp, net_ring and net_null, such as "
                         "\"net_af_packet0,iface=eth1\"");
  }
  device.kind = driver->kind;
  if (device.name == driver->name) device.name += "0";
  device.interface = device.is_kernel_interface() ? device.argument("iface") : "";
  if (device.is_kernel_interface() && device.interface.empty())
    refuse(text, "names no interface; write \"" + device.name + ",iface=eth1\" with your own");
  if (device.interface.size() >= IFNAMSIZ)
    refuse(text, "names an interface of more than 15 characters, which no kernel has");
  return device;
}

std::string device_trouble(const Device& device, bool is_root, const DeviceFolders& folders) {
  if (device.kind == DeviceKind::kPci) return pci_trouble(device, folders);
  return device.is_kernel_interface() ? interface_trouble(device, is_root, folders) : "";
}

uint32_t interface_mtu_bytes(const std::string& interface, const DeviceFolders& folders) {
  return static_cast<uint32_t>(
      std::strtoul(first_line(folders.interfaces + "/" + interface + "/mtu").c_str(), nullptr, 10));
}

std::vector<std::string> gluing_offloads(const std::string& interface) {
  std::vector<std::string> names;
  uint32_t value = 0;
  if (ethtool(interface, ETHTOOL_GGRO, value) && value != 0) names.emplace_back("gro");
  value = 0;
  if (ethtool(interface, ETHTOOL_GFLAGS, value) && (value & ETH_FLAG_LRO) != 0)
    names.emplace_back("lro");
  return names;
}

bool turn_off_gluing(const std::string& interface) {
  uint32_t value = 0;
  bool done = ethtool(interface, ETHTOOL_SGRO, value);
  if (ethtool(interface, ETHTOOL_GFLAGS, value) && (value & ETH_FLAG_LRO) != 0) {
    value &= ~static_cast<uint32_t>(ETH_FLAG_LRO);
    done = ethtool(interface, ETHTOOL_SFLAGS, value) && done;
  }
  return done;
}

}  // namespace weir
