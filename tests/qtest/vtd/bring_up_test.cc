// SPDX-License-Identifier: GPL-2.0-or-later
//
// From reset to translation, in the order of a real driver.
#include <catch2/catch_test_macros.hpp>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

constexpr std::uint32_t RTPS = 1u << 30;
constexpr std::uint32_t QIES = 1u << 26;
constexpr std::uint32_t TES = 1u << 31;
constexpr std::uint32_t PMEN_PRS = 1u << 0;

}  // namespace

TEST_CASE("BringUp: the order of Linux ends with translation on", "[vtd][bring-up]") {
    Guest guest(Mode::Scalable);
    const Unit& unit = guest.unit;
    const auto page = guest.patterned_page(1);
    constexpr std::uint64_t iova = 0x7654321000;

    // What is it? Scalable mode with queued invalidation, nothing enabled.
    const std::uint64_t ecap = unit.read64(reg::ECAP);
    CHECK(extract(ecap, 1, 1) == 1);
    CHECK(extract(ecap, 43, 43) == 1);
    CHECK(unit.read32(reg::VER) != 0);
    CHECK(unit.status() == 0);

    // Queue.
    unit.write32(reg::IQT, 0);
    unit.write64(reg::IQA, guest.queue.base() | bit(11));
    unit.write32(reg::GCMD, QIE);
    CHECK(unit.status() == QIES);

    // Root table, then the caches in their order.
    unit.write64(reg::RTADDR, guest.scalable.root() | bit(10));
    unit.write32(reg::GCMD, QIE | SRTP);
    CHECK(unit.status() == (QIES | RTPS));
    guest.invalidate_all();

    // Fault interrupt, and a look for leftovers.
    qtest::Doorbell doorbell(guest.qemu.qtest(), guest.ram);
    unit.send_fault_events_to(doorbell.address(), 0x41);
    CHECK(unit.read32(reg::FECTL) == 0);
    CHECK(unit.read32(reg::FSTS) == 0);
    CHECK(guest.take_faults().empty());

    // The device's tables, then translation.
    auto stage = guest.second_stage();
    stage.map({.iova = iova, .target = page});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 2));
    unit.write32(reg::GCMD, QIE | TE);
    CHECK(unit.status() == (TES | QIES | RTPS));

    // Protected regions off.
    unit.write32(reg::PMEN, 0);
    CHECK((unit.read32(reg::PMEN) & PMEN_PRS) == 0);

    CHECK(guest.dma_read(iova) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());
    CHECK_FALSE(doorbell.take());
}

TEST_CASE("BringUp: before translation is on, DMA goes where it says", "[vtd][bring-up]") {
    Guest guest(Mode::Scalable);
    const auto page = guest.patterned_page(1);
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("BringUp: translation can be turned off and on again", "[vtd][bring-up]") {
    Guest guest(Mode::Scalable);
    const auto page = guest.patterned_page(1);
    auto stage = guest.second_stage();
    stage.map({.iova = 0x1000, .target = page});
    guest.scalable.set(guest.requester(), PasidEntry::over_second_stage(stage, 2));
    guest.start();
    CHECK(guest.dma_read(0x1000) == Guest::pattern(1));
    guest.unit.clear(TE);
    CHECK(guest.dma_read(page) == Guest::pattern(1));
    guest.unit.set(TE);
    CHECK(guest.dma_read(0x1000) == Guest::pattern(1));
}

TEST_CASE("BringUp: a root table counts from SRTP on, not from the write of its address", "[vtd][bring-up]") {
    Guest guest(Mode::Legacy);
    const auto page = guest.patterned_page(1);
    auto stage = guest.second_stage();
    stage.map({.iova = 0x1000, .target = page});
    guest.legacy.set(guest.requester(), LegacyContext::translating(stage, 2));
    guest.start();

    const std::uint64_t empty_table = guest.ram.allocate_page();
    guest.unit.write64(reg::RTADDR, empty_table);
    guest.queue.submit(descriptor::context_global());
    guest.queue.submit(descriptor::iotlb_global());
    CHECK(guest.dma_read(0x1000) == Guest::pattern(1));
    CHECK(guest.take_faults().empty());

    guest.unit.set(SRTP);
    guest.invalidate_all();
    guest.touch_read(0x1000);
    const auto faults = guest.take_faults();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].reason() == 0x01);
}

TEST_CASE("BringUp: a one that is already set is no new command", "[vtd][bring-up]") {
    Guest guest(Mode::Scalable);
    guest.start();
    guest.queue.submit(descriptor::iotlb_global());
    const auto head = guest.queue.head();
    guest.unit.write32(reg::GCMD, TE | QIE);
    CHECK(guest.unit.status() == (TES | QIES | RTPS));
    CHECK(guest.queue.head() == head);
    CHECK(guest.unit.read32(reg::GCMD) == 0);  // write-only
}

TEST_CASE("BringUp: the queue's head is 0 after it was disabled", "[vtd][bring-up]") {
    Guest guest(Mode::Scalable);
    guest.start();
    CHECK(guest.queue.head() != 0);
    guest.unit.clear(QIE);
    CHECK(guest.queue.head() == 0);
    CHECK((guest.unit.status() & QIES) == 0);
    guest.queue.enable();
    guest.queue.submit(descriptor::iotlb_global());
}

TEST_CASE("BringUp: a unit without scalable mode is a legacy unit", "[vtd][bring-up]") {
    Guest guest(Mode::Legacy, {.properties = ",smts=off"});
    CHECK(extract(guest.unit.read64(reg::ECAP), 43, 43) == 0);
    const auto page = guest.patterned_page(1);
    auto stage = guest.second_stage();
    stage.map({.iova = 0x1000, .target = page});
    guest.legacy.set(guest.requester(), LegacyContext::translating(stage, 2));
    guest.start();
    CHECK(guest.dma_read(0x1000) == Guest::pattern(1));
}

TEST_CASE("BringUp: commands are taken from an 8-byte write, too", "[vtd][bring-up]") {
    Guest guest(Mode::Scalable);
    guest.unit.write64(reg::GCMD, QIE | std::uint64_t{0xffffffff} << 32);  // GCMD, then GSTS
    CHECK(guest.unit.status() == QIES);
    CHECK(guest.unit.read64(reg::GCMD) == std::uint64_t{QIES} << 32);
    guest.unit.write64(reg::GCMD, 0);
    CHECK(guest.unit.status() == 0);
}
