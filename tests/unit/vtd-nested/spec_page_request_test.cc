// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page request descriptors and registers, typed from the manual. [VTD 5.10 s7.4.1.1, s11.4.11]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/page_request.h"
#include "vtd-nested/spec/registers.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("Page Request Descriptor: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    using D = PageRequestDescriptor;
    check_layout<D>({
        .reserved = {0xffc0'0000'0000'fe00, 0x0, ~0ull, ~0ull},
        .ignored = {},
        .sample = {0x0036'789a'f285'0101, 0x4792'dc3a'8fe5'0a2d, 0x0, 0x0},
        .rows =
            {
                row<D, D::TYPE>("TYPE", 0, 0xff, RW, 0x1),
                row<D, D::PP>("PP", 0, 0x100, RW, 0x1),
                row<D, D::RID>("RID", 0, 0xffff'0000, RW, 0xf285),
                row<D, D::PASID>("PASID", 0, 0xf'ffff'0000'0000, RW, 0x6'789a),
                row<D, D::EXR>("EXR", 0, 0x10'0000'0000'0000, RW, 0x1),
                row<D, D::PMR>("PMR", 0, 0x20'0000'0000'0000, RW, 0x1),
                row<D, D::RDR>("RDR", 1, 0x1, RW, 0x1),
                row<D, D::WRR>("WRR", 1, 0x2, RW, 0x0),
                row<D, D::LPIG>("LPIG", 1, 0x4, RW, 0x1),
                row<D, D::PRGI>("PRGI", 1, 0xff8, RW, 0x145),
                row<D, D::ADDR>("ADDR", 1, 0xffff'ffff'ffff'f000, RW, 0x4'792d'c3a8'fe50),
            },
    });
    CHECK(D::type == 1);
}

TEST_CASE("Page request queue registers: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<PQH>({
        .reserved = {0xffff'ffff'fff8'001f},
        .ignored = {},
        .sample = {0x5'1fc0},
        .rows = {row<PQH, PQH::PQH_>("PQH", 0, 0x7'ffe0, RW, 0x28fe)},
    });
    check_layout<PQT>({
        .reserved = {0xffff'ffff'fff8'001f},
        .ignored = {},
        .sample = {0x5'1fc0},
        .rows = {row<PQT, PQT::PQT_>("PQT", 0, 0x7'ffe0, RW, 0x28fe)},
    });
    check_layout<PQA>({
        .reserved = {0xff8},
        .ignored = {},
        .sample = {0x3c96'e1d4'7f28'5003},
        .rows =
            {
                row<PQA, PQA::PQA_>("PQA", 0, 0xffff'ffff'ffff'f000, RW, 0x3'c96e'1d47'f285),
                row<PQA, PQA::PQS>("PQS", 0, 0x7, RW, 0x3),
            },
    });
    check_layout<PRS>({
        .reserved = {0xffff'fffc},
        .ignored = {},
        .sample = {0x2},
        .rows =
            {
                row<PRS, PRS::PPR>("PPR", 0, 0x1, RW1C, 0x0),
                row<PRS, PRS::PRO>("PRO", 0, 0x2, RW1C, 0x1),
            },
    });
}

TEST_CASE("Page request event registers: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<PECTL>({
        .reserved = {0x3fff'ffff},
        .ignored = {},
        .sample = {0x4000'0000},
        .rows =
            {
                row<PECTL, PECTL::IM>("IM", 0, 0x8000'0000, RW, 0x0),
                row<PECTL, PECTL::IP>("IP", 0, 0x4000'0000, RO, 0x1),
            },
    });
    check_layout<PEDATA>({
        .reserved = {0xffff'0000},
        .ignored = {},
        .sample = {0xf285},
        .rows = {row<PEDATA, PEDATA::IMD>("IMD", 0, 0xffff, RW, 0xf285)},
    });
    check_layout<PEADDR>({
        .reserved = {0x3},
        .ignored = {},
        .sample = {0x751f'ca14},
        .rows = {row<PEADDR, PEADDR::MA>("MA", 0, 0xffff'fffc, RW, 0x1d47'f285)},
    });
    check_layout<PEUADDR>({
        .reserved = {0x0},
        .ignored = {},
        .sample = {0x751f'ca14},
        .rows = {row<PEUADDR, PEUADDR::MUA>("MUA", 0, 0xffff'ffff, RW, 0x751f'ca14)},
    });
}

TEST_CASE("Page request registers: offsets and names", "[vtd][spec]") {
    struct {
        std::string_view name;
        unsigned offset;
        std::string_view declared_name;
        unsigned declared_offset;
    } const rows[] = {
        {"PQH", 0x0c0, PQH::name, PQH::offset},          {"PQT", 0x0c8, PQT::name, PQT::offset},
        {"PQA", 0x0d0, PQA::name, PQA::offset},          {"PRS", 0x0dc, PRS::name, PRS::offset},
        {"PECTL", 0x0e0, PECTL::name, PECTL::offset},    {"PEDATA", 0x0e4, PEDATA::name, PEDATA::offset},
        {"PEADDR", 0x0e8, PEADDR::name, PEADDR::offset}, {"PEUADDR", 0x0ec, PEUADDR::name, PEUADDR::offset},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(row.declared_name == row.name);
        CHECK(row.declared_offset == row.offset);
    }
}
