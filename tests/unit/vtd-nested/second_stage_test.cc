// SPDX-License-Identifier: GPL-2.0-or-later
//
// Second-stage translation, in legacy mode and as PGTT 010: input range, levels, page sizes, each bit of an entry.
// [VTD 5.10 s3.7, s9.8]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kAll = kR | kW;
// Another index in each level's table.
constexpr std::uint64_t kIova5 = 0x0081'2345'6789'a000;
constexpr std::uint64_t kOutput = 0x12'4000'0000;

// One walk, two sets of codes.
struct Mode {
    std::uint64_t ttm;
    unsigned range, top_access, access, read, write, reserved;
};
constexpr Mode kModes[] = {{kTtmLegacy, 0x04, 0x03, 0x07, 0x06, 0x05, 0x0c},
                           {kTtmScalable, 0x84, 0x7b, 0x78, 0x79, 0x79, 0x7a}};

struct Page {
    unsigned log2;
    unsigned level;
};
constexpr Page kPages[] = {{12, 1}, {21, 2}, {30, 3}};

unsigned width_of(unsigned aw) { return 30 + 9 * aw; }
std::uint64_t iova_for(unsigned aw) { return kIova5 & ((1ull << width_of(aw)) - 1); }

void device(Guest& guest, const Mode& mode, unsigned aw) {
    if (mode.ttm == kTtmLegacy) guest.legacy_device(kDevice, 7, aw);
    if (mode.ttm == kTtmScalable) guest.scalable_device(kDevice, {.pgtt = 2, .did = 7, .aw = aw});
    guest.enable(mode.ttm);
}

void build(Guest& guest, const Mode& mode, unsigned aw, unsigned log2 = 12) {
    device(guest, mode, aw);
    const std::uint64_t page = ~((1ull << log2) - 1);
    guest.map_second(iova_for(aw) & page, kOutput, kAll, log2);
}

std::uint64_t expected(unsigned aw, unsigned log2) { return kOutput | (iova_for(aw) & ((1ull << log2) - 1)); }

}  // namespace

TEST_CASE("Second stage: 4-KiB, 2-MiB and 1-GiB pages give the address and the size, with 3, 4 and 5 levels",
          "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const unsigned aw : {1u, 2u, 3u}) {
            for (const Page& page : kPages) {
                Guest guest;
                build(guest, mode, aw, page.log2);
                const std::uint64_t base = iova_for(aw) & ~((1ull << page.log2) - 1);
                const std::uint64_t offsets[] = {0, 0x7ff, (1ull << page.log2) - 1};
                for (const std::uint64_t offset : offsets) {
                    INFO("TTM " << mode.ttm << ", AW " << aw << ", log2 " << page.log2 << ", offset " << offset);
                    const auto got = expect_output(guest, read_at(base + offset), kOutput + offset);
                    CHECK(got.page_log2 == page.log2);
                    CHECK(got.rights == iommu::Rights::ReadWrite);
                    expect_output(guest, atomic_at(base + offset), kOutput + offset);
                }
                expect_fault(guest, read_at(base - 1), mode.read);
                expect_fault(guest, write_at(base + (1ull << page.log2)), mode.write);
            }
        }
    }
}

TEST_CASE("Second stage: the input ends where AW or MGAW ends, whichever is less", "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const unsigned aw : {1u, 2u, 3u}) {
            for (const unsigned mgaw_bits : {39u, 40u, 48u, 50u, 57u}) {
                INFO("TTM " << mode.ttm << ", AW " << aw << ", MGAW " << mgaw_bits);
                Guest guest({.haw = 39, .mgaw = static_cast<std::uint8_t>(mgaw_bits - 1)});
                device(guest, mode, aw);
                const unsigned width = std::min(width_of(aw), mgaw_bits);
                const std::uint64_t last = (1ull << width) - 1;
                guest.map_second(last & ~0xfffull, 0x180'0000, kAll);
                guest.map_second(0, 0x180'1000, kAll);
                expect_output(guest, read_at(last), 0x180'0fff);
                expect_output(guest, read_at(0), 0x180'1000);
                const std::uint64_t refused[] = {last + 1, 1ull << 57, 1ull << 63, ~0ull};
                for (const std::uint64_t address : refused) {
                    expect_fault(guest, read_at(address), mode.range);
                    expect_fault(guest, write_at(address), mode.range);
                }
            }
        }
    }
}

TEST_CASE("Second stage: a table that is not in RAM has one code at the top and another below", "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const unsigned aw : {1u, 2u, 3u}) {
            Guest guest;
            build(guest, mode, aw);
            for (unsigned level = 2; level <= aw + 2; ++level) {
                INFO("TTM " << mode.ttm << ", AW " << aw << ", entry of level " << level);
                const std::uint64_t entry = guest.second_entry(iova_for(aw), level);
                const std::uint64_t before = guest.peek(entry);
                guest.poke(entry, kNoRam | kAll);
                expect_fault(guest, read_at(iova_for(aw)), mode.access);
                guest.poke(entry, before);
            }
            const bool legacy = mode.ttm == kTtmLegacy;
            const std::uint64_t pointer = legacy ? guest.context_entry(kDevice) : guest.pasid_entry(kDevice, 0);
            guest.poke(pointer, (guest.peek(pointer) & 0xfff) | kNoRam);
            expect_fault(guest, read_at(iova_for(aw)), mode.top_access);
        }
    }
}

