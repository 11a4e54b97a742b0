// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which STEs are ILLEGAL (C_BAD_STE), with their nearest legal neighbours. [SMMU 5.2.2]
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

struct Case {
    std::string_view rule;
    bool legal;
    unsigned config;
    std::vector<Bits> fields;  // of the STE
    Caps caps = {};
};

void check(const Case& c) {
    INFO(c.rule << ", Config " << c.config << (c.legal ? ": legal" : ": illegal"));
    Guest guest(c.caps);
    const std::uint64_t ste = guest.stream(kStream, {.config = c.config});
    // Without SSIDs or 52 bits, the other fields are such that nothing else is wrong.
    for (const Bits& field : c.fields)
        guest.set(ste, field.high, field.low, field.value);
    guest.bring_up();
    if (c.legal) expect_not(guest, read_at(0x4000), C_BAD_STE);
    if (!c.legal) expect_event(guest, read_at(0x4000), {.type = C_BAD_STE});
}

constexpr Bits v(std::uint64_t value) { return {0, 0, value}; }
constexpr Bits config(std::uint64_t value) { return {3, 1, value}; }
constexpr Bits s1fmt(std::uint64_t value) { return {5, 4, value}; }
constexpr Bits s1context(unsigned bit) { return {bit, bit, 1}; }  // S1ContextPtr stands at its address bits
constexpr Bits s1cdmax(std::uint64_t value) { return {63, 59, value}; }
constexpr Bits s1stalld(std::uint64_t value) { return {91, 91, value}; }
constexpr Bits strw(std::uint64_t value) { return {95, 94, value}; }
constexpr Bits s2vmid(std::uint64_t value) { return {143, 128, value}; }
constexpr Bits s2t0sz(std::uint64_t value) { return {165, 160, value}; }
constexpr Bits s2sl0(std::uint64_t value) { return {167, 166, value}; }
constexpr Bits s2tg(std::uint64_t value) { return {175, 174, value}; }
constexpr Bits s2ps(std::uint64_t value) { return {178, 176, value}; }
constexpr Bits s2aa64(std::uint64_t value) { return {179, 179, value}; }
constexpr Bits s2endi(std::uint64_t value) { return {180, 180, value}; }
constexpr Bits s2hd(std::uint64_t value) { return {183, 183, value}; }
constexpr Bits s2ha(std::uint64_t value) { return {184, 184, value}; }
constexpr Bits s2s(std::uint64_t value) { return {185, 185, value}; }
constexpr Bits s2ds(std::uint64_t value) { return {195, 195, value}; }
constexpr Bits s2ttb(unsigned bit) { return {192 + bit, 192 + bit, 1}; }

constexpr Caps k52{.oas = 6};
constexpr Caps k52Ds{.oas = 6, .ds = 1, .vax = 1};

}  // namespace

