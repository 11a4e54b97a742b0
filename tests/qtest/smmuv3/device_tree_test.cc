// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an operating system that is told by a device tree learns of the devices behind the unit: which of them can be
// held until their page is there.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "client/device_tree.h"
#include "smmuv3/guest.h"

using namespace smmu_driver;
using Paths = std::vector<std::string>;
using Cells = std::vector<std::uint32_t>;
using qtest::DeviceTree;

namespace {

const std::string bridge = "/pcie@10000000";

// `-device` for each.
DeviceTree tree_with(const std::vector<std::string>& devices, const std::string& machine = "virt,highmem=off") {
    GuestOptions options{.machine = machine};
    for (const auto& device : devices)
        options.arguments.insert(options.arguments.end(), {"-device", device});
    Guest guest(options);
    return {guest.qemu.qtest(), ram_base};
}

Paths sorted(Paths paths) {
    std::sort(paths.begin(), paths.end());
    return paths;
}

}  // namespace

TEST_CASE("DeviceTree: a device that can stall has a node that says so, below its port's", "[smmuv3][device-tree]") {
    const auto tree = tree_with({"pcie-root-port,id=p0,chassis=1,slot=1,addr=5", "ats-endpoint,bus=p0,can-stall=on"});
    REQUIRE(sorted(tree.below(bridge)) == Paths{bridge + "/pci@5", bridge + "/pci@5/dma@0"});
    CHECK(tree.cells(bridge + "/pci@5", "reg") == Cells{0x2800, 0, 0, 0, 0});
    CHECK(tree.cells(bridge + "/pci@5", "#address-cells") == Cells{3});
    CHECK(tree.cells(bridge + "/pci@5", "#size-cells") == Cells{2});
    CHECK(tree.cells(bridge + "/pci@5", "ranges") == Cells{});
    CHECK_FALSE(tree.cells(bridge + "/pci@5", "dma-can-stall"));
    CHECK(tree.cells(bridge + "/pci@5/dma@0", "reg") == Cells{0, 0, 0, 0, 0});
    CHECK(tree.cells(bridge + "/pci@5/dma@0", "dma-can-stall") == Cells{});
}

TEST_CASE("DeviceTree: an integrated device is on the root bus", "[smmuv3][device-tree]") {
    const auto tree = tree_with({"ats-endpoint,rciep=on,bus=pcie.0,addr=a.0,multifunction=on",
                                 "ats-endpoint,rciep=on,bus=pcie.0,addr=a.3,can-stall=on"});
    REQUIRE(tree.below(bridge) == Paths{bridge + "/dma@a,3"});
    CHECK(tree.cells(bridge + "/dma@a,3", "reg") == Cells{0x5300, 0, 0, 0, 0});
    CHECK(tree.cells(bridge + "/dma@a,3", "dma-can-stall") == Cells{});
}

TEST_CASE("DeviceTree: ports that several such devices are behind have one node", "[smmuv3][device-tree]") {
    const auto tree = tree_with({"pcie-root-port,id=p0,chassis=1,slot=1,addr=5", "x3130-upstream,id=up,bus=p0",
                                 "xio3130-downstream,id=d0,bus=up,chassis=2,slot=2,addr=1",
                                 "xio3130-downstream,id=d1,bus=up,chassis=3,slot=3,addr=2",
                                 "ats-endpoint,bus=d0,can-stall=on", "ats-endpoint,bus=d1,can-stall=on"});
    const std::string up = bridge + "/pci@5/pci@0";
    CHECK(sorted(tree.below(bridge)) ==
          Paths{bridge + "/pci@5", up, up + "/pci@1", up + "/pci@1/dma@0", up + "/pci@2", up + "/pci@2/dma@0"});
}

TEST_CASE("DeviceTree: devices that cannot stall are left to be found", "[smmuv3][device-tree]") {
    const auto tree = tree_with({"pcie-root-port,id=p0,chassis=1,slot=1,addr=5", "ats-endpoint,bus=p0",
                                 "ats-endpoint,rciep=on,bus=pcie.0,can-stall=off"});
    CHECK(tree.below(bridge).empty());
}

TEST_CASE("DeviceTree: a root bus that has no node of its own is left out", "[smmuv3][device-tree]") {
    const auto tree = tree_with({"pxb-pcie,bus_nr=0x40,id=more,bus=pcie.0", "pcie-root-port,id=p0,chassis=1,bus=more",
                                 "ats-endpoint,bus=p0,can-stall=on"});
    CHECK(tree.below(bridge).empty());
}
