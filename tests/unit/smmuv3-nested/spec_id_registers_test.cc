// SPDX-License-Identifier: GPL-2.0-or-later
//
// Identification registers, typed from the manual. [SMMU G.b s6.2.1, s6.3]
#include "smmuv3-nested/spec/id_registers.h"

#include <catch2/catch_test_macros.hpp>
#include <string_view>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("Feature registers 0 and 1: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<IDR0>({
        .reserved = {0xa000'0000},
        .ignored = {},
        .sample = {0x553b'6d67},
        .rows =
            {
                row<IDR0, IDR0::RME_IMPL>("RME_IMPL", 0, 0x4000'0000, RO, 0x1),
                row<IDR0, IDR0::ST_LEVEL>("ST_LEVEL", 0, 0x1800'0000, RO, 0x2),
                row<IDR0, IDR0::TERM_MODEL>("TERM_MODEL", 0, 0x400'0000, RO, 0x1),
                row<IDR0, IDR0::STALL_MODEL>("STALL_MODEL", 0, 0x300'0000, RO, 0x1),
                row<IDR0, IDR0::ATSRECERR>("ATSRECERR", 0, 0x80'0000, RO, 0x0),
                row<IDR0, IDR0::TTENDIAN>("TTENDIAN", 0, 0x60'0000, RO, 0x1),
                row<IDR0, IDR0::VATOS>("VATOS", 0, 0x10'0000, RO, 0x1),
                row<IDR0, IDR0::CD2L>("CD2L", 0, 0x8'0000, RO, 0x1),
                row<IDR0, IDR0::VMID16>("VMID16", 0, 0x4'0000, RO, 0x0),
                row<IDR0, IDR0::VMW>("VMW", 0, 0x2'0000, RO, 0x1),
                row<IDR0, IDR0::PRI>("PRI", 0, 0x1'0000, RO, 0x1),
                row<IDR0, IDR0::ATOS>("ATOS", 0, 0x8000, RO, 0x0),
                row<IDR0, IDR0::SEV>("SEV", 0, 0x4000, RO, 0x1),
                row<IDR0, IDR0::MSI>("MSI", 0, 0x2000, RO, 0x1),
                row<IDR0, IDR0::ASID16>("ASID16", 0, 0x1000, RO, 0x0),
                row<IDR0, IDR0::NS1ATS>("NS1ATS", 0, 0x800, RO, 0x1),
                row<IDR0, IDR0::ATS>("ATS", 0, 0x400, RO, 0x1),
                row<IDR0, IDR0::Hyp>("Hyp", 0, 0x200, RO, 0x0),
                row<IDR0, IDR0::DORMHINT>("DORMHINT", 0, 0x100, RO, 0x1),
                row<IDR0, IDR0::HTTU>("HTTU", 0, 0xc0, RO, 0x1),
                row<IDR0, IDR0::BTM>("BTM", 0, 0x20, RO, 0x1),
                row<IDR0, IDR0::COHACC>("COHACC", 0, 0x10, RO, 0x0),
                row<IDR0, IDR0::TTF>("TTF", 0, 0xc, RO, 0x1),
                row<IDR0, IDR0::S1P>("S1P", 0, 0x2, RO, 0x1),
                row<IDR0, IDR0::S2P>("S2P", 0, 0x1, RO, 0x1),
            },
    });
    check_layout<IDR1>({
        .reserved = {},
        .ignored = {},
        .sample = {0xd841'8205},
        .rows =
            {
                row<IDR1, IDR1::ECMDQ>("ECMDQ", 0, 0x8000'0000, RO, 0x1),
                row<IDR1, IDR1::TABLES_PRESET>("TABLES_PRESET", 0, 0x4000'0000, RO, 0x1),
                row<IDR1, IDR1::QUEUES_PRESET>("QUEUES_PRESET", 0, 0x2000'0000, RO, 0x0),
                row<IDR1, IDR1::REL>("REL", 0, 0x1000'0000, RO, 0x1),
                row<IDR1, IDR1::ATTR_TYPES_OVR>("ATTR_TYPES_OVR", 0, 0x800'0000, RO, 0x1),
                row<IDR1, IDR1::ATTR_PERMS_OVR>("ATTR_PERMS_OVR", 0, 0x400'0000, RO, 0x0),
                row<IDR1, IDR1::CMDQS>("CMDQS", 0, 0x3e0'0000, RO, 0x2),
                row<IDR1, IDR1::EVENTQS>("EVENTQS", 0, 0x1f'0000, RO, 0x1),
                row<IDR1, IDR1::PRIQS>("PRIQS", 0, 0xf800, RO, 0x10),
                row<IDR1, IDR1::SSIDSIZE>("SSIDSIZE", 0, 0x7c0, RO, 0x8),
                row<IDR1, IDR1::SIDSIZE>("SIDSIZE", 0, 0x3f, RO, 0x5),
            },
    });
}

TEST_CASE("Feature registers 2 to 6: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<IDR2>({
        .reserved = {0xffff'fc00},
        .ignored = {},
        .sample = {0x285},
        .rows =
            {
                row<IDR2, IDR2::BA_VATOS>("BA_VATOS", 0, 0x3ff, RO, 0x285),
            },
    });
    check_layout<IDR3>({
        .reserved = {0xff00'0043},
        .ignored = {},
        .sample = {0xdb'7334},
        .rows =
            {
                row<IDR3, IDR3::AIE>("AIE", 0, 0x80'0000, RO, 0x1),
                row<IDR3, IDR3::MTEPERM>("MTEPERM", 0, 0x40'0000, RO, 0x1),
                row<IDR3, IDR3::THE>("THE", 0, 0x20'0000, RO, 0x0),
                row<IDR3, IDR3::S2PO>("S2PO", 0, 0x10'0000, RO, 0x1),
                row<IDR3, IDR3::S2PI>("S2PI", 0, 0x8'0000, RO, 0x1),
                row<IDR3, IDR3::S1PI>("S1PI", 0, 0x4'0000, RO, 0x0),
                row<IDR3, IDR3::EPAN>("EPAN", 0, 0x2'0000, RO, 0x1),
                row<IDR3, IDR3::PASIDTT>("PASIDTT", 0, 0x1'0000, RO, 0x1),
                row<IDR3, IDR3::DPT>("DPT", 0, 0x8000, RO, 0x0),
                row<IDR3, IDR3::PTWNNC>("PTWNNC", 0, 0x4000, RO, 0x1),
                row<IDR3, IDR3::E0PD>("E0PD", 0, 0x2000, RO, 0x1),
                row<IDR3, IDR3::BBML>("BBML", 0, 0x1800, RO, 0x2),
                row<IDR3, IDR3::RIL>("RIL", 0, 0x400, RO, 0x0),
                row<IDR3, IDR3::STT>("STT", 0, 0x200, RO, 0x1),
                row<IDR3, IDR3::FWB>("FWB", 0, 0x100, RO, 0x1),
                row<IDR3, IDR3::MPAM>("MPAM", 0, 0x80, RO, 0x0),
                row<IDR3, IDR3::PPS>("PPS", 0, 0x20, RO, 0x1),
                row<IDR3, IDR3::XNX>("XNX", 0, 0x10, RO, 0x1),
                row<IDR3, IDR3::PBHA>("PBHA", 0, 0x8, RO, 0x0),
                row<IDR3, IDR3::HAD>("HAD", 0, 0x4, RO, 0x1),
            },
    });
    CHECK(IDR4::layout::mask(Rsvd) == IDR4::layout::Mask{0xffff'ffff});
    check_layout<IDR5>({
        .reserved = {0xf208},
        .ignored = {},
        .sample = {0xf285'09b1},
        .rows =
            {
                row<IDR5, IDR5::STALL_MAX>("STALL_MAX", 0, 0xffff'0000, RO, 0xf285),
                row<IDR5, IDR5::VAX>("VAX", 0, 0xc00, RO, 0x2),
                row<IDR5, IDR5::D128>("D128", 0, 0x100, RO, 0x1),
                row<IDR5, IDR5::DS>("DS", 0, 0x80, RO, 0x1),
                row<IDR5, IDR5::GRAN64K>("GRAN64K", 0, 0x40, RO, 0x0),
                row<IDR5, IDR5::GRAN16K>("GRAN16K", 0, 0x20, RO, 0x1),
                row<IDR5, IDR5::GRAN4K>("GRAN4K", 0, 0x10, RO, 0x1),
                row<IDR5, IDR5::OAS>("OAS", 0, 0x7, RO, 0x1),
            },
    });
    check_layout<IDR6>({
        .reserved = {0xf0f0'ffff},
        .ignored = {},
        .sample = {0x502'0000},
        .rows =
            {
                row<IDR6, IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP>("CMDQ_CONTROL_PAGE_LOG2NUMP", 0, 0xf00'0000, RO, 0x5),
                row<IDR6, IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ>("CMDQ_CONTROL_PAGE_LOG2NUMQ", 0, 0xf'0000, RO, 0x2),
            },
    });
}

TEST_CASE("Implementation and architecture registers: fields at the manual's bits", "[smmuv3][spec]") {
    check_layout<IIDR>({
        .reserved = {},
        .ignored = {},
        .sample = {0x2852'1e50},
        .rows =
            {
                row<IIDR, IIDR::ProductID>("ProductID", 0, 0xfff0'0000, RO, 0x285),
                row<IIDR, IIDR::Variant>("Variant", 0, 0xf'0000, RO, 0x2),
                row<IIDR, IIDR::Revision>("Revision", 0, 0xf000, RO, 0x1),
                row<IIDR, IIDR::Implementer>("Implementer", 0, 0xfff, RO, 0xe50),
            },
    });
    check_layout<AIDR>({
        .reserved = {0xffff'ff00},
        .ignored = {},
        .sample = {0x52},
        .rows =
            {
                row<AIDR, AIDR::ArchMajorRev>("ArchMajorRev", 0, 0xf0, RO, 0x5),
                row<AIDR, AIDR::ArchMinorRev>("ArchMinorRev", 0, 0xf, RO, 0x2),
            },
    });
}

TEST_CASE("Identification registers are where the manual puts them", "[smmuv3][spec]") {
    CHECK(IDR0::offset == 0x0);
    CHECK(IDR1::offset == 0x4);
    CHECK(IDR2::offset == 0x8);
    CHECK(IDR3::offset == 0xc);
    CHECK(IDR4::offset == 0x10);
    CHECK(IDR5::offset == 0x14);
    CHECK(IIDR::offset == 0x18);
    CHECK(AIDR::offset == 0x1c);
    CHECK(IDR6::offset == 0x190);
}

TEST_CASE("The identification block tells the preamble and nobody's part", "[smmuv3][spec]") {
    struct {
        std::string_view name;
        unsigned offset, value;
    } const rows[] = {
        {"PIDR4", 0xfd0, 0},   {"PIDR5", 0xfd4, 0},    {"PIDR6", 0xfd8, 0},   {"PIDR7", 0xfdc, 0},
        {"PIDR0", 0xfe0, 0},   {"PIDR1", 0xfe4, 0},    {"PIDR2", 0xfe8, 0x8}, {"PIDR3", 0xfec, 0},
        {"CIDR0", 0xff0, 0xd}, {"CIDR1", 0xff4, 0xf0}, {"CIDR2", 0xff8, 0x5}, {"CIDR3", 0xffc, 0xb1},
    };
    REQUIRE(identification_registers.size() == std::size(rows));
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        CHECK(identification_registers[i].name == rows[i].name);
        CHECK(identification_registers[i].offset == rows[i].offset);
        CHECK(identification_registers[i].value == rows[i].value);
    }
}

TEST_CASE("Stall models have the manual's encodings", "[smmuv3][spec]") {
    CHECK(static_cast<unsigned>(StallModel::StallAndTerminate) == 0b00);
    CHECK(static_cast<unsigned>(StallModel::TerminateOnly) == 0b01);
    CHECK(static_cast<unsigned>(StallModel::StallOnly) == 0b10);
}

TEST_CASE("The feature registers of a unit for Linux decode field by field", "[smmuv3][spec]") {
    // ST_LEVEL=1, TTENDIAN=2, CD2L, VMID16, PRI, MSI, ASID16, ATS, Hyp, HTTU=2, COHACC, TTF=2, S1P, S2P.
    const Value<IDR0> idr0{0x084d'369b};
    CHECK(idr0.get<IDR0::ST_LEVEL>() == 1);
    CHECK(idr0.get<IDR0::STALL_MODEL>() == 0);
    CHECK(idr0.get<IDR0::TTENDIAN>() == 2);
    CHECK(idr0.get<IDR0::CD2L>() == 1);
    CHECK(idr0.get<IDR0::PRI>() == 1);
    CHECK(idr0.get<IDR0::NS1ATS>() == 0);
    CHECK(idr0.get<IDR0::ATS>() == 1);
    CHECK(idr0.get<IDR0::Hyp>() == 1);
    CHECK(idr0.get<IDR0::HTTU>() == 2);
    CHECK(idr0.get<IDR0::TTF>() == 2);
    CHECK(idr0.get<IDR0::S1P>() == 1);
    CHECK(idr0.get<IDR0::S2P>() == 1);
    // Queues of 2^19 entries, 20 bits of SubstreamID, 16 of StreamID.
    const Value<IDR1> idr1{0x0273'9d10};
    CHECK(idr1.get<IDR1::CMDQS>() == 19);
    CHECK(idr1.get<IDR1::EVENTQS>() == 19);
    CHECK(idr1.get<IDR1::PRIQS>() == 19);
    CHECK(idr1.get<IDR1::SSIDSIZE>() == 20);
    CHECK(idr1.get<IDR1::SIDSIZE>() == 16);
    // 48 bits, all three granules.
    const Value<IDR5> idr5{0x75};
    CHECK(idr5.get<IDR5::OAS>() == 5);
    CHECK(idr5.get<IDR5::GRAN4K>() == 1);
    CHECK(idr5.get<IDR5::GRAN16K>() == 1);
    CHECK(idr5.get<IDR5::GRAN64K>() == 1);
    CHECK(idr5.get<IDR5::VAX>() == 0);
}
