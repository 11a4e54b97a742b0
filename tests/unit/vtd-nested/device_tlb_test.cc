// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidations of device-TLBs that go well: what is sent, when, how many at once, and what waits for the answers.
// [VTD 5.10 s4.3, s6.5.2.5, s6.5.2.6, s6.5.2.12]
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "device_tlb_scene.h"

using namespace test;
using Scene = DeviceTlbScene;

namespace {

iommu::InvalidateRequest request(std::uint32_t requester, std::uint64_t first, std::uint64_t last, std::uint8_t itag) {
    iommu::InvalidateRequest result;
    result.requester = iommu::RequesterId{requester};
    result.range = {iommu::Iova{first}, iommu::Iova{last}};
    result.itag = itag;
    return result;
}

}  // namespace

TEST_CASE("An Invalidate Request is sent as the descriptor says, with an ITag that is free") {
    Scene guest;
    guest.put(device_tlb(kDevice, 0x4000));
    guest.put(device_tlb(kDevice, 0x7fff'ffff'ffff'f000, true));
    guest.put(device_tlb(kOtherDevice, 0x9000, true, {.pfsid = kDevice}));
    guest.put(pasid_device_tlb(kDevice, 0x54321, 0x6000, true));
    guest.submit(pasid_device_tlb(kDevice, 5, 0, false, true));
    REQUIRE(guest.sent() == 5);
    CHECK(guest.ports.invalidates[0] == request(kDevice, 0x4000, 0x4fff, 0));
    CHECK(guest.ports.invalidates[1] == request(kDevice, 0, ~0ull, 1));
    CHECK(guest.ports.invalidates[2] == request(kOtherDevice, 0x8000, 0xbfff, 0));
    auto with_pasid = request(kDevice, 0x6000, 0x7fff, 2);
    with_pasid.pasid = iommu::Pasid{0x54321};
    CHECK(guest.ports.invalidates[3] == with_pasid);
    auto global = request(kDevice, 0, 0xfff, 3);
    global.pasid = iommu::Pasid{5};
    global.global = true;
    CHECK(guest.ports.invalidates[4] == global);
    CHECK(guest.head() == 5);
    CHECK(guest.unit.counters().invalidations == 5);
    CHECK(guest.r32(kFsts) == 0);
}

TEST_CASE("Invalidations of device-TLBs work in legacy mode and in a narrow queue too") {
    Guest guest;
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
    guest.put(device_tlb(kDevice, 0x4000));
    guest.submit(wait_status(kStatus, 1));
    CHECK(guest.ports.invalidates.size() == 1);
    CHECK(guest.ram.peek32(kStatus) == 0);
    guest.answer(kDevice, 1);
    CHECK(guest.ram.peek32(kStatus) == 1);
}

TEST_CASE("The deadline is the time-out after the request was sent, and the owner is told when it changes") {
    Scene guest;
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    guest.submit(device_tlb(kDevice));
    CHECK(guest.unit.deadline_ns() == kNow + kTimeout);
    CHECK(guest.ports.deadlines_changed == 1);
    guest.ports.time_ns += 10;
    guest.submit(device_tlb(kOtherDevice));
    CHECK(guest.unit.deadline_ns() == kNow + kTimeout);
    CHECK(guest.ports.deadlines_changed == 1);
    guest.answer(kDevice, 1);
    CHECK(guest.unit.deadline_ns() == kNow + 10 + kTimeout);
    CHECK(guest.ports.deadlines_changed == 2);
    guest.answer(kOtherDevice, 1);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
    CHECK(guest.ports.deadlines_changed == 3);
}

TEST_CASE("A wait completes when everything before it has been answered, in any order") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(device_tlb(kDevice));
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kStatus, 7, true));
    CHECK(guest.head() == 4);
    CHECK(guest.r64(kIqt) == guest.r64(kIqh));
    guest.answer(kOtherDevice, 1);
    guest.answer(kDevice, 2);
    CHECK(guest.status() == 0);
    CHECK(guest.r32(kIcs) == 0);
    CHECK(guest.unit.counters().waits == 0);
    guest.answer(kDevice, 1);
    CHECK(guest.status() == 7);
    CHECK(guest.r32(kIcs) == 1);
    CHECK(guest.unit.counters().waits == 1);
    CHECK(guest.r32(kFsts) == 0);
}

TEST_CASE("A wait with nothing before it in flight completes at once") {
    Scene guest;
    guest.submit(device_tlb(kDevice));
    guest.answer(kDevice, 1);
    guest.submit(wait_status(kStatus, 7));
    CHECK(guest.status() == 7);
}

