// SPDX-License-Identifier: GPL-2.0-or-later
//
// VMSAv8-64 descriptors, typed from the manual. [ARM DDI 0487 M.a D8.3]
#include "smmuv3-nested/spec/vmsav8_64.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("Descriptors of both stages: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<Descriptor>({
        .reserved = {},
        .ignored = {0xffe7'ffff'ffff'fbfc},
        .sample = {0x18'0000'0000'0003},
        .rows =
            {
                row<Descriptor, Descriptor::Valid>("Valid", 0, 0x1, RW, 0x1),
                row<Descriptor, Descriptor::Table>("Table", 0, 0x2, RW, 0x1),
                row<Descriptor, Descriptor::AF>("AF", 0, 0x400, RW, 0x0),
                row<Descriptor, Descriptor::DBM>("DBM", 0, 0x8'0000'0000'0000, RW, 0x1),
                row<Descriptor, Descriptor::Contiguous>("Contiguous", 0, 0x10'0000'0000'0000, RW, 0x1),
            },
    });
    check_layout<Stage1Descriptor>({
        .reserved = {},
        .ignored = {0x780'0000'0000'0000},
        .sample = {0xd835'6e1d'47f2'8ac7},
        .rows =
            {
                row<Stage1Descriptor, Stage1Descriptor::Valid>("Valid", 0, 0x1, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::Table>("Table", 0, 0x2, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::AttrIndx>("AttrIndx", 0, 0x1c, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::NS>("NS", 0, 0x20, RW, 0x0),
                row<Stage1Descriptor, Stage1Descriptor::AP_1>("AP[1]", 0, 0x40, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::AP_2>("AP[2]", 0, 0x80, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::SH>("SH", 0, 0x300, RW, 0x2),
                row<Stage1Descriptor, Stage1Descriptor::AF>("AF", 0, 0x400, RW, 0x0),
                row<Stage1Descriptor, Stage1Descriptor::nG>("nG", 0, 0x800, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::ADDR>("ADDR", 0, 0x3'ffff'ffff'f000, RW, 0x16'e1d4'7f28),
                row<Stage1Descriptor, Stage1Descriptor::GP>("GP", 0, 0x4'0000'0000'0000, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::DBM>("DBM", 0, 0x8'0000'0000'0000, RW, 0x0),
                row<Stage1Descriptor, Stage1Descriptor::Contiguous>("Contiguous", 0, 0x10'0000'0000'0000, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::PXN>("PXN", 0, 0x20'0000'0000'0000, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::UXN>("UXN", 0, 0x40'0000'0000'0000, RW, 0x0),
                row<Stage1Descriptor, Stage1Descriptor::PXNTable>("PXNTable", 0, 0x800'0000'0000'0000, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::UXNTable>("UXNTable", 0, 0x1000'0000'0000'0000, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::APTable_0>("APTable[0]", 0, 0x2000'0000'0000'0000, RW, 0x0),
                row<Stage1Descriptor, Stage1Descriptor::APTable_1>("APTable[1]", 0, 0x4000'0000'0000'0000, RW, 0x1),
                row<Stage1Descriptor, Stage1Descriptor::NSTable>("NSTable", 0, 0x8000'0000'0000'0000, RW, 0x1),
            },
    });
    check_layout<Stage2Descriptor>({
        .reserved = {},
        .ignored = {0xfb84'0000'0000'0800},
        .sample = {0x431'b875'1fca'1587},
        .rows =
            {
                row<Stage2Descriptor, Stage2Descriptor::Valid>("Valid", 0, 0x1, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::Table>("Table", 0, 0x2, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::MemAttr>("MemAttr", 0, 0x3c, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::S2AP_0>("S2AP[0]", 0, 0x40, RW, 0x0),
                row<Stage2Descriptor, Stage2Descriptor::S2AP_1>("S2AP[1]", 0, 0x80, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::SH>("SH", 0, 0x300, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::AF>("AF", 0, 0x400, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::ADDR>("ADDR", 0, 0x3'ffff'ffff'f000, RW, 0x1b'8751'fca1),
                row<Stage2Descriptor, Stage2Descriptor::DBM>("DBM", 0, 0x8'0000'0000'0000, RW, 0x0),
                row<Stage2Descriptor, Stage2Descriptor::Contiguous>("Contiguous", 0, 0x10'0000'0000'0000, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::XN_0>("XN[0]", 0, 0x20'0000'0000'0000, RW, 0x1),
                row<Stage2Descriptor, Stage2Descriptor::XN_1>("XN[1]", 0, 0x40'0000'0000'0000, RW, 0x0),
                row<Stage2Descriptor, Stage2Descriptor::AssuredOnly>("AssuredOnly", 0, 0x400'0000'0000'0000, RW, 0x1),
            },
    });
}

TEST_CASE("Block descriptors exist where the manual lists them", "[smmuv3][spec]") {
    struct {
        unsigned granule_log2;
        int level;
        bool always, with_ds, with_lpa;
    } const rows[] = {
        {12, -1, false, false, false}, {12, 0, false, true, false},  {12, 1, true, true, true},
        {12, 2, true, true, true},     {12, 3, false, false, false}, {14, 0, false, false, false},
        {14, 1, false, true, false},   {14, 2, true, true, true},    {14, 3, false, false, false},
        {16, 0, false, false, false},  {16, 1, false, false, true},  {16, 2, true, true, true},
        {16, 3, false, false, false},
    };
    for (const auto& row : rows) {
        INFO("granule 2^" << row.granule_log2 << ", level " << row.level);
        CHECK(block_level({.granule_log2 = row.granule_log2}, row.level) == row.always);
        CHECK(block_level({.granule_log2 = row.granule_log2, .ds = true}, row.level) == row.with_ds);
        CHECK(block_level({.granule_log2 = row.granule_log2, .lpa = true}, row.level) == row.with_lpa);
    }
}

TEST_CASE("A descriptor tells 48 bits of address", "[smmuv3][spec]") {
    constexpr std::uint64_t ones = ~std::uint64_t{0};
    CHECK(next_table({.granule_log2 = 12}, ones) == 0xffff'ffff'f000);
    CHECK(next_table({.granule_log2 = 14}, ones) == 0xffff'ffff'c000);
    CHECK(next_table({.granule_log2 = 16}, ones) == 0xffff'ffff'0000);
    CHECK(output_address({.granule_log2 = 12}, ones, 3) == 0xffff'ffff'f000);
    CHECK(output_address({.granule_log2 = 12}, ones, 2) == 0xffff'ffe0'0000);
    CHECK(output_address({.granule_log2 = 12}, ones, 1) == 0xffff'c000'0000);
    CHECK(output_address({.granule_log2 = 14}, ones, 3) == 0xffff'ffff'c000);
    CHECK(output_address({.granule_log2 = 14}, ones, 2) == 0xffff'fe00'0000);
    CHECK(output_address({.granule_log2 = 16}, ones, 3) == 0xffff'ffff'0000);
    CHECK(output_address({.granule_log2 = 16}, ones, 2) == 0xffff'e000'0000);
    // DS means nothing with 64K, and OAS nothing with the others.
    CHECK(next_table({.granule_log2 = 16, .ds = true}, ones) == 0xffff'ffff'0000);
    CHECK(next_table({.granule_log2 = 12, .lpa = true}, ones) == 0xffff'ffff'f000);
}

TEST_CASE("A 64K descriptor tells address bits 51:48 in bits 15:12 when addresses have 52", "[smmuv3][spec]") {
    constexpr TableFormat format{.granule_log2 = 16, .lpa = true};
    CHECK(format.wide());
    CHECK(next_table(format, 0xa003) == 0xa'0000'0000'0000);
    CHECK(next_table(format, 0xffff'1234'5000) == 0x5'ffff'1234'0000);
    CHECK(output_address(format, 0xffff'ffff'f007, 3) == 0xf'ffff'ffff'0000);
    CHECK(output_address(format, 0xffff'ffff'f005, 2) == 0xf'ffff'e000'0000);
    CHECK(output_address(format, 0xffff'ffff'f005, 1) == 0xf'fc00'0000'0000);
}

TEST_CASE("With DS a 4K or 16K descriptor tells address bits 51:50 in bits 9:8", "[smmuv3][spec]") {
    constexpr TableFormat format{.granule_log2 = 12, .ds = true};
    CHECK(format.wide());
    CHECK(next_table(format, 0x203) == 0x8'0000'0000'0000);
    CHECK(next_table(format, 0x103) == 0x4'0000'0000'0000);
    CHECK(output_address(format, 0x3'ffff'ffff'f303, 3) == 0xf'ffff'ffff'f000);
    CHECK(output_address(format, 0x3'ffff'ffff'f301, 0) == 0xf'ff80'0000'0000);
    CHECK(output_address({.granule_log2 = 14, .ds = true}, 0x3'ffff'ffff'f303, 3) == 0xf'ffff'ffff'c000);
    CHECK(output_address({.granule_log2 = 14, .ds = true}, 0x3'ffff'ffff'f301, 1) == 0xf'fff0'0000'0000);
    CHECK_FALSE(TableFormat{.granule_log2 = 16, .ds = true}.wide());
    CHECK_FALSE(TableFormat{.granule_log2 = 12, .lpa = true}.wide());
}
