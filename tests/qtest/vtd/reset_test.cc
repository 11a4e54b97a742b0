// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reset button, pressed in the middle of everything.
#include <catch2/catch_test_macros.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "vtd/guest.h"

using namespace vtd_driver;

namespace {

constexpr std::uint64_t iova = 0x123456789000;

// A machine in full swing: faults recorded, both events pending, the queue stopped by an error, regions protected.
struct BusyGuest : Guest {
    Bytes power_on = registers();
    qtest::Doorbell doorbell{qemu.qtest(), ram};
    std::uint64_t page = patterned_page(1);
    PageTable stage = second_stage();

    explicit BusyGuest(const std::string& properties = "") : Guest(Mode::Scalable, {.properties = properties}) {
        stage.map({.iova = iova, .target = page});
        scalable.set(requester(), PasidEntry::over_second_stage(stage, 5));
        start();
        unit.send_fault_events_to(doorbell.address(), 0x41);
        unit.send_completion_events_to(doorbell.address(), 0x42);
        unit.write32(reg::FECTL, IM);
        unit.write32(reg::IECTL, IM);
        for (unsigned i = 0; i < unit.fault_registers() + 1; ++i)
            touch_read(0x1000 * i);
        queue.submit(descriptor::wait(wait_IF));
        queue.push({0});
        queue.ring();
        unit.write64(reg::PHMBASE, bit(40));
        unit.write64(reg::PHMLIMIT, bit(41));
    }
    [[nodiscard]] Bytes registers() { return qemu.qtest().memread(registers_base, 0x1000); }
};

// The device as firmware and driver set it up again.
qtest::EduDevice edu_after_reset(Guest& guest) {
    guest.pci = qtest::PciBus(guest.qemu.qtest());
    return {guest.qemu.qtest(), guest.pci.find(qtest::EduDevice::id)};
}

}  // namespace

TEST_CASE("Reset: the registers are as at power-on", "[vtd][reset]") {
    BusyGuest guest;
    CHECK((guest.unit.read32(reg::FSTS) & (PPF | PFO | IQE)) == (PPF | PFO | IQE));
    CHECK(guest.unit.read32(reg::FECTL) == (IM | IP));
    CHECK(guest.unit.read32(reg::IECTL) == (IM | IP));
    CHECK(guest.registers() != guest.power_on);
    guest.qemu.system_reset();
    CHECK(guest.registers() == guest.power_on);
    CHECK_FALSE(guest.doorbell.take());
}

TEST_CASE("Reset: DMA goes untranslated again", "[vtd][reset]") {
    BusyGuest guest;
    guest.qemu.system_reset();
    auto edu = edu_after_reset(guest);
    CHECK(guest.dma_read(edu, guest.page) == Guest::pattern(1));
}

TEST_CASE("Reset: nothing of before is cached", "[vtd][reset]") {
    // Setting the root table does not invalidate, so nothing but the reset can have.
    BusyGuest guest(",esrtps=off");
    REQUIRE(guest.dma_read(iova) == Guest::pattern(1));
    guest.qemu.system_reset();
    auto edu = edu_after_reset(guest);
    guest.stage.map({.iova = iova, .target = guest.patterned_page(2)});
    // No invalidation: the driver of the next boot has no old entries to invalidate.
    guest.unit.set_root_table(guest.scalable.root(), Mode::Scalable);
    guest.unit.set(TE);
    CHECK(guest.dma_read(edu, iova) == Guest::pattern(2));
    CHECK(guest.take_faults().empty());
}

TEST_CASE("Reset: the unit can be brought up again, and again", "[vtd][reset]") {
    BusyGuest guest;
    for (int round = 0; round < 3; ++round) {
        guest.qemu.system_reset();
        auto edu = edu_after_reset(guest);
        guest.start();
        CHECK(guest.dma_read(edu, iova) == Guest::pattern(1));
        CHECK(guest.take_faults().empty());
    }
}

TEST_CASE("Reset: a transfer under way ends without harm", "[vtd][reset]") {
    BusyGuest guest;
    guest.edu.start_write(iova, Guest::transfer);
    guest.qemu.system_reset();
    guest.qemu.qtest().clock_step(200'000'000);
    // Nothing got through: the reset took away the right to do DMA.
    CHECK(guest.memory(guest.page) == Guest::pattern(1));
    CHECK(guest.registers() == guest.power_on);
}

TEST_CASE("Reset: a queue under way is forgotten", "[vtd][reset]") {
    Guest guest(Mode::Scalable);
    InvalidationQueue queue(guest.ram, guest.unit, Width::Long, 7);
    queue.enable();
    std::vector<Descriptor> descriptors(queue.slots() - 2, descriptor::wait(0));
    descriptors.push_back(descriptor::wait_status(queue.status_address(), 1));
    queue.fill(descriptors);
    guest.qemu.qmp().execute("stop");  // the main loop must not get ahead of the test
    queue.ring();
    CHECK(queue.head() != 0);
    guest.qemu.system_reset();
    guest.qemu.qmp().execute("cont");
    CHECK(queue.head() == 0);
    CHECK(guest.unit.read64(reg::IQT) == 0);
    CHECK(guest.unit.status() == 0);
    CHECK(queue.status() == 0);
}
