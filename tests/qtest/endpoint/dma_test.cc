// SPDX-License-Identifier: GPL-2.0-or-later
//
// DMA of the endpoint with no unit in front, interrupts, registers from outside, and a machine that moves.
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "client/temporary_folder.h"
#include "endpoint/machine.h"

using namespace endpoint_driver;

namespace {

// An entry of the MSI-X table, unmasked, and MSI-X on.
void enable_vector(Machine& machine, unsigned vector, std::uint64_t address, std::uint32_t data) {
    const std::uint64_t table = machine.function.map_bar(2);
    machine.qemu.qtest().writeq(table + 16 * vector, address);
    machine.qemu.qtest().writel(table + 16 * vector + 8, data);
    machine.qemu.qtest().writel(table + 16 * vector + 12, 0);
    const auto capability = machine.function.find_capability(0x11);
    machine.function.config_writew(static_cast<std::uint16_t>(capability.value() + 2), 0x8000);
}

}  // namespace

TEST_CASE("Endpoint: ordinary DMA without a unit", "[endpoint]") {
    for (const bool integrated : {false, true}) {
        Machine machine({.integrated = integrated});
        const std::uint64_t from = machine.ram.allocate_pages(4);
        const std::uint64_t to = machine.ram.allocate_pages(4);
        machine.ram.fill_with_pattern(from, 0x4000, 7);
        CHECK(machine.carry_out({AE_OP_COPY, from + 0x80, to + 0x40, 0x3000}) == AE_CODE_SUCCESS);
        CHECK(machine.ram.read(to + 0x40, 0x3000) == machine.ram.read(from + 0x80, 0x3000));
        CHECK(machine.ram.read64(to + 0x3040) == 0);

        machine.set64(AE_WINDOW(1) + 0x10, 0x0123456789abcdef);
        CHECK(machine.carry_out({AE_OP_WRITE, 0x10, to, 8}, 1) == AE_CODE_SUCCESS);
        CHECK(machine.ram.read64(to) == 0x0123456789abcdef);
        CHECK(machine.carry_out({AE_OP_READ, to, 0x20, 4}, 2) == AE_CODE_SUCCESS);
        CHECK(machine.get64(AE_WINDOW(2) + 0x20) == 0x89abcdef);
    }
}

TEST_CASE("Endpoint: atomics on guest memory", "[endpoint]") {
    Machine machine;
    const std::uint64_t place = machine.ram.allocate_page();
    machine.ram.write64(place, 0xffffffff);
    CHECK(machine.carry_out({AE_OP_FETCH_ADD, 0, place, 0, 1}) == AE_CODE_SUCCESS);
    CHECK(machine.ram.read64(place) == 0);  // 4 bytes
    CHECK(machine.get64(AE_CHANNEL(0) + AE_OLD_VALUE_64) == 0xffffffff);
    CHECK(machine.carry_out({AE_OP_FETCH_ADD | AE_OPERATION_EIGHT, 0, place, 0, 0x100000001}) == AE_CODE_SUCCESS);
    CHECK(machine.ram.read64(place) == 0x100000001);
}

