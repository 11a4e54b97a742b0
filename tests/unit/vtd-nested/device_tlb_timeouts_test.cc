// SPDX-License-Identifier: GPL-2.0-or-later
//
// Devices that answer too late or not at all: ITE. [VTD 5.10 s4.3, s6.5.2.11, s11.4.7.1, s11.4.9.9]
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <vector>

#include "device_tlb_scene.h"

using namespace test;
using Scene = DeviceTlbScene;

TEST_CASE("A device is silent until the deadline: one nanosecond before it nothing, at it ITE") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1, true));
    guest.at(kDeadline - 1);
    CHECK(guest.fsts() == 0);
    CHECK(guest.unit.deadline_ns() == kDeadline);
    CHECK(guest.events() == 0);
    guest.at(kDeadline);
    CHECK(guest.fsts() == kIte);
    CHECK(guest.itesid() == kDevice);
    CHECK(guest.icesid() == 0);
    CHECK(guest.head() == 2);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    CHECK(guest.ports.deadlines_changed == 2);
    CHECK(guest.events() == 1);
    CHECK(guest.unit.counters().timeouts == 1);
    CHECK(guest.unit.counters().queue_errors == 0);
    // The wait is aborted: no word, no IWC, whatever comes.
    guest.w32(kFsts, kIte);
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.status() == 0);
    CHECK(guest.r32(kIcs) == 0);
    CHECK(guest.unit.counters().waits == 1);
}

TEST_CASE("An answer one nanosecond before the deadline is in time") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.ports.time_ns = kDeadline - 1;
    guest.answer(kDevice, 1);
    guest.at(kDeadline);
    CHECK(guest.status() == 1);
    CHECK(guest.fsts() == 0);
}

TEST_CASE("The time-out is what the unit was tuned to") {
    Guest with_tables;
    FakePorts ports;
    vtd::Unit unit(*vtd::settle({}), {.iotlb_entries = 64, .invalidate_timeout_ms = 3}, ports.references());
    const std::array ranges{with_tables.ram.range()};
    unit.memory().set_ram(ranges);
    const std::uint64_t queue = with_tables.alloc_page();
    with_tables.poke(queue, device_tlb(kDevice)[0]);
    unit.write(kIqa, queue, 8);
    unit.write(kGcmd, kQie, 4);
    unit.write(kIqt, 16, 8);
    CHECK(unit.deadline_ns() == 3'000'000);
    ports.time_ns = 3'000'000;
    unit.tick();
    CHECK(unit.read(kFsts, 4) == kIte);
}

TEST_CASE("ITE stops fetching until it is cleared; then the queue goes on by itself, from memory") {
    for (const bool wide_access : {false, true}) {
        Scene guest;
        CAPTURE(wide_access);
        guest.put(device_tlb(kDevice));
        guest.submit(wait_status(kStatus, 1));
        guest.at(kDeadline);
        guest.put(device_tlb(kOtherDevice));
        guest.submit(wait_status(kOtherStatus, 2));
        guest.unit.run_queue();
        CHECK(guest.head() == 2);
        CHECK(guest.sent() == 1);
        // Software changes its mind about what was not fetched.
        guest.poke(guest.queue + 64, iotlb(1)[0]);
        if (wide_access) {
            guest.w64(kFsts - 4, std::uint64_t{kIte} << 32);
        } else {
            guest.w32(kFsts, kIte);
        }
        CHECK(guest.fsts() == 0);
        CHECK(guest.head() == 4);
        CHECK(guest.sent() == 1);
        CHECK(guest.status(kOtherStatus) == 2);
    }
}

TEST_CASE("A resubmitted invalidation is sent again and may succeed") {
    Scene guest;
    guest.put(device_tlb(kDevice, 0x4000));
    guest.submit(wait_status(kStatus, 1));
    guest.at(kDeadline);
    guest.w32(kFsts, kIte);
    guest.put(device_tlb(kDevice, 0x4000));
    guest.submit(wait_status(kStatus, 2));
    REQUIRE(guest.sent() == 2);
    CHECK(guest.ports.invalidates[1].range == guest.ports.invalidates[0].range);
    CHECK(guest.unit.deadline_ns() == kDeadline + kTimeout);
    guest.answer(kDevice, 1u << guest.ports.invalidates[1].itag);
    CHECK(guest.status() == 2);
    CHECK(guest.fsts() == 0);
}

