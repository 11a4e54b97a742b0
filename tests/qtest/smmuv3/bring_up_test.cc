// SPDX-License-Identifier: GPL-2.0-or-later
//
// The first minutes of a driver: bypass, then each kind of stream, in the order of Linux.
#include <catch2/catch_test_macros.hpp>

#include "client/eventually.h"
#include "smmuv3/guest.h"

using namespace smmu_driver;
using qtest::eventually;

namespace {

constexpr std::uint64_t iova = 0x123456789000;

}  // namespace

TEST_CASE("BringUp: until it is set up, DMA goes untranslated", "[smmuv3][bring-up]") {
    Guest guest;
    const auto page = guest.patterned_page(1);
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.dma_write(page, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(2));
}

TEST_CASE("BringUp: DMA through stage 1", "[smmuv3][bring-up]") {
    Guest guest;
    const auto page = guest.patterned_page(1);
    auto stage = guest.stage_1();
    stage.map({.input = iova, .output = page});
    guest.set_stage_1(stage);
    guest.start();
    CHECK(guest.dma_read(iova) == Guest::pattern(1));
    guest.dma_write(iova, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(2));
    CHECK(guest.take_events().empty());
}

TEST_CASE("BringUp: every register takes what Linux writes, in its order", "[smmuv3][bring-up]") {
    Guest guest;
    const Unit& unit = guest.unit;
    const std::uint32_t idr0 = unit.read32(reg::IDR0);
    const std::uint32_t idr1 = unit.read32(reg::IDR1);
    // What makes its probe fail: TTENDIAN, no stage, no AArch64 tables, preset places, a short queue.
    CHECK((extract(idr0, 22, 21) == 0 || extract(idr0, 22, 21) == 2));
    CHECK(extract(idr0, 1, 0) == 3);
    CHECK(extract(idr0, 3, 3) == 1);
    CHECK(extract(idr1, 30, 28) == 0);
    CHECK(extract(idr1, 25, 21) > 6);
    CHECK(extract(unit.read32(reg::IDR5), 4, 4) == 1);
    CHECK(guest.counter("idr0-register") == idr0);
    CHECK(guest.counter("idr1-register") == idr1);
    CHECK(guest.counter("idr3-register") == unit.read32(reg::IDR3));
    CHECK(guest.counter("idr5-register") == unit.read32(reg::IDR5));

    CHECK(unit.read32(reg::CR0) == 0);
    CHECK(unit.read32(reg::GERROR) == 0);
    guest.start();
    CHECK(unit.read32(reg::CR1) == 0xd75);
    CHECK(unit.read32(reg::CR2) == RECINVSID);
    CHECK(unit.read64(reg::STRTAB_BASE) == (guest.streams.base() | bit(62)));
    CHECK(unit.read32(reg::STRTAB_BASE_CFG) == guest.streams.configuration());
    CHECK(unit.read64(reg::CMDQ_BASE) == (guest.commands.base() | 7 | bit(62)));
    CHECK(unit.read64(reg::EVENTQ_BASE) == (guest.events.base() | 4 | bit(62)));
    CHECK(unit.read32(reg::CR0) == (CMDQEN | EVENTQEN | SMMUEN));
    CHECK(unit.active_errors() == 0);
}

TEST_CASE("BringUp: while it is off, GBPA decides", "[smmuv3][bring-up]") {
    Guest guest;
    const auto page = guest.patterned_page(1);
    // Without Update a write says nothing.
    guest.unit.write32(reg::GBPA, ABORT);
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.unit.write32(reg::GBPA, UPDATE | ABORT);
    CHECK((guest.unit.read32(reg::GBPA) & (UPDATE | ABORT)) == ABORT);
    guest.dma_write(page, Guest::pattern(2));
    CHECK(guest.memory(page) == Guest::pattern(1));
    guest.unit.write32(reg::GBPA, UPDATE);
    CHECK(guest.dma_read(page) == Guest::pattern(1));
}

