// SPDX-License-Identifier: GPL-2.0-or-later
//
// PASID directory and PASID table entries, typed from the manual. [VTD 5.10 s9.5, s9.6]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/pasid.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("PASID directory entry: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<PasidDirEntry>({
        .reserved = {0xffc},
        .ignored = {},
        .sample = {0x3c96'e1d4'7f28'5003},
        .rows =
            {
                row<PasidDirEntry, PasidDirEntry::SMPTBLPTR>("SMPTBLPTR", 0, 0xffff'ffff'ffff'f000, RW,
                                                             0x3'c96e'1d47'f285),
                row<PasidDirEntry, PasidDirEntry::FPD>("FPD", 0, 0x2, RW, 0x1),
                row<PasidDirEntry, PasidDirEntry::P>("P", 0, 0x1, RW, 0x1),
            },
    });
}

TEST_CASE("PASID table entry: fields at the manual's bits, 134:133 ignored, the rest reserved", "[vtd][spec]") {
    check_layout<PasidEntry>({
        .reserved = {0xc20, 0xf87f'0000, 0xf02, 0xffff'ffff'ffff'ffff, 0xff8, 0xffff'ffff'ffff'0000,
                     0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {0x0, 0x0, 0x60, 0x0, 0x0, 0x0, 0x0, 0x0},
        .sample = {0x3c96'e1d4'7f28'5047, 0xe1d4'7f28'0580'7f28, 0xa3c9'6e1d'47f2'8085, 0x0, 0x1e4b'70ea'3f94'2005,
                   0xf285, 0x0, 0x0},
        .rows =
            {
                row<PasidEntry, PasidEntry::HPTDID>("HPTDID", 5, 0xffff, RW, 0xf285),
                row<PasidEntry, PasidEntry::HPTPTR>("HPTPTR", 4, 0xffff'ffff'ffff'f000, RW, 0x1'e4b7'0ea3'f942),
                row<PasidEntry, PasidEntry::HPTPFD>("HPTPFD", 4, 0x4, RW, 0x1),
                row<PasidEntry, PasidEntry::HPTSZ>("HPTSZ", 4, 0x3, RW, 0x1),
                row<PasidEntry, PasidEntry::FSPTPTR>("FSPTPTR", 2, 0xffff'ffff'ffff'f000, RW, 0xa'3c96'e1d4'7f28),
                row<PasidEntry, PasidEntry::EAFE>("EAFE", 2, 0x80, RW, 0x1),
                row<PasidEntry, PasidEntry::WPE>("WPE", 2, 0x10, RW, 0x0),
                row<PasidEntry, PasidEntry::FSPM>("FSPM", 2, 0xc, RW, 0x1),
                row<PasidEntry, PasidEntry::SRE>("SRE", 2, 0x1, RW, 0x1),
                row<PasidEntry, PasidEntry::PAT>("PAT", 1, 0xffff'ffff'0000'0000, RW, 0xe1d4'7f28),
                row<PasidEntry, PasidEntry::EMTE>("EMTE", 1, 0x400'0000, RW, 0x1),
                row<PasidEntry, PasidEntry::CD>("CD", 1, 0x200'0000, RW, 0x0),
                row<PasidEntry, PasidEntry::PGSNP>("PGSNP", 1, 0x100'0000, RW, 0x1),
                row<PasidEntry, PasidEntry::PWSNP>("PWSNP", 1, 0x80'0000, RW, 0x1),
                row<PasidEntry, PasidEntry::DID>("DID", 1, 0xffff, RW, 0x7f28),
                row<PasidEntry, PasidEntry::SSPTPTR>("SSPTPTR", 0, 0xffff'ffff'ffff'f000, RW, 0x3'c96e'1d47'f285),
                row<PasidEntry, PasidEntry::SSADE>("SSADE", 0, 0x200, RW, 0x0),
                row<PasidEntry, PasidEntry::PGTT>("PGTT", 0, 0x1c0, RW, 0x1),
                row<PasidEntry, PasidEntry::AW>("AW", 0, 0x1c, RW, 0x1),
                row<PasidEntry, PasidEntry::FPD>("FPD", 0, 0x2, RW, 0x1),
                row<PasidEntry, PasidEntry::P>("P", 0, 0x1, RW, 0x1),
            },
    });
}

TEST_CASE("PGTT and FSPM have the manual's encodings", "[vtd][spec]") {
    CHECK(static_cast<unsigned>(PasidTranslationType::FirstStage) == 0b001);
    CHECK(static_cast<unsigned>(PasidTranslationType::SecondStage) == 0b010);
    CHECK(static_cast<unsigned>(PasidTranslationType::Nested) == 0b011);
    CHECK(static_cast<unsigned>(PasidTranslationType::PassThrough) == 0b100);
    CHECK(static_cast<unsigned>(FirstStagePagingMode::FourLevel) == 0b00);
    CHECK(static_cast<unsigned>(FirstStagePagingMode::FiveLevel) == 0b01);
}

TEST_CASE("A nested entry decodes field by field", "[vtd][spec]") {
    const Value<PasidEntry> entry{{
        0x0000'0001'2345'60c9,  // SSPTPTR, PGTT=011, AW=010, P
        0x0000'0000'0080'0042,  // PWSNP, DID=0x42
        0x0000'0000'abcd'e011,  // FSPTPTR, WPE, SRE, FSPM=00
    }};
    CHECK(entry.in_place<PasidEntry::SSPTPTR>() == 0x1'2345'6000);
    CHECK(entry.get<PasidEntry::PGTT>() == 3);
    CHECK(entry.get<PasidEntry::AW>() == 2);
    CHECK(entry.get<PasidEntry::DID>() == 0x42);
    CHECK(entry.get<PasidEntry::PWSNP>() == 1);
    CHECK(entry.in_place<PasidEntry::FSPTPTR>() == 0xabcd'e000);
    CHECK(entry.get<PasidEntry::WPE>() == 1);
    CHECK(entry.get<PasidEntry::SRE>() == 1);
    CHECK(entry.get<PasidEntry::FSPM>() == 0);
    CHECK_FALSE(entry.reserved_bits_set());
}
