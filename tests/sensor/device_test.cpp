// What a `[[port]]` names is understood, and what stands in its way is said with a remedy.
#include "sensor/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "flowtable/error.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    parse_device(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitUsage);
    return error.what();
  }
  return "taken";
}

/// A machine of the test's own: interfaces and PCI devices as sysfs shows them.
class Machine : public ::testing::Test {
 protected:
  Machine() : root_(fs::temp_directory_path() / ("weir-device-" + std::to_string(getpid()))) {
    folders_ = {root_ / "net", root_ / "pci"};
    interface("eth0", "0x1003\n", "1500\n");
    interface("eth1", "0x1002\n", "9000\n");
    card("0000:03:00.0", "0x020000\n", "vfio-pci", "");
    card("0000:04:00.0", "0x020000\n", "ixgbe", "eth3");
    card("0000:00:02.0", "0x030000\n", "i915", "");
  }
  ~Machine() override { fs::remove_all(root_); }

  void file(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void interface(const std::string& name, const std::string& flags, const std::string& mtu) {
    file(root_ / "net" / name / "flags", flags);
    file(root_ / "net" / name / "mtu", mtu);
  }
  void card(const std::string& address, const std::string& type, const std::string& driver,
            const std::string& name) {
    file(root_ / "pci" / address / "class", type);
    fs::create_directories(root_ / "drivers" / driver);
    fs::create_symlink(root_ / "drivers" / driver, root_ / "pci" / address / "driver");
    if (!name.empty()) fs::create_directories(root_ / "pci" / address / "net" / name);
  }
  std::string trouble(const std::string& text, bool is_root = true) const {
    return device_trouble(parse_device(text), is_root, folders_);
  }

  fs::path root_;
  DeviceFolders folders_;
};

TEST(Device, PCI_addresses_and_virtual_devices_are_read) {
  EXPECT_EQ(parse_device("0000:03:00.0").kind, DeviceKind::kPci);
  EXPECT_EQ(parse_device("03:00.1").name, "0000:03:00.1");
  const Device packet = parse_device("net_af_packet0,iface=eth1,qpairs=2");
  EXPECT_EQ(packet.kind, DeviceKind::kAfPacket);
  EXPECT_EQ(packet.name, "net_af_packet0");
  EXPECT_EQ(packet.interface, "eth1");
  EXPECT_EQ(packet.argument("qpairs"), "2");
  EXPECT_EQ(packet.argument("pairs"), "");
  EXPECT_EQ(parse_device("net_af_xdp,iface=eth1").name, "net_af_xdp0");
  EXPECT_EQ(parse_device("net_ring3").kind, DeviceKind::kRing);
  EXPECT_EQ(parse_device("net_null0,size=128").kind, DeviceKind::kNull);
}

TEST(Device, what_is_none_is_refused_with_what_was_meant) {
  EXPECT_THAT(refusal("eth1"), HasSubstr("write \"net_af_packet0,iface=eth1\""));
  EXPECT_THAT(refusal("net_pcap0,iface=eth1"), HasSubstr("no driver that Weir listens with"));
  EXPECT_THAT(refusal("net_af_packet0"), HasSubstr("names no interface"));
  EXPECT_THAT(refusal("net_af_packet0,iface=an-interface-too-long"), HasSubstr("15 characters"));
  EXPECT_THAT(refusal("net_ringo"), HasSubstr("no driver"));
}

TEST_F(Machine, a_port_that_can_be_opened_is_no_trouble) {
  EXPECT_EQ(trouble("net_af_packet0,iface=eth0"), "");
  EXPECT_EQ(trouble("0000:03:00.0"), "");
  EXPECT_EQ(trouble("net_null0"), "");
  EXPECT_EQ(interface_mtu_bytes("eth1", folders_), 9000u);
}

TEST_F(Machine, an_interface_that_is_missing_down_or_forbidden_is_said_with_a_remedy) {
  EXPECT_EQ(trouble("net_af_packet0,iface=eth5"),
            "there is no interface \"eth5\"; did you mean eth0?");
  EXPECT_EQ(trouble("net_af_packet0,iface=span"),
            "there is no interface \"span\"; there are eth0, eth1");
  EXPECT_EQ(trouble("net_af_packet0,iface=eth1"),
            "interface eth1 is down; bring it up with `ip link set eth1 up`");
  EXPECT_THAT(trouble("net_af_packet0,iface=eth0", false), HasSubstr("start the sensor as root"));
}

TEST_F(Machine, a_card_that_is_missing_or_the_kernels_is_said_with_a_remedy) {
  EXPECT_EQ(trouble("0000:05:00.0"),
            "there is no PCI device 0000:05:00.0; the network cards of this machine are "
            "0000:03:00.0, 0000:04:00.0");
  EXPECT_THAT(trouble("0000:00:02.0"), HasSubstr("is no network card"));
  EXPECT_THAT(trouble("0000:04:00.0"),
              HasSubstr("belongs to the kernel's driver ixgbe as eth3; hand it to DPDK with "
                        "`deploy/bind-nic 0000:04:00.0`, or leave it there and listen with device "
                        "= \"net_af_packet0,iface=eth3\""));
}

}  // namespace
}  // namespace weir