TEST_CASE("BringUp: streams of each kind", "[smmuv3][bring-up]") {
    Guest guest;
    const auto page = guest.patterned_page(1);
    const auto other = guest.patterned_page(2);
    auto first = guest.stage_1();
    auto second = guest.stage_2();
    first.map({.input = page, .output = other});
    second.map({.input = page, .output = other});
    guest.streams.set(guest.stream(), ste::abort());
    guest.start();
    static_cast<void>(guest.dma_read(page));
    CHECK(guest.memory(guest.sink) == Bytes(Guest::transfer));
    guest.streams.set(guest.stream(), ste::bypass());
    guest.forget();
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.set_stage_1(first);
    guest.forget();
    CHECK(guest.dma_read(page) == Guest::pattern(2));
    guest.set_stage_2(second);
    guest.forget();
    CHECK(guest.dma_read(page) == Guest::pattern(2));
    CHECK(guest.take_events().empty());
}

TEST_CASE("BringUp: blocks of both sizes", "[smmuv3][bring-up]") {
    Guest guest;
    const auto block = guest.ram.allocate_pages(512, size_2m);
    guest.ram.fill_with_pattern(block + 0x5000, size_4k, 1);
    auto stage = guest.stage_1();
    stage.map({.input = iova & ~(size_2m - 1), .output = block, .level = 2});
    stage.map({.input = 0x7f'8000'0000, .output = ram_base, .level = 1});
    guest.set_stage_1(stage);
    guest.start();
    CHECK(guest.dma_read((iova & ~(size_2m - 1)) + 0x5000) == Guest::pattern(1));
    CHECK(guest.dma_read(0x7f'8000'0000 + block + 0x5000 - ram_base) == Guest::pattern(1));
}

TEST_CASE("BringUp: a CMD_SYNC's message ends in its own slot", "[smmuv3][bring-up]") {
    Guest guest;
    guest.start();
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t slot = guest.commands.slot_address(guest.commands.producer());
        guest.commands.submit(command::sync_with_message(slot, 0));
        REQUIRE(eventually([&] { return guest.ram.read32(slot) == 0; }));
        // The other words of the slot stay.
        REQUIRE(guest.ram.read64(slot + 8) == (slot & ones(51, 2)));
    }
    CHECK(guest.unit.active_errors() == 0);
}

TEST_CASE("BringUp: interrupts by wire", "[smmuv3][bring-up]") {
    Guest guest;
    guest.start();
    guest.watch_wires();
    guest.commands.submit(command::cmd_sync());
    CHECK_FALSE(guest.pulsed(sync_wire));
    guest.commands.submit(command::sync_with_message(0, 0));
    CHECK(eventually([&] { return static_cast<void>(guest.unit.read32(reg::CR0)), guest.pulsed(sync_wire); }));
    CHECK_FALSE(guest.pulsed(event_wire));
    guest.touch_read(0x1000);
    CHECK(eventually([&] { return static_cast<void>(guest.unit.read32(reg::CR0)), guest.pulsed(event_wire); }));
    CHECK_FALSE(guest.pulsed(error_wire));
    guest.commands.push(Command{});
    guest.commands.ring();
    CHECK(eventually([&] { return static_cast<void>(guest.unit.read32(reg::CR0)), guest.pulsed(error_wire); }));
}

TEST_CASE("BringUp: interrupts by message", "[smmuv3][bring-up]") {
    Guest guest;
    qtest::Doorbell doorbell(guest.qemu.qtest(), guest.ram);
    guest.start();
    guest.unit.set_irq_ctrl(0);
    guest.unit.send_events_to(doorbell.address(), 0x4041);
    guest.unit.send_errors_to(doorbell.address(), 0x4042);
    guest.touch_read(0x1000);
    CHECK(guest.take_events().size() == 1);
    CHECK_FALSE(doorbell.take());
    guest.unit.set_irq_ctrl(EVENTQ_IRQEN | GERROR_IRQEN);
    guest.touch_read(0x1000);
    CHECK(eventually([&] { return doorbell.take() == 0x4041; }));
    guest.commands.push(Command{});
    guest.commands.ring();
    CHECK(eventually([&] { return doorbell.take() == 0x4042; }));
}

TEST_CASE("BringUp: machines with PCI Express above 4 GiB", "[smmuv3][bring-up]") {
    auto places = pci_places;
    places.configuration = 0x40'1000'0000;
    for (const std::string machine : {"virt,gic-version=3", "virt,virtualization=on", "virt-9.0"}) {
        DYNAMIC_SECTION(machine) {
            Guest guest({.machine = machine, .places = places});
            auto stage = guest.stage_1();
            stage.map({.input = iova, .output = guest.patterned_page(1)});
            guest.set_stage_1(stage);
            guest.start();
            CHECK(guest.dma_read(iova) == Guest::pattern(1));
        }
    }
}
