// What a `[[port]]` names, and what stands in the way of listening on it. Knows no DPDK.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class DeviceKind : uint8_t { kPci, kAfPacket, kAfXdp, kRing, kNull };

/// A device as DPDK names it.
struct Device {
  DeviceKind kind = DeviceKind::kNull;
  std::string name;       // "0000:03:00.0", "net_af_packet0"
  std::string arguments;  // "iface=eth1,..." of a virtual device
  std::string interface;  // net_af_packet, net_af_xdp

  /// The value of an argument, "" where it is not given.
  std::string argument(std::string_view key) const;
  bool is_kernel_interface() const {
    return kind == DeviceKind::kAfPacket || kind == DeviceKind::kAfXdp;
  }
};

/// Reads `port.device`. Throws Error (kExitUsage) that says what was probably meant.
Device parse_device(const std::string& text);

/// Where the kernel tells of its devices; tests name folders of their own.
struct DeviceFolders {
  std::string interfaces = "/sys/class/net";
  std::string pci_devices = "/sys/bus/pci/devices";
};

/// What stands in the way of opening the device here and now, as a sentence with a remedy; "" if
/// nothing does. `is_root`: or may do what root may.
std::string device_trouble(const Device& device, bool is_root, const DeviceFolders& folders = {});

/// Largest payload of a frame on a kernel interface; 0 if there is no such interface.
uint32_t interface_mtu_bytes(const std::string& interface, const DeviceFolders& folders = {});

/// Offloads of a kernel interface that glue frames together before the sensor sees them, by
/// ethtool's names ("gro", "lro"). Needs no privilege.
std::vector<std::string> gluing_offloads(const std::string& interface);

/// Turns them off; false if the kernel refuses.
bool turn_off_gluing(const std::string& interface);

}  // namespace weir
