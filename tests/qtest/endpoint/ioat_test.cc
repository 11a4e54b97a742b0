// SPDX-License-Identifier: GPL-2.0-or-later
//
// The endpoint as Intel's DMA engine, on a machine with no unit in front.
#include <catch2/catch_test_macros.hpp>

#include "client/ioat_device.h"
#include "endpoint/machine.h"

using namespace endpoint_driver;
using qtest::IoatDevice;

namespace {

constexpr std::uint64_t nowhere = 0x700000000000;

struct IoatMachine : Machine {
    explicit IoatMachine(bool integrated = false)
        : Machine({.integrated = integrated, .type = IoatDevice::option, .pci_id = IoatDevice::id}) {}

    IoatDevice ioat{qemu.qtest(), function};
    qtest::Doorbell doorbell{qemu.qtest(), ram};
    std::uint64_t page = ram.allocate_page();
    IoatDevice::Ring ring{.place = page, .iova = page};

    // The one that is used, unmasked.
    void enable_vector() {
        const std::uint64_t table = function.map_bar(2);
        qemu.qtest().writeq(table, doorbell.address());
        qemu.qtest().writel(table + 8, 0x4242);
        qemu.qtest().writel(table + 12, 0);
        const auto capability = function.find_capability(0x11);
        REQUIRE(capability);
        function.config_writew(static_cast<std::uint16_t>(*capability + 2), 0x8000);
    }
};

}  // namespace

TEST_CASE("Endpoint ioat: identity", "[endpoint]") {
    IoatMachine machine;
    CHECK(machine.function.config_readl(0x00) == 0x20218086);
    CHECK(machine.function.config_readl(0x08) == 0x08800001);
    CHECK(machine.function.find_extended_capability(0x0f));
    CHECK(machine.qemu.qtest().readb(machine.ioat.place_of(IoatDevice::cbver)) == 0x33);
    CHECK(machine.qemu.qtest().readb(machine.ioat.place_of(IoatDevice::xfercap)) == 15);
    CHECK(machine.qemu.qmp().qom_get_number(Machine::path, "answer-delay-ns") == 10000);  // and all the others
}

TEST_CASE("Endpoint ioat: a copy, and an interrupt", "[endpoint]") {
    for (const bool integrated : {false, true}) {
        IoatMachine machine(integrated);
        const std::uint64_t from = machine.ram.allocate_pages(9);
        const std::uint64_t to = machine.ram.allocate_pages(9);
        machine.ram.fill_with_pattern(from, 0x9000, 7);
        machine.ioat.init();
        machine.enable_vector();
        CHECK(machine.ioat.copy(machine.ring, {.from = from + 0x80, .to = to + 0x40, .size = 0x8000}) ==
              IoatDevice::done);
        CHECK(machine.ram.read(to + 0x40, 0x8000) == machine.ram.read(from + 0x80, 0x8000));
        CHECK_FALSE(machine.doorbell.take());
        CHECK(machine.ioat.copy(machine.ring, {.from = from, .to = to, .interrupt = true}) == IoatDevice::done);
        CHECK(machine.doorbell.take() == 0x4242u);
    }
}

TEST_CASE("Endpoint ioat: an error in both of its places, and the way back", "[endpoint]") {
    IoatMachine machine;
    const std::uint64_t from = machine.ram.allocate_page();
    const std::uint64_t to = machine.ram.allocate_page();
    const auto& function = machine.function;
    machine.ram.fill_with_pattern(from, 0x1000, 7);
    machine.ioat.init();
    CHECK(machine.ioat.copy(machine.ring, {.from = nowhere, .to = to}) == IoatDevice::halted);
    CHECK(machine.ioat.errors() == IoatDevice::read_data_err);
    CHECK(function.config_readl(IoatDevice::chanerr_int) == IoatDevice::read_data_err);
    function.config_writel(IoatDevice::dmauncerrsts, 0xffffffff);
    CHECK(function.config_readl(IoatDevice::dmauncerrsts) == 0);
    function.config_writel(IoatDevice::chanerr_int, ~IoatDevice::read_data_err);
    CHECK(function.config_readl(IoatDevice::chanerr_int) == IoatDevice::read_data_err);
    machine.ioat.init();
    CHECK(function.config_readl(IoatDevice::chanerr_int) == 0);
    CHECK(machine.ioat.errors() == 0);
    CHECK(machine.ioat.copy(machine.ring, {.from = from, .to = to, .size = 0x100}) == IoatDevice::done);
    CHECK(machine.ram.read(to, 0x100) == machine.ram.read(from, 0x100));
}
