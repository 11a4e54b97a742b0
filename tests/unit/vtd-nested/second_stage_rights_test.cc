// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rights of the second stage, zero-length reads, accessed and dirty bits. [VTD 5.10 s3.7.1, s3.7.2, s3.14]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;
using iommu::Outcome;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x40'4000;
constexpr std::uint64_t kOutput = 0x8000'0000;

void build(Guest& guest, std::uint64_t ttm, const PasidSpec& spec = {.pgtt = 2, .did = 7}, unsigned log2 = 12) {
    if (ttm == kTtmLegacy) guest.legacy_device(kDevice, 7, spec.aw);
    if (ttm == kTtmScalable) guest.scalable_device(kDevice, spec);
    guest.map_second(kIova & ~((1ull << log2) - 1), kOutput, kR | kW, log2);
    guest.enable(ttm);
}

void set_rights(Guest& guest, unsigned level, std::uint64_t rights) {
    const std::uint64_t entry = guest.second_entry(kIova, level);
    guest.poke(entry, (guest.peek(entry) & ~(kR | kW)) | rights);
}

Changes in_every_entry(Guest& guest, unsigned level, std::uint64_t bits, std::uint64_t leaf) {
    Changes wanted;
    for (unsigned at = level; at <= guest.second_levels; ++at)
        wanted[guest.second_entry(kIova, at)] = bits;
    wanted[guest.second_entry(kIova, level)] |= leaf;
    return wanted;
}

void set_everywhere(Guest& guest, std::uint64_t bits) {
    for (unsigned level = 1; level <= guest.second_levels; ++level) {
        const std::uint64_t entry = guest.second_entry(kIova, level);
        guest.poke(entry, guest.peek(entry) | bits);
    }
}

}  // namespace

TEST_CASE("Second stage: each level can take a right away; without R a read fails, without W what writes",
          "[vtd][second]") {
    struct Codes {
        std::uint64_t ttm;
        unsigned no_read, no_write;
    };
    for (const Codes& codes : {Codes{kTtmLegacy, 0x06, 0x05}, Codes{kTtmScalable, 0x86, 0x85}}) {
        Guest guest;
        build(guest, codes.ttm);
        for (unsigned level = 1; level <= 4; ++level) {
            INFO("TTM " << codes.ttm << ", level " << level);
            set_rights(guest, level, kR);
            CHECK(expect_output(guest, read_at(kIova), kOutput).rights == Rights::Read);
            expect_fault(guest, write_at(kIova), codes.no_write);
            expect_fault(guest, atomic_at(kIova), codes.no_write);
            set_rights(guest, level, kW);
            CHECK(expect_output(guest, write_at(kIova), kOutput).rights == Rights::Write);
            expect_fault(guest, read_at(kIova), codes.no_read);
            expect_fault(guest, atomic_at(kIova), codes.no_read);
            set_rights(guest, level, kR | kW);
        }
    }
}

TEST_CASE("Second stage: both rights lost at different levels are as good as no mapping", "[vtd][second]") {
    for (const std::uint64_t ttm : {kTtmLegacy, kTtmScalable}) {
        for (unsigned upper = 2; upper <= 4; ++upper) {
            INFO("TTM " << ttm << ", upper level " << upper);
            Guest guest;
            build(guest, ttm);
            set_rights(guest, upper, kR);
            set_rights(guest, upper - 1, kW);
            expect_fault(guest, read_at(kIova), ttm == kTtmLegacy ? 0x06 : 0x79);
            expect_fault(guest, write_at(kIova), ttm == kTtmLegacy ? 0x05 : 0x79);
            expect_fault(guest, zero_read_at(kIova), ttm == kTtmLegacy ? 0x06 : 0x79);
            // A reserved bit in a lower entry is found first.
            guest.flip(guest.second_entry(kIova, 1), 62);
            expect_fault(guest, read_at(kIova), ttm == kTtmLegacy ? 0x0c : 0x7a);
        }
    }
}

TEST_CASE("Second stage: what a lower level lacks outranks a right that an upper one denies", "[vtd][second]") {
    Guest guest;
    build(guest, kTtmScalable);
    set_rights(guest, 3, kR);
    expect_fault(guest, write_at(kIova), 0x85);
    guest.flip(guest.second_entry(kIova, 1), 62);
    expect_fault(guest, write_at(kIova), 0x7a);
    guest.poke(guest.second_entry(kIova, 1), 0);
    expect_fault(guest, write_at(kIova), 0x79);
}

TEST_CASE("Zero-length reads are content with W where ZLR is offered, and with nothing less", "[vtd][second]") {
    for (const unsigned zlr : {0u, 1u}) {
        for (const std::uint64_t ttm : {kTtmLegacy, kTtmScalable}) {
            Guest guest({.zlr = static_cast<std::uint8_t>(zlr)});
            build(guest, ttm);
            for (unsigned level = 1; level <= 4; ++level) {
                INFO("ZLR " << zlr << ", TTM " << ttm << ", level " << level);
                set_rights(guest, level, kW);
                if (zlr == 1) expect_output(guest, zero_read_at(kIova), kOutput);
                if (zlr == 0) expect_fault(guest, zero_read_at(kIova), ttm == kTtmLegacy ? 0x06 : 0x86);
                expect_fault(guest, read_at(kIova), ttm == kTtmLegacy ? 0x06 : 0x86);
                set_rights(guest, level, kR);
                expect_output(guest, zero_read_at(kIova), kOutput);
                set_rights(guest, level, kR | kW);
            }
        }
    }
}

