// SPDX-License-Identifier: GPL-2.0-or-later
//
// S2PTW: stage 2 may keep the CD and stage 1's tables out of Device memory. [SMMU 5.2 S2PTW; ARM S2FWB]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;
constexpr std::uint64_t kMoved = 0x60'0000'0000;

// MemAttr[3:0] as it stands in a descriptor.
constexpr std::uint64_t memattr(std::uint64_t value) { return kS2R | kS2W | kAf | value << 2; }

struct Attribute {
    std::uint64_t value;
    bool device;
};
// Without FWB: 00xx is Device. With it: x0xx is Device; 0101 NC, 0110 WB, 0111 as stage 1 says.
constexpr Attribute kPlain[] = {{0, true},  {1, true},   {2, true},   {3, true},   {5, false},  {6, false}, {7, false},
                                {9, false}, {10, false}, {11, false}, {13, false}, {14, false}, {15, false}};
constexpr Attribute kForced[] = {{0, true}, {1, true}, {2, true}, {3, true}, {5, false}, {6, false}, {7, false}};

void build(Guest& guest, bool s2ptw, bool fwb) {
    guest.identity_second(memattr(fwb ? 6 : 15));
    guest.stream(kStream, {.config = kNested, .s2ptw = s2ptw, .s2fwb = fwb});
    guest.map(guest.low, kIova, kOut, kPage);
    guest.bring_up();
}

void check(const Attribute& attribute, bool s2ptw, bool fwb) {
    INFO("MemAttr " << attribute.value << ", S2PTW " << s2ptw << ", S2FWB " << fwb);
    const bool refused = s2ptw && attribute.device;
    {  // the page itself may be anything
        Guest guest;
        build(guest, s2ptw, fwb);
        guest.map(guest.low, kIova, kMoved, kPage);
        guest.map(guest.second, kMoved, kOut, memattr(attribute.value));
        expect_output(guest, write_at(kIova), kOut);
    }
    for (const int level : {1, 3}) {
        Guest guest;
        build(guest, s2ptw, fwb);
        const std::uint64_t table = guest.entry(guest.low, kIova, level) & ~0xfffull;
        guest.poke(guest.entry(guest.low, kIova, level - 1), kMoved | 3);
        guest.map(guest.second, kMoved, table, memattr(attribute.value));
        const Wanted wanted{.type = F_PERMISSION, .s2 = true, .input_class = kClassTt, .ipa = kMoved, .ttrnw = true};
        if (refused) expect_event(guest, read_at(kIova), wanted);
        if (!refused) expect_output(guest, read_at(kIova), kOut);
    }
    {
        Guest guest;
        build(guest, s2ptw, fwb);
        guest.map(guest.second, kMoved, guest.cd(kStream), memattr(attribute.value));
        guest.set(guest.ste(kStream), 55, 6, kMoved >> 6);
        const Wanted wanted{.type = F_PERMISSION, .s2 = true, .input_class = kClassCd, .ipa = kMoved};
        if (refused) expect_event(guest, read_at(kIova), wanted);
        if (!refused) expect_output(guest, read_at(kIova), kOut);
    }
}

}  // namespace

TEST_CASE("S2PTW: the CD and tables in Device memory are refused, pages are not", "[smmu][s2ptw]") {
    for (const bool s2ptw : {false, true}) {
        for (const Attribute& attribute : kPlain)
            check(attribute, s2ptw, false);
        for (const Attribute& attribute : kForced)
            check(attribute, s2ptw, true);
    }
}

TEST_CASE("S2PTW: without FWB in the unit, S2FWB means nothing", "[smmu][s2ptw]") {
    Guest guest({.fwb = 0});
    guest.identity_second(memattr(10));  // Normal without FWB; with it this would be Device
    guest.stream(kStream, {.config = kNested, .s2ptw = true, .s2fwb = true});
    guest.map(guest.low, kIova, kOut, kPage);
    guest.bring_up();
    expect_output(guest, read_at(kIova), kOut);
}

TEST_CASE("S2PTW: a stream without stage 1 is not concerned", "[smmu][s2ptw]") {
    Guest guest;
    guest.map(guest.second, kIova, kOut, memattr(0));
    guest.stream(kStream, {.config = kStage2, .s2ptw = true});
    guest.bring_up();
    expect_output(guest, write_at(kIova), kOut);
}
