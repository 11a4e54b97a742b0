// SPDX-License-Identifier: GPL-2.0-or-later
//
// A wait that is held back for DMA under way, beside what else a wait can stand behind, and what else can happen to it.
// [VTD 5.10 s6.5.2.9-s6.5.2.12, s6.5.4]
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "device_tlb_scene.h"

using namespace test;

namespace {

// Some DMA is under way whenever it is asked for.
struct Scene : DeviceTlbScene {
    explicit Scene(const vtd::Capabilities& asked = {}) : DeviceTlbScene(asked) {
        submit(wait_status(kOtherStatus, 100));
        ports.drains.clear();
        ports.dma_under_way = true;
        start = head();
    }
    void dma_ends() {
        REQUIRE_FALSE(ports.drains.empty());
        unit.drained(ports.drains.back());
    }
    std::uint64_t start = 0;
};

}  // namespace

TEST_CASE("Drain: the head stays on the wait; no status, no IWC, no event") {
    Scene guest;
    guest.w32(kIedata, 0x77), guest.w32(kIeaddr, 0xfee03000), guest.w32(kIectl, 0);
    guest.put(iotlb(1));
    guest.submit(wait_status(kStatus, 1, true));
    CHECK(guest.head() == guest.start + 1);
    CHECK(guest.status() == 0);
    CHECK((guest.r32(kIcs) & 1) == 0);
    CHECK(guest.events() == 0);
    guest.dma_ends();
    CHECK(guest.head() == guest.start + 2);
    CHECK(guest.status() == 1);
    CHECK((guest.r32(kIcs) & 1) == 1);
    CHECK(guest.events() == 1);
}

TEST_CASE("Drain: each kind of invalidation is waited for; a device's own translations and answers to it are not") {
    for (const Words4& command : {context_cache(1), pasid_cache(3), iotlb(1), pasid_iotlb(2, 7, 0)}) {
        Scene guest;
        CAPTURE(command[0]);
        guest.put(command);
        guest.submit(wait_status(kStatus, 1));
        CHECK(guest.status() == 0);
        guest.dma_ends();
        CHECK(guest.status() == 1);
    }
    Scene guest;
    guest.answer_at_once();
    guest.put(device_tlb(kDevice));
    guest.put(page_response(kDevice, 3, 0));
    guest.submit(wait_status(kStatus, 1));
    CHECK(guest.status() == 1);
    CHECK(guest.ports.drains.empty());
}

TEST_CASE("Drain: so are a new root table and translation turned off") {
    for (const std::uint32_t command : {kSrtp, kTe}) {
        Scene guest;
        CAPTURE(command);
        guest.command(command, command == kSrtp);
        guest.submit(wait_status(kStatus, 1));
        CHECK(guest.status() == 0);
        guest.dma_ends();
        CHECK(guest.status() == 1);
    }
}

TEST_CASE("Drain: a fence holds back what follows it until the DMA has ended") {
    Scene guest;
    guest.put(iotlb(1));
    guest.put(wait_status(kStatus, 1, false, true));
    guest.submit(device_tlb(kDevice));
    CHECK(guest.sent() == 0);
    guest.dma_ends();
    CHECK(guest.status() == 1);
    CHECK(guest.sent() == 1);
}

TEST_CASE("Drain: a wait behind a device and DMA completes when both have ended, in either order") {
    for (const bool dma_first : {true, false}) {
        Scene guest;
        CAPTURE(dma_first);
        guest.put(iotlb(1));
        guest.put(device_tlb(kDevice));
        guest.submit(wait_status(kStatus, 1));
        REQUIRE(guest.sent() == 1);
        CHECK(guest.ports.drains.size() == 1);
        if (dma_first) {
            guest.dma_ends();
            CHECK(guest.head() == guest.start + 3);
            CHECK(guest.status() == 0);
            guest.answer(kDevice, 1);
        } else {
            guest.answer(kDevice, 1);
            CHECK(guest.head() == guest.start + 2);
            CHECK(guest.status() == 0);
            guest.dma_ends();
        }
        CHECK(guest.status() == 1);
    }
}

TEST_CASE("Drain: a wait that a device is late for is aborted, though it was held back for DMA") {
    Scene guest;
    guest.put(iotlb(1));
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.at(kDeadline);
    CHECK(guest.fsts() == kIte);
    CHECK(guest.head() == guest.start + 3);
    guest.dma_ends();
    guest.w32(kFsts, kIte);
    CHECK(guest.status() == 0);
    // The next one has the same DMA behind it, which has ended.
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.status() == 0);
}

TEST_CASE("Drain: while ITE stands nothing is fetched, though the DMA has ended") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.put(iotlb(1));
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.head() == guest.start + 3);
    guest.at(kDeadline);
    CHECK(guest.fsts() == kIte);
    guest.dma_ends();
    CHECK(guest.head() == guest.start + 3);
    CHECK(guest.status(kOtherStatus) == 100);
    guest.w32(kFsts, kIte);
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.status() == 0);
}

TEST_CASE("Drain: the queue turned off forgets the wait; turned on again, it is another one") {
    Scene guest;
    guest.put(iotlb(1));
    guest.submit(wait_status(kStatus, 1));
    guest.command(kQie, false);
    CHECK(guest.head() == 0);
    guest.dma_ends();
    CHECK(guest.status() == 0);
    CHECK(guest.head() == 0);
    guest.enable_queue();
    guest.submit(wait_status(kOtherStatus, 2));
    CHECK(guest.status(kOtherStatus) == 2);
    CHECK(guest.status() == 0);
}

TEST_CASE("Drain: another unit takes over a wait that was held back, with the DMA of its own devices to look at") {
    Scene guest;
    guest.put(iotlb(1));
    guest.submit(wait_status(kStatus, 1));
    Taken taken(guest);
    taken.ports.dma_under_way = true;
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.kicks == 1);
    taken.unit.run_queue();
    REQUIRE(taken.ports.drains.size() == 1);
    CHECK(guest.status() == 0);
    taken.unit.drained(taken.ports.drains[0]);
    CHECK(guest.status() == 1);
}
