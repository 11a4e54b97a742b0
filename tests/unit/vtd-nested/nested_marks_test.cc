// SPDX-License-Identifier: GPL-2.0-or-later
//
// Nested translation: which accessed and dirty bits of which stage a request sets. [VTD 5.10 s3.8.1, s3.8.2]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kAll = kP | kRW | kUS;
constexpr std::uint64_t kIova = 0x1234'4040'4000;
constexpr std::uint64_t kGuestPage = 0x8000'0000;
constexpr std::uint64_t kHostPage = 0x12'4000'0000;

// First-stage tables are reached through the lowest 2 MiB.
void build(Guest& guest, const PasidSpec& spec) {
    guest.scalable_device(kDevice, spec);
    guest.map_second(0, 0, kR | kW, 21);
    guest.map_first(kIova, kGuestPage, kAll);
    guest.map_second(kGuestPage, kHostPage, kR | kW);
    guest.enable(kTtmScalable);
}

void or_into(Guest& guest, std::uint64_t entry, std::uint64_t bits) { guest.poke(entry, guest.peek(entry) | bits); }

void first_everywhere(Guest& guest, std::uint64_t bits) {
    for (unsigned level = 1; level <= guest.first_levels; ++level)
        or_into(guest, guest.first_entry(kIova, level), bits);
}
void second_everywhere(Guest& guest, std::uint64_t bits) {
    for (unsigned level = 2; level <= guest.second_levels; ++level)
        or_into(guest, guest.second_entry(0, level), bits);
    for (unsigned level = 1; level <= guest.second_levels; ++level)
        or_into(guest, guest.second_entry(kGuestPage, level), bits);
}

// What is in the table of `wanted` already is not changed.
Changes of_first_stage(Guest& guest, std::uint64_t bits, std::uint64_t leaf) {
    Changes wanted;
    for (unsigned level = 1; level <= guest.first_levels; ++level)
        wanted[guest.first_entry(kIova, level)] |= bits;
    wanted[guest.first_entry(kIova, 1)] |= leaf;
    return wanted;
}
// `tables`: for the page with the first-stage tables; `page`: for the page itself.
void add_second_stage(Guest& guest, Changes& wanted, std::uint64_t tables, std::uint64_t page) {
    for (unsigned level = 2; level <= guest.second_levels; ++level)
        wanted[guest.second_entry(0, level)] |= kSsA;
    for (unsigned level = 1; level <= guest.second_levels; ++level)
        wanted[guest.second_entry(kGuestPage, level)] |= kSsA;
    wanted[guest.second_entry(0, 2)] |= tables;
    wanted[guest.second_entry(kGuestPage, 1)] |= page;
}

}  // namespace

TEST_CASE("Nested: the first stage's bits are set, and the second's with SSADE only", "[vtd][nested]") {
    for (const unsigned fspm : {0u, 1u}) {
        for (const unsigned aw : {2u, 3u}) {
            for (const bool ssade : {false, true}) {
                for (const auto& request : {read_at(kIova), zero_read_at(kIova), write_at(kIova), atomic_at(kIova)}) {
                    INFO("FSPM " << fspm << ", AW " << aw << ", SSADE " << ssade);
                    Guest guest;
                    build(guest, {.pgtt = 3, .did = 7, .aw = aw, .fspm = fspm, .ssade = ssade, .eafe = true});
                    Changes wanted = of_first_stage(guest, kA | kEA, request.writes() ? kD : 0);
                    // The tables' page is written: A and EA go there.
                    if (ssade) add_second_stage(guest, wanted, kSsD, request.writes() ? kSsD : 0);
                    const bool as_wanted = changes_by(guest, request) == wanted;
                    CHECK(as_wanted);
                    CHECK(changes_by(guest, request).empty());
                }
            }
        }
    }
}