TEST_CASE("An answer after the time-out fits nothing") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.at(kDeadline);
    guest.answer(kDevice, 1);
    CHECK(guest.fsts() == (kIte | kIce));
    CHECK(guest.itesid() == kDevice);
    CHECK(guest.icesid() == kDevice);
    CHECK(guest.events() == 1);  // ICE finds ITE standing
    CHECK(guest.status() == 0);
    guest.w32(kFsts, kIte | kIce);
    CHECK(guest.fsts() == 0);
}

TEST_CASE("One device is silent, the other answers: its request ends, though its wait is aborted too") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(kStatus, 1));
    guest.ports.time_ns += 5;
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kOtherStatus, 2));
    guest.at(kDeadline + 5);
    CHECK(guest.itesid() == kDevice);
    Scene apart;
    apart.submit(device_tlb(kDevice));
    apart.ports.time_ns += 5;
    apart.put(device_tlb(kOtherDevice));
    apart.submit(wait_status(kOtherStatus, 2));
    apart.at(kDeadline);
    CHECK(apart.itesid() == kDevice);
    CHECK(apart.unit.deadline_ns() == kDeadline + 5);
    // Answers are taken while ITE stands.
    apart.answer(kOtherDevice, 1);
    CHECK(apart.fsts() == kIte);
    CHECK(apart.unit.deadline_ns() == iommu::kNever);
    apart.w32(kFsts, kIte);
    CHECK(apart.status(kOtherStatus) == 0);
}

TEST_CASE("Of several that are late at once the oldest is named, and all end") {
    Scene guest;
    guest.put(device_tlb(kOtherDevice));
    guest.put(device_tlb(kDevice));
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.at(kDeadline);
    CHECK(guest.itesid() == kOtherDevice);
    CHECK(guest.unit.counters().timeouts == 3);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    CHECK(guest.events() == 1);
}

TEST_CASE("A time-out while ITE stands changes nothing that software sees") {
    Scene guest;
    guest.submit(device_tlb(kDevice));
    guest.ports.time_ns += 5;
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.at(kDeadline);
    REQUIRE(guest.itesid() == kDevice);
    guest.submit(wait_status(kOtherStatus, 2));
    guest.at(kDeadline + 5);
    CHECK(guest.fsts() == kIte);
    CHECK(guest.itesid() == kDevice);
    CHECK(guest.events() == 1);
    CHECK(guest.head() == 3);
    CHECK(guest.unit.counters().timeouts == 2);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    guest.w32(kFsts, kIte);
    CHECK(guest.fsts() == 0);
    CHECK(guest.status(kOtherStatus) == 2);
}

TEST_CASE("After ITE was cleared a later time-out sets it anew, with another id and another event") {
    Scene guest;
    guest.submit(device_tlb(kDevice));
    guest.ports.time_ns += 5;
    guest.submit(device_tlb(kOtherDevice));
    guest.at(kDeadline);
    guest.w32(kFsts, kIte);
    guest.submit(wait_status(kStatus, 1));
    CHECK(guest.status() == 0);
    guest.at(kDeadline + 5);
    CHECK(guest.fsts() == kIte);
    CHECK(guest.itesid() == kOtherDevice);
    CHECK(guest.events() == 2);
    guest.w32(kFsts, kIte);
    CHECK(guest.status() == 0);
}

TEST_CASE("A time-out aborts a fence, and what it held back is fetched after the clear") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(kStatus, 1, false, true));
    guest.submit(wait_status(kOtherStatus, 2));
    guest.at(kDeadline);
    CHECK(guest.head() == 2);
    CHECK(guest.status(kOtherStatus) == 0);
    guest.w32(kFsts, kIte);
    CHECK(guest.status() == 0);
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.head() == 3);
}

// ---- The wait is not fetched yet when the time is over: see device_tlbs.cc

TEST_CASE("The wait behind a silent device is aborted even when the queue was held before it") {
    Scene guest;
    guest.put(device_tlb(kDevice, 0, false, {.mip = 1}));
    guest.put(device_tlb(kDevice, 0, false, {.mip = 1}));
    guest.put(pasid_cache(3));
    guest.put(wait_status(kStatus, 1));
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.head() == 1);
    guest.at(kDeadline);
    CHECK(guest.fsts() == kIte);
    // Past the first wait, not past the second: a driver finds its wait before the head.
    CHECK(guest.head() == 4);
    CHECK(guest.sent() == 1);
    // What needs no device was carried out.
    CHECK(guest.unit.counters().invalidations == 2);
    guest.w32(kFsts, kIte);
    CHECK(guest.head() == 6);
    CHECK(guest.sent() == 2);
    CHECK(guest.status() == 0);
    guest.answer(kOtherDevice, 1);
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.status() == 0);
}