TEST_CASE("Second stage: reserved in every level 62 and 51:HAW, in tables 11, in levels 4 and 5 bit 7",
          "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const unsigned haw : {39u, 48u, 52u}) {
            for (const unsigned aw : {1u, 2u, 3u}) {
                Guest guest({.haw = static_cast<std::uint8_t>(haw)});
                build(guest, mode, aw);
                for (unsigned level = 1; level <= aw + 2; ++level) {
                    INFO("TTM " << mode.ttm << ", HAW " << haw << ", AW " << aw << ", level " << level);
                    std::vector<BitField> reserved = {{62, 62}};
                    if (haw < 52) reserved.push_back({51, haw});
                    if (level > 1) reserved.push_back({11, 11});
                    if (level >= 4) reserved.push_back({7, 7});
                    const std::uint64_t entry = guest.second_entry(iova_for(aw), level);
                    expect_each_bit_faults(guest, entry, reserved, write_at(iova_for(aw)), mode.reserved);
                    // With R alone and with W alone, too.
                    const std::uint64_t before = guest.peek(entry);
                    for (const std::uint64_t right : {kR, kW}) {
                        guest.poke(entry, (before & ~kAll) | right | 1ull << 62);
                        expect_fault(guest, read_at(iova_for(aw)), mode.reserved);
                    }
                    guest.poke(entry, before);
                }
            }
        }
    }
}

TEST_CASE("Second stage: the address of a large page is aligned", "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const Page& page : {Page{21, 2}, Page{30, 3}}) {
            INFO("TTM " << mode.ttm << ", log2 " << page.log2);
            Guest guest;
            build(guest, mode, 2, page.log2);
            const BitField reserved[] = {{page.log2 - 1, 12}, {51, 48}, {62, 62}};
            expect_each_bit_faults(guest, guest.second_entry(iova_for(2), page.level), reserved, read_at(iova_for(2)),
                                   mode.reserved);
        }
    }
}

TEST_CASE("Second stage: bit 7 is reserved where SSLPS does not offer the page size", "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const unsigned sslps : {0u, 1u, 3u}) {
            for (const Page& page : {Page{21, 2}, Page{30, 3}}) {
                INFO("TTM " << mode.ttm << ", SSLPS " << sslps << ", log2 " << page.log2);
                Guest guest({.sslps = static_cast<std::uint8_t>(sslps)});
                build(guest, mode, 2, page.log2);
                const bool offered = (sslps >> (page.level - 2) & 1) != 0;
                if (offered) expect_output(guest, read_at(iova_for(2)), expected(2, page.log2));
                if (!offered) expect_fault(guest, read_at(iova_for(2)), mode.reserved);
            }
        }
    }
}

TEST_CASE("Second stage: SNP of a page is reserved without SC, in both modes", "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const unsigned sc : {0u, 1u}) {
            for (const Page& page : kPages) {
                INFO("TTM " << mode.ttm << ", SC " << sc << ", log2 " << page.log2);
                Guest guest({.sc = static_cast<std::uint8_t>(sc)});
                build(guest, mode, 2, page.log2);
                guest.flip(guest.second_entry(iova_for(2), page.level), 11);
                if (sc == 1) expect_output(guest, read_at(iova_for(2)), expected(2, page.log2));
                if (sc == 0) expect_fault(guest, read_at(iova_for(2)), mode.reserved);
            }
        }
    }
}

TEST_CASE("Second stage: ignored bits are ignored", "[vtd][second]") {
    const std::vector<BitField> table = {{6, 2}, {10, 8}, {61, 52}, {63, 63}};
    const std::vector<BitField> small_page = {{11, 2}, {61, 52}, {63, 63}};
    const std::vector<BitField> large_page = {{6, 2}, {11, 8}, {61, 52}, {63, 63}};
    for (const Mode& mode : kModes) {
        for (const unsigned aw : {1u, 2u, 3u}) {
            for (const Page& page : kPages) {
                Guest guest;
                build(guest, mode, aw, page.log2);
                for (unsigned level = page.level; level <= aw + 2; ++level) {
                    INFO("TTM " << mode.ttm << ", AW " << aw << ", page " << page.log2 << ", level " << level);
                    const auto& bits = level > page.level ? table : page.log2 == 12 ? small_page : large_page;
                    expect_each_bit_ignored(guest, guest.second_entry(iova_for(aw), level), bits,
                                            atomic_at(iova_for(aw)), expected(aw, page.log2));
                }
            }
        }
    }
}

TEST_CASE("Second stage: an entry with R=W=0 is not present whatever else it holds", "[vtd][second]") {
    for (const Mode& mode : kModes) {
        for (const unsigned aw : {1u, 2u, 3u}) {
            Guest guest;
            build(guest, mode, aw);
            for (unsigned level = 1; level <= aw + 2; ++level) {
                INFO("TTM " << mode.ttm << ", AW " << aw << ", level " << level);
                const std::uint64_t entry = guest.second_entry(iova_for(aw), level);
                const std::uint64_t before = guest.peek(entry);
                for (const std::uint64_t word : {std::uint64_t{0}, ~kAll, before & ~kAll}) {
                    guest.poke(entry, word);
                    expect_fault(guest, read_at(iova_for(aw)), mode.read);
                    expect_fault(guest, zero_read_at(iova_for(aw)), mode.read);
                    expect_fault(guest, write_at(iova_for(aw)), mode.write);
                }
                guest.poke(entry, before);
            }
        }
    }
}
