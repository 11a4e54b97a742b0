// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fault, protected-memory and invalidation-queue registers, typed from the manual. [VTD 5.10 s11.4.7-9]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/registers.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("Fault Status Register: fields at the manual's bits, PPF is not software's to clear", "[vtd][spec]") {
    check_layout<FSTS>({
        .reserved = {0xffff'008c},
        .ignored = {},
        .sample = {0x8563},
        .rows =
            {
                row<FSTS, FSTS::FRI>("FRI", 0, 0xff00, RO, 0x85),
                row<FSTS, FSTS::ITE>("ITE", 0, 0x40, RW1C, 0x1),
                row<FSTS, FSTS::ICE>("ICE", 0, 0x20, RW1C, 0x1),
                row<FSTS, FSTS::IQE>("IQE", 0, 0x10, RW1C, 0x0),
                row<FSTS, FSTS::PPF>("PPF", 0, 0x2, RO, 0x1),
                row<FSTS, FSTS::PFO>("PFO", 0, 0x1, RW1C, 0x1),
            },
    });
}

TEST_CASE("Fault Event registers: fields at the manual's bits", "[vtd][spec]") {
    check_layout<FECTL>({
        .reserved = {0x3fff'ffff},
        .ignored = {},
        .sample = {0xc000'0000},
        .rows =
            {
                row<FECTL, FECTL::IM>("IM", 0, 0x8000'0000, RW, 0x1),
                row<FECTL, FECTL::IP>("IP", 0, 0x4000'0000, RO, 0x1),
            },
    });
    check_layout<FEDATA>({
        .reserved = {0xffff'0000},
        .ignored = {},
        .sample = {0xf285},
        .rows =
            {
                row<FEDATA, FEDATA::IMD>("IMD", 0, 0xffff, RW, 0xf285),
            },
    });
    check_layout<FEADDR>({
        .reserved = {0x3},
        .ignored = {},
        .sample = {0x751f'ca14},
        .rows =
            {
                row<FEADDR, FEADDR::MA>("MA", 0, 0xffff'fffc, RW, 0x1d47'f285),
            },
    });
    check_layout<FEUADDR>({
        .reserved = {},
        .ignored = {},
        .sample = {0x1d47'f285},
        .rows =
            {
                row<FEUADDR, FEUADDR::MUA>("MUA", 0, 0xffff'ffff, RW, 0x1d47'f285),
            },
    });
}

TEST_CASE("Fault Recording Register: fields at the manual's bits, only F is software's to clear", "[vtd][spec]") {
    check_layout<FRCD_LO>({
        .reserved = {0xfff},
        .ignored = {},
        .sample = {0x3c96'e1d4'7f28'5000},
        .rows =
            {
                row<FRCD_LO, FRCD_LO::FI>("FI", 0, 0xffff'ffff'ffff'f000, RO, 0x3'c96e'1d47'f285),
            },
    });
    check_layout<FRCD_HI>({
        .reserved = {0xfff'0000},
        .ignored = {},
        .sample = {0xd8fe'5028'6000'7f28},
        .rows =
            {
                row<FRCD_HI, FRCD_HI::F>("F", 0, 0x8000'0000'0000'0000, RW1C, 0x1),
                row<FRCD_HI, FRCD_HI::T1>("T1", 0, 0x4000'0000'0000'0000, RO, 0x1),
                row<FRCD_HI, FRCD_HI::AT>("AT", 0, 0x3000'0000'0000'0000, RO, 0x1),
                row<FRCD_HI, FRCD_HI::PV>("PV", 0, 0xfff'ff00'0000'0000, RO, 0x8'fe50),
                row<FRCD_HI, FRCD_HI::FR>("FR", 0, 0xff'0000'0000, RO, 0x28),
                row<FRCD_HI, FRCD_HI::PP>("PP", 0, 0x8000'0000, RO, 0x0),
                row<FRCD_HI, FRCD_HI::EXE>("EXE", 0, 0x4000'0000, RO, 0x1),
                row<FRCD_HI, FRCD_HI::PRIV>("PRIV", 0, 0x2000'0000, RO, 0x1),
                row<FRCD_HI, FRCD_HI::T2>("T2", 0, 0x1000'0000, RO, 0x0),
                row<FRCD_HI, FRCD_HI::SID>("SID", 0, 0xffff, RO, 0x7f28),
            },
    });
}

TEST_CASE("Protected memory registers: 1-MiB alignment", "[vtd][spec]") {
    check_layout<PMEN>({
        .reserved = {0x7fff'fffe},
        .ignored = {},
        .sample = {0x8000'0001},
        .rows =
            {
                row<PMEN, PMEN::EPM>("EPM", 0, 0x8000'0000, RW, 0x1),
                row<PMEN, PMEN::PRS>("PRS", 0, 0x1, RO, 0x1),
            },
    });
    check_layout<PLMBASE>({
        .reserved = {0xf'ffff},
        .ignored = {},
        .sample = {0x2850'0000},
        .rows =
            {
                row<PLMBASE, PLMBASE::PLMB>("PLMB", 0, 0xfff0'0000, RW, 0x285),
            },
    });
    check_layout<PLMLIMIT>({
        .reserved = {0xf'ffff},
        .ignored = {},
        .sample = {0x2850'0000},
        .rows =
            {
                row<PLMLIMIT, PLMLIMIT::PLML>("PLML", 0, 0xfff0'0000, RW, 0x285),
            },
    });
    check_layout<PHMBASE>({
        .reserved = {0xf'ffff},
        .ignored = {},
        .sample = {0x96e1'd47f'2850'0000},
        .rows =
            {
                row<PHMBASE, PHMBASE::PHMB>("PHMB", 0, 0xffff'ffff'fff0'0000, RW, 0x96e'1d47'f285),
            },
    });
    check_layout<PHMLIMIT>({
        .reserved = {0xf'ffff},
        .ignored = {},
        .sample = {0x96e1'd47f'2850'0000},
        .rows =
            {
                row<PHMLIMIT, PHMLIMIT::PHML>("PHML", 0, 0xffff'ffff'fff0'0000, RW, 0x96e'1d47'f285),
            },
    });
}

TEST_CASE("Invalidation queue registers: fields at the manual's bits", "[vtd][spec]") {
    check_layout<IQH>({
        .reserved = {0xffff'ffff'fff8'000f},
        .ignored = {},
        .sample = {0x7'2850},
        .rows =
            {
                row<IQH, IQH::QH>("QH", 0, 0x7'fff0, RO, 0x7285),
            },
    });
    check_layout<IQT>({
        .reserved = {0xffff'ffff'fff8'000f},
        .ignored = {},
        .sample = {0x7'2850},
        .rows =
            {
                row<IQT, IQT::QT>("QT", 0, 0x7'fff0, RW, 0x7285),
            },
    });
    check_layout<IQA>({
        .reserved = {0x7f8},
        .ignored = {},
        .sample = {0x3c96'e1d4'7f28'5801},
        .rows =
            {
                row<IQA, IQA::IQA_>("IQA", 0, 0xffff'ffff'ffff'f000, RW, 0x3'c96e'1d47'f285),
                row<IQA, IQA::DW>("DW", 0, 0x800, RW, 0x1),
                row<IQA, IQA::QS>("QS", 0, 0x7, RW, 0x1),
            },
    });
    check_layout<IQERCD>({
        .reserved = {0xffff'fff0},
        .ignored = {},
        .sample = {0xf285'f942'0000'0001},
        .rows =
            {
                row<IQERCD, IQERCD::ICESID>("ICESID", 0, 0xffff'0000'0000'0000, RO, 0xf285),
                row<IQERCD, IQERCD::ITESID>("ITESID", 0, 0xffff'0000'0000, RO, 0xf942),
                row<IQERCD, IQERCD::IQEI>("IQEI", 0, 0xf, RO, 0x1),
            },
    });
}

TEST_CASE("Invalidation event registers: fields at the manual's bits", "[vtd][spec]") {
    check_layout<ICS>({
        .reserved = {0xffff'fffe},
        .ignored = {},
        .sample = {0x1},
        .rows =
            {
                row<ICS, ICS::IWC>("IWC", 0, 0x1, RW1C, 0x1),
            },
    });
    check_layout<IECTL>({
        .reserved = {0x3fff'ffff},
        .ignored = {},
        .sample = {0xc000'0000},
        .rows =
            {
                row<IECTL, IECTL::IM>("IM", 0, 0x8000'0000, RW, 0x1),
                row<IECTL, IECTL::IP>("IP", 0, 0x4000'0000, RO, 0x1),
            },
    });
    check_layout<IEDATA>({
        .reserved = {0xffff'0000},
        .ignored = {},
        .sample = {0xf285},
        .rows =
            {
                row<IEDATA, IEDATA::IMD>("IMD", 0, 0xffff, RW, 0xf285),
            },
    });
    check_layout<IEADDR>({
        .reserved = {0x3},
        .ignored = {},
        .sample = {0x751f'ca14},
        .rows =
            {
                row<IEADDR, IEADDR::MA>("MA", 0, 0xffff'fffc, RW, 0x1d47'f285),
            },
    });
    check_layout<IEUADDR>({
        .reserved = {},
        .ignored = {},
        .sample = {0x1d47'f285},
        .rows =
            {
                row<IEUADDR, IEUADDR::MUA>("MUA", 0, 0xffff'ffff, RW, 0x1d47'f285),
            },
    });
}

TEST_CASE("Every register is where the manual's register map has it", "[vtd][spec]") {
    struct {
        std::string_view name;
        unsigned offset;
        std::string_view declared_name;
        unsigned declared_offset;
    } const rows[] = {
        {"VER", 0x000, VER::name, VER::offset},
        {"CAP", 0x008, CAP::name, CAP::offset},
        {"ECAP", 0x010, ECAP::name, ECAP::offset},
        {"GCMD", 0x018, GCMD::name, GCMD::offset},
        {"GSTS", 0x01c, GSTS::name, GSTS::offset},
        {"RTADDR", 0x020, RTADDR::name, RTADDR::offset},
        {"CCMD", 0x028, CCMD::name, CCMD::offset},
        {"FSTS", 0x034, FSTS::name, FSTS::offset},
        {"FECTL", 0x038, FECTL::name, FECTL::offset},
        {"FEDATA", 0x03c, FEDATA::name, FEDATA::offset},
        {"FEADDR", 0x040, FEADDR::name, FEADDR::offset},
        {"FEUADDR", 0x044, FEUADDR::name, FEUADDR::offset},
        {"PMEN", 0x064, PMEN::name, PMEN::offset},
        {"PLMBASE", 0x068, PLMBASE::name, PLMBASE::offset},
        {"PLMLIMIT", 0x06c, PLMLIMIT::name, PLMLIMIT::offset},
        {"PHMBASE", 0x070, PHMBASE::name, PHMBASE::offset},
        {"PHMLIMIT", 0x078, PHMLIMIT::name, PHMLIMIT::offset},
        {"IQH", 0x080, IQH::name, IQH::offset},
        {"IQT", 0x088, IQT::name, IQT::offset},
        {"IQA", 0x090, IQA::name, IQA::offset},
        {"ICS", 0x09c, ICS::name, ICS::offset},
        {"IECTL", 0x0a0, IECTL::name, IECTL::offset},
        {"IEDATA", 0x0a4, IEDATA::name, IEDATA::offset},
        {"IEADDR", 0x0a8, IEADDR::name, IEADDR::offset},
        {"IEUADDR", 0x0ac, IEUADDR::name, IEUADDR::offset},
        {"IQERCD", 0x0b0, IQERCD::name, IQERCD::offset},
        // Counted from 16 * ECAP.IRO.
        {"IVA", 0x0, IVA::name, IVA::relative_offset},
        {"IOTLB", 0x8, IOTLB_REG::name, IOTLB_REG::relative_offset},
        // Counted from the record.
        {"FRCD_LO", 0x0, FRCD_LO::name, FRCD_LO::relative_offset},
        {"FRCD_HI", 0x8, FRCD_HI::name, FRCD_HI::relative_offset},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(row.declared_name == row.name);
        CHECK(row.declared_offset == row.offset);
    }
}
