// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stream table and queue registers, typed from the manual. [SMMU G.b s6.2, s6.3]
#include "smmuv3-nested/spec/registers.h"

#include <catch2/catch_test_macros.hpp>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("Stream table registers: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<STRTAB_BASE>({
        .reserved = {0xbf00'0000'0000'003f},
        .ignored = {},
        .sample = {0x4079'2dc3'a8fe'5080},
        .rows =
            {
                row<STRTAB_BASE, STRTAB_BASE::RA>("RA", 0, 0x4000'0000'0000'0000, RW, 0x1),
                row<STRTAB_BASE, STRTAB_BASE::ADDR>("ADDR", 0, 0xff'ffff'ffff'ffc0, RW, 0x1'e4b7'0ea3'f942),
            },
    });
    check_layout<STRTAB_BASE_CFG>({
        .reserved = {0xfffc'f800},
        .ignored = {},
        .sample = {0x1'00a1},
        .rows =
            {
                row<STRTAB_BASE_CFG, STRTAB_BASE_CFG::FMT>("FMT", 0, 0x3'0000, RW, 0x1),
                row<STRTAB_BASE_CFG, STRTAB_BASE_CFG::SPLIT>("SPLIT", 0, 0x7c0, RW, 0x2),
                row<STRTAB_BASE_CFG, STRTAB_BASE_CFG::LOG2SIZE>("LOG2SIZE", 0, 0x3f, RW, 0x21),
            },
    });
}

TEST_CASE("Command queue registers: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<CMDQ_BASE>({
        .reserved = {0xbf00'0000'0000'0000},
        .ignored = {},
        .sample = {0x403c'96e1'd47f'2841},
        .rows =
            {
                row<CMDQ_BASE, CMDQ_BASE::RA>("RA", 0, 0x4000'0000'0000'0000, RW, 0x1),
                row<CMDQ_BASE, CMDQ_BASE::ADDR>("ADDR", 0, 0xff'ffff'ffff'ffe0, RW, 0x1'e4b7'0ea3'f942),
                row<CMDQ_BASE, CMDQ_BASE::LOG2SIZE>("LOG2SIZE", 0, 0x1f, RW, 0x1),
            },
    });
    check_layout<CMDQ_PROD>({
        .reserved = {0xfff0'0000},
        .ignored = {},
        .sample = {0x7'f285},
        .rows =
            {
                row<CMDQ_PROD, CMDQ_PROD::WR>("WR", 0, 0xf'ffff, RW, 0x7'f285),
            },
    });
    check_layout<CMDQ_CONS>({
        .reserved = {0x80f0'0000},
        .ignored = {},
        .sample = {0x503'f942},
        .rows =
            {
                row<CMDQ_CONS, CMDQ_CONS::ERR>("ERR", 0, 0x7f00'0000, RW, 0x5),
                row<CMDQ_CONS, CMDQ_CONS::RD>("RD", 0, 0xf'ffff, RW, 0x3'f942),
            },
    });
}

TEST_CASE("Event queue registers: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<EVENTQ_BASE>({
        .reserved = {0xbf00'0000'0000'0000},
        .ignored = {},
        .sample = {0x403c'96e1'd47f'2841},
        .rows =
            {
                row<EVENTQ_BASE, EVENTQ_BASE::WA>("WA", 0, 0x4000'0000'0000'0000, RW, 0x1),
                row<EVENTQ_BASE, EVENTQ_BASE::ADDR>("ADDR", 0, 0xff'ffff'ffff'ffe0, RW, 0x1'e4b7'0ea3'f942),
                row<EVENTQ_BASE, EVENTQ_BASE::LOG2SIZE>("LOG2SIZE", 0, 0x1f, RW, 0x1),
            },
    });
    check_layout<EVENTQ_PROD>({
        .reserved = {0x7ff0'0000},
        .ignored = {},
        .sample = {0x8003'f942},
        .rows =
            {
                row<EVENTQ_PROD, EVENTQ_PROD::OVFLG>("OVFLG", 0, 0x8000'0000, RW, 0x1),
                row<EVENTQ_PROD, EVENTQ_PROD::WR>("WR", 0, 0xf'ffff, RW, 0x3'f942),
            },
    });
    check_layout<EVENTQ_CONS>({
        .reserved = {0x7ff0'0000},
        .ignored = {},
        .sample = {0x8003'f942},
        .rows =
            {
                row<EVENTQ_CONS, EVENTQ_CONS::OVACKFLG>("OVACKFLG", 0, 0x8000'0000, RW, 0x1),
                row<EVENTQ_CONS, EVENTQ_CONS::RD>("RD", 0, 0xf'ffff, RW, 0x3'f942),
            },
    });
}

TEST_CASE("PRI queue registers: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<PRIQ_BASE>({
        .reserved = {0xbf00'0000'0000'0000},
        .ignored = {},
        .sample = {0x403c'96e1'd47f'2841},
        .rows =
            {
                row<PRIQ_BASE, PRIQ_BASE::WA>("WA", 0, 0x4000'0000'0000'0000, RW, 0x1),
                row<PRIQ_BASE, PRIQ_BASE::ADDR>("ADDR", 0, 0xff'ffff'ffff'ffe0, RW, 0x1'e4b7'0ea3'f942),
                row<PRIQ_BASE, PRIQ_BASE::LOG2SIZE>("LOG2SIZE", 0, 0x1f, RW, 0x1),
            },
    });
    check_layout<PRIQ_PROD>({
        .reserved = {0x7ff0'0000},
        .ignored = {},
        .sample = {0x8003'f942},
        .rows =
            {
                row<PRIQ_PROD, PRIQ_PROD::OVFLG>("OVFLG", 0, 0x8000'0000, RW, 0x1),
                row<PRIQ_PROD, PRIQ_PROD::WR>("WR", 0, 0xf'ffff, RW, 0x3'f942),
            },
    });
    check_layout<PRIQ_CONS>({
        .reserved = {0x7ff0'0000},
        .ignored = {},
        .sample = {0x8003'f942},
        .rows =
            {
                row<PRIQ_CONS, PRIQ_CONS::OVACKFLG>("OVACKFLG", 0, 0x8000'0000, RW, 0x1),
                row<PRIQ_CONS, PRIQ_CONS::RD>("RD", 0, 0xf'ffff, RW, 0x3'f942),
            },
    });
}

TEST_CASE("Stream table and queue registers are where the manual puts them", "[smmuv3][spec]") {
    CHECK(STRTAB_BASE::offset == 0x80);
    CHECK(STRTAB_BASE_CFG::offset == 0x88);
    CHECK(CMDQ_BASE::offset == 0x90);
    CHECK(CMDQ_PROD::offset == 0x98);
    CHECK(CMDQ_CONS::offset == 0x9c);
    CHECK(EVENTQ_BASE::offset == 0xa0);
    CHECK(EVENTQ_PROD::offset == 0x100a8);
    CHECK(EVENTQ_CONS::offset == 0x100ac);
    CHECK(PRIQ_BASE::offset == 0xc0);
    CHECK(PRIQ_PROD::offset == 0x100c8);
    CHECK(PRIQ_CONS::offset == 0x100cc);
}

TEST_CASE("A two-level stream table and a command queue decode field by field", "[smmuv3][spec]") {
    const Value<STRTAB_BASE> base{0x4000'0001'2345'6780};
    CHECK(base.in_place<STRTAB_BASE::ADDR>() == 0x1'2345'6780);
    CHECK(base.get<STRTAB_BASE::RA>() == 1);
    const Value<STRTAB_BASE_CFG> cfg{0x1'0210};
    CHECK(cfg.get<STRTAB_BASE_CFG::FMT>() == 1);
    CHECK(cfg.get<STRTAB_BASE_CFG::SPLIT>() == 8);
    CHECK(cfg.get<STRTAB_BASE_CFG::LOG2SIZE>() == 16);
    const Value<CMDQ_BASE> queue{0x4000'00ff'ffff'ff33};
    CHECK(queue.in_place<CMDQ_BASE::ADDR>() == 0xff'ffff'ff20);
    CHECK(queue.get<CMDQ_BASE::LOG2SIZE>() == 19);
    const Value<CMDQ_CONS> cons{0x0108'0005};
    CHECK(cons.get<CMDQ_CONS::ERR>() == 1);
    CHECK(cons.get<CMDQ_CONS::RD>() == 0x8'0005);  // wrapped once round 2^19 entries
}
