// SPDX-License-Identifier: GPL-2.0-or-later
//
// The whole unit, from tables in guest memory to an answer: one path of each kind.
#include <catch2/catch_test_macros.hpp>

#include "smmu_guest.h"

using namespace test::smmu;
using iommu::Outcome;
using iommu::Rights;

TEST_CASE("SMMU: bring-up in Linux's order leaves the unit enabled and without error", "[smmu]") {
    Guest guest;
    guest.bring_up();
    CHECK(guest.r32(kCr0ack) == (kCmdqEn | kEventqEn | kSmmuEn));
    CHECK(guest.r32(kGerror) == guest.r32(kGerrorn));
    CHECK(guest.r32(kCmdqCons) == guest.cmdq_prod);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU: a bypassed stream passes with its own address", "[smmu]") {
    Guest guest;
    guest.stream(kStream, {.config = kBypass});
    guest.bring_up();
    const auto reply = guest.ask(write_at(0x4123));
    REQUIRE(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == 0x4123);
    CHECK(reply.translation.page_log2 == 48);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU: stage 1 translates", "[smmu]") {
    Guest guest;
    guest.stream(kStream);
    guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    const auto reply = guest.ask(read_at(0x4123));
    REQUIRE(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == 0x1800123);
    CHECK(reply.translation.page_log2 == 12);
    CHECK(reply.translation.rights == Rights::ReadWrite);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU: stage 2 translates", "[smmu]") {
    Guest guest;
    guest.stream(kStream, {.config = kStage2});
    guest.map(guest.second, 0x4000, 0x1800000, kS2Page);
    guest.bring_up();
    const auto reply = guest.ask(read_at(0x4123));
    REQUIRE(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == 0x1800123);
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU: nested translation takes the smaller page and the common rights", "[smmu]") {
    Guest guest;
    guest.identity_second();
    guest.stream(kStream, {.config = kNested});
    guest.map(guest.low, 0x40000000, 0x2000000, kPage, 2);
    guest.map(guest.second, 0x2000000, 0x1a00000, kS2R | kS2Normal | kAf);
    guest.bring_up();
    const auto reply = guest.ask(read_at(0x40000456));
    REQUIRE(reply.outcome == Outcome::Translated);
    CHECK(reply.translation.address.value == 0x1a00456);
    CHECK(reply.translation.page_log2 == 12);
    CHECK(reply.translation.rights == Rights::Read);
    CHECK(guest.ask(write_at(0x40000456)).outcome == Outcome::Blocked);
    REQUIRE(guest.take_event()->type() == 0x13);
}

TEST_CASE("SMMU: a fault leaves one record that says who, where and why", "[smmu]") {
    Guest guest;
    guest.stream(kStream);
    guest.bring_up();
    const auto reply = guest.ask(write_at(0x5678));
    CHECK(reply.outcome == Outcome::Blocked);
    CHECK(reply.reason == 0x10);
    const auto event = guest.take_event();
    REQUIRE(event);
    // F_TRANSLATION of the stream; CLASS=IN, a write; the address.
    CHECK(event->words == std::array<std::uint64_t, 4>{0x10 | 5ull << 32, 2ull << 40, 0x5678, 0});
    CHECK_FALSE(guest.take_event());
}

TEST_CASE("SMMU: a TLBI by address makes a changed descriptor visible, and nothing before it does", "[smmu]") {
    Guest guest;
    guest.stream(kStream);
    const std::uint64_t leaf = guest.map(guest.low, 0x4000, 0x1800000, kPage);
    guest.bring_up();
    REQUIRE(guest.ask(read_at(0x4000)).translation.address.value == 0x1800000);
    guest.poke(leaf, 0x1900000 | kPage | 3);
    CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x1800000);
    guest.put(tlbi_nh_va(3, 1, 0x4000));
    guest.submit(cmd_sync());
    CHECK(guest.ask(read_at(0x4000)).translation.address.value == 0x1900000);
    CHECK(guest.r32(kGerror) == guest.r32(kGerrorn));
}
