// SPDX-License-Identifier: GPL-2.0-or-later
//
// Buses and edu, against QEMU's own devices and nothing of ours.
#include <catch2/catch_test_macros.hpp>

#include "client/edu_device.h"
#include "client/guest_ram.h"
#include "client/qemu_process.h"

using namespace qtest;

namespace {

constexpr PciId root_port_id{0x1b36, 0x000c};
constexpr PciId pci_bridge_id{0x1b36, 0x000e};

QemuOptions plain(std::vector<std::string> arguments) {
    return {.arguments = std::move(arguments), .devices = Devices::QemusOwn};
}

// A machine with one edu.
struct EduMachine {
    QemuProcess qemu{plain({"-device", EduDevice::option})};
    GuestRam ram{qemu.qtest()};
    PciBus pci{qemu.qtest()};
    EduDevice edu{qemu.qtest(), pci.find(EduDevice::id)};
};

}  // namespace

TEST_CASE("Pci: reset keeps memory and clears registers", "[client][pci]") {
    EduMachine machine;
    machine.qemu.qtest().writel(0x100000, 0x12345678);
    CHECK((machine.edu.function().config_readw(4) & 4) != 0);
    machine.qemu.system_reset();
    CHECK(machine.qemu.qtest().readl(0x100000) == 0x12345678);
    PciBus pci(machine.qemu.qtest());
    CHECK((pci.find(EduDevice::id).config_readw(4) & 4) == 0);
}

TEST_CASE("Edu: its interrupt line can be watched", "[client][edu]") {
    EduMachine machine;
    auto& qtest = machine.qemu.qtest();
    qtest.irq_intercept_in("ioapic");
    const auto raised = [&] {
        for (int line = 16; line < 24; ++line) {
            if (qtest.irq_level(line) == 1) return true;
        }
        return false;
    };
    CHECK_FALSE(raised());
    machine.edu.raise_interrupt();
    CHECK(raised());
}

TEST_CASE("Edu: DMA carries data both ways", "[client][edu]") {
    EduMachine machine;
    const auto from = machine.ram.allocate_page();
    const auto to = machine.ram.allocate_page();
    machine.ram.fill_with_pattern(from, page_size, 1);
    machine.edu.copy(from, to, page_size);
    CHECK(machine.ram.read(to, page_size) == GuestRam::pattern(page_size, 1));
}

TEST_CASE("Edu: nothing moves before the virtual clock does", "[client][edu]") {
    EduMachine machine;
    const auto from = machine.ram.allocate_page();
    const auto to = machine.ram.allocate_page();
    machine.ram.fill_with_pattern(from, 64, 1);
    machine.edu.dma_read(from, 64);
    machine.edu.start_write(to, 64);
    CHECK(machine.ram.read(to, 64) == std::vector<std::uint8_t>(64));
    machine.edu.finish();
    CHECK(machine.ram.read(to, 64) == GuestRam::pattern(64, 1));
}

TEST_CASE("Edu: its interrupt message can be caught in RAM", "[client][edu]") {
    EduMachine machine;
    Doorbell doorbell(machine.qemu.qtest(), machine.ram);
    machine.edu.function().enable_msi({doorbell.address(), 0x4041});
    CHECK_FALSE(doorbell.take());
    machine.edu.raise_interrupt();
    CHECK(doorbell.take() == 0x4041);
    CHECK_FALSE(doorbell.take());
}

TEST_CASE("Pci: a device behind two bridges is reached and does DMA", "[client][pci]") {
    QemuProcess qemu(
        plain({"-device", "pcie-root-port,id=root1,chassis=1", "-device", "pcie-pci-bridge,id=bridge1,bus=root1",
               "-device", std::string(EduDevice::option) + ",bus=bridge1,addr=2"}));
    GuestRam ram(qemu.qtest());
    PciBus pci(qemu.qtest());
    pci.open_bridge(pci.find(root_port_id), {.secondary = 1, .subordinate = 2});
    pci.open_bridge(pci.find(pci_bridge_id, 1), {.secondary = 2, .subordinate = 2});
    EduDevice edu(qemu.qtest(), pci.find(EduDevice::id, 2));
    CHECK(edu.requester_id() == 0x0210);

    const auto from = ram.allocate_page();
    const auto to = ram.allocate_page();
    ram.fill_with_pattern(from, 256, 3);
    edu.copy(from, to, 256);
    CHECK(ram.read(to, 256) == GuestRam::pattern(256, 3));
}

TEST_CASE("Pci: capabilities are found in both lists", "[client][pci]") {
    QemuProcess qemu(plain({"-device", "pcie-root-port,id=root1,chassis=1"}));
    PciBus pci(qemu.qtest());
    const auto port = pci.find(root_port_id);
    CHECK(port.find_capability(0x10));           // PCI Express
    CHECK_FALSE(port.find_capability(0x03));     // vital product data
    CHECK(port.find_extended_capability(0x01));  // advanced error reporting
    CHECK_FALSE(port.find_extended_capability(0x1b));
    CHECK_THROWS_AS(pci.find(EduDevice::id), ProcessError);
}