TEST_CASE("A wait behind a held request whose batch before it was covered is left to run") {
    Scene guest;
    guest.put(device_tlb(kDevice, 0, false, {.mip = 1}));
    guest.put(wait_status(kStatus, 1));
    guest.put(device_tlb(kDevice, 0, false, {.mip = 1}));
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.head() == 2);
    guest.at(kDeadline);
    CHECK(guest.head() == 2);
    CHECK(guest.sent() == 1);
    guest.w32(kFsts, kIte);
    CHECK(guest.sent() == 2);
    guest.answer(kDevice, 1u << guest.ports.invalidates.at(1).itag);
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.status() == 0);
}

TEST_CASE("Without a wait that can be fetched the head stays at a time-out") {
    const std::vector<std::pair<const char*, std::function<void(Scene&)>>> rests{
        {"no wait in the queue", [](Scene& guest) { guest.submit(iotlb(1)); }},
        {"an invalid descriptor before it",
         [](Scene& guest) {
             guest.put({0xf});
             guest.submit(wait_status(kStatus, 1));
         }},
        {"a tail that cannot be",
         [](Scene& guest) {
             guest.put(wait_status(kStatus, 1));
             guest.w64(kIqt, 0x1000);
         }},
        {"a queue that is no memory any more",
         [](Scene& guest) {
             guest.put(wait_status(kStatus, 1));
             guest.w64(kIqa, 0xfed9'0800);
             guest.ring_doorbell();
         }},
    };
    for (const auto& [what, rest] : rests) {
        Scene guest;
        guest.submit(device_tlb(kDevice, 0, false, {.mip = 1}));
        guest.submit(device_tlb(kDevice, 0, false, {.mip = 1}));
        rest(guest);
        CAPTURE(what);
        guest.at(kDeadline);
        CHECK((guest.fsts() & kIte) != 0);
        CHECK(guest.head() == 1);
        CHECK(guest.sent() == 1);
        CHECK(guest.unit.counters().invalidations == 1);
    }
}

TEST_CASE("A time-out does not move the head while the queue is off or stopped by an error") {
    for (const std::uint32_t stop : {kIqe, kIte, kQie}) {
        Scene guest;
        CAPTURE(stop);
        guest.submit(device_tlb(kOtherDevice));
        guest.ports.time_ns += 5;
        guest.submit(device_tlb(kDevice));
        if (stop == kIqe) guest.submit({0xf});
        if (stop == kIte) guest.at(kDeadline);
        if (stop == kQie) guest.command(kQie, false);
        const std::uint64_t head = guest.head();
        if (stop == kIqe) guest.poke(guest.queue + 64, iotlb(1)[0]);
        guest.submit(wait_status(kStatus, 1));
        guest.at(kDeadline + 5);
        CHECK(guest.head() == head);
        CHECK((guest.fsts() & kIte) != 0);
        CHECK(guest.unit.deadline_ns() == iommu::kNever);
    }
}

TEST_CASE("What was answered before the time-out was found completes its wait first") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(kStatus, 1));
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kOtherStatus, 2));
    guest.ports.time_ns = kDeadline;  // and nobody has looked at the clock yet
    guest.answer(kDevice, 1);
    CHECK(guest.status() == 1);
    CHECK(guest.fsts() == kIte);
    CHECK(guest.itesid() == kOtherDevice);
    CHECK(guest.status(kOtherStatus) == 0);
}

TEST_CASE("The 65th wait is aborted with the others when what is before it times out") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    for (unsigned i = 1; i <= 64; ++i)
        guest.put(wait_status(kStatus, i));
    guest.put(device_tlb(kOtherDevice));
    guest.put(wait_status(kStatus, 65));
    guest.submit(wait_status(kOtherStatus, 66));
    CHECK(guest.head() == 66);
    guest.at(kDeadline);
    CHECK(guest.head() == 67);
    guest.w32(kFsts, kIte);
    CHECK(guest.status() == 0);
    CHECK(guest.status(kOtherStatus) == 66);
}
