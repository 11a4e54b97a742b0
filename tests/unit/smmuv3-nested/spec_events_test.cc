// SPDX-License-Identifier: GPL-2.0-or-later
//
// Event records, typed from the manual. [SMMU G.b s7.3]
#include "smmuv3-nested/spec/events.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <string_view>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("Event record: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<EventRecord>({
        .reserved = {0x700, 0xffff'ec61'7fff'0000, 0x0, 0xff00'0000'0000'0fff},
        .ignored = {},
        .sample = {0xc3a8'fe50'1fca'1885, 0x128c'8000'7f28, 0x16b4'792d'c3a8'fe50, 0xc9'6e1d'47f2'8000},
        .rows =
            {
                row<EventRecord, EventRecord::Event>("Event", 0, 0xff, RW, 0x85),
                row<EventRecord, EventRecord::SSV>("SSV", 0, 0x800, RW, 0x1),
                row<EventRecord, EventRecord::SubstreamID>("SubstreamID", 0, 0xffff'f000, RW, 0x1'fca1),
                row<EventRecord, EventRecord::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW, 0xc3a8'fe50),
                row<EventRecord, EventRecord::STAG>("STAG", 1, 0xffff, RW, 0x7f28),
                row<EventRecord, EventRecord::Stall>("Stall", 1, 0x8000'0000, RW, 0x1),
                row<EventRecord, EventRecord::PnU>("PnU", 1, 0x2'0000'0000, RW, 0x0),
                row<EventRecord, EventRecord::InD>("InD", 1, 0x4'0000'0000, RW, 0x1),
                row<EventRecord, EventRecord::RnW>("RnW", 1, 0x8'0000'0000, RW, 0x1),
                row<EventRecord, EventRecord::NSIPA>("NSIPA", 1, 0x10'0000'0000, RW, 0x0),
                row<EventRecord, EventRecord::S2>("S2", 1, 0x80'0000'0000, RW, 0x1),
                row<EventRecord, EventRecord::CLASS>("CLASS", 1, 0x300'0000'0000, RW, 0x2),
                row<EventRecord, EventRecord::TTRnW>("TTRnW", 1, 0x1000'0000'0000, RW, 0x1),
                row<EventRecord, EventRecord::InputAddr>("InputAddr", 2, 0xffff'ffff'ffff'ffff, RW,
                                                         0x16b4'792d'c3a8'fe50),
                row<EventRecord, EventRecord::IPA>("IPA", 3, 0xff'ffff'ffff'f000, RW, 0xc96'e1d4'7f28),
            },
    });
}

TEST_CASE("Record of a failed fetch: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    check_layout<FetchEventRecord>({
        .reserved = {0x700, 0xffff'fc61'fffe'0000, 0x0, 0xff00'0000'0000'0007},
        .ignored = {},
        .sample = {0xc3a8'fe50'1fca'1885, 0x28c'0001'7f28, 0x2d68'f25b'8751'fca1, 0xa3'c96e'1d47'f280},
        .rows =
            {
                row<FetchEventRecord, FetchEventRecord::Event>("Event", 0, 0xff, RW, 0x85),
                row<FetchEventRecord, FetchEventRecord::SSV>("SSV", 0, 0x800, RW, 0x1),
                row<FetchEventRecord, FetchEventRecord::SubstreamID>("SubstreamID", 0, 0xffff'f000, RW, 0x1'fca1),
                row<FetchEventRecord, FetchEventRecord::StreamID>("StreamID", 0, 0xffff'ffff'0000'0000, RW,
                                                                  0xc3a8'fe50),
                row<FetchEventRecord, FetchEventRecord::Reason>("Reason", 1, 0xffff, RW, 0x7f28),
                row<FetchEventRecord, FetchEventRecord::GPCF>("GPCF", 1, 0x1'0000, RW, 0x1),
                row<FetchEventRecord, FetchEventRecord::PnU>("PnU", 1, 0x2'0000'0000, RW, 0x0),
                row<FetchEventRecord, FetchEventRecord::InD>("InD", 1, 0x4'0000'0000, RW, 0x1),
                row<FetchEventRecord, FetchEventRecord::RnW>("RnW", 1, 0x8'0000'0000, RW, 0x1),
                row<FetchEventRecord, FetchEventRecord::NSIPA>("NSIPA", 1, 0x10'0000'0000, RW, 0x0),
                row<FetchEventRecord, FetchEventRecord::S2>("S2", 1, 0x80'0000'0000, RW, 0x1),
                row<FetchEventRecord, FetchEventRecord::CLASS>("CLASS", 1, 0x300'0000'0000, RW, 0x2),
                row<FetchEventRecord, FetchEventRecord::InputAddr>("InputAddr", 2, 0xffff'ffff'ffff'ffff, RW,
                                                                   0x2d68'f25b'8751'fca1),
                row<FetchEventRecord, FetchEventRecord::FetchAddr>("FetchAddr", 3, 0xff'ffff'ffff'fff8, RW,
                                                                   0x14'792d'c3a8'fe50),
            },
    });
}

namespace {

struct Row {
    Event event;
    unsigned code;
    std::string_view name;
};

// clang-format off
constexpr Row table[] = {
    {Event::F_UUT, 0x01, "F_UUT"},
    {Event::C_BAD_STREAMID, 0x02, "C_BAD_STREAMID"},
    {Event::F_STE_FETCH, 0x03, "F_STE_FETCH"},
    {Event::C_BAD_STE, 0x04, "C_BAD_STE"},
    {Event::F_BAD_ATS_TREQ, 0x05, "F_BAD_ATS_TREQ"},
    {Event::F_STREAM_DISABLED, 0x06, "F_STREAM_DISABLED"},
    {Event::F_TRANSL_FORBIDDEN, 0x07, "F_TRANSL_FORBIDDEN"},
    {Event::C_BAD_SUBSTREAMID, 0x08, "C_BAD_SUBSTREAMID"},
    {Event::F_CD_FETCH, 0x09, "F_CD_FETCH"},
    {Event::C_BAD_CD, 0x0a, "C_BAD_CD"},
    {Event::F_WALK_EABT, 0x0b, "F_WALK_EABT"},
    {Event::F_TRANSLATION, 0x10, "F_TRANSLATION"},
    {Event::F_ADDR_SIZE, 0x11, "F_ADDR_SIZE"},
    {Event::F_ACCESS, 0x12, "F_ACCESS"},
    {Event::F_PERMISSION, 0x13, "F_PERMISSION"},
    {Event::F_TLB_CONFLICT, 0x20, "F_TLB_CONFLICT"},
    {Event::F_CFG_CONFLICT, 0x21, "F_CFG_CONFLICT"},
    {Event::E_PAGE_REQUEST, 0x24, "E_PAGE_REQUEST"},
    {Event::F_VMS_FETCH, 0x25, "F_VMS_FETCH"},
};
// clang-format on

}  // namespace

TEST_CASE("Events have the manual's numbers and names, and each a meaning of its own", "[smmuv3][spec]") {
    for (const Row& row : table) {
        INFO(row.name);
        CHECK(static_cast<unsigned>(row.event) == row.code);
        CHECK(name(row.event) == row.name);
        CHECK_FALSE(meaning(row.event).empty());
        for (const Row& other : table)
            CHECK((other.event == row.event || meaning(other.event) != meaning(row.event)));
    }
}

TEST_CASE("No other number has a name", "[smmuv3][spec]") {
    unsigned named = 0;
    for (unsigned code = 0; code <= 0xff; ++code) {
        const auto event = static_cast<Event>(code);
        CHECK(name(event).empty() == meaning(event).empty());
        named += name(event).empty() ? 0 : 1;
    }
    CHECK(named == 19);
}

TEST_CASE("CLASS has the manual's encodings", "[smmuv3][spec]") {
    CHECK(static_cast<unsigned>(Class::CD) == 0b00);
    CHECK(static_cast<unsigned>(Class::TT) == 0b01);
    CHECK(static_cast<unsigned>(Class::IN) == 0b10);
}

TEST_CASE("Records decode field by field", "[smmuv3][spec]") {
    // A stalled write of stream 0x10, PASID 3, that stage 2 refuses.
    const Value<EventRecord> stalled{{0x0000'0010'0000'3813, 0x0000'0280'8000'0007, 0x1234'5678, 0x9abc'd000}};
    CHECK(stalled.get<EventRecord::Event>() == 0x13);
    CHECK(stalled.get<EventRecord::SSV>() == 1);
    CHECK(stalled.get<EventRecord::SubstreamID>() == 3);
    CHECK(stalled.get<EventRecord::StreamID>() == 0x10);
    CHECK(stalled.get<EventRecord::STAG>() == 7);
    CHECK(stalled.get<EventRecord::Stall>() == 1);
    CHECK(stalled.get<EventRecord::RnW>() == 0);
    CHECK(stalled.get<EventRecord::S2>() == 1);
    CHECK(stalled.get<EventRecord::CLASS>() == 2);
    CHECK(stalled.get<EventRecord::InputAddr>() == 0x1234'5678);
    CHECK(stalled.in_place<EventRecord::IPA>() == 0x9abc'd000);
    // A privileged read for which a table of stage 1 could not be read.
    const Value<FetchEventRecord> fetch{{0x0000'0010'0000'000b, 0x0000'010a'0000'0000, 0x1234'5678, 0x9abc'def8}};
    CHECK(fetch.get<FetchEventRecord::Event>() == 0x0b);
    CHECK(fetch.get<FetchEventRecord::RnW>() == 1);
    CHECK(fetch.get<FetchEventRecord::PnU>() == 1);
    CHECK(fetch.get<FetchEventRecord::InD>() == 0);
    CHECK(fetch.get<FetchEventRecord::S2>() == 0);
    CHECK(fetch.get<FetchEventRecord::CLASS>() == 1);
    CHECK(fetch.in_place<FetchEventRecord::FetchAddr>() == 0x9abc'def8);
}
