// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stream table entries, typed from the manual. [SMMU G.b s5.1, s5.2]
#include "smmuv3-nested/spec/ste.h"

#include <catch2/catch_test_macros.hpp>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("Level 1 stream table descriptor: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<L1STD>({
        .reserved = {},
        .ignored = {0xff00'0000'0000'0020},
        .sample = {0x79'2dc3'a8fe'5085},
        .rows =
            {
                row<L1STD, L1STD::Span>("Span", 0, 0x1f, RW, 0x5),
                row<L1STD, L1STD::L2Ptr>("L2Ptr", 0, 0xff'ffff'ffff'ffc0, RW, 0x1'e4b7'0ea3'f942),
            },
    });
}

TEST_CASE("Stream table entry: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<STE>(
        {
            .reserved = {},
            .ignored = {0x700'0000'0000'0000, 0xfff0'0e00'00f0'0000, 0xffff'0000, 0x9f00'0000'0000'0003,
                        0xffff'ffff'ffff'ffff, 0xff00'0000'0000'01ff, 0xffff'ffff'ffff'ffff, 0x0},
            .sample = {0x401e'4b70'ea3f'9415, 0x5'5058'5b07'0d59, 0x6db1'6561'0000'f942, 0x2047'92dc'3a8f'e504, 0x0,
                       0x92'dc3a'8fe5'0600, 0x0, 0xb5a'3c96'e1d4'7f28},
            .rows =
                {
                    row<STE, STE::V>("V", 0, 0x1, RW, 0x1),
                    row<STE, STE::Config>("Config", 0, 0xe, RW, 0x2),
                    row<STE, STE::S1Fmt>("S1Fmt", 0, 0x30, RW, 0x1),
                    row<STE, STE::S1ContextPtr>("S1ContextPtr", 0, 0xff'ffff'ffff'ffc0, RW, 0x792d'c3a8'fe50),
                    row<STE, STE::S1CDMax>("S1CDMax", 0, 0xf800'0000'0000'0000, RW, 0x8),
                    row<STE, STE::S1DSS>("S1DSS", 1, 0x3, RW, 0x1),
                    row<STE, STE::S1CIR>("S1CIR", 1, 0xc, RW, 0x2),
                    row<STE, STE::S1COR>("S1COR", 1, 0x30, RW, 0x1),
                    row<STE, STE::S1CSH>("S1CSH", 1, 0xc0, RW, 0x1),
                    row<STE, STE::S2HWU59>("S2HWU59", 1, 0x100, RW, 0x1),
                    row<STE, STE::S2HWU60>("S2HWU60", 1, 0x200, RW, 0x0),
                    row<STE, STE::S2HWU61>("S2HWU61", 1, 0x400, RW, 0x1),
                    row<STE, STE::S2HWU62>("S2HWU62", 1, 0x800, RW, 0x1),
                    row<STE, STE::DRE>("DRE", 1, 0x1000, RW, 0x0),
                    row<STE, STE::CONT>("CONT", 1, 0x1'e000, RW, 0x8),
                    row<STE, STE::DCP>("DCP", 1, 0x2'0000, RW, 0x1),
                    row<STE, STE::PPAR>("PPAR", 1, 0x4'0000, RW, 0x1),
                    row<STE, STE::MEV>("MEV", 1, 0x8'0000, RW, 0x0),
                    row<STE, STE::S1PIE>("S1PIE", 1, 0x100'0000, RW, 0x1),
                    row<STE, STE::S2FWB>("S2FWB", 1, 0x200'0000, RW, 0x1),
                    row<STE, STE::S1MPAM>("S1MPAM", 1, 0x400'0000, RW, 0x0),
                    row<STE, STE::S1STALLD>("S1STALLD", 1, 0x800'0000, RW, 0x1),
                    row<STE, STE::EATS>("EATS", 1, 0x3000'0000, RW, 0x1),
                    row<STE, STE::STRW>("STRW", 1, 0xc000'0000, RW, 0x1),
                    row<STE, STE::MemAttr>("MemAttr", 1, 0xf'0000'0000, RW, 0x8),
                    row<STE, STE::MTCFG>("MTCFG", 1, 0x10'0000'0000, RW, 0x1),
                    row<STE, STE::ALLOCCFG>("ALLOCCFG", 1, 0x1e0'0000'0000, RW, 0x2),
                    row<STE, STE::SHCFG>("SHCFG", 1, 0x3000'0000'0000, RW, 0x1),
                    row<STE, STE::NSCFG>("NSCFG", 1, 0xc000'0000'0000, RW, 0x1),
                    row<STE, STE::PRIVCFG>("PRIVCFG", 1, 0x3'0000'0000'0000, RW, 0x1),
                    row<STE, STE::INSTCFG>("INSTCFG", 1, 0xc'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2VMID>("S2VMID", 2, 0xffff, RW, 0xf942),
                    row<STE, STE::S2T0SZ>("S2T0SZ", 2, 0x3f'0000'0000, RW, 0x21),
                    row<STE, STE::S2SL0>("S2SL0", 2, 0xc0'0000'0000, RW, 0x1),
                    row<STE, STE::S2IR0>("S2IR0", 2, 0x300'0000'0000, RW, 0x1),
                    row<STE, STE::S2OR0>("S2OR0", 2, 0xc00'0000'0000, RW, 0x1),
                    row<STE, STE::S2SH0>("S2SH0", 2, 0x3000'0000'0000, RW, 0x2),
                    row<STE, STE::S2TG>("S2TG", 2, 0xc000'0000'0000, RW, 0x1),
                    row<STE, STE::S2PS>("S2PS", 2, 0x7'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2AA64>("S2AA64", 2, 0x8'0000'0000'0000, RW, 0x0),
                    row<STE, STE::S2ENDI>("S2ENDI", 2, 0x10'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2AFFD>("S2AFFD", 2, 0x20'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2PTW>("S2PTW", 2, 0x40'0000'0000'0000, RW, 0x0),
                    row<STE, STE::S2HD>("S2HD", 2, 0x80'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2HA>("S2HA", 2, 0x100'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2S>("S2S", 2, 0x200'0000'0000'0000, RW, 0x0),
                    row<STE, STE::S2R>("S2R", 2, 0x400'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2HAFT>("S2HAFT", 2, 0x800'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2PIE>("S2PIE", 2, 0x1000'0000'0000'0000, RW, 0x0),
                    row<STE, STE::S2POE>("S2POE", 2, 0x2000'0000'0000'0000, RW, 0x1),
                    row<STE, STE::DPT_VMATCH>("DPT_VMATCH", 2, 0xc000'0000'0000'0000, RW, 0x1),
                    row<STE, STE::S2SL0_2>("S2SL0_2", 3, 0x4, RW, 0x1),
                    row<STE, STE::S2DS>("S2DS", 3, 0x8, RW, 0x0),
                    row<STE, STE::S2TTB>("S2TTB", 3, 0xff'ffff'ffff'fff0, RW, 0x4'792d'c3a8'fe50),
                    row<STE, STE::S2SKL>("S2SKL", 3, 0x6000'0000'0000'0000, RW, 0x1),
                    row<STE, STE::AssuredOnly>("AssuredOnly", 5, 0x200, RW, 0x1),
                    row<STE, STE::TL0>("TL0", 5, 0x400, RW, 0x1),
                    row<STE, STE::TL1>("TL1", 5, 0x800, RW, 0x0),
                    row<STE, STE::VMSPtr>("VMSPtr", 5, 0xff'ffff'ffff'f000, RW, 0x92d'c3a8'fe50),
                    row<STE, STE::S2POI>("S2POI", 7, 0xffff'ffff'ffff'ffff, RW, 0xb5a'3c96'e1d4'7f28),
                },
        });
}

TEST_CASE("Span names a table between 1 and 11", "[smmuv3][spec]") {
    CHECK_FALSE(L1STD::defined_span(0));
    CHECK(L1STD::defined_span(1));
    CHECK(L1STD::defined_span(11));
    CHECK_FALSE(L1STD::defined_span(12));
    CHECK_FALSE(L1STD::defined_span(31));
}

TEST_CASE("The selecting fields of a stream table entry have the manual's encodings", "[smmuv3][spec]") {
    CHECK(static_cast<unsigned>(StreamConfig::Abort) == 0b000);
    CHECK(static_cast<unsigned>(StreamConfig::Bypass) == 0b100);
    CHECK(static_cast<unsigned>(StreamConfig::Stage1) == 0b101);
    CHECK(static_cast<unsigned>(StreamConfig::Stage2) == 0b110);
    CHECK(static_cast<unsigned>(StreamConfig::Nested) == 0b111);
    CHECK(static_cast<unsigned>(CdTableFormat::Linear) == 0b00);
    CHECK(static_cast<unsigned>(CdTableFormat::TwoLevel4K) == 0b01);
    CHECK(static_cast<unsigned>(CdTableFormat::TwoLevel64K) == 0b10);
    CHECK(static_cast<unsigned>(DefaultSubstream::Terminate) == 0b00);
    CHECK(static_cast<unsigned>(DefaultSubstream::BypassStage1) == 0b01);
    CHECK(static_cast<unsigned>(DefaultSubstream::Substream0) == 0b10);
    CHECK(static_cast<unsigned>(AtsMode::Off) == 0b00);
    CHECK(static_cast<unsigned>(AtsMode::Full) == 0b01);
    CHECK(static_cast<unsigned>(AtsMode::SplitStage) == 0b10);
    CHECK(static_cast<unsigned>(AtsMode::FullWithDpt) == 0b11);
    CHECK(static_cast<unsigned>(StreamWorldSelect::EL1) == 0b00);
    CHECK(static_cast<unsigned>(StreamWorldSelect::EL2) == 0b10);
}

TEST_CASE("A nested entry decodes field by field", "[smmuv3][spec]") {
    const Value<STE> ste{{
        0x5000'0001'2345'601f,  // S1CDMax=10, S1ContextPtr, S1Fmt=01, Config=111, V
        0x0000'0000'1200'0ede,  // EATS=01, S2FWB, S1CSH=11, S1COR=01, S1CIR=11, S1DSS=10
        0x0645'3558'0000'0042,  // S2R, S2S, S2PTW, S2PS=101, S2TG=00, S2SH0=11, S2OR0=01, S2IR0=01, S2SL0=01, S2T0SZ=24
        0x0000'0089'abcd'e000,  // S2TTB
    }};
    CHECK(ste.get<STE::V>() == 1);
    CHECK(ste.get<STE::Config>() == 7);
    CHECK(ste.get<STE::S1Fmt>() == 1);
    CHECK(ste.in_place<STE::S1ContextPtr>() == 0x1'2345'6000);
    CHECK(ste.get<STE::S1CDMax>() == 10);
    CHECK(ste.get<STE::S1DSS>() == 2);
    CHECK(ste.get<STE::S2FWB>() == 1);
    CHECK(ste.get<STE::EATS>() == 1);
    CHECK(ste.get<STE::S2VMID>() == 0x42);
    CHECK(ste.get<STE::S2T0SZ>() == 24);
    CHECK(ste.get<STE::S2SL0>() == 1);
    CHECK(ste.get<STE::S2SH0>() == 3);
    CHECK(ste.get<STE::S2PS>() == 5);
    CHECK(ste.get<STE::S2PTW>() == 1);
    CHECK(ste.get<STE::S2S>() == 1);
    CHECK(ste.get<STE::S2R>() == 1);
    CHECK(ste.in_place<STE::S2TTB>() == 0x89'abcd'e000);
}

TEST_CASE("The table pointers of an entry are addresses where they stand", "[smmuv3][spec]") {
    const Value<STE> ste{{0, 0, 0, 0x00ff'ffff'ffff'fff0, 0, 0x00ff'ffff'ffff'f000}};
    CHECK(ste.in_place<STE::S2TTB>() == 0xff'ffff'ffff'fff0);
    CHECK(ste.in_place<STE::VMSPtr>() == 0xff'ffff'ffff'f000);
}
