// SPDX-License-Identifier: GPL-2.0-or-later
//
// Context descriptors and the encodings of sizes, typed from the manual. [SMMU G.b s5.3, s5.4]
#include "smmuv3-nested/spec/cd.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("Level 1 context descriptor: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<L1CD>({
        .reserved = {},
        .ignored = {0xff00'0000'0000'0ffe},
        .sample = {0x4b'70ea'3f94'2001},
        .rows =
            {
                row<L1CD, L1CD::V>("V", 0, 0x1, RW, 0x1),
                row<L1CD, L1CD::L2Ptr>("L2Ptr", 0, 0xff'ffff'ffff'f000, RW, 0x4b7'0ea3'f942),
            },
    });
}

TEST_CASE("Context descriptor: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<CD>(
        {
            .reserved = {},
            .ignored = {0x0, 0x300'0000'0000'0001, 0x300'0000'0000'0001, 0x0, 0xffff'ffff'ffff'ffff,
                        0xffff'ffff'ffff'ffff, 0xffff'0000'0000'0000, 0xffff'0000'0000'0000},
            .sample = {0xfe50'db69'a561'd585, 0xd88f'25b8'751f'ca1c, 0xd88f'25b8'751f'ca1c, 0x1d47'f285'e1d4'7f28, 0x0,
                       0x0, 0xe4b7'0ea3'f942, 0xf25b'8751'fca1},
            .rows =
                {
                    row<CD, CD::T0SZ>("T0SZ", 0, 0x3f, RW, 0x5),
                    row<CD, CD::TG0>("TG0", 0, 0xc0, RW, 0x2),
                    row<CD, CD::IR0>("IR0", 0, 0x300, RW, 0x1),
                    row<CD, CD::OR0>("OR0", 0, 0xc00, RW, 0x1),
                    row<CD, CD::SH0>("SH0", 0, 0x3000, RW, 0x1),
                    row<CD, CD::EPD0>("EPD0", 0, 0x4000, RW, 0x1),
                    row<CD, CD::ENDI>("ENDI", 0, 0x8000, RW, 0x1),
                    row<CD, CD::T1SZ>("T1SZ", 0, 0x3f'0000, RW, 0x21),
                    row<CD, CD::TG1>("TG1", 0, 0xc0'0000, RW, 0x1),
                    row<CD, CD::IR1>("IR1", 0, 0x300'0000, RW, 0x1),
                    row<CD, CD::OR1>("OR1", 0, 0xc00'0000, RW, 0x1),
                    row<CD, CD::SH1>("SH1", 0, 0x3000'0000, RW, 0x2),
                    row<CD, CD::EPD1>("EPD1", 0, 0x4000'0000, RW, 0x0),
                    row<CD, CD::V>("V", 0, 0x8000'0000, RW, 0x1),
                    row<CD, CD::IPS>("IPS", 0, 0x7'0000'0000, RW, 0x1),
                    row<CD, CD::AFFD>("AFFD", 0, 0x8'0000'0000, RW, 0x1),
                    row<CD, CD::WXN>("WXN", 0, 0x10'0000'0000, RW, 0x0),
                    row<CD, CD::UWXN>("UWXN", 0, 0x20'0000'0000, RW, 0x1),
                    row<CD, CD::TBI0>("TBI0", 0, 0x40'0000'0000, RW, 0x1),
                    row<CD, CD::TBI1>("TBI1", 0, 0x80'0000'0000, RW, 0x0),
                    row<CD, CD::PAN>("PAN", 0, 0x100'0000'0000, RW, 0x1),
                    row<CD, CD::AA64>("AA64", 0, 0x200'0000'0000, RW, 0x1),
                    row<CD, CD::HD>("HD", 0, 0x400'0000'0000, RW, 0x0),
                    row<CD, CD::HA>("HA", 0, 0x800'0000'0000, RW, 0x1),
                    row<CD, CD::S>("S", 0, 0x1000'0000'0000, RW, 0x1),
                    row<CD, CD::R>("R", 0, 0x2000'0000'0000, RW, 0x0),
                    row<CD, CD::A>("A", 0, 0x4000'0000'0000, RW, 0x1),
                    row<CD, CD::ASET>("ASET", 0, 0x8000'0000'0000, RW, 0x1),
                    row<CD, CD::ASID>("ASID", 0, 0xffff'0000'0000'0000, RW, 0xfe50),
                    row<CD, CD::HAD0>("HAD0", 1, 0x2, RW, 0x0),
                    row<CD, CD::E0PD0>("E0PD0", 1, 0x4, RW, 0x1),
                    row<CD, CD::HAFT>("HAFT", 1, 0x8, RW, 0x1),
                    row<CD, CD::TTB0>("TTB0", 1, 0xff'ffff'ffff'fff0, RW, 0x8'f25b'8751'fca1),
                    row<CD, CD::PnCH>("PnCH", 1, 0x400'0000'0000'0000, RW, 0x0),
                    row<CD, CD::EPAN>("EPAN", 1, 0x800'0000'0000'0000, RW, 0x1),
                    row<CD, CD::HWU059>("HWU059", 1, 0x1000'0000'0000'0000, RW, 0x1),
                    row<CD, CD::HWU060>("HWU060", 1, 0x2000'0000'0000'0000, RW, 0x0),
                    row<CD, CD::HWU061>("HWU061", 1, 0x4000'0000'0000'0000, RW, 0x1),
                    row<CD, CD::HWU062>("HWU062", 1, 0x8000'0000'0000'0000, RW, 0x1),
                    row<CD, CD::HAD1>("HAD1", 2, 0x2, RW, 0x0),
                    row<CD, CD::E0PD1>("E0PD1", 2, 0x4, RW, 0x1),
                    row<CD, CD::AIE>("AIE", 2, 0x8, RW, 0x1),
                    row<CD, CD::TTB1>("TTB1", 2, 0xff'ffff'ffff'fff0, RW, 0x8'f25b'8751'fca1),
                    row<CD, CD::DS>("DS", 2, 0x400'0000'0000'0000, RW, 0x0),
                    row<CD, CD::PIE>("PIE", 2, 0x800'0000'0000'0000, RW, 0x1),
                    row<CD, CD::HWU159>("HWU159", 2, 0x1000'0000'0000'0000, RW, 0x1),
                    row<CD, CD::HWU160>("HWU160", 2, 0x2000'0000'0000'0000, RW, 0x0),
                    row<CD, CD::HWU161>("HWU161", 2, 0x4000'0000'0000'0000, RW, 0x1),
                    row<CD, CD::HWU162>("HWU162", 2, 0x8000'0000'0000'0000, RW, 0x1),
                    row<CD, CD::MAIR0>("MAIR0", 3, 0xffff'ffff, RW, 0xe1d4'7f28),
                    row<CD, CD::MAIR1>("MAIR1", 3, 0xffff'ffff'0000'0000, RW, 0x1d47'f285),
                    row<CD, CD::PIIU>("PIIU", 6, 0xffff'ffff'ffff, RW, 0xe4b7'0ea3'f942),
                    row<CD, CD::PIIP>("PIIP", 7, 0xffff'ffff'ffff, RW, 0xf25b'8751'fca1),
                },
        });
}

TEST_CASE("A descriptor for a process decodes field by field", "[smmuv3][spec]") {
    const Value<CD> cd{{
        0x1234'e205'c080'3510,  // ASID, ASET, A, R, AA64, IPS=101, V, EPD1, TG1=10, SH0=11, OR0=01, IR0=01, T0SZ=16
        0x0000'00ab'cdef'1000,  // TTB0
        0x0000'0000'0000'0000,
        0x0000'0000'0000'ff04,  // MAIR0
    }};
    CHECK(cd.get<CD::ASID>() == 0x1234);
    CHECK(cd.get<CD::ASET>() == 1);
    CHECK(cd.get<CD::A>() == 1);
    CHECK(cd.get<CD::R>() == 1);
    CHECK(cd.get<CD::S>() == 0);
    CHECK(cd.get<CD::AA64>() == 1);
    CHECK(cd.get<CD::IPS>() == 5);
    CHECK(cd.get<CD::V>() == 1);
    CHECK(cd.get<CD::EPD0>() == 0);
    CHECK(cd.get<CD::EPD1>() == 1);
    CHECK(cd.get<CD::TG0>() == 0);
    CHECK(cd.get<CD::TG1>() == 2);
    CHECK(cd.get<CD::SH0>() == 3);
    CHECK(cd.get<CD::T0SZ>() == 16);
    CHECK(cd.in_place<CD::TTB0>() == 0xab'cdef'1000);
    CHECK(cd.get<CD::MAIR0>() == 0xff04);
}

TEST_CASE("The lower of the two update bits is HD", "[smmuv3][spec]") {
    CHECK(Value<CD>{}.with<CD::HD>(1).words()[0] == 0x400'0000'0000);
    CHECK(Value<CD>{}.with<CD::HA>(1).words()[0] == 0x800'0000'0000);
}

TEST_CASE("TG0 and S2TG name their granules alike, TG1 differently", "[smmuv3][spec]") {
    struct {
        std::uint64_t encoding;
        unsigned tg0, tg1;
    } const rows[] = {{0, 12, 0}, {1, 16, 14}, {2, 14, 12}, {3, 0, 16}, {4, 0, 0}};
    for (const auto& row : rows) {
        INFO("encoding " << row.encoding);
        CHECK(tg0_granule_log2(row.encoding) == row.tg0);
        CHECK(s2tg_granule_log2(row.encoding) == row.tg0);
        CHECK(tg1_granule_log2(row.encoding) == row.tg1);
    }
}

TEST_CASE("IPS, S2PS and OAS name sizes from 32 to 56 bits", "[smmuv3][spec]") {
    CHECK(address_size_bits(0) == 32);
    CHECK(address_size_bits(1) == 36);
    CHECK(address_size_bits(2) == 40);
    CHECK(address_size_bits(3) == 42);
    CHECK(address_size_bits(4) == 44);
    CHECK(address_size_bits(5) == 48);
    CHECK(address_size_bits(6) == 52);
    CHECK(address_size_bits(7) == 56);
}
