// SPDX-License-Identifier: GPL-2.0-or-later
//
// Commands, typed from the manual. [SMMU G.b s4.1-4.7]
#include "smmuv3-nested/spec/commands.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("Command head: the opcode, the rest ignored", "[smmuv3][spec]") {
    check_layout<CommandHead>({
        .reserved = {},
        .ignored = {0xffff'ffff'ffff'ff00, 0xffff'ffff'ffff'ffff},
        .sample = {0x85, 0x0},
        .rows =
            {
                row<CommandHead, CommandHead::Opcode>("Opcode", 0, 0xff, RW, 0x85),
            },
    });
}

TEST_CASE("Prefetch: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<PREFETCH>({
        .reserved = {},
        .ignored = {0x300, 0x800},
        .sample = {0xe1d4'7f28'8fe5'0c85, 0x4792'dc3a'8fe5'0045},
        .rows =
            {
                row<PREFETCH, PREFETCH::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<PREFETCH, PREFETCH::SSec>("SSec", 0, 0x400, RW, 0x1),
                row<PREFETCH, PREFETCH::SSV>("SSV", 0, 0x800, RW, 0x1),
                row<PREFETCH, PREFETCH::SubstreamID>("SubstreamID", 0, 0xffff'f000, RW, 0x8'fe50),
                row<PREFETCH, PREFETCH::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW, 0xe1d4'7f28),
                row<PREFETCH, PREFETCH::Size>("Size", 1, 0x1f, RW, 0x5),
                row<PREFETCH, PREFETCH::Stride>("Stride", 1, 0x3e0, RW, 0x2),
                row<PREFETCH, PREFETCH::NS>("NS", 1, 0x400, RW, 0x0),
                row<PREFETCH, PREFETCH::Address>("Address", 1, 0xffff'ffff'ffff'f000, RW, 0x4'792d'c3a8'fe50),
            },
    });
}

