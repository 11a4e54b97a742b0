// SPDX-License-Identifier: GPL-2.0-or-later
//
// Control, error and interrupt registers, typed from the manual. [SMMU G.b s6.2, s6.3]
#include "smmuv3-nested/spec/registers.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <string_view>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("CR0 and CR0ACK: the same fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<CR0>({
        .reserved = {0xffff'fa20},
        .ignored = {},
        .sample = {0x496},
        .rows =
            {
                row<CR0, CR0::DPT_WALK_EN>("DPT_WALK_EN", 0, 0x400, RW, 0x1),
                row<CR0, CR0::VMW>("VMW", 0, 0x1c0, RW, 0x2),
                row<CR0, CR0::ATSCHK>("ATSCHK", 0, 0x10, RW, 0x1),
                row<CR0, CR0::CMDQEN>("CMDQEN", 0, 0x8, RW, 0x0),
                row<CR0, CR0::EVENTQEN>("EVENTQEN", 0, 0x4, RW, 0x1),
                row<CR0, CR0::PRIQEN>("PRIQEN", 0, 0x2, RW, 0x1),
                row<CR0, CR0::SMMUEN>("SMMUEN", 0, 0x1, RW, 0x0),
            },
    });
    check_layout<CR0ACK>({
        .reserved = {0xffff'fa20},
        .ignored = {},
        .sample = {0x496},
        .rows =
            {
                row<CR0ACK, CR0ACK::DPT_WALK_EN>("DPT_WALK_EN", 0, 0x400, RO, 0x1),
                row<CR0ACK, CR0ACK::VMW>("VMW", 0, 0x1c0, RO, 0x2),
                row<CR0ACK, CR0ACK::ATSCHK>("ATSCHK", 0, 0x10, RO, 0x1),
                row<CR0ACK, CR0ACK::CMDQEN>("CMDQEN", 0, 0x8, RO, 0x0),
                row<CR0ACK, CR0ACK::EVENTQEN>("EVENTQEN", 0, 0x4, RO, 0x1),
                row<CR0ACK, CR0ACK::PRIQEN>("PRIQEN", 0, 0x2, RO, 0x1),
                row<CR0ACK, CR0ACK::SMMUEN>("SMMUEN", 0, 0x1, RO, 0x0),
            },
    });
}

