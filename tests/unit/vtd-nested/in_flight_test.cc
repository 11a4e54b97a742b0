// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the queue has fetched and not finished: order, bounds, and taking it over from a saved state.
// [VTD 5.10 s6.5.2.9, s6.5.2.12]
#include "vtd-nested/in_flight.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "vtd_guest.h"

using namespace test;
using vtd::InFlight;
using State = std::array<std::uint64_t, InFlight::kStateWords>;

namespace {

constexpr std::uint64_t kStatus = 0x1f00000;

// Sends one to the device; its ITag.
std::uint8_t send(InFlight& in_flight, std::uint32_t device, std::uint64_t deadline_ns = 100) {
    vtd::DeviceInvalidation command;
    command.request.requester = command.function = iommu::RequesterId{device};
    const auto message = in_flight.send(command, deadline_ns);
    REQUIRE(message);
    CHECK(message->requester.value == device);
    return message->itag;
}

vtd::Wait wait(std::uint32_t data, bool fence = false) {
    return {.interrupt = false, .status_address = iommu::Pa{kStatus}, .status_data = data, .fence = fence};
}

bool answer(InFlight& in_flight, std::uint32_t device, std::uint32_t vector) {
    return in_flight.complete({.requester = iommu::RequesterId{device}, .itag_vector = vector, .count = 1});
}

// The data of the wait that is due; 0 for none.
std::uint32_t due(InFlight& in_flight) {
    const auto taken = in_flight.take_due();
    return taken ? taken->status_data : 0;
}

// A request to one device and a wait behind it, then, 7 ns later, the same for another device.
void two_devices(Guest& guest) {
    guest.enable_queue();
    guest.enable(kTtmScalable);
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.ports.time_ns = 7;
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kStatus + 8, 2));
}

State saved(const InFlight& in_flight) {
    State words{};
    in_flight.save(words);
    return words;
}

}  // namespace

TEST_CASE("Waits are due in order, each when what was sent before it has ended") {
    InFlight in_flight;
    CHECK(in_flight.idle());
    (void)send(in_flight, 1);
    CHECK_FALSE(in_flight.idle());
    REQUIRE(in_flight.add(wait(10)));
    (void)send(in_flight, 2);
    REQUIRE(in_flight.add(wait(20)));
    CHECK_FALSE(in_flight.has_due());
    CHECK(answer(in_flight, 2, 1));
    CHECK_FALSE(in_flight.has_due());
    CHECK(due(in_flight) == 0);
    CHECK(answer(in_flight, 1, 1));
    CHECK(due(in_flight) == 10);
    CHECK_FALSE(in_flight.idle());
    CHECK(due(in_flight) == 20);
    CHECK(in_flight.idle());
}

TEST_CASE("A request is uncovered until a wait is fetched behind it, also when that is gone again") {
    InFlight in_flight;
    CHECK_FALSE(in_flight.uncovered());
    (void)send(in_flight, 1);
    CHECK(in_flight.uncovered());
    REQUIRE(in_flight.add(wait(1)));
    CHECK_FALSE(in_flight.uncovered());
    CHECK(in_flight.abort_waits() == 1);
    CHECK_FALSE(in_flight.uncovered());
    (void)send(in_flight, 1);
    CHECK(in_flight.uncovered());
    CHECK(answer(in_flight, 1, 2));
    CHECK_FALSE(in_flight.uncovered());
}

TEST_CASE("A fence holds back while it is pending, a wait without FN never") {
    InFlight in_flight;
    (void)send(in_flight, 1);
    REQUIRE(in_flight.add(wait(1)));
    CHECK_FALSE(in_flight.fenced());
    REQUIRE(in_flight.add(wait(2, true)));
    CHECK(in_flight.fenced());
    CHECK(answer(in_flight, 1, 1));
    CHECK(due(in_flight) == 1);
    CHECK(in_flight.fenced());
    CHECK(due(in_flight) == 2);
    CHECK_FALSE(in_flight.fenced());
}

TEST_CASE("No more waits are kept than the bound") {
    InFlight in_flight;
    (void)send(in_flight, 1);
    for (std::uint32_t i = 1; i <= 64; ++i)
        REQUIRE(in_flight.add(wait(i)));
    CHECK_FALSE(in_flight.add(wait(65)));
    CHECK(in_flight.abort_waits() == 64);
    CHECK(in_flight.add(wait(66)));
}

