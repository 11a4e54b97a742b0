// SPDX-License-Identifier: GPL-2.0-or-later
//
// First-stage paging entries, typed from the manual. [VTD 5.10 s9.7]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/first_stage.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("First-stage entry: fields at the manual's bits, the rest ignored", "[vtd][spec]") {
    check_layout<FirstStageEntry>({
        .reserved = {},
        .ignored = {0xfff0'0000'0000'0a00},
        .sample = {0x6'e1d4'7f28'54db},
        .rows =
            {
                row<FirstStageEntry, FirstStageEntry::P>("P", 0, 0x1, RW, 0x1),
                row<FirstStageEntry, FirstStageEntry::R_W>("R/W", 0, 0x2, RW, 0x1),
                row<FirstStageEntry, FirstStageEntry::U_S>("U/S", 0, 0x4, RW, 0x0),
                row<FirstStageEntry, FirstStageEntry::PWT>("PWT", 0, 0x8, RW, 0x1),
                row<FirstStageEntry, FirstStageEntry::PCD>("PCD", 0, 0x10, RW, 0x1),
                row<FirstStageEntry, FirstStageEntry::A>("A", 0, 0x20, RW, 0x0),
                row<FirstStageEntry, FirstStageEntry::D>("D", 0, 0x40, RW, 0x1),
                row<FirstStageEntry, FirstStageEntry::PS>("PS", 0, 0x80, RW, 0x1),
                row<FirstStageEntry, FirstStageEntry::G>("G", 0, 0x100, RW, 0x0),
                row<FirstStageEntry, FirstStageEntry::EA>("EA", 0, 0x400, RW, 0x1),
                row<FirstStageEntry, FirstStageEntry::ADDR>("ADDR", 0, 0xf'ffff'ffff'f000, RW, 0x6e'1d47'f285),
            },
    });
}

TEST_CASE("First stage: what a level covers, and where large pages exist", "[vtd][spec]") {
    struct {
        unsigned level, page_log2;
        bool large;
        std::uint64_t large_reserved, upper_reserved;
    } const rows[] = {
        {1, 12, false, 0, 0},           // 4 KiB
        {2, 21, true, 0x1f'e000, 0},    // 2 MiB
        {3, 30, true, 0x3fff'e000, 0},  // 1 GiB
        {4, 39, false, 0, 0x80},       {5, 48, false, 0, 0x80},
    };
    for (const auto& row : rows) {
        INFO("level " << row.level);
        CHECK(FirstStageEntry::page_log2(row.level) == row.page_log2);
        CHECK(FirstStageEntry::large_page_level(row.level) == row.large);
        CHECK(FirstStageEntry::large_page_reserved(row.level) == row.large_reserved);
        CHECK(FirstStageEntry::upper_level_reserved(row.level) == row.upper_reserved);
    }
    CHECK(FirstStageEntry::index_bits == 9);
}

TEST_CASE("First stage: address bits from the host address width up to 51 are reserved", "[vtd][spec]") {
    CHECK(FirstStageEntry::beyond_haw(39) == 0x000f'ff80'0000'0000);
    CHECK(FirstStageEntry::beyond_haw(46) == 0x000f'c000'0000'0000);
    CHECK(FirstStageEntry::beyond_haw(51) == 0x0008'0000'0000'0000);
    CHECK(FirstStageEntry::beyond_haw(52) == 0);
    CHECK(FirstStageEntry::beyond_haw(64) == 0);
}
