// SPDX-License-Identifier: GPL-2.0-or-later
//
// Second-stage paging entries and the address-width encoding, typed from the manual. [VTD 5.10 s9.8]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/second_stage.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("Second-stage entry: fields at the manual's bits, the rest ignored", "[vtd][spec]") {
    check_layout<SecondStageEntry>({
        .reserved = {},
        .ignored = {0x9ff0'0000'0000'0404},
        .sample = {0x2002'dc3a'8fe5'098b},
        .rows =
            {
                row<SecondStageEntry, SecondStageEntry::R>("R", 0, 0x1, RW, 0x1),
                row<SecondStageEntry, SecondStageEntry::W>("W", 0, 0x2, RW, 0x1),
                row<SecondStageEntry, SecondStageEntry::EMT>("EMT", 0, 0x38, RW, 0x1),
                row<SecondStageEntry, SecondStageEntry::IPAT>("IPAT", 0, 0x40, RW, 0x0),
                row<SecondStageEntry, SecondStageEntry::PS>("PS", 0, 0x80, RW, 0x1),
                row<SecondStageEntry, SecondStageEntry::A>("A", 0, 0x100, RW, 0x1),
                row<SecondStageEntry, SecondStageEntry::D>("D", 0, 0x200, RW, 0x0),
                row<SecondStageEntry, SecondStageEntry::SNP>("SNP", 0, 0x800, RW, 0x1),
                row<SecondStageEntry, SecondStageEntry::ADDR>("ADDR", 0, 0xf'ffff'ffff'f000, RW, 0x2d'c3a8'fe50),
                row<SecondStageEntry, SecondStageEntry::IR>("IR", 0, 0x2000'0000'0000'0000, RW, 0x1),
                row<SecondStageEntry, SecondStageEntry::IW>("IW", 0, 0x4000'0000'0000'0000, RW, 0x0),
            },
    });
}

TEST_CASE("Second stage: what a level covers, and where large pages exist", "[vtd][spec]") {
    struct {
        unsigned level, page_log2;
        bool large;
        std::uint64_t large_reserved, upper_reserved;
    } const rows[] = {
        {1, 12, false, 0, 0},           // 4 KiB
        {2, 21, true, 0x1f'f000, 0},    // 2 MiB
        {3, 30, true, 0x3fff'f000, 0},  // 1 GiB
        {4, 39, false, 0, 0x80},       {5, 48, false, 0, 0x80},
    };
    for (const auto& row : rows) {
        INFO("level " << row.level);
        CHECK(SecondStageEntry::page_log2(row.level) == row.page_log2);
        CHECK(SecondStageEntry::large_page_level(row.level) == row.large);
        CHECK(SecondStageEntry::large_page_reserved(row.level) == row.large_reserved);
        CHECK(SecondStageEntry::upper_level_reserved(row.level) == row.upper_reserved);
    }
    CHECK(SecondStageEntry::index_bits == 9);
}

TEST_CASE("Second stage: address bits from the host address width up to 51 are reserved", "[vtd][spec]") {
    CHECK(SecondStageEntry::beyond_haw(39) == 0x000f'ff80'0000'0000);
    CHECK(SecondStageEntry::beyond_haw(46) == 0x000f'c000'0000'0000);
    CHECK(SecondStageEntry::beyond_haw(51) == 0x0008'0000'0000'0000);
    CHECK(SecondStageEntry::beyond_haw(52) == 0);
    CHECK(SecondStageEntry::beyond_haw(64) == 0);
}

TEST_CASE("Second stage: bit 11 is reserved in an entry that refers to a table", "[vtd][spec]") {
    CHECK(SecondStageEntry::table_reserved == 0x800);
}

TEST_CASE("AW encodes 39, 48 and 57 bits; all other values are reserved", "[vtd][spec]") {
    for (const std::uint64_t aw : {0U, 4U, 5U, 6U, 7U})
        CHECK_FALSE(AddressWidth::defined(aw));
    struct {
        std::uint64_t aw;
        unsigned bits, levels;
    } const rows[] = {{1, 39, 3}, {2, 48, 4}, {3, 57, 5}};
    for (const auto& row : rows) {
        CHECK(AddressWidth::defined(row.aw));
        CHECK(AddressWidth::bits(row.aw) == row.bits);
        CHECK(AddressWidth::levels(row.aw) == row.levels);
    }
}
