// SPDX-License-Identifier: GPL-2.0-or-later
//
// Invalidation queue descriptors, typed from the manual. [VTD 5.10 s6.5.2, s7.6.1]
#include <catch2/catch_test_macros.hpp>

#include "spec_layout_check.h"
#include "vtd-nested/spec/descriptors.h"

using namespace vtd;
using namespace vtd::test;

TEST_CASE("Descriptor head: the type is in 11:9 and 3:0, nothing else is looked at", "[vtd][spec]") {
    check_layout<DescriptorHead>({
        .reserved = {},
        .ignored = {0xffff'ffff'ffff'f1f0, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .sample = {0x405, 0x0, 0x0, 0x0},
        .rows =
            {
                row<DescriptorHead, DescriptorHead::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<DescriptorHead, DescriptorHead::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
            },
    });
}

TEST_CASE("Context-cache Invalidate: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<ContextCacheInvalidate>({
        .reserved = {0xfffc'0000'0000'f1c0, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x1'7f28'fe50'0415, 0x0, 0x0, 0x0},
        .rows =
            {
                row<ContextCacheInvalidate, ContextCacheInvalidate::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<ContextCacheInvalidate, ContextCacheInvalidate::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<ContextCacheInvalidate, ContextCacheInvalidate::G>("G", 0, 0x30, RW, 0x1),
                row<ContextCacheInvalidate, ContextCacheInvalidate::DID>("DID", 0, 0xffff'0000, RW, 0xfe50),
                row<ContextCacheInvalidate, ContextCacheInvalidate::SID>("SID", 0, 0xffff'0000'0000, RW, 0x7f28),
                row<ContextCacheInvalidate, ContextCacheInvalidate::FM>("FM", 0, 0x3'0000'0000'0000, RW, 0x1),
            },
    });
}

TEST_CASE("IOTLB Invalidate: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<IotlbInvalidate>({
        .reserved = {0xffff'ffff'0000'f100, 0xf80, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0xf285'04d5, 0x4792'dc3a'8fe5'0002, 0x0, 0x0},
        .rows =
            {
                row<IotlbInvalidate, IotlbInvalidate::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<IotlbInvalidate, IotlbInvalidate::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<IotlbInvalidate, IotlbInvalidate::G>("G", 0, 0x30, RW, 0x1),
                row<IotlbInvalidate, IotlbInvalidate::DW>("DW", 0, 0x40, RW, 0x1),
                row<IotlbInvalidate, IotlbInvalidate::DR>("DR", 0, 0x80, RW, 0x1),
                row<IotlbInvalidate, IotlbInvalidate::DID>("DID", 0, 0xffff'0000, RW, 0xf285),
                row<IotlbInvalidate, IotlbInvalidate::AM>("AM", 1, 0x3f, RW, 0x2),
                row<IotlbInvalidate, IotlbInvalidate::IH>("IH", 1, 0x40, RW, 0x0),
                row<IotlbInvalidate, IotlbInvalidate::ADDR>("ADDR", 1, 0xffff'ffff'ffff'f000, RW, 0x4'792d'c3a8'fe50),
            },
    });
}

TEST_CASE("Device-TLB Invalidate: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<DeviceTlbInvalidate>({
        .reserved = {0xf'0000'ffe0'01f0, 0xffe, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x2850'7f28'0010'1405, 0x8f25'b875'1fca'1001, 0x0, 0x0},
        .rows =
            {
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::PFSID_3_0>("PFSID_3_0", 0, 0xf000, RW, 0x1),
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::MIP>("MIP", 0, 0x1f'0000, RW, 0x10),
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::SID>("SID", 0, 0xffff'0000'0000, RW, 0x7f28),
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::PFSID_15_4>("PFSID_15_4", 0, 0xfff0'0000'0000'0000, RW,
                                                                          0x285),
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::S>("S", 1, 0x1, RW, 0x1),
                row<DeviceTlbInvalidate, DeviceTlbInvalidate::ADDR>("ADDR", 1, 0xffff'ffff'ffff'f000, RW,
                                                                    0x8'f25b'8751'fca1),
            },
    });
}

TEST_CASE("Interrupt Entry Cache Invalidate: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<InterruptEntryInvalidate>({
        .reserved = {0xffff'0000'07ff'f1e0, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x7f28'8000'0415, 0x0, 0x0, 0x0},
        .rows =
            {
                row<InterruptEntryInvalidate, InterruptEntryInvalidate::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<InterruptEntryInvalidate, InterruptEntryInvalidate::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<InterruptEntryInvalidate, InterruptEntryInvalidate::G>("G", 0, 0x10, RW, 0x1),
                row<InterruptEntryInvalidate, InterruptEntryInvalidate::IM>("IM", 0, 0xf800'0000, RW, 0x10),
                row<InterruptEntryInvalidate, InterruptEntryInvalidate::IIDX>("IIDX", 0, 0xffff'0000'0000, RW, 0x7f28),
            },
    });
}

TEST_CASE("Invalidation Wait: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<InvalidationWait>({
        .reserved = {0xffff'f100, 0x3, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0xea3'f942'0000'04b5, 0xb5a3'c96e'1d47'f284, 0x0, 0x0},
        .rows =
            {
                row<InvalidationWait, InvalidationWait::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<InvalidationWait, InvalidationWait::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<InvalidationWait, InvalidationWait::IF>("IF", 0, 0x10, RW, 0x1),
                row<InvalidationWait, InvalidationWait::SW>("SW", 0, 0x20, RW, 0x1),
                row<InvalidationWait, InvalidationWait::FN>("FN", 0, 0x40, RW, 0x0),
                row<InvalidationWait, InvalidationWait::PD>("PD", 0, 0x80, RW, 0x1),
                row<InvalidationWait, InvalidationWait::STDATA>("STDATA", 0, 0xffff'ffff'0000'0000, RW, 0xea3'f942),
                row<InvalidationWait, InvalidationWait::STADDR>("STADDR", 1, 0xffff'ffff'ffff'fffc, RW,
                                                                0x2d68'f25b'8751'fca1),
            },
    });
}

TEST_CASE("PASID-based-IOTLB Invalidate: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<PasidIotlbInvalidate>({
        .reserved = {0xfff0'0000'0000'f1c0, 0xf80, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x4'7f28'fe50'0415, 0x8f25'b875'1fca'1045, 0x0, 0x0},
        .rows =
            {
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::G>("G", 0, 0x30, RW, 0x1),
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::DID>("DID", 0, 0xffff'0000, RW, 0xfe50),
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::PASID>("PASID", 0, 0xf'ffff'0000'0000, RW, 0x4'7f28),
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::AM>("AM", 1, 0x3f, RW, 0x5),
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::IH>("IH", 1, 0x40, RW, 0x1),
                row<PasidIotlbInvalidate, PasidIotlbInvalidate::ADDR>("ADDR", 1, 0xffff'ffff'ffff'f000, RW,
                                                                      0x8'f25b'8751'fca1),
            },
    });
}

TEST_CASE("PASID-cache Invalidate: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<PasidCacheInvalidate>({
        .reserved = {0xfff0'0000'0000'f1c0, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x4'7f28'fe50'0415, 0x0, 0x0, 0x0},
        .rows =
            {
                row<PasidCacheInvalidate, PasidCacheInvalidate::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<PasidCacheInvalidate, PasidCacheInvalidate::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<PasidCacheInvalidate, PasidCacheInvalidate::G>("G", 0, 0x30, RW, 0x1),
                row<PasidCacheInvalidate, PasidCacheInvalidate::DID>("DID", 0, 0xffff'0000, RW, 0xfe50),
                row<PasidCacheInvalidate, PasidCacheInvalidate::PASID>("PASID", 0, 0xf'ffff'0000'0000, RW, 0x4'7f28),
            },
    });
}

TEST_CASE("PASID-based-Device-TLB Invalidate: fields at the manual's bits, the rest reserved", "[vtd][spec]") {
    check_layout<PasidDeviceTlbInvalidate>({
        .reserved = {0x0, 0x7fe, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {},
        .sample = {0x9427'f285'7f28'1415, 0xa3c9'6e1d'47f2'8801, 0x0, 0x0},
        .rows =
            {
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::MIP>("MIP", 0, 0x1f0, RW, 0x1),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::PFSID_3_0>("PFSID_3_0", 0, 0xf000, RW, 0x1),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::SID>("SID", 0, 0xffff'0000, RW, 0x7f28),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::PASID>("PASID", 0, 0xf'ffff'0000'0000, RW,
                                                                               0x7'f285),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::PFSID_15_4>("PFSID_15_4", 0,
                                                                                    0xfff0'0000'0000'0000, RW, 0x942),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::GI>("GI", 1, 0x1, RW, 0x1),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::S>("S", 1, 0x800, RW, 0x1),
                row<PasidDeviceTlbInvalidate, PasidDeviceTlbInvalidate::ADDR>("ADDR", 1, 0xffff'ffff'ffff'f000, RW,
                                                                              0xa'3c96'e1d4'7f28),
            },
    });
}

TEST_CASE("Page Group Response: fields at the manual's bits, 66 ignored, the rest reserved", "[vtd][spec]") {
    check_layout<PageGroupResponse>({
        .reserved = {0xfff0'0000'0000'01e0, 0xffff'ffff'ffff'f003, 0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
        .ignored = {0x0, 0x4, 0x0, 0x0},
        .sample = {0x7'f285'7f28'1415, 0xa10, 0x0, 0x0},
        .rows =
            {
                row<PageGroupResponse, PageGroupResponse::TYPE_3_0>("TYPE_3_0", 0, 0xf, RW, 0x5),
                row<PageGroupResponse, PageGroupResponse::TYPE_6_4>("TYPE_6_4", 0, 0xe00, RW, 0x2),
                row<PageGroupResponse, PageGroupResponse::PP>("PP", 0, 0x10, RW, 0x1),
                row<PageGroupResponse, PageGroupResponse::RC>("RC", 0, 0xf000, RW, 0x1),
                row<PageGroupResponse, PageGroupResponse::RID>("RID", 0, 0xffff'0000, RW, 0x7f28),
                row<PageGroupResponse, PageGroupResponse::PASID>("PASID", 0, 0xf'ffff'0000'0000, RW, 0x7'f285),
                row<PageGroupResponse, PageGroupResponse::PRGI>("PRGI", 1, 0xff8, RW, 0x142),
            },
    });
}

TEST_CASE("The type is seven bits, the upper three from 11:9", "[vtd][spec]") {
    const auto type_of = [](std::uint64_t q0) { return type_code(Value<DescriptorHead>{{q0}}); };
    CHECK(type_of(0x0000'0000'0000'0001) == 0x01);
    CHECK(type_of(0xffff'ffff'ffff'f1f9) == 0x09);
    CHECK(type_of(0x0000'0000'0000'0205) == 0x15);
    CHECK(type_of(0x0000'0000'0000'0e0f) == 0x7f);
}

TEST_CASE("Descriptor types have the manual's numbers", "[vtd][spec]") {
    struct {
        DescriptorType type;
        unsigned code;
    } const rows[] = {
        {DescriptorType::ContextCacheInvalidate, 0x1}, {DescriptorType::IotlbInvalidate, 0x2},
        {DescriptorType::DeviceTlbInvalidate, 0x3},    {DescriptorType::InterruptEntryInvalidate, 0x4},
        {DescriptorType::InvalidationWait, 0x5},       {DescriptorType::PasidIotlbInvalidate, 0x6},
        {DescriptorType::PasidCacheInvalidate, 0x7},   {DescriptorType::PasidDeviceTlbInvalidate, 0x8},
        {DescriptorType::PageGroupResponse, 0x9},      {DescriptorType::HptCacheInvalidate, 0xa},
    };
    for (const auto& row : rows)
        CHECK(static_cast<unsigned>(row.type) == row.code);
}

// cc_inv_dsc and iotlb_inv_dsc count alike, the PASID-based kinds each in their own way.
TEST_CASE("G has the manual's encodings in each descriptor", "[vtd][spec]") {
    const auto code = [](auto granularity) { return static_cast<unsigned>(granularity); };
    using CC = ContextCacheInvalidate::Granularity;
    CHECK((code(CC::Global) == 0b01 && code(CC::Domain) == 0b10 && code(CC::Device) == 0b11));
    using Iotlb = IotlbInvalidate::Granularity;
    CHECK((code(Iotlb::Global) == 0b01 && code(Iotlb::Domain) == 0b10 && code(Iotlb::Page) == 0b11));
    using Iec = InterruptEntryInvalidate::Granularity;
    CHECK((code(Iec::Global) == 0 && code(Iec::Index) == 1));
    using PIotlb = PasidIotlbInvalidate::Granularity;
    CHECK((code(PIotlb::Pasid) == 0b10 && code(PIotlb::Page) == 0b11));
    using PC = PasidCacheInvalidate::Granularity;
    CHECK((code(PC::Domain) == 0b00 && code(PC::Pasid) == 0b01 && code(PC::Global) == 0b11));
    using RC = PageGroupResponse::ResponseCode;
    CHECK((code(RC::Success) == 0x0 && code(RC::InvalidRequest) == 0x1 && code(RC::ResponseFailure) == 0xf));
}

TEST_CASE("IQEI has the manual's numbers", "[vtd][spec]") {
    struct {
        IQEI reason;
        unsigned code;
    } const rows[] = {
        {IQEI::NotAvailable, 0},  {IQEI::InvalidTail, 1},  {IQEI::FetchError, 2},     {IQEI::InvalidType, 3},
        {IQEI::ReservedField, 4}, {IQEI::InvalidWidth, 5}, {IQEI::TailMisaligned, 6}, {IQEI::InvalidTableMode, 7},
    };
    for (const auto& row : rows)
        CHECK(static_cast<unsigned>(row.reason) == row.code);
}

TEST_CASE("PFSID is put together from its two fields", "[vtd][spec]") {
    CHECK(pfsid(Value<DeviceTlbInvalidate>{{0x1230'0000'0000'4003}}) == 0x1234);
    CHECK(pfsid(Value<PasidDeviceTlbInvalidate>{{0xfed0'0000'0000'c008}}) == 0xfedc);
}