TEST_CASE("Invalidation of configurations: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<CFGI>({
        .reserved = {},
        .ignored = {0xb00, 0xffff'ffff'ffff'fffe},
        .sample = {0xc3a8'fe50'1fca'1485, 0x1},
        .rows =
            {
                row<CFGI, CFGI::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<CFGI, CFGI::SSec>("SSec", 0, 0x400, RW, 0x1),
                row<CFGI, CFGI::SubstreamID>("SubstreamID", 0, 0xffff'f000, RW, 0x1'fca1),
                row<CFGI, CFGI::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW, 0xc3a8'fe50),
                row<CFGI, CFGI::Leaf>("Leaf", 1, 0x1, RW, 0x1),
            },
    });
    check_layout<CFGI_STE_RANGE>({
        .reserved = {},
        .ignored = {0xffff'fb00, 0xffff'ffff'ffff'ffe0},
        .sample = {0x8751'fca1'0000'0485, 0x10},
        .rows =
            {
                row<CFGI_STE_RANGE, CFGI_STE_RANGE::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<CFGI_STE_RANGE, CFGI_STE_RANGE::SSec>("SSec", 0, 0x400, RW, 0x1),
                row<CFGI_STE_RANGE, CFGI_STE_RANGE::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW, 0x8751'fca1),
                row<CFGI_STE_RANGE, CFGI_STE_RANGE::Range>("Range", 1, 0x1f, RW, 0x10),
            },
    });
    check_layout<CFGI_VMS_PIDM>({
        .reserved = {},
        .ignored = {0xffff'0000'ffff'fb00, 0xffff'ffff'ffff'ffff},
        .sample = {0xfca1'0000'0485, 0x0},
        .rows =
            {
                row<CFGI_VMS_PIDM, CFGI_VMS_PIDM::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<CFGI_VMS_PIDM, CFGI_VMS_PIDM::SSec>("SSec", 0, 0x400, RW, 0x1),
                row<CFGI_VMS_PIDM, CFGI_VMS_PIDM::VMID>("VMID", 0, 0xffff'0000'0000, RW, 0xfca1),
            },
    });
}

TEST_CASE("Invalidation of translations: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<TLBI>({
        .reserved = {},
        .ignored = {0xfc0e'0f00, 0x7e},
        .sample = {0x7f28'fe50'0210'2085, 0xa3c9'6e1d'47f2'8581},
        .rows =
            {
                row<TLBI, TLBI::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<TLBI, TLBI::NUM>("NUM", 0, 0x1'f000, RW, 0x2),
                row<TLBI, TLBI::SCALE>("SCALE", 0, 0x3f0'0000, RW, 0x21),
                row<TLBI, TLBI::VMID>("VMID", 0, 0xffff'0000'0000, RW, 0xfe50),
                row<TLBI, TLBI::ASID>("ASID", 0, 0xffff'0000'0000'0000, RW, 0x7f28),
                row<TLBI, TLBI::Leaf>("Leaf", 1, 0x1, RW, 0x1),
                row<TLBI, TLBI::TTL128>("TTL128", 1, 0x80, RW, 0x1),
                row<TLBI, TLBI::TTL>("TTL", 1, 0x300, RW, 0x1),
                row<TLBI, TLBI::TG>("TG", 1, 0xc00, RW, 0x1),
                row<TLBI, TLBI::Address>("Address", 1, 0xffff'ffff'ffff'f000, RW, 0xa'3c96'e1d4'7f28),
            },
    });
    check_layout<TLBI_S2_IPA>({
        .reserved = {},
        .ignored = {0xffff'0000'fc0e'0f00, 0xff00'0000'0000'007e},
        .sample = {0xfe50'0210'2085, 0x92'dc3a'8fe5'0681},
        .rows =
            {
                row<TLBI_S2_IPA, TLBI_S2_IPA::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<TLBI_S2_IPA, TLBI_S2_IPA::NUM>("NUM", 0, 0x1'f000, RW, 0x2),
                row<TLBI_S2_IPA, TLBI_S2_IPA::SCALE>("SCALE", 0, 0x3f0'0000, RW, 0x21),
                row<TLBI_S2_IPA, TLBI_S2_IPA::VMID>("VMID", 0, 0xffff'0000'0000, RW, 0xfe50),
                row<TLBI_S2_IPA, TLBI_S2_IPA::Leaf>("Leaf", 1, 0x1, RW, 0x1),
                row<TLBI_S2_IPA, TLBI_S2_IPA::TTL128>("TTL128", 1, 0x80, RW, 0x1),
                row<TLBI_S2_IPA, TLBI_S2_IPA::TTL>("TTL", 1, 0x300, RW, 0x2),
                row<TLBI_S2_IPA, TLBI_S2_IPA::TG>("TG", 1, 0xc00, RW, 0x1),
                row<TLBI_S2_IPA, TLBI_S2_IPA::Address>("Address", 1, 0xff'ffff'ffff'f000, RW, 0x92d'c3a8'fe50),
            },
    });
}

TEST_CASE("Endpoint commands: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<ATC_INV>({
        .reserved = {},
        .ignored = {0x500, 0xfc0},
        .sample = {0xe1d4'7f28'8fe5'0a85, 0x1e4b'70ea'3f94'2005},
        .rows =
            {
                row<ATC_INV, ATC_INV::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<ATC_INV, ATC_INV::G>("G", 0, 0x200, RW, 0x1),
                row<ATC_INV, ATC_INV::SSV>("SSV", 0, 0x800, RW, 0x1),
                row<ATC_INV, ATC_INV::SubstreamID>("SubstreamID", 0, 0xffff'f000, RW, 0x8'fe50),
                row<ATC_INV, ATC_INV::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW, 0xe1d4'7f28),
                row<ATC_INV, ATC_INV::Size>("Size", 1, 0x3f, RW, 0x5),
                row<ATC_INV, ATC_INV::Address>("Address", 1, 0xffff'ffff'ffff'f000, RW, 0x1'e4b7'0ea3'f942),
            },
    });
    check_layout<PRI_RESP>({
        .reserved = {},
        .ignored = {0x700, 0xffff'ffff'ffff'ce00},
        .sample = {0xc3a8'fe50'1fca'1885, 0x1128},
        .rows =
            {
                row<PRI_RESP, PRI_RESP::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<PRI_RESP, PRI_RESP::SSV>("SSV", 0, 0x800, RW, 0x1),
                row<PRI_RESP, PRI_RESP::SubstreamID>("SubstreamID", 0, 0xffff'f000, RW, 0x1'fca1),
                row<PRI_RESP, PRI_RESP::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW, 0xc3a8'fe50),
                row<PRI_RESP, PRI_RESP::PRGIndex>("PRGIndex", 1, 0x1ff, RW, 0x128),
                row<PRI_RESP, PRI_RESP::Resp>("Resp", 1, 0x3000, RW, 0x1),
            },
    });
}

TEST_CASE("Resumption and synchronisation: fields at the manual's bits, the rest ignored", "[smmuv3][spec]") {
    check_layout<RESUME>({
        .reserved = {},
        .ignored = {0xffff'cb00, 0xffff'ffff'ffff'0000},
        .sample = {0xe1d4'7f28'0000'1485, 0xf285},
        .rows =
            {
                row<RESUME, RESUME::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<RESUME, RESUME::SSec>("SSec", 0, 0x400, RW, 0x1),
                row<RESUME, RESUME::Ac>("Ac", 0, 0x1000, RW, 0x1),
                row<RESUME, RESUME::Ab>("Ab", 0, 0x2000, RW, 0x0),
                row<RESUME, RESUME::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW, 0xe1d4'7f28),
                row<RESUME, RESUME::STAG>("STAG", 1, 0xffff, RW, 0xf285),
            },
    });
    check_layout<SYNC>({
        .reserved = {},
        .ignored = {0xf03f'cf00, 0xff00'0000'0000'0003},
        .sample = {0xe1d4'7f28'0140'2085, 0x8f'25b8'751f'ca14},
        .rows =
            {
                row<SYNC, SYNC::Opcode>("Opcode", 0, 0xff, RW, 0x85),
                row<SYNC, SYNC::CS>("CS", 0, 0x3000, RW, 0x2),
                row<SYNC, SYNC::MSH>("MSH", 0, 0xc0'0000, RW, 0x1),
                row<SYNC, SYNC::MSIAttr>("MSIAttr", 0, 0xf00'0000, RW, 0x1),
                row<SYNC, SYNC::MSIData>("MSIData", 0, 0xffff'ffff'0000'0000, RW, 0xe1d4'7f28),
                row<SYNC, SYNC::MSIAddress>("MSIAddress", 1, 0xff'ffff'ffff'fffc, RW, 0x23'c96e'1d47'f285),
            },
    });
}

TEST_CASE("Opcodes are the manual's", "[smmuv3][spec]") {
    struct {
        Opcode opcode;
        unsigned code;
    } const rows[] = {
        {Opcode::PREFETCH_CONFIG, 0x01},
        {Opcode::PREFETCH_ADDR, 0x02},
        {Opcode::CFGI_STE, 0x03},
        {Opcode::CFGI_STE_RANGE, 0x04},
        {Opcode::CFGI_CD, 0x05},
        {Opcode::CFGI_CD_ALL, 0x06},
        {Opcode::CFGI_VMS_PIDM, 0x07},
        {Opcode::TLBI_NH_ALL, 0x10},
        {Opcode::TLBI_NH_ASID, 0x11},
        {Opcode::TLBI_NH_VA, 0x12},
        {Opcode::TLBI_NH_VAA, 0x13},
        {Opcode::TLBI_EL3_ALL, 0x18},
        {Opcode::TLBI_EL3_VA, 0x1a},
        {Opcode::TLBI_EL2_ALL, 0x20},
        {Opcode::TLBI_EL2_ASID, 0x21},
        {Opcode::TLBI_EL2_VA, 0x22},
        {Opcode::TLBI_EL2_VAA, 0x23},
        {Opcode::TLBI_S12_VMALL, 0x28},
        {Opcode::TLBI_S2_IPA, 0x2a},
        {Opcode::TLBI_NSNH_ALL, 0x30},
        {Opcode::ATC_INV, 0x40},
        {Opcode::PRI_RESP, 0x41},
        {Opcode::RESUME, 0x44},
        {Opcode::STALL_TERM, 0x45},
        {Opcode::SYNC, 0x46},
        {Opcode::TLBI_S_EL2_ALL, 0x50},
        {Opcode::TLBI_S_EL2_ASID, 0x51},
        {Opcode::TLBI_S_EL2_VA, 0x52},
        {Opcode::TLBI_S_EL2_VAA, 0x53},
        {Opcode::TLBI_S_S12_VMALL, 0x58},
        {Opcode::TLBI_S_S2_IPA, 0x5a},
        {Opcode::TLBI_SNH_ALL, 0x60},
        {Opcode::DPTI_ALL, 0x70},
        {Opcode::DPTI_PA, 0x73},
    };
    for (const auto& row : rows)
        CHECK(static_cast<unsigned>(row.opcode) == row.code);
}

TEST_CASE("Errors, signals and answers have the manual's encodings", "[smmuv3][spec]") {
    CHECK(static_cast<unsigned>(CommandError::CERROR_NONE) == 0);
    CHECK(static_cast<unsigned>(CommandError::CERROR_ILL) == 1);
    CHECK(static_cast<unsigned>(CommandError::CERROR_ABT) == 2);
    CHECK(static_cast<unsigned>(CommandError::CERROR_ATC_INV_SYNC) == 3);
    CHECK(static_cast<unsigned>(SYNC::CompletionSignal::SIG_NONE) == 0b00);
    CHECK(static_cast<unsigned>(SYNC::CompletionSignal::SIG_IRQ) == 0b01);
    CHECK(static_cast<unsigned>(SYNC::CompletionSignal::SIG_SEV) == 0b10);
    CHECK(static_cast<unsigned>(PRI_RESP::Response::Failure) == 0b00);
    CHECK(static_cast<unsigned>(PRI_RESP::Response::InvalidRequest) == 0b01);
    CHECK(static_cast<unsigned>(PRI_RESP::Response::Success) == 0b10);
    CHECK(static_cast<unsigned>(TlbiGranule::Any) == 0b00);
    CHECK(static_cast<unsigned>(TlbiGranule::Granule4K) == 0b01);
    CHECK(static_cast<unsigned>(TlbiGranule::Granule16K) == 0b10);
    CHECK(static_cast<unsigned>(TlbiGranule::Granule64K) == 0b11);
    CHECK(CFGI_STE_RANGE::all == 31);
    CHECK(ATC_INV::max_size == 52);
}

TEST_CASE("What a driver queues decodes field by field", "[smmuv3][spec]") {
    // A range of TLBI_NH_VA: 4K, TTL=3, NUM=4, SCALE=5, leaf.
    const Value<TLBI> tlbi{{0x0007'0002'0050'4012, 0x0000'0012'3456'7701}};
    CHECK(tlbi.get<TLBI::Opcode>() == 0x12);
    CHECK(tlbi.get<TLBI::NUM>() == 4);
    CHECK(tlbi.get<TLBI::SCALE>() == 5);
    CHECK(tlbi.get<TLBI::VMID>() == 2);
    CHECK(tlbi.get<TLBI::ASID>() == 7);
    CHECK(tlbi.get<TLBI::Leaf>() == 1);
    CHECK(tlbi.get<TLBI::TTL>() == 3);
    CHECK(tlbi.get<TLBI::TG>() == 1);
    CHECK(tlbi.in_place<TLBI::Address>() == 0x12'3456'7000);
    // A CMD_SYNC that asks for an MSI into memory.
    const Value<SYNC> sync{{0x0000'0000'0fc0'1046, 0x0000'0000'8765'4320}};
    CHECK(sync.get<SYNC::CS>() == 1);
    CHECK(sync.get<SYNC::MSH>() == 3);
    CHECK(sync.get<SYNC::MSIAttr>() == 15);
    CHECK(sync.get<SYNC::MSIData>() == 0);
    CHECK(sync.in_place<SYNC::MSIAddress>() == 0x8765'4320);
    // Everything of one PASID.
    const Value<ATC_INV> atc{{0x0000'0010'0000'5840, 0x34}};
    CHECK(atc.get<ATC_INV::SSV>() == 1);
    CHECK(atc.get<ATC_INV::SubstreamID>() == 5);
    CHECK(atc.get<ATC_INV::StreamID>() == 0x10);
    CHECK(atc.get<ATC_INV::Size>() == 52);
    CHECK(atc.get<ATC_INV::G>() == 0);
}
