// SPDX-License-Identifier: GPL-2.0-or-later
//
// Identification, command, table and register-based invalidation registers, typed from the manual. [VTD 5.10 s11.4.1-6]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/registers.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("Version Register: fields at the manual's bits", "[vtd][spec]") {
    check_layout<VER>({
        .reserved = {0xffff'ff00},
        .ignored = {},
        .sample = {0x25},
        .rows =
            {
                row<VER, VER::MIN>("MIN", 0, 0xf, RO, 0x5),
                row<VER, VER::MAX>("MAX", 0, 0xf0, RO, 0x2),
            },
    });
}

TEST_CASE("Capability Register: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<CAP>({
        .reserved = {0x600'0040'0080'e008},
        .ignored = {},
        .sample = {0xd8e1'4222'5042'05b5},
        .rows =
            {
                row<CAP, CAP::ND>("ND", 0, 0x7, RO, 0x5),
                row<CAP, CAP::RWBF>("RWBF", 0, 0x10, RO, 0x1),
                row<CAP, CAP::PLMR>("PLMR", 0, 0x20, RO, 0x1),
                row<CAP, CAP::PHMR>("PHMR", 0, 0x40, RO, 0x0),
                row<CAP, CAP::CM>("CM", 0, 0x80, RO, 0x1),
                row<CAP, CAP::SAGAW>("SAGAW", 0, 0x1f00, RO, 0x5),
                row<CAP, CAP::MGAW>("MGAW", 0, 0x3f'0000, RO, 0x2),
                row<CAP, CAP::ZLR>("ZLR", 0, 0x40'0000, RO, 0x1),
                row<CAP, CAP::FRO>("FRO", 0, 0x3'ff00'0000, RO, 0x250),
                row<CAP, CAP::SSLPS>("SSLPS", 0, 0x3c'0000'0000, RO, 0x8),
                row<CAP, CAP::PSI>("PSI", 0, 0x80'0000'0000, RO, 0x0),
                row<CAP, CAP::NFR>("NFR", 0, 0xff00'0000'0000, RO, 0x42),
                row<CAP, CAP::MAMV>("MAMV", 0, 0x3f'0000'0000'0000, RO, 0x21),
                row<CAP, CAP::DWD>("DWD", 0, 0x40'0000'0000'0000, RO, 0x1),
                row<CAP, CAP::DRD>("DRD", 0, 0x80'0000'0000'0000, RO, 0x1),
                row<CAP, CAP::FS1GP>("FS1GP", 0, 0x100'0000'0000'0000, RO, 0x0),
                row<CAP, CAP::PI>("PI", 0, 0x800'0000'0000'0000, RO, 0x1),
                row<CAP, CAP::FS5LP>("FS5LP", 0, 0x1000'0000'0000'0000, RO, 0x1),
                row<CAP, CAP::ECMDS>("ECMDS", 0, 0x2000'0000'0000'0000, RO, 0x0),
                row<CAP, CAP::ESIRTPS>("ESIRTPS", 0, 0x4000'0000'0000'0000, RO, 0x1),
                row<CAP, CAP::ESRTPS>("ESRTPS", 0, 0x8000'0000'0000'0000, RO, 0x1),
            },
    });
}

TEST_CASE("Extended Capability Register: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<ECAP>(
        {
            .reserved = {0x8040'0001'190c'0020},
            .ignored = {},
            .sample = {0x36ad'b616'6210'a19b},
            .rows =
                {
                    row<ECAP, ECAP::C>("C", 0, 0x1, RO, 0x1),
                    row<ECAP, ECAP::QI>("QI", 0, 0x2, RO, 0x1),
                    row<ECAP, ECAP::DT>("DT", 0, 0x4, RO, 0x0),
                    row<ECAP, ECAP::IR>("IR", 0, 0x8, RO, 0x1),
                    row<ECAP, ECAP::EIM>("EIM", 0, 0x10, RO, 0x1),
                    row<ECAP, ECAP::PT>("PT", 0, 0x40, RO, 0x0),
                    row<ECAP, ECAP::SC>("SC", 0, 0x80, RO, 0x1),
                    row<ECAP, ECAP::IRO>("IRO", 0, 0x3'ff00, RO, 0xa1),
                    row<ECAP, ECAP::MHMV>("MHMV", 0, 0xf0'0000, RO, 0x1),
                    row<ECAP, ECAP::MTS>("MTS", 0, 0x200'0000, RO, 0x1),
                    row<ECAP, ECAP::NEST>("NEST", 0, 0x400'0000, RO, 0x0),
                    row<ECAP, ECAP::PRS>("PRS", 0, 0x2000'0000, RO, 0x1),
                    row<ECAP, ECAP::ERS>("ERS", 0, 0x4000'0000, RO, 0x1),
                    row<ECAP, ECAP::SRS>("SRS", 0, 0x8000'0000, RO, 0x0),
                    row<ECAP, ECAP::NWFS>("NWFS", 0, 0x2'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::EAFS>("EAFS", 0, 0x4'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::PSS>("PSS", 0, 0xf8'0000'0000, RO, 0x2),
                    row<ECAP, ECAP::PASID>("PASID", 0, 0x100'0000'0000, RO, 0x0),
                    row<ECAP, ECAP::DIT>("DIT", 0, 0x200'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::PDS>("PDS", 0, 0x400'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::SMTS>("SMTS", 0, 0x800'0000'0000, RO, 0x0),
                    row<ECAP, ECAP::VCS>("VCS", 0, 0x1000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::SSADS>("SSADS", 0, 0x2000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::SSTS>("SSTS", 0, 0x4000'0000'0000, RO, 0x0),
                    row<ECAP, ECAP::FSTS>("FSTS", 0, 0x8000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::SMPWCS>("SMPWCS", 0, 0x1'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::RPS>("RPS", 0, 0x2'0000'0000'0000, RO, 0x0),
                    row<ECAP, ECAP::TDXCS>("TDXCS", 0, 0x4'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::PMS>("PMS", 0, 0x8'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::ADMS>("ADMS", 0, 0x10'0000'0000'0000, RO, 0x0),
                    row<ECAP, ECAP::RPRIVS>("RPRIVS", 0, 0x20'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::HPTS>("HPTS", 0, 0x80'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::PTRS>("PTRS", 0, 0x100'0000'0000'0000, RO, 0x0),
                    row<ECAP, ECAP::SSIRWS>("SSIRWS", 0, 0x200'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::SMS>("SMS", 0, 0x400'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::HPT1GPS>("HPT1GPS", 0, 0x800'0000'0000'0000, RO, 0x0),
                    row<ECAP, ECAP::RDTS>("RDTS", 0, 0x1000'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::EIMER>("EIMER", 0, 0x2000'0000'0000'0000, RO, 0x1),
                    row<ECAP, ECAP::IRREQ>("IRREQ", 0, 0x4000'0000'0000'0000, RO, 0x0),
                },
        });
}

// cap 8d2078c106f0466, ecap f020df: what Linux prints for a widespread server part of version 1:0.
TEST_CASE("Capabilities of a real part decode to what it is known to have", "[vtd][spec]") {
    const Value<CAP> cap{0x08d2'078c'106f'0466};
    CHECK(cap.get<CAP::ND>() == 6);       // 64K domains
    CHECK(cap.get<CAP::SAGAW>() == 0x4);  // 48-bit only
    CHECK(cap.get<CAP::MGAW>() == 47);    // 48 bits
    CHECK(cap.get<CAP::FRO>() == 0x10);   // fault records at 0x100
    CHECK(cap.get<CAP::SSLPS>() == 0x3);  // 2 MiB, 1 GiB
    CHECK(cap.get<CAP::NFR>() == 7);      // 8 records
    CHECK(cap.get<CAP::MAMV>() == 18);
    CHECK(cap.get<CAP::PI>() == 1);
    CHECK(cap.get<CAP::CM>() == 0);
    const Value<ECAP> ecap{0xf020df};
    CHECK(ecap.get<ECAP::IRO>() == 0x20);  // IOTLB registers at 0x200
    CHECK(ecap.get<ECAP::MHMV>() == 15);
    CHECK(ecap.get<ECAP::QI>() == 1);
    CHECK(ecap.get<ECAP::SMTS>() == 0);
}

TEST_CASE(
    "Global Command and Status Registers: fields at the manual's bits, one command and its status at the same bit",
    "[vtd][spec]") {
    check_layout<GCMD>({
        .reserved = {0x307f'ffff},
        .ignored = {},
        .sample = {0xc680'0000},
        .rows =
            {
                row<GCMD, GCMD::TE>("TE", 0, 0x8000'0000, WO, 0x1),
                row<GCMD, GCMD::SRTP>("SRTP", 0, 0x4000'0000, WO, 0x1),
                row<GCMD, GCMD::WBF>("WBF", 0, 0x800'0000, WO, 0x0),
                row<GCMD, GCMD::QIE>("QIE", 0, 0x400'0000, WO, 0x1),
                row<GCMD, GCMD::IRE>("IRE", 0, 0x200'0000, WO, 0x1),
                row<GCMD, GCMD::SIRTP>("SIRTP", 0, 0x100'0000, WO, 0x0),
                row<GCMD, GCMD::CFI>("CFI", 0, 0x80'0000, WO, 0x1),
            },
    });
    check_layout<GSTS>({
        .reserved = {0x307f'ffff},
        .ignored = {},
        .sample = {0xc680'0000},
        .rows =
            {
                row<GSTS, GSTS::TES>("TES", 0, 0x8000'0000, RO, 0x1),
                row<GSTS, GSTS::RTPS>("RTPS", 0, 0x4000'0000, RO, 0x1),
                row<GSTS, GSTS::WBFS>("WBFS", 0, 0x800'0000, RO, 0x0),
                row<GSTS, GSTS::QIES>("QIES", 0, 0x400'0000, RO, 0x1),
                row<GSTS, GSTS::IRES>("IRES", 0, 0x200'0000, RO, 0x1),
                row<GSTS, GSTS::IRTPS>("IRTPS", 0, 0x100'0000, RO, 0x0),
                row<GSTS, GSTS::CFIS>("CFIS", 0, 0x80'0000, RO, 0x1),
            },
    });
}

TEST_CASE("Root Table Address Register: fields at the manual's bits", "[vtd][spec]") {
    check_layout<RTADDR>({
        .reserved = {0x37f},
        .ignored = {},
        .sample = {0x3c96'e1d4'7f28'5880},
        .rows =
            {
                row<RTADDR, RTADDR::RTA>("RTA", 0, 0xffff'ffff'ffff'f000, RW, 0x3'c96e'1d47'f285),
                row<RTADDR, RTADDR::TTM>("TTM", 0, 0xc00, RW, 0x2),
                row<RTADDR, RTADDR::SSIRWE>("SSIRWE", 0, 0x80, RW, 0x1),
            },
    });
}

TEST_CASE("Context Command Register: fields at the manual's bits", "[vtd][spec]") {
    check_layout<CCMD>({
        .reserved = {0x7ff'fffc'0000'0000},
        .ignored = {},
        .sample = {0xc800'0001'7f28'f285},
        .rows =
            {
                row<CCMD, CCMD::ICC>("ICC", 0, 0x8000'0000'0000'0000, RW, 0x1),
                row<CCMD, CCMD::CIRG>("CIRG", 0, 0x6000'0000'0000'0000, RW, 0x2),
                row<CCMD, CCMD::CAIG>("CAIG", 0, 0x1800'0000'0000'0000, RO, 0x1),
                row<CCMD, CCMD::FM>("FM", 0, 0x3'0000'0000, WO, 0x1),
                row<CCMD, CCMD::SID>("SID", 0, 0xffff'0000, WO, 0x7f28),
                row<CCMD, CCMD::DID>("DID", 0, 0xffff, RW, 0xf285),
            },
    });
}

TEST_CASE("IOTLB registers: fields at the manual's bits", "[vtd][spec]") {
    check_layout<IVA>({
        .reserved = {0xf80},
        .ignored = {},
        .sample = {0x3c96'e1d4'7f28'5061},
        .rows =
            {
                row<IVA, IVA::ADDR>("ADDR", 0, 0xffff'ffff'ffff'f000, WO, 0x3'c96e'1d47'f285),
                row<IVA, IVA::IH>("IH", 0, 0x40, WO, 0x1),
                row<IVA, IVA::AM>("AM", 0, 0x3f, WO, 0x21),
            },
    });
    check_layout<IOTLB_REG>({
        .reserved = {0x49fc'0000'ffff'ffff},
        .ignored = {},
        .sample = {0xa202'f285'0000'0000},
        .rows =
            {
                row<IOTLB_REG, IOTLB_REG::IVT>("IVT", 0, 0x8000'0000'0000'0000, RW, 0x1),
                row<IOTLB_REG, IOTLB_REG::IIRG>("IIRG", 0, 0x3000'0000'0000'0000, RW, 0x2),
                row<IOTLB_REG, IOTLB_REG::IAIG>("IAIG", 0, 0x600'0000'0000'0000, RO, 0x1),
                row<IOTLB_REG, IOTLB_REG::DR>("DR", 0, 0x2'0000'0000'0000, RW, 0x1),
                row<IOTLB_REG, IOTLB_REG::DW>("DW", 0, 0x1'0000'0000'0000, RW, 0x0),
                row<IOTLB_REG, IOTLB_REG::DID>("DID", 0, 0xffff'0000'0000, RW, 0xf285),
            },
    });
}
