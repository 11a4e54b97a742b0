// SPDX-License-Identifier: GPL-2.0-or-later
//
// Accessed, dirty and extended-accessed bits of the first stage. [VTD 5.10 s3.6.2, s9.7, s3.10]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Outcome;

namespace {

constexpr std::uint64_t kIova = 0x40'4000;
constexpr std::uint64_t kOutput = 0x8000'0000;
constexpr std::uint64_t kAll = kP | kRW | kUS;

void build(Guest& guest, const PasidSpec& spec, unsigned log2 = 12) {
    guest.scalable_device(kDevice, spec);
    guest.map_first(kIova & ~((1ull << log2) - 1), kOutput, kAll, log2);
    guest.enable(kTtmScalable);
}

// The same bits in every entry from the top to the level, and `leaf` besides in the last.
Changes in_every_entry(Guest& guest, unsigned level, std::uint64_t bits, std::uint64_t leaf) {
    Changes wanted;
    for (unsigned at = level; at <= guest.first_levels; ++at)
        wanted[guest.first_entry(kIova, at)] = bits;
    wanted[guest.first_entry(kIova, level)] |= leaf;
    return wanted;
}

void set_everywhere(Guest& guest, std::uint64_t bits) {
    for (unsigned level = 1; level <= guest.first_levels; ++level) {
        const std::uint64_t entry = guest.first_entry(kIova, level);
        guest.poke(entry, guest.peek(entry) | bits);
    }
}

}  // namespace

TEST_CASE("First stage: every entry used gets A, a written page D besides, and EA with EAFE", "[vtd][first]") {
    for (const bool eafe : {false, true}) {
        for (const unsigned fspm : {0u, 1u}) {
            for (const unsigned log2 : {12u, 21u, 30u}) {
                for (const auto& request : {read_at(kIova), zero_read_at(kIova), write_at(kIova), atomic_at(kIova)}) {
                    INFO("EAFE " << eafe << ", FSPM " << fspm << ", page " << log2);
                    Guest guest;
                    build(guest, {.pgtt = 1, .did = 7, .fspm = fspm, .eafe = eafe}, log2);
                    const std::uint64_t used = kA | (eafe ? kEA : 0);
                    const auto wanted = in_every_entry(guest, (log2 - 12) / 9 + 1, used, request.writes() ? kD : 0);
                    guest.ports.dirty.clear();
                    const bool as_wanted = changes_by(guest, request) == wanted;
                    CHECK(as_wanted);
                    // One write for each entry, and none when asked again.
                    CHECK(guest.ports.dirty.size() == wanted.size());
                    CHECK(changes_by(guest, request).empty());
                    CHECK(guest.ports.dirty.size() == wanted.size());
                }
            }
        }
    }
}

TEST_CASE("First stage: D is set also where A was set already", "[vtd][first]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7});
    set_everywhere(guest, kA);
    CHECK(changes_by(guest, write_at(kIova)) == Changes{{guest.first_entry(kIova, 1), kD}});
}

TEST_CASE("First stage: a write after a cached read sets D", "[vtd][first]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7});
    const std::uint64_t leaf = guest.first_entry(kIova, 1);
    REQUIRE(guest.ask(read_at(kIova)).outcome == Outcome::Translated);
    CHECK(guest.ask(read_at(kIova)).translation.rights == iommu::Rights::Read);
    CHECK((guest.peek(leaf) & kD) == 0);
    REQUIRE(guest.ask(write_at(kIova)).outcome == Outcome::Translated);
    CHECK((guest.peek(leaf) & kD) == kD);
    CHECK(guest.ask(read_at(kIova)).translation.rights == iommu::Rights::ReadWrite);
}

TEST_CASE("First stage: a read of a page that is dirty already may be used for writing", "[vtd][first]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7});
    set_everywhere(guest, kA | kD);
    CHECK(guest.ask(read_at(kIova)).translation.rights == iommu::Rights::ReadWrite);
}

TEST_CASE("First stage: a supervisor's write to a read-only page sets D", "[vtd][first]") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7, .sre = true}, {.rid_priv = true});
    const std::uint64_t leaf = guest.map_first(kIova, kOutput, kP);
    guest.enable(kTtmScalable);
    expect_output(guest, write_at(kIova), kOutput);
    CHECK((guest.peek(leaf) & (kA | kD)) == (kA | kD));
}

