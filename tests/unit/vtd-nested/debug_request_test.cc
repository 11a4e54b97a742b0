// SPDX-License-Identifier: GPL-2.0-or-later
//
// A request of kind Debug gets the answer that a device would get, and leaves the unit and the tables as they were.
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kIova = 0x40'4123;
constexpr std::uint64_t kOutput = 0x180'0123;

void build(Guest& guest, unsigned pgtt) {
    guest.scalable_device(kDevice, {.pgtt = pgtt, .did = 7, .ssade = pgtt == 2 || pgtt == 3, .eafe = true});
    if (pgtt == 1 || pgtt == 3) guest.map_first(kIova & ~0xfffull, kOutput & ~0xfffull, kP | kRW | kUS);
    if (pgtt == 2) guest.map_second(kIova & ~0xfffull, kOutput & ~0xfffull, kR | kW);
    if (pgtt == 3) guest.identity_second();
    guest.w32(kFectl, 0);
    guest.enable(kTtmScalable);
}

// Everything that software can see of the unit.
std::vector<std::uint32_t> registers(Guest& guest) {
    std::vector<std::uint32_t> words;
    for (std::uint64_t offset = 0; offset < 0x1000; offset += 4)
        words.push_back(guest.r32(offset));
    return words;
}

}  // namespace

TEST_CASE("Debug: the answer is a device's, and nothing is changed", "[vtd][debug]") {
    for (const unsigned pgtt : {1u, 2u, 3u, 4u}) {
        for (const auto& request : {read_at(kIova), write_at(kIova), atomic_at(kIova), zero_read_at(kIova)}) {
            INFO("PGTT " << pgtt);
            Guest guest;
            build(guest, pgtt);
            const auto before = guest.tables();
            const auto seen = registers(guest);
            const auto answer = guest.ask(debugging(request));
            const bool tables_unchanged = guest.tables() == before;
            CHECK(tables_unchanged);
            const bool registers_unchanged = registers(guest) == seen;
            CHECK(registers_unchanged);
            CHECK(guest.ports.dirty.empty());

            const auto real = guest.ask(request);
            CHECK(answer.outcome == Outcome::Translated);
            CHECK(answer.translation.address == real.translation.address);
            CHECK(answer.translation.page_log2 == real.translation.page_log2);
        }
    }
}

TEST_CASE("Debug: a refusal is told and not recorded, nor announced", "[vtd][debug]") {
    for (const unsigned pgtt : {1u, 2u, 3u, 4u}) {
        INFO("PGTT " << pgtt);
        Guest guest;
        build(guest, pgtt);
        const auto seen = registers(guest);
        const std::uint64_t nowhere = 1ull << 48;
        const auto answer = guest.ask(debugging(write_at(nowhere)));
        CHECK(answer.outcome == Outcome::Blocked);
        const bool registers_unchanged = registers(guest) == seen;
        CHECK(registers_unchanged);
        CHECK(guest.ports.messages.empty());
        CHECK(guest.ask(write_at(nowhere)).reason == answer.reason);
        CHECK(guest.take_fault() == answer.reason);
        CHECK(guest.ports.messages.size() == 1);
    }
}

TEST_CASE("Debug: nothing is cached, neither the page nor the entries above it", "[vtd][debug]") {
    Guest guest;
    build(guest, 1);
    REQUIRE(guest.ask(debugging(read_at(kIova))).outcome == Outcome::Translated);
    guest.poke(guest.first_entry(kIova, 1), 0x190'0000 | kP | kRW | kUS);
    CHECK(guest.ask(read_at(kIova)).translation.address.value == 0x190'0123);

    Guest other;
    build(other, 1);
    REQUIRE(other.ask(debugging(read_at(kIova))).outcome == Outcome::Translated);
    other.flip(other.pasid_entry(kDevice, 0), 0);
    CHECK(other.ask(read_at(kIova)).reason == 0x59);
}

TEST_CASE("Debug: without snooping a device would fault, but asking needs no bit", "[vtd][debug]") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7, .pwsnp = false});
    guest.map_first(kIova & ~0xfffull, kOutput & ~0xfffull, kP | kRW | kUS);
    guest.enable(kTtmScalable);
    CHECK(guest.ask(debugging(write_at(kIova))).outcome == Outcome::Translated);
    CHECK(guest.ask(write_at(kIova)).reason == 0x90);
}

TEST_CASE("Debug: it is no piece of a refused access", "[vtd][debug]") {
    Guest guest;
    build(guest, 1);
    (void)guest.ask(debugging(read_at(0x7000)));
    (void)guest.ask(read_at(0x7008));
    CHECK(guest.record(0) == record_of(guest, read_at(0x7000), 0x71));
}

TEST_CASE("Debug: the interrupt range and the modes answer as for a device, unrecorded", "[vtd][debug]") {
    Guest guest;
    build(guest, 1);
    CHECK(guest.ask(debugging(read_at(0xfee0'0000))).reason == 0x29);
    CHECK(guest.ask(debugging(write_at(0xfee0'0000))).translation.address.value == 0xfee0'0000);
    guest.set_root(kTtmAbort);
    CHECK(guest.ask(debugging(read_at(kIova))).reason == 0x33);
    guest.command(kTe, false);
    CHECK(guest.ask(debugging(read_at(kIova))).translation.address.value == kIova);
    CHECK(guest.take_fault() == 0);
}
