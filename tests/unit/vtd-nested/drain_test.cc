// SPDX-License-Identifier: GPL-2.0-or-later
//
// A wait that is held back for DMA under way, beside what else a wait can stand behind, and what else can happen to it.
// [VTD 5.10 s6.5.2.9-s6.5.2.12, s6.5.4]
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <tuple>

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

TEST_CASE("Drain: so are a new root table, translation turned off, and protected regions") {
    const std::function<void(Guest&)> changes[] = {
        [](Guest& guest) { guest.command(kSrtp); },
        [](Guest& guest) { guest.command(kTe, false); },
        [](Guest& guest) { guest.w32(kPmen, 1u << 31); },
    };
    // Without ESRTPS nothing is dropped at a new root table.
    for (const std::uint8_t esrtps : {std::uint8_t{0}, std::uint8_t{1}}) {
        for (const auto& change : changes) {
            Scene guest({.esrtps = esrtps});
            CAPTURE(&change - changes, esrtps);
            change(guest);
            guest.submit(wait_status(kStatus, 1));
            CHECK(guest.status() == 0);
            guest.dma_ends();
            CHECK(guest.status() == 1);
        }
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

namespace {

constexpr std::uint64_t kIotlb = 0x508;
constexpr std::uint64_t kBusy = 1ull << 63;  // ICC, IVT
constexpr std::uint64_t kGlobalContext = kBusy | 1ull << 61, kGlobalIotlb = kBusy | 1ull << 60;
constexpr std::uint64_t kCaigGlobal = 1ull << 59, kIaigGlobal = 1ull << 57;

// Legacy mode, no queue.
struct RegisterScene : Guest {
    RegisterScene() {
        enable(kTtmLegacy);
        ports.dma_under_way = true;
    }
    bool busy(std::uint64_t offset) { return (r64(offset) & kBusy) != 0; }
};

}  // namespace

TEST_CASE("Drain: ICC and IVT stay set until the DMA has ended, with what was done beside them") {
    for (const auto& [offset, command, done] :
         {std::tuple{kCcmd, kGlobalContext, kCaigGlobal}, {kIotlb, kGlobalIotlb, kIaigGlobal}}) {
        RegisterScene guest;
        CAPTURE(offset);
        guest.w64(offset, command);
        REQUIRE(guest.ports.drains.size() == 1);
        CHECK(guest.busy(offset));
        CHECK((guest.r64(offset) & done) == done);
        guest.unit.drained(guest.ports.drains[0] - 1);
        CHECK(guest.busy(offset));
        guest.unit.drained(guest.ports.drains[0]);
        CHECK_FALSE(guest.busy(offset));
        CHECK((guest.r64(offset) & done) == done);
    }
}

TEST_CASE("Drain: a command by register that is refused is over at once, and asks for nothing") {
    RegisterScene guest;
    guest.enable_queue();
    guest.w64(kIotlb, kGlobalIotlb);
    CHECK_FALSE(guest.busy(kIotlb));
    CHECK(guest.ports.drains.empty());
}

TEST_CASE("Drain: what is invalidated meanwhile does not keep a command by register from its end") {
    RegisterScene guest;
    guest.w64(kIotlb, kGlobalIotlb);
    REQUIRE(guest.ports.drains.size() == 1);
    guest.command(kSrtp);
    guest.unit.drained(guest.ports.drains[0]);
    CHECK_FALSE(guest.busy(kIotlb));
}

TEST_CASE("Drain: two commands by register are over when the DMA of the later one is") {
    RegisterScene guest;
    guest.w64(kCcmd, kGlobalContext);
    guest.w64(kIotlb, kGlobalIotlb);
    REQUIRE(guest.ports.drains.size() == 2);
    guest.unit.drained(guest.ports.drains[0]);
    CHECK(guest.busy(kIotlb));
    guest.unit.drained(guest.ports.drains[1]);
    CHECK_FALSE(guest.busy(kIotlb));
    CHECK_FALSE(guest.busy(kCcmd));
}

TEST_CASE("Drain: after a reset, and in a unit that takes over, no command by register is under way") {
    RegisterScene guest;
    guest.w64(kCcmd, kGlobalContext);
    guest.w64(kIotlb, kGlobalIotlb);
    Taken taken(guest);
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.unit.read(kCcmd, 8) >> 63 == 0);
    CHECK(taken.unit.read(kIotlb, 8) >> 63 == 0);
    const std::uint64_t early = guest.ports.drains.back();
    guest.unit.reset();
    CHECK_FALSE(guest.busy(kIotlb));
    guest.w64(kIotlb, kGlobalIotlb);
    guest.unit.drained(early);
    CHECK(guest.busy(kIotlb));
    guest.unit.drained(guest.ports.drains.back());
    CHECK_FALSE(guest.busy(kIotlb));
}