TEST_CASE("Second stage: a missing right is a qualified fault", "[vtd][second]") {
    Guest guest;
    build(guest, kTtmScalable, {.pgtt = 2, .did = 7, .fpd = true});
    set_rights(guest, 1, kR);
    expect_unrecorded(guest, write_at(kIova), 0x85);
    set_rights(guest, 1, kW);
    expect_unrecorded(guest, read_at(kIova), 0x86);
}

TEST_CASE("Second stage: a write-only page in the cache does not serve reads", "[vtd][second]") {
    Guest guest;
    build(guest, kTtmScalable);
    set_rights(guest, 1, kW);
    REQUIRE(guest.ask(write_at(kIova)).outcome == Outcome::Translated);
    CHECK(guest.ask(read_at(kIova)).reason == 0x86);
    CHECK(guest.ask(write_at(kIova)).outcome == Outcome::Translated);
}

TEST_CASE("Second stage: with SSADE every entry used gets A, and a written page D besides", "[vtd][second]") {
    for (const unsigned aw : {1u, 2u, 3u}) {
        for (const unsigned log2 : {12u, 21u, 30u}) {
            for (const auto& request : {read_at(kIova), zero_read_at(kIova), write_at(kIova), atomic_at(kIova)}) {
                INFO("AW " << aw << ", page " << log2);
                Guest guest;
                build(guest, kTtmScalable, {.pgtt = 2, .did = 7, .aw = aw, .ssade = true}, log2);
                const auto wanted = in_every_entry(guest, (log2 - 12) / 9 + 1, kSsA, request.writes() ? kSsD : 0);
                const bool as_wanted = changes_by(guest, request) == wanted;
                CHECK(as_wanted);
                CHECK(changes_by(guest, request).empty());
            }
        }
    }
}

TEST_CASE("Second stage: a write after a cached read sets D, and without SSADE nothing does", "[vtd][second]") {
    for (const bool ssade : {true, false}) {
        INFO("SSADE " << ssade);
        Guest guest;
        build(guest, kTtmScalable, {.pgtt = 2, .did = 7, .ssade = ssade});
        const std::uint64_t leaf = guest.second_entry(kIova, 1);
        CHECK(guest.ask(read_at(kIova)).translation.rights == (ssade ? Rights::Read : Rights::ReadWrite));
        REQUIRE(guest.ask(read_at(kIova)).outcome == Outcome::Translated);
        CHECK((guest.peek(leaf) & (kSsA | kSsD)) == (ssade ? kSsA : 0));
        REQUIRE(guest.ask(write_at(kIova)).outcome == Outcome::Translated);
        CHECK((guest.peek(leaf) & (kSsA | kSsD)) == (ssade ? kSsA | kSsD : 0));
    }
}

TEST_CASE("Second stage: legacy mode never changes a table", "[vtd][second]") {
    Guest guest;
    build(guest, kTtmLegacy);
    for (const auto& request : {read_at(kIova), write_at(kIova), atomic_at(kIova)})
        CHECK(changes_by(guest, request).empty());
    CHECK(guest.ports.dirty.empty());
}

TEST_CASE("Second stage: without snooping a bit that must change is SSS.5, at whatever level", "[vtd][second]") {
    Guest guest;
    build(guest, kTtmScalable, {.pgtt = 2, .did = 7, .ssade = true, .pwsnp = false});
    set_everywhere(guest, kSsA);
    expect_output(guest, read_at(kIova), kOutput);
    expect_fault(guest, write_at(kIova), 0x7c);
    expect_fault(guest, atomic_at(kIova), 0x7c);
    guest.poke(guest.second_entry(kIova, 1), kOutput | kR | kW | kSsA | kSsD);
    expect_output(guest, write_at(kIova), kOutput);
    for (unsigned level = 1; level <= 4; ++level) {
        INFO("level " << level);
        guest.flip(guest.second_entry(kIova, level), 8);
        expect_fault(guest, read_at(kIova), 0x7c);
        guest.flip(guest.second_entry(kIova, level), 8);
    }
    // Without SSADE nothing has to change.
    guest.flip(guest.pasid_entry(kDevice, 0), 9);
    guest.poke(guest.second_entry(kIova, 1), kOutput | kR | kW);
    expect_output(guest, write_at(kIova), kOutput);
}

TEST_CASE("Second stage: a bit that cannot be set is SSS.6, suppressed by FPD", "[vtd][second]") {
    for (const bool fpd : {false, true}) {
        Guest guest;
        build(guest, kTtmScalable, {.pgtt = 2, .did = 7, .ssade = true, .fpd = fpd});
        const std::uint64_t leaf = guest.second_entry(kIova, 1);
        const std::uint64_t upper = guest.second_entry(kIova, 2);
        guest.ports.on_written = [&](std::uint64_t at) {
            if (at != upper) return;
            guest.poke(upper, guest.peek(upper) & ~kSsA);
            guest.flip(leaf, 10);
        };
        CHECK(guest.ask(write_at(kIova)).reason == 0x7d);
        CHECK((guest.peek(leaf) & kSsD) == 0);
        CHECK(guest.record(0) == (fpd ? Guest::Record{} : record_of(guest, write_at(kIova), 0x7d)));
    }
}

TEST_CASE("Second stage: a request that is refused sets nothing, with SSADE too", "[vtd][second]") {
    Guest guest;
    build(guest, kTtmScalable, {.pgtt = 2, .did = 7, .ssade = true});
    set_rights(guest, 1, kR);
    expect_fault(guest, write_at(kIova), 0x85);  // compares all tables
    guest.poke(guest.second_entry(kIova, 1), 0xfee00000 | kR | kW);
    expect_fault(guest, write_at(kIova), 0x87);
}