TEST_CASE("An answer in several messages completes the wait with the last of them") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 7));
    guest.answer(kDevice, 1, 3);
    guest.answer(kDevice, 1, 3);
    CHECK(guest.status() == 0);
    guest.answer(kDevice, 1, 3);
    CHECK(guest.status() == 7);
    CHECK(guest.r32(kFsts) == 0);
}

TEST_CASE("Fetching goes on behind a wait that is pending; waits complete in order") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(kStatus, 1));
    guest.put(device_tlb(kOtherDevice));
    guest.put(wait_status(kOtherStatus, 2));
    guest.put(iotlb(1));
    guest.submit(wait_status(kOtherStatus, 3));
    CHECK(guest.head() == 6);
    CHECK(guest.sent() == 2);
    CHECK(guest.unit.counters().invalidations == 3);
    // The second one's answer alone completes nothing.
    guest.answer(kOtherDevice, 1);
    CHECK(guest.status(kOtherStatus) == 0);
    std::vector<std::uint64_t> written;
    guest.ports.on_written = [&](std::uint64_t address) { written.push_back(address); };
    guest.answer(kDevice, 1);
    CHECK(written == std::vector<std::uint64_t>{kStatus, kOtherStatus, kOtherStatus});
    CHECK(guest.status() == 1);
    CHECK(guest.status(kOtherStatus) == 3);
}

TEST_CASE("A wait is not held up by what is fetched behind it") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    guest.put(wait_status(kStatus, 1));
    guest.put(device_tlb(kOtherDevice));
    guest.submit(wait_status(kOtherStatus, 2));
    guest.answer(kDevice, 1);
    CHECK(guest.status() == 1);
    CHECK(guest.status(kOtherStatus) == 0);
    guest.answer(kOtherDevice, 1);
    CHECK(guest.status(kOtherStatus) == 2);
}

TEST_CASE("FN=1 holds back what follows until the wait has completed; FN=0 does not") {
    for (const bool fence : {false, true}) {
        Scene guest;
        CAPTURE(fence);
        guest.put(device_tlb(kDevice));
        guest.put(wait_status(kStatus, 1, false, fence));
        guest.put(device_tlb(kOtherDevice));
        guest.submit(wait_status(kOtherStatus, 2));
        CHECK(guest.head() == (fence ? 2u : 4u));
        CHECK(guest.sent() == (fence ? 1u : 2u));
        guest.submit(iotlb(1));
        CHECK(guest.head() == (fence ? 2u : 5u));
        guest.answer(kDevice, 1);
        CHECK(guest.status() == 1);
        CHECK(guest.head() == 5);
        CHECK(guest.sent() == 2);
        CHECK(guest.status(kOtherStatus) == 0);
        guest.answer(kOtherDevice, 1);
        CHECK(guest.status(kOtherStatus) == 2);
    }
}

TEST_CASE("A fence with nothing in flight before it holds nothing back") {
    Scene guest;
    guest.put(wait_status(kStatus, 1, false, true));
    guest.submit(device_tlb(kDevice));
    CHECK(guest.head() == 2);
    CHECK(guest.sent() == 1);
}

TEST_CASE("MIP limits how many are open with the physical function; the queue goes on as they end") {
    for (unsigned mip = 0; mip < 32; ++mip) {
        Scene guest;
        const std::size_t limit = mip == 0 ? 32 : mip;
        CAPTURE(mip);
        for (unsigned i = 0; i < 40; ++i)
            guest.put(device_tlb(kDevice, 0x1000 * i, false, {.mip = mip, .pfsid = kDevice}));
        guest.submit(wait_status(kStatus, 1));
        CHECK(guest.sent() == limit);
        CHECK(guest.head() == limit);
        for (unsigned i = 0; i < 40; ++i) {
            REQUIRE(guest.status() == 0);
            guest.answer(kDevice, 1u << guest.ports.invalidates.at(i).itag);
            REQUIRE(guest.sent() == std::min<std::size_t>(40, limit + i + 1));
        }
        CHECK(guest.head() == 41);
        CHECK(guest.status() == 1);
        CHECK(guest.ports.invalidates.at(39) ==
              request(kDevice, 39 * 0x1000, 39 * 0x1000 + 0xfff, guest.ports.invalidates.at(39).itag));
        CHECK(guest.r32(kFsts) == 0);
    }
}