TEST_CASE("CR1, CR2 and STATUSR: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<CR1>({
        .reserved = {0xffff'f000},
        .ignored = {},
        .sample = {0x655},
        .rows =
            {
                row<CR1, CR1::TABLE_SH>("TABLE_SH", 0, 0xc00, RW, 0x1),
                row<CR1, CR1::TABLE_OC>("TABLE_OC", 0, 0x300, RW, 0x2),
                row<CR1, CR1::TABLE_IC>("TABLE_IC", 0, 0xc0, RW, 0x1),
                row<CR1, CR1::QUEUE_SH>("QUEUE_SH", 0, 0x30, RW, 0x1),
                row<CR1, CR1::QUEUE_OC>("QUEUE_OC", 0, 0xc, RW, 0x1),
                row<CR1, CR1::QUEUE_IC>("QUEUE_IC", 0, 0x3, RW, 0x1),
            },
    });
    check_layout<CR2>({
        .reserved = {0xffff'fff0},
        .ignored = {},
        .sample = {0xd},
        .rows =
            {
                row<CR2, CR2::REC_CFG_ATS>("REC_CFG_ATS", 0, 0x8, RW, 0x1),
                row<CR2, CR2::PTM>("PTM", 0, 0x4, RW, 0x1),
                row<CR2, CR2::RECINVSID>("RECINVSID", 0, 0x2, RW, 0x0),
                row<CR2, CR2::E2H>("E2H", 0, 0x1, RW, 0x1),
            },
    });
    check_layout<STATUSR>({
        .reserved = {0xffff'fffe},
        .ignored = {},
        .sample = {0x1},
        .rows =
            {
                row<STATUSR, STATUSR::DORMANT>("DORMANT", 0, 0x1, RO, 0x1),
            },
    });
}

TEST_CASE("GBPA and AGBPA: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<GBPA>({
        .reserved = {0x7fe0'c0e0},
        .ignored = {},
        .sample = {0x8015'1501},
        .rows =
            {
                row<GBPA, GBPA::Update>("Update", 0, 0x8000'0000, RW, 0x1),
                row<GBPA, GBPA::ABORT>("ABORT", 0, 0x10'0000, RW, 0x1),
                row<GBPA, GBPA::INSTCFG>("INSTCFG", 0, 0xc'0000, RW, 0x1),
                row<GBPA, GBPA::PRIVCFG>("PRIVCFG", 0, 0x3'0000, RW, 0x1),
                row<GBPA, GBPA::SHCFG>("SHCFG", 0, 0x3000, RW, 0x1),
                row<GBPA, GBPA::ALLOCCFG>("ALLOCCFG", 0, 0xf00, RW, 0x5),
                row<GBPA, GBPA::MTCFG>("MTCFG", 0, 0x10, RW, 0x0),
                row<GBPA, GBPA::MemAttr>("MemAttr", 0, 0xf, RW, 0x1),
            },
    });
    CHECK(AGBPA::layout::mask(Rsvd) == AGBPA::layout::Mask{0xffff'ffff});
}

TEST_CASE("IRQ_CTRL and IRQ_CTRLACK: the same fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<IRQ_CTRL>({
        .reserved = {0xffff'fff8},
        .ignored = {},
        .sample = {0x6},
        .rows =
            {
                row<IRQ_CTRL, IRQ_CTRL::EVENTQ_IRQEN>("EVENTQ_IRQEN", 0, 0x4, RW, 0x1),
                row<IRQ_CTRL, IRQ_CTRL::PRIQ_IRQEN>("PRIQ_IRQEN", 0, 0x2, RW, 0x1),
                row<IRQ_CTRL, IRQ_CTRL::GERROR_IRQEN>("GERROR_IRQEN", 0, 0x1, RW, 0x0),
            },
    });
    check_layout<IRQ_CTRLACK>({
        .reserved = {0xffff'fff8},
        .ignored = {},
        .sample = {0x6},
        .rows =
            {
                row<IRQ_CTRLACK, IRQ_CTRLACK::EVENTQ_IRQEN>("EVENTQ_IRQEN", 0, 0x4, RO, 0x1),
                row<IRQ_CTRLACK, IRQ_CTRLACK::PRIQ_IRQEN>("PRIQ_IRQEN", 0, 0x2, RO, 0x1),
                row<IRQ_CTRLACK, IRQ_CTRLACK::GERROR_IRQEN>("GERROR_IRQEN", 0, 0x1, RO, 0x0),
            },
    });
}

TEST_CASE("GERROR and GERRORN: the same fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<GERROR>({
        .reserved = {0xffff'f802},
        .ignored = {},
        .sample = {0x6d9},
        .rows =
            {
                row<GERROR, GERROR::DPT_ERR>("DPT_ERR", 0, 0x400, RO, 0x1),
                row<GERROR, GERROR::CMDQP_ERR>("CMDQP_ERR", 0, 0x200, RO, 0x1),
                row<GERROR, GERROR::SFM_ERR>("SFM_ERR", 0, 0x100, RO, 0x0),
                row<GERROR, GERROR::MSI_GERROR_ABT_ERR>("MSI_GERROR_ABT_ERR", 0, 0x80, RO, 0x1),
                row<GERROR, GERROR::MSI_PRIQ_ABT_ERR>("MSI_PRIQ_ABT_ERR", 0, 0x40, RO, 0x1),
                row<GERROR, GERROR::MSI_EVENTQ_ABT_ERR>("MSI_EVENTQ_ABT_ERR", 0, 0x20, RO, 0x0),
                row<GERROR, GERROR::MSI_CMDQ_ABT_ERR>("MSI_CMDQ_ABT_ERR", 0, 0x10, RO, 0x1),
                row<GERROR, GERROR::PRIQ_ABT_ERR>("PRIQ_ABT_ERR", 0, 0x8, RO, 0x1),
                row<GERROR, GERROR::EVENTQ_ABT_ERR>("EVENTQ_ABT_ERR", 0, 0x4, RO, 0x0),
                row<GERROR, GERROR::CMDQ_ERR>("CMDQ_ERR", 0, 0x1, RO, 0x1),
            },
    });
    check_layout<GERRORN>({
        .reserved = {0xffff'f802},
        .ignored = {},
        .sample = {0x6d9},
        .rows =
            {
                row<GERRORN, GERRORN::DPT_ERR>("DPT_ERR", 0, 0x400, RW, 0x1),
                row<GERRORN, GERRORN::CMDQP_ERR>("CMDQP_ERR", 0, 0x200, RW, 0x1),
                row<GERRORN, GERRORN::SFM_ERR>("SFM_ERR", 0, 0x100, RW, 0x0),
                row<GERRORN, GERRORN::MSI_GERROR_ABT_ERR>("MSI_GERROR_ABT_ERR", 0, 0x80, RW, 0x1),
                row<GERRORN, GERRORN::MSI_PRIQ_ABT_ERR>("MSI_PRIQ_ABT_ERR", 0, 0x40, RW, 0x1),
                row<GERRORN, GERRORN::MSI_EVENTQ_ABT_ERR>("MSI_EVENTQ_ABT_ERR", 0, 0x20, RW, 0x0),
                row<GERRORN, GERRORN::MSI_CMDQ_ABT_ERR>("MSI_CMDQ_ABT_ERR", 0, 0x10, RW, 0x1),
                row<GERRORN, GERRORN::PRIQ_ABT_ERR>("PRIQ_ABT_ERR", 0, 0x8, RW, 0x1),
                row<GERRORN, GERRORN::EVENTQ_ABT_ERR>("EVENTQ_ABT_ERR", 0, 0x4, RW, 0x0),
                row<GERRORN, GERRORN::CMDQ_ERR>("CMDQ_ERR", 0, 0x1, RW, 0x1),
            },
    });
}

TEST_CASE("Interrupt configuration: fields at the manual's bits, only the PRI queue has LO", "[smmuv3][spec]") {
    check_layout<GERROR_IRQ_CFG0>({
        .reserved = {0xff00'0000'0000'0003},
        .ignored = {},
        .sample = {0x8f'25b8'751f'ca14},
        .rows =
            {
                row<GERROR_IRQ_CFG0, GERROR_IRQ_CFG0::ADDR>("ADDR", 0, 0xff'ffff'ffff'fffc, RW, 0x23'c96e'1d47'f285),
            },
    });
    check_layout<EVENTQ_IRQ_CFG1>({
        .reserved = {},
        .ignored = {},
        .sample = {0x1d47'f285},
        .rows =
            {
                row<EVENTQ_IRQ_CFG1, EVENTQ_IRQ_CFG1::DATA>("DATA", 0, 0xffff'ffff, RW, 0x1d47'f285),
            },
    });
    check_layout<EVENTQ_IRQ_CFG2>({
        .reserved = {0xffff'ffc0},
        .ignored = {},
        .sample = {0x12},
        .rows =
            {
                row<EVENTQ_IRQ_CFG2, EVENTQ_IRQ_CFG2::SH>("SH", 0, 0x30, RW, 0x1),
                row<EVENTQ_IRQ_CFG2, EVENTQ_IRQ_CFG2::MemAttr>("MemAttr", 0, 0xf, RW, 0x2),
            },
    });
    check_layout<PRIQ_IRQ_CFG2>({
        .reserved = {0x7fff'ffc0},
        .ignored = {},
        .sample = {0x8000'0021},
        .rows =
            {
                row<PRIQ_IRQ_CFG2, PRIQ_IRQ_CFG2::LO>("LO", 0, 0x8000'0000, RW, 0x1),
                row<PRIQ_IRQ_CFG2, PRIQ_IRQ_CFG2::SH>("SH", 0, 0x30, RW, 0x2),
                row<PRIQ_IRQ_CFG2, PRIQ_IRQ_CFG2::MemAttr>("MemAttr", 0, 0xf, RW, 0x1),
            },
    });
}

TEST_CASE("Each interrupt source has its own configuration registers", "[smmuv3][spec]") {
    CHECK(GERROR_IRQ_CFG0::name == "GERROR_IRQ_CFG0");
    CHECK(GERROR_IRQ_CFG1::name == "GERROR_IRQ_CFG1");
    CHECK(GERROR_IRQ_CFG2::name == "GERROR_IRQ_CFG2");
    CHECK(EVENTQ_IRQ_CFG0::name == "EVENTQ_IRQ_CFG0");
    CHECK(EVENTQ_IRQ_CFG1::name == "EVENTQ_IRQ_CFG1");
    CHECK(EVENTQ_IRQ_CFG2::name == "EVENTQ_IRQ_CFG2");
    CHECK(PRIQ_IRQ_CFG0::name == "PRIQ_IRQ_CFG0");
    CHECK(PRIQ_IRQ_CFG1::name == "PRIQ_IRQ_CFG1");
    CHECK(PRIQ_IRQ_CFG2::name == "PRIQ_IRQ_CFG2");
}

TEST_CASE("Control, error and interrupt registers are where the manual puts them", "[smmuv3][spec]") {
    CHECK(CR0::offset == 0x20);
    CHECK(CR0ACK::offset == 0x24);
    CHECK(CR1::offset == 0x28);
    CHECK(CR2::offset == 0x2c);
    CHECK(STATUSR::offset == 0x40);
    CHECK(GBPA::offset == 0x44);
    CHECK(AGBPA::offset == 0x48);
    CHECK(IRQ_CTRL::offset == 0x50);
    CHECK(IRQ_CTRLACK::offset == 0x54);
    CHECK(GERROR::offset == 0x60);
    CHECK(GERRORN::offset == 0x64);
    CHECK(GERROR_IRQ_CFG0::offset == 0x68);
    CHECK(GERROR_IRQ_CFG1::offset == 0x70);
    CHECK(GERROR_IRQ_CFG2::offset == 0x74);
    CHECK(EVENTQ_IRQ_CFG0::offset == 0xb0);
    CHECK(EVENTQ_IRQ_CFG1::offset == 0xb8);
    CHECK(EVENTQ_IRQ_CFG2::offset == 0xbc);
    CHECK(PRIQ_IRQ_CFG0::offset == 0xd0);
    CHECK(PRIQ_IRQ_CFG1::offset == 0xd8);
    CHECK(PRIQ_IRQ_CFG2::offset == 0xdc);
    CHECK(page_1 == 0x10000);
    CHECK(register_space_size == 0x20000);
}

TEST_CASE("What Linux writes into the control registers decodes field by field", "[smmuv3][spec]") {
    const Value<CR1> cr1{0xd75};  // inner shareable, write-back
    CHECK(cr1.get<CR1::TABLE_SH>() == 3);
    CHECK(cr1.get<CR1::TABLE_OC>() == 1);
    CHECK(cr1.get<CR1::TABLE_IC>() == 1);
    CHECK(cr1.get<CR1::QUEUE_SH>() == 3);
    CHECK(cr1.get<CR1::QUEUE_OC>() == 1);
    CHECK(cr1.get<CR1::QUEUE_IC>() == 1);
    const Value<GBPA> gbpa{0x8010'0000};
    CHECK(gbpa.get<GBPA::Update>() == 1);
    CHECK(gbpa.get<GBPA::ABORT>() == 1);
    CHECK(Value<GERROR>{0x1fd}.reserved_bits_set() == false);
}
