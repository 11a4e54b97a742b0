// SPDX-License-Identifier: GPL-2.0-or-later
//
// An event queue that is full, disabled, or nowhere.
#include <catch2/catch_test_macros.hpp>

#include "client/eventually.h"
#include "smmuv3/scene.h"

using namespace smmu_driver;
using qtest::eventually;

namespace {

// Each access faults at its own page.
Event fault_at(const Guest& guest, unsigned page) {
    return event::of_access(event::F_TRANSLATION, guest.stream(), size_4k * page, Access::Read);
}
void cause_faults(Guest& guest, unsigned first, unsigned count) {
    for (unsigned page = first; page < first + count; ++page)
        guest.touch_read(size_4k * page);
}

}  // namespace

TEST_CASE("EventQueue: the records come in order, over the wrap", "[smmuv3][event-queue]") {
    Stage1Scene scene;
    scene.start();
    for (unsigned first = 0; first < 70; first += 7) {
        cause_faults(scene, first, 7);
        Events expected;
        for (unsigned page = first; page < first + 7; ++page)
            expected.push_back(fault_at(scene, page));
        CHECK(scene.take_events() == expected);
    }
    CHECK_FALSE(scene.events.overflowed());
}

TEST_CASE("EventQueue: what does not fit is lost, and said to be", "[smmuv3][event-queue]") {
    Stage1Scene scene;
    scene.start();
    const unsigned entries = scene.events.entries();
    cause_faults(scene, 0, entries);
    CHECK_FALSE(scene.events.overflowed());
    cause_faults(scene, entries, 3);
    CHECK(scene.events.overflowed());
    CHECK(scene.unit.active_errors() == 0);
    const std::uint32_t full = scene.unit.read32(reg::EVENTQ_PROD);
    // With room again, and before the overflow is acknowledged, new records come.
    scene.unit.write32(reg::EVENTQ_CONS, 2);
    scene.touch_read(size_4k * 100);
    CHECK(scene.unit.read32(reg::EVENTQ_PROD) == full + 1);
    CHECK(scene.events.overflowed());
    const auto events = scene.take_events();
    REQUIRE(events.size() == entries - 1);
    CHECK(events.front() == fault_at(scene, 2));
    CHECK(events.back() == fault_at(scene, 100));
    CHECK_FALSE(scene.events.overflowed());
    // The next overflow turns the flag back.
    cause_faults(scene, 0, entries + 1);
    CHECK(scene.events.overflowed());
    CHECK((scene.unit.read32(reg::EVENTQ_PROD) & OVFLG) == 0);
    CHECK(scene.take_events().size() == entries);
    CHECK_FALSE(scene.events.overflowed());
}

TEST_CASE("EventQueue: disabled, it gets none", "[smmuv3][event-queue]") {
    Stage1Scene scene;
    scene.start();
    scene.unit.set_cr0(CMDQEN | SMMUEN);
    cause_faults(scene, 0, 20);
    scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    CHECK(scene.take_events().empty());
    CHECK_FALSE(scene.events.overflowed());
    check_access(scene, size_4k, Access::Read, one(fault_at(scene, 1)));
}

TEST_CASE("EventQueue: nowhere, it is an error of its own", "[smmuv3][event-queue]") {
    Stage1Scene scene;
    scene.start();
    scene.unit.set_cr0(CMDQEN | SMMUEN);
    scene.unit.write64(reg::EVENTQ_BASE, nowhere | 4);
    scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    scene.touch_read(0);
    CHECK(eventually([&] { return scene.unit.active_errors() == EVENTQ_ABT_ERR; }));
    CHECK(scene.unit.read32(reg::EVENTQ_PROD) == 0);
    CHECK(scene.dma_read(iova) == Guest::pattern(1));
    // Repaired and acknowledged, it works.
    scene.unit.set_cr0(CMDQEN | SMMUEN);
    scene.events.set_up();
    scene.unit.acknowledge_errors();
    scene.unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
    check_access(scene, size_4k, Access::Read, one(fault_at(scene, 1)));
}

TEST_CASE("EventQueue: one message when it stops being empty", "[smmuv3][event-queue]") {
    Stage1Scene scene;
    qtest::Doorbell doorbell(scene.qemu.qtest(), scene.ram);
    scene.start();
    scene.unit.set_irq_ctrl(0);
    scene.unit.send_events_to(doorbell.address(), 0x4041);
    scene.unit.set_irq_ctrl(EVENTQ_IRQEN);
    for (int round = 0; round < 3; ++round) {
        scene.touch_read(0);
        CHECK(eventually([&] { return doorbell.take() == 0x4041; }));
        CHECK(scene.take_events().size() == 1);
    }
    CHECK(scene.counter("messages") == 3);
}

TEST_CASE("EventQueue: a message that goes nowhere", "[smmuv3][event-queue]") {
    Stage1Scene scene;
    scene.start();
    scene.unit.set_irq_ctrl(0);
    scene.unit.send_events_to(nowhere, 1);
    scene.unit.set_irq_ctrl(EVENTQ_IRQEN);
    scene.touch_read(0);
    CHECK(eventually([&] { return scene.unit.active_errors() == MSI_EVENTQ_ABT_ERR; }));
    CHECK(scene.take_events().size() == 1);
}