TEST_CASE("Nested: the page of the first-stage tables is dirty only when something is written there", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7, .ssade = true});
    first_everywhere(guest, kA);
    Changes wanted;
    add_second_stage(guest, wanted, 0, 0);
    const bool read_as_wanted = changes_by(guest, read_at(kIova)) == wanted;
    CHECK(read_as_wanted);
    // Now D of the page, in both stages, and so D for the page of the tables.
    const Changes by_write = {
        {guest.first_entry(kIova, 1), kD}, {guest.second_entry(0, 2), kSsD}, {guest.second_entry(kGuestPage, 1), kSsD}};
    const bool write_as_wanted = changes_by(guest, write_at(kIova)) == by_write;
    CHECK(write_as_wanted);
}

TEST_CASE("Nested: a write after a cached read sets D in both stages", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7, .ssade = true});
    REQUIRE(guest.ask(read_at(kIova)).outcome == Outcome::Translated);
    CHECK(guest.ask(read_at(kIova)).translation.rights == iommu::Rights::Read);
    REQUIRE(guest.ask(write_at(kIova)).outcome == Outcome::Translated);
    CHECK((guest.peek(guest.first_entry(kIova, 1)) & kD) == kD);
    CHECK((guest.peek(guest.second_entry(kGuestPage, 1)) & kSsD) == kSsD);
}

TEST_CASE("Nested: a write sets the second stage's D also where the first stage's D was set", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7, .ssade = true});
    first_everywhere(guest, kA | kD);
    second_everywhere(guest, kSsA);
    CHECK(guest.ask(read_at(kIova)).translation.rights == iommu::Rights::Read);
    CHECK(changes_by(guest, write_at(kIova)) == Changes{{guest.second_entry(kGuestPage, 1), kSsD}});
}

TEST_CASE("Nested: without snooping it is SSS.5 for the second stage and SFS.9 for the first", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7, .ssade = true, .pwsnp = false});
    first_everywhere(guest, kA | kD);
    expect_fault(guest, read_at(kIova), 0x7c);
    second_everywhere(guest, kSsA);
    expect_output(guest, read_at(kIova), kHostPage);
    expect_fault(guest, write_at(kIova), 0x7c);
    second_everywhere(guest, kSsA | kSsD);
    expect_output(guest, write_at(kIova), kHostPage);
    guest.flip(guest.first_entry(kIova, 1), 6);  // D
    expect_output(guest, read_at(kIova), kHostPage);
    expect_fault(guest, write_at(kIova), 0x90);
    guest.flip(guest.first_entry(kIova, 3), 5);  // A
    expect_fault(guest, read_at(kIova), 0x90);
}

TEST_CASE("Nested: a request refused by the last check of the second stage sets nothing", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7, .ssade = true, .eafe = true});
    const std::uint64_t last = guest.second_entry(kGuestPage, 1);
    guest.poke(last, kHostPage | kR);
    expect_fault(guest, write_at(kIova), 0x85);  // compares all tables
    guest.poke(last, 0);
    expect_fault(guest, write_at(kIova), 0x79);
    guest.poke(last, 0xfee0'0000 | kR | kW);
    expect_fault(guest, write_at(kIova), 0x87);
}

TEST_CASE("Nested: a first-stage bit that cannot be set is SFS.10", "[vtd][nested]") {
    Guest guest;
    build(guest, {.pgtt = 3, .did = 7});
    const std::uint64_t leaf = guest.first_entry(kIova, 1);
    const std::uint64_t upper = guest.first_entry(kIova, 2);
    guest.ports.on_written = [&](std::uint64_t at) {
        if (at != upper) return;
        guest.poke(upper, guest.peek(upper) & ~kA);
        guest.flip(leaf, 9);
    };
    CHECK(guest.ask(write_at(kIova)).reason == 0x91);
    CHECK(guest.record(0) == record_of(guest, write_at(kIova), 0x91));
    CHECK((guest.peek(leaf) & kD) == 0);
}
