// SPDX-License-Identifier: GPL-2.0-or-later
//
// First-stage translation: input range, levels, page sizes, each bit of an entry. [VTD 5.10 s3.6, s9.7]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kAll = kP | kRW | kUS;
// Another index in each level's table.
constexpr std::uint64_t kIova = 0x0001'2345'6789'a000;
constexpr std::uint64_t kIova4 = kIova & 0x7fff'ffff'ffff;

struct Page {
    unsigned log2;
    unsigned level;
};
constexpr Page kPages[] = {{12, 1}, {21, 2}, {30, 3}};

std::uint64_t iova_for(unsigned levels) { return levels == 5 ? kIova : kIova4; }

void build(Guest& guest, unsigned levels, std::uint64_t iova, std::uint64_t output, unsigned log2) {
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7, .fspm = levels - 4});
    const std::uint64_t page = ~((1ull << log2) - 1);
    guest.map_first(iova & page, output & page, kAll, log2);
    guest.enable(kTtmScalable);
}

// Output of a page of the size, with room for it below 2^38.
constexpr std::uint64_t kOutput = 0x12'4000'0000;
std::uint64_t expected(std::uint64_t iova, unsigned log2) { return kOutput | (iova & ((1ull << log2) - 1)); }

}  // namespace

TEST_CASE("First stage: 4-KiB, 2-MiB and 1-GiB pages give the address and the size, with 4 and 5 levels",
          "[vtd][first]") {
    for (const unsigned levels : {4u, 5u}) {
        for (const Page& page : kPages) {
            Guest guest;
            build(guest, levels, iova_for(levels), kOutput, page.log2);
            const std::uint64_t base = iova_for(levels) & ~((1ull << page.log2) - 1);
            const std::uint64_t offsets[] = {0, 0x7ff, (1ull << page.log2) - 1};
            for (const std::uint64_t offset : offsets) {
                INFO("levels " << levels << ", log2 " << page.log2 << ", offset " << offset);
                const auto got = expect_output(guest, read_at(base + offset), kOutput + offset);
                CHECK(got.page_log2 == page.log2);
                expect_output(guest, write_at(base + offset), kOutput + offset);
            }
            expect_fault(guest, read_at(base - 1), 0x71);
            expect_fault(guest, read_at(base + (1ull << page.log2)), 0x71);
        }
    }
}

TEST_CASE("First stage: the input must be canonical for the levels, in both halves", "[vtd][first]") {
    struct Limit {
        unsigned levels;
        std::uint64_t last_low, first_high;
    };
    const Limit limits[] = {{4, 0x0000'7fff'ffff'ffff, 0xffff'8000'0000'0000},
                            {5, 0x00ff'ffff'ffff'ffff, 0xff00'0000'0000'0000}};
    for (const Limit& limit : limits) {
        INFO("levels " << limit.levels);
        Guest guest;
        build(guest, limit.levels, limit.last_low, kOutput, 12);
        guest.map_first(limit.first_high, kOutput + 0x1000, kAll);
        guest.map_first(~0xfffull, kOutput + 0x2000, kAll);
        guest.map_first(0, kOutput + 0x3000, kAll);
        expect_output(guest, read_at(limit.last_low), kOutput + 0xfff);
        expect_output(guest, write_at(limit.first_high), kOutput + 0x1000);
        expect_output(guest, read_at(~0ull), kOutput + 0x2fff);
        expect_output(guest, read_at(0), kOutput + 0x3000);
        const std::uint64_t refused[] = {limit.last_low + 1, limit.first_high - 1, 1ull << 63, ~(1ull << 63)};
        for (const std::uint64_t address : refused) {
            expect_fault(guest, read_at(address), 0x80);
            expect_fault(guest, write_at(address), 0x80);
        }
    }
}

