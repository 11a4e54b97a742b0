// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidations of device-TLBs in flight while something else happens: other errors, the queue turned off, reset, more
// of them than there can be. [VTD 5.10 s6.5.2, s6.5.2.11]
#include <catch2/catch_test_macros.hpp>

#include "device_tlb_scene.h"

using namespace test;
using Scene = DeviceTlbScene;

TEST_CASE("IQE while invalidations are open: waits before it still complete") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(kStatus, 1));
    guest.put({0xf});
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.fsts() == kIqe);
    CHECK(guest.head() == 2);
    guest.answer(kDevice, 1);
    CHECK(guest.status() == 1);
    CHECK(guest.status(kOtherStatus) == 0);
    CHECK(guest.fsts() == kIqe);
    CHECK(guest.head() == 2);
}

TEST_CASE("IQE and ITE at once: the queue goes on when both are cleared") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(kStatus, 1));
    guest.put({0xf});
    guest.submit(wait_status(kOtherStatus, 2));
    guest.at(kDeadline);
    CHECK(guest.fsts() == (kIqe | kIte));
    CHECK(guest.events() == 1);
    CHECK(guest.head() == 2);
    guest.poke(guest.queue + 64, iotlb(1)[0]);
    guest.w32(kFsts, kIqe);
    CHECK(guest.fsts() == kIte);
    CHECK(guest.head() == 2);
    guest.w32(kFsts, kIte);
    CHECK(guest.fsts() == 0);
    CHECK(guest.head() == 4);
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.status() == 0);
}

TEST_CASE("The queue turned off drops waits; devices may still answer, and be late") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.command(kQie, false);
    CHECK(guest.head() == 0);
    guest.answer(kDevice, 1);
    CHECK(guest.fsts() == 0);
    guest.enable_queue();
    guest.submit(device_tlb(kDevice));
    guest.answer(kDevice, 1);
    guest.at(kDeadline);
    CHECK(guest.fsts() == kIte);
    CHECK(guest.itesid() == kOtherDevice);
    guest.w32(kFsts, kIte);
    CHECK(guest.status() == 0);
}

TEST_CASE("A wait that was pending when the queue was turned off does not complete later") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1, true));
    guest.command(kQie, false);
    guest.answer(kDevice, 1);
    guest.enable_queue();
    CHECK(guest.status() == 0);
    CHECK(guest.r32(kIcs) == 0);
    CHECK(guest.fsts() == 0);
}

TEST_CASE("Time that passes while the queue is being run is not overlooked") {
    Scene guest;
    guest.ports.on_invalidate = [&](const iommu::InvalidateRequest& request) {
        if (request.requester.value == kOtherDevice) guest.at(kDeadline);
    };
    guest.put(device_tlb(kDevice));
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kStatus, 1));
    CHECK(guest.fsts() == kIte);
    CHECK(guest.unit.counters().timeouts == 2);
}

TEST_CASE("A snapshot may bring back an earlier time") {
    Scene guest;
    guest.submit(device_tlb(kDevice));
    const auto words = guest.unit.save();
    guest.at(10 * kDeadline);
    REQUIRE(guest.fsts() == kIte);
    guest.ports.time_ns = kNow;
    REQUIRE(guest.unit.load(words));
    guest.at(kDeadline - 1);
    CHECK(guest.fsts() == 0);
    guest.at(kDeadline);
    CHECK(guest.fsts() == kIte);
}

TEST_CASE("Reset forgets what is in flight, and tells that there is no deadline any more") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    const unsigned before = guest.ports.deadlines_changed;
    guest.unit.reset();
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    CHECK(guest.ports.deadlines_changed == before + 1);
    // Too late for the one, before anything was set up: an unsupported request.
    guest.answer(kDevice, 1);
    CHECK(guest.fsts() == 0);
    guest.at(kDeadline);
    CHECK(guest.fsts() == 0);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.status() == 0);
    CHECK(guest.status(kOtherStatus) == 2);
    // And once translation is on again, it fits nothing.
    guest.answer(kDevice, 1);
    CHECK(guest.fsts() == kIce);
}

TEST_CASE("Thousands of invalidations to nobody: the queue is held, nothing grows, and time ends them") {
    Guest guest;
    constexpr std::uint64_t kBigQueue = 0x1e00000;
    guest.ports.time_ns = kNow;
    guest.w64(kIqa, kBigQueue | 0x807);  // 16384 descriptors
    guest.enable(kTtmScalable);
    guest.command(kQie);
    constexpr unsigned kMany = 16383;
    for (unsigned i = 0; i < kMany; ++i) {
        const Words4 words =
            i % 50 == 49 ? wait_status(kStatus, i) : device_tlb(i % 5000, 0, false, {.pfsid = i % 5000});
        for (unsigned w = 0; w < 4; ++w)
            guest.poke(kBigQueue + 32 * i + 8 * w, words[w]);
    }
    guest.w64(kIqt, 32 * kMany);
    CHECK(guest.ports.invalidates.size() == iommu::InvalidateTracker::kMost);
    CHECK(guest.ports.kicks == 0);
    std::uint64_t time = kNow;
    unsigned rounds = 0;
    while (guest.r64(kIqh) != guest.r64(kIqt) && ++rounds < 200) {
        time += kTimeout;
        guest.at(time);
        REQUIRE(guest.r32(kFsts) == kIte);
        guest.w32(kFsts, kIte);
        REQUIRE(guest.r32(kFsts) == 0);
    }
    CHECK(rounds < 100);
    CHECK(guest.ram.peek32(kStatus) == 0);
    guest.at(time + kTimeout);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
}