TEST_CASE("Endpoint: no memory, no Bus Master Enable, no unit", "[endpoint]") {
    Machine machine;
    const std::uint64_t nowhere = 0x700000000000;
    CHECK(machine.carry_out({AE_OP_READ, nowhere, 0, 8}) == AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(machine.carry_out({AE_OP_FETCH_ADD, 0, nowhere, 0, 1}) == AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(machine.carry_out({AE_OP_FETCH_ADD, 0, machine.bar + AE_ANSWER_DELAY_NS_64, 0, 1}) ==
          AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(machine.carry_out({AE_OP_TRANSLATION_REQUEST, ram_base()}) == AE_CODE_UNSUPPORTED_REQUEST);
    CHECK(machine.carry_out({AE_OP_READ | AE_VIA_TRANSLATED, ram_base(), 0, 8}) == AE_CODE_UNSUPPORTED_REQUEST);
    machine.function.config_writew(0x04, 0x0002);
    CHECK(machine.carry_out({AE_OP_READ, ram_base(), 0, 8}) == AE_CODE_REFUSED);
}

TEST_CASE("Endpoint: DMA at its own registers does not enter it again", "[endpoint]") {
    Machine machine;
    (void)machine.carry_out({AE_OP_WRITE, 0, machine.bar + AE_CHANNEL(1), 4});
    CHECK(machine.get(AE_ID) == AE_ID_VALUE);
    CHECK(machine.get(AE_CHANNEL(1) + AE_STATUS) == 0);
}

TEST_CASE("Endpoint: an operation ends with its interrupt", "[endpoint]") {
    Machine machine;
    qtest::Doorbell doorbell(machine.qemu.qtest(), machine.ram);
    enable_vector(machine, 3, doorbell.address(), 0x4242);
    CHECK(machine.carry_out({AE_OP_READ | AE_OPERATION_INTERRUPT | 3u << 20, ram_base(), 0, 8}) == AE_CODE_SUCCESS);
    CHECK(doorbell.take() == 0x4242u);
    CHECK(machine.carry_out({AE_OP_READ | AE_OPERATION_INTERRUPT | 200u << 20, ram_base(), 0, 8}) == AE_CODE_SUCCESS);
    CHECK_FALSE(doorbell.take());
}

TEST_CASE("Endpoint: registers are properties too, also while the device is away", "[endpoint]") {
    Machine machine;
    auto& qmp = machine.qemu.qmp();
    const auto set = [&](const char* property, std::uint64_t value) {
        qmp.execute("qom-set", {{"path", Machine::path}, {"property", property}, {"value", value}});
    };
    set("drop-answers", 3);
    CHECK(machine.get(AE_DROP_ANSWERS) == 3);
    set("answer-delay-ns", 123);
    CHECK(machine.get64(AE_ANSWER_DELAY_NS_64) == 123);
    CHECK(machine.carry_out({AE_OP_READ | AE_VIA_TRANSLATED, ram_base(), 0, 8}) == AE_CODE_UNSUPPORTED_REQUEST);
    machine.set(AE_VANISH_US, 10);
    CHECK(qmp.qom_get_number(Machine::path, "faults") == 1);
    CHECK_THROWS(set("faults", 0));
    CHECK(qmp.qom_get_number(Machine::path, "answer-delay-ns") == 123);
}

TEST_CASE("Endpoint: it moves to another machine with what it was doing", "[endpoint]") {
    const qtest::TemporaryFolder folder;
    const std::string file = folder.file("machine");
    std::uint64_t bar = 0;
    {
        Machine source;
        bar = source.bar;
        source.function.config_writew(0x106, 0x8000);
        source.set64(AE_WINDOW(3) + 8, 0x1122334455667788);
        source.set(AE_WRONG_ITAGS, 5);
        // A page request that nobody answers: its response is still waited for.
        source.set64(AE_RESPONSE_TIMEOUT_NS_64, 1'000'000);
        source.set(AE_CHANNEL(1) + AE_PAGES, AE_PAGES_WAIT | AE_PAGES_LAST | AE_PAGES_READ | 1u << 16);
        source.order({AE_OP_PAGE_REQUEST}, 1);
        REQUIRE(
            qtest::eventually([&] { return (source.get(AE_CHANNEL(1) + AE_STATUS) & AE_STATUS_WAITS_RESPONSE) != 0; }));
        source.qemu.save_to(file);
    }
    qtest::QemuProcess destination(with_endpoint({.arguments = {"-incoming", "defer"}}));
    destination.load_from(file);
    auto& qtest = destination.qtest();
    CHECK(qtest.readl(bar + AE_ENABLES) == (AE_ENABLES_BUS_MASTER | AE_ENABLES_ATS));
    CHECK(qtest.readq(bar + AE_WINDOW(3) + 8) == 0x1122334455667788);
    CHECK(qtest.readl(bar + AE_WRONG_ITAGS) == 5);
    CHECK(qtest.readl(bar + AE_CHANNEL(1) + AE_STATUS) == (AE_STATUS_BUSY | AE_STATUS_WAITS_RESPONSE));
    qtest.clock_step(1'000'000);
    CHECK((qtest.readl(bar + AE_CHANNEL(1) + AE_RESULT) & AE_RESULT_CODE) == AE_CODE_TIME_OUT);
}

TEST_CASE("Endpoint: it can be unplugged in the middle of things", "[endpoint]") {
    Machine machine;
    machine.set64(AE_RESPONSE_TIMEOUT_NS_64, 1'000'000);
    machine.set(AE_CHANNEL(1) + AE_PAGES, AE_PAGES_WAIT | AE_PAGES_LAST | AE_PAGES_READ | 1u << 16);
    machine.order({AE_OP_PAGE_REQUEST}, 1);
    machine.qemu.qmp().execute("device_del", {{"id", "endpoint"}});
    machine.qemu.system_reset();
    machine.qemu.qtest().clock_step(10'000'000);
    CHECK(machine.qemu.qtest().readl(ram_base()) == machine.qemu.qtest().readl(ram_base()));
}

// Slot Control of the port above, by way of memory-mapped configuration space: off, as a driver does it.
TEST_CASE("Endpoint: a DMA by which it unplugs itself ends the device, not the machine", "[endpoint]") {
    Options options;
    // The port's own way of unplugging, not ACPI's.
    if (!is_virt()) options.arguments = {"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"};
    Machine machine(options);
    const qtest::PciFunction port = machine.pci.find(root_port_id);
    const auto express = port.find_capability(0x10);
    REQUIRE(express);
    const std::uint64_t configuration = is_virt() ? 0x3f000000 : 0xb0000000;
    const std::uint64_t slot_control =
        configuration + (std::uint64_t{port.address().requester_id()} << 12) + *express + 0x18;
    machine.qemu.qtest().writel(machine.bar + AE_WINDOW(0), 0x0700);  // power off, indicators off
    machine.order({.operation = AE_OP_WRITE, .destination = slot_control, .length = 2});
    CHECK(qtest::eventually([&] { return machine.function.config_readl(0) == 0xffffffff; }));
    machine.qemu.qtest().clock_step(10'000'000);
    CHECK(port.config_readl(0) == (std::uint32_t{root_port_id.device} << 16 | root_port_id.vendor));
}