TEST_CASE("STE: V and the stages that the unit has", "[smmu][ste]") {
    const Case cases[] = {
        {"V=0", false, kStage1, {v(0)}},
        {"V=0", false, kBypass, {v(0)}},
        {"V=0 counts before Config=0", false, kStage1, {v(0), config(0)}},
        {"stage 1 needs S1P", false, kStage1, {}, {.s1p = 0}},
        {"stage 1 needs S1P", false, kNested, {}, {.s1p = 0}},
        {"stage 2 does without S1P", true, kStage2, {}, {.s1p = 0}},
        {"bypass does without S1P", true, kBypass, {}, {.s1p = 0}},
        {"stage 2 needs S2P", false, kStage2, {}, {.s2p = 0}},
        {"stage 2 needs S2P", false, kNested, {}, {.s2p = 0}},
        {"stage 1 does without S2P", true, kStage1, {}, {.s2p = 0}},
        {"bypass does without S2P", true, kBypass, {}, {.s2p = 0}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: Config 0 to 3 aborts and tells nobody, whatever else is wrong", "[smmu][ste]") {
    for (const std::uint64_t value : {0u, 1u, 2u, 3u}) {
        Guest guest;
        const std::uint64_t ste = guest.stream(kStream, {.config = kNested});
        for (const Bits& field : {config(value), s2aa64(0), s2tg(3), s1stalld(1), strw(1), s2endi(1)})
            guest.set(ste, field.high, field.low, field.value);
        guest.bring_up();
        INFO("Config " << value);
        expect_silent(guest, read_at(0x4000));
        expect_silent(guest, with_substream(write_at(0x4000), 1));
    }
}

TEST_CASE("STE: STRW is 0 or 2 where it is used", "[smmu][ste]") {
    const Case cases[] = {
        {"EL1", true, kStage1, {strw(0)}},
        {"EL2", true, kStage1, {strw(2)}},
        {"reserved", false, kStage1, {strw(1)}},
        {"reserved", false, kStage1, {strw(3)}},
        {"unused without Hyp", true, kStage1, {strw(1)}, {.hyp = 0}},
        {"unused without Hyp", true, kStage1, {strw(3)}, {.hyp = 0}},
        {"unused with stage 2", true, kStage2, {strw(1)}},
        {"unused with stage 2", true, kNested, {strw(3)}},
        {"unused in bypass", true, kBypass, {strw(3)}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: the stall model bounds S1STALLD and S2S", "[smmu][ste]") {
    const Caps terminates{.stall_model = 1};
    const Caps stalls{.stall_model = 2};
    const Case cases[] = {
        {"S1STALLD may be set where stalls are optional", true, kStage1, {s1stalld(1)}},
        {"S1STALLD without stalls", false, kStage1, {s1stalld(1)}, terminates},
        {"S1STALLD=0 without stalls", true, kStage1, {s1stalld(0)}, terminates},
        {"S1STALLD where stalls are forced", false, kStage1, {s1stalld(1)}, stalls},
        {"S1STALLD=0 where stalls are forced", true, kStage1, {s1stalld(0)}, stalls},
        {"S1STALLD, nested", false, kNested, {s1stalld(1)}, terminates},
        {"S1STALLD is ignored without stage 1", true, kStage2, {s1stalld(1)}, terminates},
        {"S2S may be set where stalls are optional", true, kStage2, {s2s(1)}},
        {"S2S without stalls", false, kStage2, {s2s(1)}, terminates},
        {"S2S=0 without stalls", true, kStage2, {s2s(0)}, terminates},
        {"S2S, nested", false, kNested, {s2s(1)}, terminates},
        {"S2S=0 where stalls are forced", false, kStage2, {s2s(0)}, stalls},
        {"S2S=1 where stalls are forced", true, kStage2, {s2s(1)}, stalls},
        {"S2S is ignored without stage 2", true, kStage1, {s2s(1)}, terminates},
        {"S2S is ignored in bypass", true, kBypass, {s2s(0)}, stalls},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: S1CDMax and S1Fmt fit the unit", "[smmu][ste]") {
    const Case cases[] = {
        {"S1CDMax = SSIDSIZE", true, kStage1, {s1cdmax(20)}},
        {"S1CDMax > SSIDSIZE", false, kStage1, {s1cdmax(21)}},
        {"S1CDMax = SSIDSIZE", true, kStage1, {s1cdmax(4)}, {.ssidsize = 4}},
        {"S1CDMax > SSIDSIZE", false, kStage1, {s1cdmax(5)}, {.ssidsize = 4}},
        {"S1CDMax > SSIDSIZE", false, kNested, {s1cdmax(5)}, {.ssidsize = 4}},
        {"S1CDMax without substreams", true, kStage1, {s1cdmax(31)}, {.ssidsize = 0}},
        {"S1CDMax is ignored without stage 1", true, kStage2, {s1cdmax(31)}},
        {"4K leaves", true, kStage1, {s1cdmax(1), s1fmt(1)}},
        {"64K leaves", true, kStage1, {s1cdmax(1), s1fmt(2)}},
        {"reserved S1Fmt is linear", true, kStage1, {s1cdmax(1), s1fmt(3)}, {.cd2l = 0}},
        {"4K leaves without CD2L", false, kStage1, {s1cdmax(1), s1fmt(1)}, {.cd2l = 0}},
        {"64K leaves without CD2L", false, kStage1, {s1cdmax(1), s1fmt(2)}, {.cd2l = 0}},
        {"S1Fmt is ignored with one CD", true, kStage1, {s1cdmax(0), s1fmt(1)}, {.cd2l = 0}},
        {"S1Fmt is ignored without substreams", true, kStage1, {s1cdmax(1), s1fmt(1)}, {.ssidsize = 0}},
        {"S1Fmt is ignored without stage 1", true, kStage2, {s1cdmax(1), s1fmt(1)}, {.cd2l = 0}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: S1ContextPtr is within the output size, or under stage 2 the intermediate size", "[smmu][ste]") {
    const Case cases[] = {
        {"48 bits", true, kStage1, {s1context(47)}},
        {"48 bits", false, kStage1, {s1context(48)}},
        {"48 bits", false, kStage1, {s1context(55)}},
        {"48 bits", true, kNested, {s1context(47)}},
        {"48 bits", false, kNested, {s1context(48)}},
        {"32 bits", true, kStage1, {s1context(31)}, {.oas = 0}},
        {"32 bits", false, kStage1, {s1context(32)}, {.oas = 0}},
        {"44 bits", true, kStage1, {s1context(43)}, {.oas = 4}},
        {"44 bits", false, kStage1, {s1context(44)}, {.oas = 4}},
        {"52 bits", true, kStage1, {s1context(51)}, k52},
        {"52 bits", false, kStage1, {s1context(52)}, k52},
        {"ignored without stage 1", true, kStage2, {s1context(55)}},
        {"ignored in bypass", true, kBypass, {s1context(55)}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: stage 2 is AArch64, little-endian, and updates what the unit can", "[smmu][ste]") {
    const Case cases[] = {
        {"S2AA64=0", false, kStage2, {s2aa64(0)}},
        {"S2AA64=0", false, kNested, {s2aa64(0)}},
        {"S2AA64=0 without stage 2", true, kStage1, {s2aa64(0)}},
        {"S2ENDI", false, kStage2, {s2endi(1)}},
        {"S2ENDI without stage 2", true, kStage1, {s2endi(1)}},
        {"S2HA without HTTU", false, kStage2, {s2ha(1)}, {.httu = 0}},
        {"S2HD without HTTU", false, kStage2, {s2hd(1)}, {.httu = 0}},
        {"neither without HTTU", true, kStage2, {}, {.httu = 0}},
        {"S2HA with HTTU=1", true, kStage2, {s2ha(1)}, {.httu = 1}},
        {"S2HD with HTTU=1", false, kStage2, {s2ha(1), s2hd(1)}, {.httu = 1}},
        {"S2HD alone with HTTU=1", false, kStage2, {s2hd(1)}, {.httu = 1}},
        {"both with HTTU=2", true, kStage2, {s2ha(1), s2hd(1)}, {.httu = 2}},
        {"S2HD alone with HTTU=2", true, kStage2, {s2hd(1)}, {.httu = 2}},
        {"S2HA, nested without HTTU", false, kNested, {s2ha(1)}, {.httu = 0}},
        {"ignored without stage 2", true, kStage1, {s2ha(1), s2hd(1)}, {.httu = 0}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: S2TG names a granule that the unit has", "[smmu][ste]") {
    const Case cases[] = {
        {"reserved", false, kStage2, {s2tg(3)}},
        {"4K", true, kStage2, {s2tg(0)}},
        {"no 4K", false, kStage2, {s2tg(0)}, {.gran4k = 0}},
        {"64K", true, kStage2, {s2tg(1), s2t0sz(16), s2sl0(2)}},
        {"no 64K", false, kStage2, {s2tg(1), s2t0sz(16), s2sl0(2)}, {.gran64k = 0}},
        {"16K", true, kStage2, {s2tg(2), s2t0sz(17), s2sl0(2)}},
        {"no 16K", false, kStage2, {s2tg(2), s2t0sz(17), s2sl0(2)}, {.gran16k = 0}},
        {"reserved, ignored without stage 2", true, kStage1, {s2tg(3)}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: S2TTB is within S2PS, which is at most the output size", "[smmu][ste]") {
    // S2PS encodings of a unit with 48 bits.
    constexpr unsigned bits[] = {32, 36, 40, 42, 44, 48, 48, 48};
    for (unsigned encoding = 0; encoding < 8; ++encoding) {
        check({"S2PS", true, kStage2, {s2ps(encoding), s2ttb(bits[encoding] - 1)}});
        check({"S2PS", false, kStage2, {s2ps(encoding), s2ttb(bits[encoding])}});
    }
    const Bits t40 = s2t0sz(24), level1 = s2sl0(1);
    const Case cases[] = {
        {"the unit's 40 bits", true, kStage2, {t40, level1, s2ps(5), s2ttb(39)}, {.oas = 2}},
        {"the unit's 40 bits", false, kStage2, {t40, level1, s2ps(5), s2ttb(40)}, {.oas = 2}},
        {"52 bits with 64K", true, kStage2, {s2tg(1), s2ps(6), s2ttb(51)}, k52},
        {"51 bits with 4K", false, kStage2, {s2ps(6), s2ttb(48)}, k52},
        {"48 bits with 4K", true, kStage2, {s2ps(6), s2ttb(47)}, k52},
        {"52 bits with 4K and S2DS", true, kStage2, {s2ps(6), s2ds(1), s2ttb(51)}, k52Ds},
        {"S2DS=0", false, kStage2, {s2ps(6), s2ds(0), s2ttb(51)}, k52Ds},
        {"S2DS without IDR5.DS", false, kStage2, {s2ps(6), s2ds(1), s2ttb(48)}, k52},
        {"ignored without stage 2", true, kStage1, {s2ps(0), s2ttb(51)}},
    };
    for (const Case& c : cases)
        check(c);
}

TEST_CASE("STE: S2VMID has 8 bits without VMID16, where it is used", "[smmu][ste]") {
    const Caps narrow{.vmid16 = 0};
    const Case cases[] = {
        {"16 bits", true, kStage2, {s2vmid(0xffff)}},
        {"8 bits", true, kStage2, {s2vmid(0xff)}, narrow},
        {"9 bits", false, kStage2, {s2vmid(0x100)}, narrow},
        {"9 bits, nested", false, kNested, {s2vmid(0x100)}, narrow},
        {"stage 1 is tagged too", false, kStage1, {s2vmid(0x100)}, narrow},
        {"EL2 is not", true, kStage1, {s2vmid(0x100), strw(2)}, narrow},
        {"STRW=2 is unused when nested", false, kNested, {s2vmid(0x100), strw(2)}, narrow},
        {"bypass", true, kBypass, {s2vmid(0x100)}, narrow},
        {"no stage 2 in the unit", true, kStage1, {s2vmid(0x100)}, {.s2p = 0, .vmid16 = 0}},
    };
    for (const Case& c : cases)
        check(c);
}