// AW and MGAW are the second stage's; they do not limit the first.
TEST_CASE("First stage: neither AW nor MGAW limits the input", "[vtd][first]") {
    Guest guest({.haw = 39, .mgaw = 38});
    guest.scalable_device(kDevice, {.pgtt = 1, .did = 7, .aw = 1});
    guest.map_first(0x7fff'ffff'f000, 0x180'0000, kAll);
    guest.enable(kTtmScalable);
    expect_output(guest, read_at(0x7fff'ffff'f000), 0x180'0000);
}

TEST_CASE("First stage: a table that is not in RAM is SFS.4 at the top and SFS.1 below", "[vtd][first]") {
    for (const unsigned levels : {4u, 5u}) {
        const std::uint64_t iova = iova_for(levels);
        Guest guest;
        build(guest, levels, iova, kOutput, 12);
        for (unsigned level = 2; level <= levels; ++level) {
            INFO("levels " << levels << ", entry of level " << level);
            const std::uint64_t entry = guest.first_entry(iova, level);
            const std::uint64_t before = guest.peek(entry);
            guest.poke(entry, kNoRam | kAll);
            expect_fault(guest, read_at(iova), 0x70);
            guest.poke(entry, before);
        }
        const std::uint64_t pointer = guest.pasid_entry(kDevice, 0) + 16;
        guest.poke(pointer, (guest.peek(pointer) & 0xfff) | kNoRam);
        expect_fault(guest, read_at(iova), 0x73);
    }
}

TEST_CASE("First stage: bits 51:HAW are reserved in every level, bit 7 in levels 4 and 5", "[vtd][first]") {
    for (const unsigned haw : {39u, 48u, 52u}) {
        for (const unsigned levels : {4u, 5u}) {
            const std::uint64_t iova = iova_for(levels);
            Guest guest({.haw = static_cast<std::uint8_t>(haw)});
            build(guest, levels, iova, kOutput, 12);
            for (unsigned level = 1; level <= levels; ++level) {
                INFO("HAW " << haw << ", levels " << levels << ", level " << level);
                const std::uint64_t entry = guest.first_entry(iova, level);
                if (haw < 52) {
                    const BitField beyond[] = {{51, haw}};
                    expect_each_bit_faults(guest, entry, beyond, read_at(iova), 0x72);
                }
                if (level >= 4) {
                    const BitField page_size[] = {{7, 7}};
                    expect_each_bit_faults(guest, entry, page_size, write_at(iova), 0x72);
                }
                // The highest bit below HAW is part of the address.
                guest.flip(entry, haw - 1);
                guest.forget();
                CHECK(guest.read(kDevice, iova).reason == (level > 1 ? 0x70 : 0));
                guest.clear_record(guest.r32(kFsts) >> 8 & 0xff);
                guest.flip(entry, haw - 1);
            }
        }
    }
}

TEST_CASE("First stage: the address of a large page is aligned, but for bit 12", "[vtd][first]") {
    for (const Page& page : {Page{21, 2}, Page{30, 3}}) {
        INFO("log2 " << page.log2);
        Guest guest;
        build(guest, 4, kIova4, kOutput, page.log2);
        const std::uint64_t entry = guest.first_entry(kIova4, page.level);
        const BitField reserved[] = {{page.log2 - 1, 13}, {51, 48}};
        expect_each_bit_faults(guest, entry, reserved, write_at(kIova4), 0x72);
        const BitField pat[] = {{12, 12}};
        expect_each_bit_ignored(guest, entry, pat, write_at(kIova4), expected(kIova4, page.log2));
    }
}

TEST_CASE("First stage: bit 7 of level 3 is reserved without FS1GP, and 2-MiB pages need nothing", "[vtd][first]") {
    Guest guest({.fs1gp = 0});
    build(guest, 4, kIova4, kOutput, 30);
    expect_fault(guest, read_at(kIova4), 0x72);
    guest.flip(guest.first_entry(kIova4, 3), 7);  // now a table, and not in RAM
    expect_fault(guest, read_at(kIova4), 0x70);

    Guest two_megabytes({.fs1gp = 0});
    build(two_megabytes, 4, kIova4, kOutput, 21);
    expect_output(two_megabytes, read_at(kIova4), expected(kIova4, 21));
}

TEST_CASE("First stage: ignored bits are ignored", "[vtd][first]") {
    const std::vector<BitField> table = {{4, 3}, {6, 6}, {11, 8}, {63, 52}};
    const std::vector<BitField> small_page = {{4, 3}, {11, 7}, {63, 52}};
    const std::vector<BitField> large_page = {{4, 3}, {12, 8}, {63, 52}};
    for (const unsigned levels : {4u, 5u}) {
        const std::uint64_t iova = iova_for(levels);
        for (const Page& page : kPages) {
            Guest guest;
            build(guest, levels, iova, kOutput, page.log2);
            for (unsigned level = page.level; level <= levels; ++level) {
                INFO("levels " << levels << ", page " << page.log2 << ", level " << level);
                const auto& bits = level > page.level ? table : page.log2 == 12 ? small_page : large_page;
                expect_each_bit_ignored(guest, guest.first_entry(iova, level), bits, atomic_at(iova),
                                        expected(iova, page.log2));
            }
        }
    }
}

TEST_CASE("First stage: an entry with P=0 is SFS.2 whatever else it holds", "[vtd][first]") {
    for (const unsigned levels : {4u, 5u}) {
        const std::uint64_t iova = iova_for(levels);
        Guest guest;
        build(guest, levels, iova, kOutput, 12);
        for (unsigned level = 1; level <= levels; ++level) {
            INFO("levels " << levels << ", level " << level);
            const std::uint64_t entry = guest.first_entry(iova, level);
            const std::uint64_t before = guest.peek(entry);
            for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{1}, before & ~std::uint64_t{1}}) {
                guest.poke(entry, word);
                expect_fault(guest, read_at(iova), 0x71);
                expect_fault(guest, write_at(iova), 0x71);
            }
            guest.poke(entry, before);
        }
    }
}

TEST_CASE("First stage: what a lower level lacks outranks a right that an upper one denies", "[vtd][first]") {
    for (unsigned upper = 2; upper <= 4; ++upper) {
        INFO("upper level " << upper);
        Guest guest;
        build(guest, 4, kIova4, kOutput, 12);
        const std::uint64_t denying = guest.first_entry(kIova4, upper);
        guest.poke(denying, guest.peek(denying) & ~(kUS | kRW));
        expect_fault(guest, write_at(kIova4), 0x81);
        const std::uint64_t leaf = guest.first_entry(kIova4, 1);
        guest.flip(leaf, 51);
        expect_fault(guest, write_at(kIova4), 0x72);
        guest.poke(leaf, 0);
        expect_fault(guest, write_at(kIova4), 0x71);
    }
}