TEST_CASE("With DIT the functions of a physical function share its limit, without each has its own") {
    for (const auto dit : std::array<std::uint8_t, 2>{1, 0}) {
        Scene guest({.dit = dit});
        const std::uint64_t pfsid = dit != 0 ? kDevice : 0;
        CAPTURE(dit);
        guest.put(device_tlb(kDevice, 0, false, {.mip = 2, .pfsid = pfsid}));
        guest.put(device_tlb(kDevice + 1, 0, false, {.mip = 2, .pfsid = pfsid}));
        guest.submit(pasid_device_tlb(kDevice + 2, 5, 0, false, false, {.mip = 2, .pfsid = pfsid}));
        CHECK(guest.sent() == (dit != 0 ? 2u : 3u));
        guest.answer(kDevice + 1, 1);
        CHECK(guest.sent() == 3);
    }
}

TEST_CASE("A request without a free ITag holds the queue, whoever is behind it") {
    Scene guest;
    for (unsigned i = 0; i < 33; ++i)
        guest.put(device_tlb(kDevice, 0, false, {.pfsid = 0x100 + i % 2}));
    guest.submit(device_tlb(kOtherDevice));
    CHECK(guest.sent() == 32);
    CHECK(guest.head() == 32);
    guest.unit.run_queue();
    CHECK(guest.sent() == 32);
    CHECK(guest.ports.kicks == 0);
    guest.answer(kDevice, 1u << 9);
    REQUIRE(guest.sent() == 34);
    CHECK(guest.ports.invalidates[32].itag == 9);
    CHECK(guest.ports.invalidates[33].requester.value == kOtherDevice);
}

TEST_CASE("One answer may end many, and completes what waits for them") {
    Scene guest;
    for (unsigned i = 0; i < 32; ++i)
        guest.put(device_tlb(kDevice));
    guest.submit(wait_status(kStatus, 1));
    guest.answer(kDevice, 0x7fff'ffff);
    CHECK(guest.status() == 0);
    guest.answer(kDevice, 0x8000'0000);
    CHECK(guest.status() == 1);
    CHECK(guest.r32(kFsts) == 0);
}

TEST_CASE("Sixty-four waits may be pending; the next holds the queue until one has completed") {
    Scene guest;
    guest.put(device_tlb(kDevice));
    for (unsigned i = 1; i <= 70; ++i)
        guest.put(wait_status(kStatus, i));
    guest.ring_doorbell();
    CHECK(guest.head() == 65);
    CHECK(guest.status() == 0);
    guest.answer(kDevice, 1);
    CHECK(guest.head() == 71);
    CHECK(guest.status() == 70);
    CHECK(guest.unit.counters().waits == 70);
}

TEST_CASE("A device that answers from inside the message is as good as one that answers later") {
    Scene guest;
    guest.answer_at_once();
    for (unsigned i = 0; i < 100; ++i)
        guest.put(device_tlb(kDevice, 0x1000 * i, false, {.mip = 1}));
    guest.submit(wait_status(kStatus, 1));
    CHECK(guest.sent() == 100);
    CHECK(guest.status() == 1);
    CHECK(guest.r32(kFsts) == 0);
    CHECK(guest.unit.deadline_ns() == iommu::kNever);
}

TEST_CASE("The caches are dropped before a device is told") {
    Scene guest;
    std::vector<std::string> order;
    guest.ports.on_port = [&](std::string_view port) {
        if (port == "unmap" || port == "invalidate") order.emplace_back(port);
    };
    guest.put(iotlb(1));
    guest.put(device_tlb(kDevice));
    guest.submit(iotlb(1));
    CHECK(order == std::vector<std::string>{"unmap", "invalidate", "unmap"});
}

TEST_CASE("Without DT the descriptors are of no known type and nothing is sent") {
    for (const Words4& descriptor : {device_tlb(kDevice), pasid_device_tlb(kDevice, 5)}) {
        Scene guest({.dt = 0});
        guest.submit(descriptor);
        CHECK(guest.r32(kFsts) == kIqe);
        CHECK((guest.r32(kIqercd) & 15) == 3);
        CHECK(guest.sent() == 0);
        CHECK(guest.head() == 0);
    }
}

TEST_CASE("A reserved bit of a device-TLB descriptor stops the queue with nothing sent") {
    for (const Words4& descriptor : {Words4{0x13}, Words4{0x3, 0x2}, Words4{0x8, 0x400}, Words4{0x8, 0, 1}}) {
        Scene guest;
        guest.submit(descriptor);
        CHECK((guest.r32(kIqercd) & 15) == 4);
        CHECK(guest.sent() == 0);
        CHECK(guest.head() == 0);
    }
}
