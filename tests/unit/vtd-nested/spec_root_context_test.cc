// SPDX-License-Identifier: GPL-2.0-or-later
//
// Root and context entries, typed from the manual. [VTD 5.10 s9.1-9.4]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/root_context.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("Root entry: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<LegacyRootEntry>({
        .reserved = {0xffe, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x3c96'e1d4'7f28'5001, 0x0},
        .rows =
            {
                row<LegacyRootEntry, LegacyRootEntry::CTP>("CTP", 0, 0xffff'ffff'ffff'f000, RW, 0x3'c96e'1d47'f285),
                row<LegacyRootEntry, LegacyRootEntry::P>("P", 0, 0x1, RW, 0x1),
            },
    });
}

TEST_CASE("Scalable-mode root entry: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<ScalableRootEntry>({
        .reserved = {0xffe, 0xffe},
        .ignored = {},
        .sample = {0x8f25'b875'1fca'1001, 0x3c96'e1d4'7f28'5001},
        .rows =
            {
                row<ScalableRootEntry, ScalableRootEntry::UCTP>("UCTP", 1, 0xffff'ffff'ffff'f000, RW,
                                                                0x3'c96e'1d47'f285),
                row<ScalableRootEntry, ScalableRootEntry::UP>("UP", 1, 0x1, RW, 0x1),
                row<ScalableRootEntry, ScalableRootEntry::LCTP>("LCTP", 0, 0xffff'ffff'ffff'f000, RW,
                                                                0x8'f25b'8751'fca1),
                row<ScalableRootEntry, ScalableRootEntry::LP>("LP", 0, 0x1, RW, 0x1),
            },
    });
}

TEST_CASE("Context entry: fields at the manual's bits, 70:67 ignored, the rest reserved", "[vtd][spec]") {
    check_layout<LegacyContextEntry>({
        .reserved = {0xff0, 0xffff'ffff'ff00'0080},
        .ignored = {0x0, 0x78},
        .sample = {0x8f25'b875'1fca'1007, 0xf2'8502},
        .rows =
            {
                row<LegacyContextEntry, LegacyContextEntry::DID>("DID", 1, 0xff'ff00, RW, 0xf285),
                row<LegacyContextEntry, LegacyContextEntry::AW>("AW", 1, 0x7, RW, 0x2),
                row<LegacyContextEntry, LegacyContextEntry::SSPTPTR>("SSPTPTR", 0, 0xffff'ffff'ffff'f000, RW,
                                                                     0x8'f25b'8751'fca1),
                row<LegacyContextEntry, LegacyContextEntry::TT>("TT", 0, 0xc, RW, 0x1),
                row<LegacyContextEntry, LegacyContextEntry::FPD>("FPD", 0, 0x2, RW, 0x1),
                row<LegacyContextEntry, LegacyContextEntry::P>("P", 0, 0x1, RW, 0x1),
            },
    });
}

TEST_CASE("Scalable-mode context entry: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<ScalableContextEntry>({
        .reserved = {0x180, 0xffff'ffff'ffe0'0000, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x8f25'b875'1fca'125b, 0x13'f942, 0x0, 0x0},
        .rows =
            {
                row<ScalableContextEntry, ScalableContextEntry::RID_PRIV>("RID_PRIV", 1, 0x10'0000, RW, 0x1),
                row<ScalableContextEntry, ScalableContextEntry::RID_PASID>("RID_PASID", 1, 0xf'ffff, RW, 0x3'f942),
                row<ScalableContextEntry, ScalableContextEntry::PASIDDIRPTR>("PASIDDIRPTR", 0, 0xffff'ffff'ffff'f000,
                                                                             RW, 0x8'f25b'8751'fca1),
                row<ScalableContextEntry, ScalableContextEntry::PDTS>("PDTS", 0, 0xe00, RW, 0x1),
                row<ScalableContextEntry, ScalableContextEntry::EPTR>("EPTR", 0, 0x40, RW, 0x1),
                row<ScalableContextEntry, ScalableContextEntry::HPTE>("HPTE", 0, 0x20, RW, 0x0),
                row<ScalableContextEntry, ScalableContextEntry::PRE>("PRE", 0, 0x10, RW, 0x1),
                row<ScalableContextEntry, ScalableContextEntry::PASIDE>("PASIDE", 0, 0x8, RW, 0x1),
                row<ScalableContextEntry, ScalableContextEntry::DTE>("DTE", 0, 0x4, RW, 0x0),
                row<ScalableContextEntry, ScalableContextEntry::FPD>("FPD", 0, 0x2, RW, 0x1),
                row<ScalableContextEntry, ScalableContextEntry::P>("P", 0, 0x1, RW, 0x1),
            },
    });
}

TEST_CASE("TT has the manual's encodings", "[vtd][spec]") {
    CHECK(static_cast<unsigned>(TranslationType::UntranslatedOnly) == 0b00);
    CHECK(static_cast<unsigned>(TranslationType::DeviceTlb) == 0b01);
    CHECK(static_cast<unsigned>(TranslationType::PassThrough) == 0b10);
}
