// SPDX-License-Identifier: GPL-2.0-or-later
//
// Devices that answer what nobody asked: ICE. [VTD 5.10 s4.2.1, s4.3, s6.5.2.11, s11.4.7.1, s11.4.9.9]
#include <catch2/catch_test_macros.hpp>

#include "device_tlb_scene.h"

using namespace test;
using Scene = DeviceTlbScene;

namespace {

constexpr std::uint32_t kIm = 1u << 31, kIp = 1u << 30;

}  // namespace

TEST_CASE("An answer that fits nothing sets ICE with the sender's id and raises the fault event") {
    struct Case {
        const char* what;
        std::uint32_t sender;
        std::uint32_t vector;
        std::size_t still_open;
    };
    for (const Case& item : {
             Case{"wrong ITag", kDevice, 0x2, 1},
             Case{"from another requester", kOtherDevice, 0x1, 1},
             Case{"empty vector", kDevice, 0, 1},
             Case{"one right, one wrong", kDevice, 0x80000001, 0},
         }) {
        Scene guest;
        guest.put(device_tlb(kDevice));
        guest.submit(wait_status(kStatus, 1));
        CAPTURE(item.what);
        guest.answer(item.sender, item.vector);
        CHECK(guest.fsts() == kIce);
        CHECK(guest.icesid() == item.sender);
        CHECK(guest.itesid() == 0);
        CHECK(guest.events() == 1);
        CHECK((guest.unit.deadline_ns() != iommu::kNever) == (item.still_open != 0));
        CHECK(guest.status() == (item.still_open == 0 ? 1u : 0u));
        CHECK(guest.unit.counters().unexpected_completions == 1);
        CHECK(guest.unit.counters().timeouts == 0);
    }
}

TEST_CASE("An answer nobody asked for, or a second one, sets ICE") {
    Scene unasked;
    unasked.answer(kDevice, 1);
    CHECK(unasked.fsts() == kIce);
    Scene twice;
    twice.submit(device_tlb(kDevice));
    twice.answer(kDevice, 1);
    CHECK(twice.fsts() == 0);
    twice.answer(kDevice, 1);
    CHECK(twice.fsts() == kIce);
    CHECK(twice.icesid() == kDevice);
}

TEST_CASE("ICESID keeps the first sender until ICE is cleared, and there is one event") {
    Scene guest;
    guest.answer(kDevice, 1);
    guest.answer(kOtherDevice, 1);
    CHECK(guest.icesid() == kDevice);
    CHECK(guest.events() == 1);
    guest.w32(kFsts, kIce);
    CHECK(guest.fsts() == 0);
    guest.answer(kOtherDevice, 1);
    CHECK(guest.icesid() == kOtherDevice);
    CHECK(guest.events() == 2);
    CHECK(guest.unit.counters().unexpected_completions == 3);
}

TEST_CASE("ICE does not stop the queue") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.answer(kDevice, 0x100);
    REQUIRE(guest.fsts() == kIce);
    guest.submit(device_tlb(kOtherDevice));
    CHECK(guest.sent() == 2);
    guest.answer(kDevice, 1);
    CHECK(guest.status() == 1);
    CHECK(guest.fsts() == kIce);
}

TEST_CASE("A masked ICE stays pending and is forgotten when ICE is cleared") {
    Scene guest;
    guest.w32(kFectl, kIm);
    guest.answer(kDevice, 1);
    CHECK(guest.r32(kFectl) == (kIm | kIp));
    guest.w32(kFsts, kIce);
    CHECK(guest.r32(kFectl) == kIm);
    CHECK(guest.events() == 0);
}

TEST_CASE("While translation is off an answer is an unsupported request: nothing ends, nothing is recorded") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.command(kTe, false);
    guest.answer(kDevice, 1);
    guest.answer(kOtherDevice, 7);
    CHECK(guest.status() == 0);
    CHECK(guest.fsts() == 0);
    CHECK(guest.unit.counters().unexpected_completions == 0);
    guest.command(kTe);
    guest.answer(kDevice, 1);
    CHECK(guest.status() == 1);
    // The same for one that is never repeated: it is too late in the end.
    guest.submit(device_tlb(kDevice));
    guest.command(kTe, false);
    guest.answer(kDevice, 1);
    guest.at(kDeadline);
    CHECK(guest.fsts() == kIte);
}

TEST_CASE("Without DT an answer is nobody's") {
    Scene guest({.dt = 0});
    guest.answer(kDevice, 1);
    CHECK(guest.fsts() == 0);
    CHECK(guest.r64(kIqercd) == 0);
}
