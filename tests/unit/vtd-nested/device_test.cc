// SPDX-License-Identifier: GPL-2.0-or-later
//
// The whole unit, from tables in guest memory to an answer: one path of each kind.
#include <catch2/catch_test_macros.hpp>

#include "vtd_guest.h"

using namespace test;
using iommu::Outcome;
using iommu::Rights;

TEST_CASE("Legacy mode translates through the second stage") {
    Guest guest;
    guest.legacy_device(kDevice, 7);
    guest.map_second(0x4000, 0x1800000, kR | kW);
    guest.enable(kTtmLegacy);

    const auto reply = guest.read(kDevice, 0x4123);
    REQUIRE(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == 0x1800123);
    CHECK(reply.translation.page_log2 == 12);
    CHECK(reply.translation.rights == Rights::ReadWrite);
    CHECK(guest.take_fault() == 0);
}

TEST_CASE("Scalable mode translates through the first stage and sets A, then D") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    const std::uint64_t leaf = guest.map_first(0x4000, 0x1800000, kP | kRW | kUS);
    guest.enable(kTtmScalable);

    REQUIRE(guest.read(kDevice, 0x4010).translation.address.value == 0x1800010);
    CHECK((guest.peek(leaf) & (kA | kD)) == kA);
    REQUIRE(guest.write(kDevice, 0x4010).outcome == Outcome::Translated);
    CHECK((guest.peek(leaf) & (kA | kD)) == (kA | kD));
    CHECK(guest.take_fault() == 0);
}

TEST_CASE("Nested translation takes the smaller page and the common rights") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 3, .did = 7});
    guest.identity_second(kR | kW, 16 << 20);
    guest.map_first(0x40000000, 0x2000000, kP | kRW | kUS, 21);
    guest.map_second(0x2000000, 0x1a00000, kR);
    guest.enable(kTtmScalable);

    const auto reply = guest.read(kDevice, 0x40000456);
    REQUIRE(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == 0x1a00456);
    CHECK(reply.translation.page_log2 == 12);
    CHECK(reply.translation.rights == Rights::Read);
    CHECK(guest.write(kDevice, 0x40000456).reason == 0x85);
    CHECK(guest.take_fault() == 0x85);
}

TEST_CASE("A page-selective invalidation makes a changed entry visible") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
    const std::uint64_t leaf = guest.map_first(0x4000, 0x1800000, kP | kRW | kUS | kA | kD);
    guest.enable_queue();
    guest.enable(kTtmScalable);
    const std::uint64_t status = guest.alloc_page();

    REQUIRE(guest.read(kDevice, 0x4000).translation.address.value == 0x1800000);
    guest.poke(leaf, 0x1900000 | kP | kRW | kUS | kA | kD);
    CHECK(guest.read(kDevice, 0x4000).translation.address.value == 0x1800000);
    guest.put(pasid_iotlb(3, 7, 0, 0x4000));
    guest.submit(wait_status(status, 0x1234));
    CHECK(guest.ram.peek32(status) == 0x1234);
    CHECK(guest.read(kDevice, 0x4000).translation.address.value == 0x1900000);
    CHECK(guest.r32(kFsts) == 0);
}
