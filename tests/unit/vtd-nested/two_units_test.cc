// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two units in one process share nothing but the guest's memory.
#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "vtd_guest.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kOld = 0x1800000;
constexpr std::uint64_t kNew = 0x1900000;

void prepare(Guest& guest) {
    guest.legacy_device(kDevice, 7);
    guest.map_second(0x4000, kOld, kR | kW);
    guest.enable_queue(false);
    guest.enable(kTtmLegacy);
}

std::uint64_t output(Guest& guest) { return guest.read(kDevice, 0x4000).translation.address.value; }

}  // namespace

TEST_CASE("An invalidation of one unit leaves the other's caches alone") {
    Guest one, other;
    prepare(one);
    prepare(other);
    REQUIRE(output(one) == kOld);
    REQUIRE(output(other) == kOld);
    one.map_second(0x4000, kNew, kR | kW);
    other.map_second(0x4000, kNew, kR | kW);
    one.submit(context_cache(1));
    one.submit(iotlb(1));
    CHECK(output(one) == kNew);
    CHECK(output(other) == kOld);
    other.submit(iotlb(2, 7));
    CHECK(output(other) == kNew);
}

TEST_CASE("Registers, faults, events and counters belong to one unit") {
    Guest one, other;
    prepare(one);
    prepare(other);
    one.w32(kFectl, 0);
    (void)one.read(0x48, 0x1000);
    one.submit({0xf});
    one.w64(kRtaddr, 0);
    one.w32(kPmen, 1u << 31);
    one.command(kTe, false);
    CHECK(other.r32(kFsts) == 0);
    CHECK(other.r32(kPmen) == 0);
    CHECK(other.r64(kRtaddr) == other.root);
    CHECK((other.r32(kGsts) & kTe) != 0);
    CHECK(other.ports.messages.empty());
    CHECK(other.unit.counters().faults == 0);
    CHECK(other.unit.counters().queue_errors == 0);
    CHECK(output(other) == kOld);
    other.submit(wait_status(0x1f00000, 9));
    CHECK(other.ram.peek32(0x1f00000) == 9);
    CHECK(one.ram.peek32(0x1f00000) == 0);
}

TEST_CASE("Units of different capabilities live side by side") {
    Guest legacy_only({.nfr = 0, .smts = 0});
    Guest scalable;
    legacy_only.enable(kTtmScalable);
    scalable.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    scalable.map_first(0x4000, kOld, kP | kRW | kUS);
    scalable.enable(kTtmScalable);
    CHECK(legacy_only.read(kDevice, 0x4000).reason == 0x30);
    CHECK(output(scalable) == kOld);
    CHECK(legacy_only.r64(kEcap) != scalable.r64(kEcap));
}

TEST_CASE("A reset of one unit is no reset of the other") {
    Guest one, other;
    prepare(one);
    prepare(other);
    REQUIRE(output(other) == kOld);
    one.unit.reset();
    CHECK(output(one) == 0x4000);
    other.map_second(0x4000, kNew, kR | kW);
    CHECK(output(other) == kOld);  // still cached
    CHECK((other.r32(kGsts) & kQie) != 0);
}

TEST_CASE("What a thread is answered is remembered for it, though others had asked for the page before") {
    Guest guest;
    prepare(guest);
    REQUIRE(output(guest) == kOld);
    std::thread([&] {
        const iommu::Who who = iommu::Who::of(kDevice, iommu::kPasidLimit, false, false);
        const auto recalled = [&] { return guest.unit.recall(who, iommu::Iova{0x4123}, iommu::Rights::Read); };
        CHECK_FALSE(recalled());
        CHECK(output(guest) == 0x1800000);
        const auto translation = recalled();
        REQUIRE(translation);
        CHECK(translation->address == iommu::Pa{0x1800123});
        guest.submit(iotlb(3, 8, 0x9000));  // of nothing that there is
        CHECK(recalled());                  // from the IOTLB
        guest.submit(iotlb(2, 7));
        CHECK_FALSE(recalled());
    }).join();
}