TEST_CASE("The words do not depend on how much was sent and ended before") {
    InFlight fresh;
    InFlight old;
    for (unsigned i = 0; i < 1000; ++i) {
        (void)send(old, 3);
        CHECK(answer(old, 3, 1));
    }
    for (InFlight* one : {&fresh, &old}) {
        (void)send(*one, 1, 500);
        REQUIRE(one->add({.interrupt = true, .status_address = {}, .status_data = 7, .fence = false}));
        (void)send(*one, 0xffff, 600);
        REQUIRE(one->add(wait(8, true)));
    }
    CHECK(saved(fresh) == saved(old));
    InFlight loaded;
    loaded.load(saved(old));
    CHECK(saved(loaded) == saved(old));
    CHECK(loaded.deadline_ns() == 500);
    CHECK(loaded.fenced());
    CHECK(answer(loaded, 1, 1));
    const auto first = loaded.take_due();
    REQUIRE(first);
    CHECK(first->interrupt);
    CHECK_FALSE(first->status_address);
    CHECK(first->status_data == 7);
    CHECK_FALSE(loaded.has_due());
    CHECK(answer(loaded, 0xffff, 1));
    const auto second = loaded.take_due();
    REQUIRE(second);
    CHECK_FALSE(second->interrupt);
    CHECK(second->status_address == iommu::Pa{kStatus});
}

TEST_CASE("Words that say more than can be are cut to what can be") {
    State words{};
    words.fill(~0ull);
    InFlight in_flight;
    in_flight.load(words);
    // All of them have the same ITag, so they are one.
    REQUIRE(in_flight.open().size() == 1);
    CHECK(in_flight.open()[0].requester.value == 0xffff);
    CHECK(in_flight.open()[0].itag == 31);
    CHECK_FALSE(in_flight.has_due());
    CHECK_FALSE(in_flight.add(wait(1)));
    CHECK(in_flight.abort_waits() == 64);
    // Waits are due in the order they stand, whatever they say.
    words = {};
    words[0] = 2, words[1] = 2, words[2] = 5;
    words[3] = 0x0001'0001, words[5] = 0x0002'0002;
    words[3 + 512] = 2u << 16 | 1ull << 32;  // BEHIND=2
    words[3 + 514] = 1u << 16 | 2ull << 32;  // BEHIND=1
    in_flight.load(words);
    CHECK_FALSE(in_flight.uncovered());
    CHECK(answer(in_flight, 1, 1));
    CHECK_FALSE(in_flight.has_due());
    CHECK(answer(in_flight, 2, 1));
    CHECK(due(in_flight) == 1);
    CHECK(due(in_flight) == 2);
}

TEST_CASE("Any words load into something that saves and loads as itself") {
    std::mt19937_64 random(20260311);
    for (unsigned round = 0; round < 300; ++round) {
        State words{};
        for (std::uint64_t& word : words)
            word = random();
        words[0] = random() % 300;
        words[1] = random() % 80;
        InFlight once;
        once.load(words);
        InFlight twice;
        twice.load(saved(once));
        REQUIRE(saved(once) == saved(twice));
        REQUIRE(once.open().size() <= 256);
        (void)once.expire(random());
        while (once.take_due()) {
        }
    }
}

TEST_CASE("A loaded unit waits for the answers that the saved one waited for, until the same time") {
    Guest guest;
    two_devices(guest);
    Taken taken(guest);
    taken.ports.time_ns = 100;
    REQUIRE(taken.unit.load(guest.unit.save()));
    CHECK(taken.ports.deadlines_changed == 1);
    CHECK(taken.ports.kicks == 0);
    CHECK(taken.unit.deadline_ns() == kTimeout);
    CHECK(taken.ports.invalidates.empty());  // they were sent
    taken.unit.invalidate_completed({.requester = iommu::RequesterId{kDevice}, .itag_vector = 1, .count = 1});
    CHECK(guest.ram.peek32(kStatus) == 1);
    CHECK(guest.ram.peek32(kStatus + 8) == 0);
    taken.ports.time_ns = kTimeout + 6;
    taken.unit.tick();
    CHECK(taken.unit.read(kFsts, 4) == 0);
    taken.ports.time_ns = kTimeout + 7;
    taken.unit.tick();
    CHECK(taken.unit.read(kFsts, 4) == kIte);
    CHECK((taken.unit.read(kIqercd, 8) >> 32 & 0xffff) == kOtherDevice);
    // Loaded over what was in flight here: that is forgotten, also for the owner's timer.
    const Guest idle;
    REQUIRE(guest.unit.load(idle.unit.save()));
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
}

TEST_CASE("As much as can be in flight is saved and loaded") {
    Guest guest;
    guest.w64(kIqa, 0x1c00000 | 7);
    guest.command(kQie);
    std::uint32_t number = 0;
    const auto put = [&](const Words4& words) {
        guest.poke(0x1c00000 + 16 * number, words[0]);
        guest.poke(0x1c00000 + 16 * number + 8, words[1]);
        ++number;
    };
    for (unsigned i = 0; i < 300; ++i) {
        put(device_tlb(0xff00 + i / 32, 0, false, {.pfsid = 0xff00 + i / 32}));
        if (i % 5 == 4) put(wait_status(kStatus + 8 * i, i, i % 2 == 0, false));
    }
    guest.w64(kIqt, 16 * number);
    REQUIRE(guest.ports.invalidates.size() == iommu::InvalidateTracker::kMost);
    const auto words = guest.unit.save();
    Taken taken(guest);
    REQUIRE(taken.unit.load(words));
    CHECK(taken.unit.save() == words);
    CHECK(taken.unit.deadline_ns() == guest.unit.deadline_ns());
}