TEST_CASE("First stage: without snooping a bit that must change is SFS.9, at whatever level", "[vtd][first]") {
    for (const unsigned smpwcs : {1u, 0u}) {
        INFO("SMPWCS " << smpwcs);
        Guest guest({.smpwcs = static_cast<std::uint8_t>(smpwcs)});
        build(guest, {.pgtt = 1, .did = 7, .pwsnp = false});
        set_everywhere(guest, kA);
        const std::uint64_t leaf = guest.first_entry(kIova, 1);
        // D is needed by what writes, and only by that.
        expect_output(guest, read_at(kIova), kOutput);
        expect_fault(guest, write_at(kIova), 0x90);
        expect_fault(guest, atomic_at(kIova), 0x90);
        guest.poke(leaf, guest.peek(leaf) | kD);
        expect_output(guest, write_at(kIova), kOutput);
        for (unsigned level = 1; level <= 4; ++level) {
            INFO("level " << level);
            guest.poke(guest.first_entry(kIova, level), guest.peek(guest.first_entry(kIova, level)) & ~kA);
            expect_fault(guest, read_at(kIova), 0x90);
            expect_fault(guest, zero_read_at(kIova), 0x90);
            guest.poke(guest.first_entry(kIova, level), guest.peek(guest.first_entry(kIova, level)) | kA);
        }
    }
}

TEST_CASE("First stage: without snooping EA counts with EAFE only", "[vtd][first]") {
    for (const bool eafe : {false, true}) {
        Guest guest;
        build(guest, {.pgtt = 1, .did = 7, .pwsnp = false, .eafe = eafe});
        set_everywhere(guest, kA | kD);
        if (eafe) expect_fault(guest, read_at(kIova), 0x90);
        if (!eafe) expect_output(guest, read_at(kIova), kOutput);
        set_everywhere(guest, kEA);
        expect_output(guest, write_at(kIova), kOutput);
    }
}

TEST_CASE("First stage: an entry that somebody changes meanwhile is walked again", "[vtd][first]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7});
    const std::uint64_t leaf = guest.first_entry(kIova, 1);
    const std::uint64_t upper = guest.first_entry(kIova, 2);
    // While A of an upper entry is set, the page is moved.
    guest.ports.on_written = [&](std::uint64_t at) {
        if (at == upper) guest.poke(leaf, (kOutput + 0x5000) | kAll);
    };
    expect_output(guest, write_at(kIova), kOutput + 0x5000);
    CHECK((guest.peek(leaf) & (kA | kD)) == (kA | kD));
}

TEST_CASE("First stage: a bit that cannot be set is SFS.10, suppressed by FPD", "[vtd][first]") {
    for (const bool fpd : {false, true}) {
        Guest guest;
        build(guest, {.pgtt = 1, .did = 7, .fpd = fpd});
        const std::uint64_t leaf = guest.first_entry(kIova, 1);
        const std::uint64_t upper = guest.first_entry(kIova, 2);
        // Another processor clears A again and changes the page entry, each time.
        guest.ports.on_written = [&](std::uint64_t at) {
            if (at != upper) return;
            guest.poke(upper, guest.peek(upper) & ~kA);
            guest.flip(leaf, 9);
        };
        CHECK(guest.ask(write_at(kIova)).reason == 0x91);
        CHECK((guest.peek(leaf) & kD) == 0);
        const auto wanted = fpd ? Guest::Record{} : record_of(guest, write_at(kIova), 0x91);
        CHECK(guest.record(0) == wanted);
    }
}

TEST_CASE("First stage: memory that is gone when a bit is to be set is SFS.10", "[vtd][first]") {
    Guest guest;
    build(guest, {.pgtt = 1, .did = 7});
    const std::uint64_t top = guest.first_entry(kIova, 4);
    guest.ports.on_written = [&](std::uint64_t at) {
        if (at == top) guest.unit.memory().set_ram({});
    };
    CHECK(guest.ask(read_at(kIova)).reason == 0x91);
    CHECK(guest.record(0) == record_of(guest, read_at(kIova), 0x91));
}
