// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who shares cached translations with whom: StreamWorlds, VMIDs, ASIDs, global pages. [SMMU 3.17, 5.2 STRW]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;
constexpr std::uint64_t kChanged = 0x1900000;

// Two streams with tables of their own, which differ in where kIova leads.
struct Pair {
    Guest guest;
    std::uint64_t leaf[2]{};
    Pair(const SteSpec& ste1, std::uint64_t asid1, const SteSpec& ste2, std::uint64_t asid2, std::uint64_t bits,
         const smmuv3::Capabilities& caps = {}, std::uint32_t cr2 = 2)
        : guest(caps) {
        guest.cr2 = cr2;
        guest.identity_second();
        add(0, kStream, ste1, asid1, bits);
        add(1, kOtherStream, ste2, asid2, bits);
        guest.bring_up();
    }
    void add(unsigned index, std::uint32_t stream, const SteSpec& ste, std::uint64_t asid, std::uint64_t bits) {
        guest.low.root = guest.alloc();
        guest.stream(stream, ste, {.asid = asid});
        leaf[index] = guest.map(guest.low, kIova, index == 0 ? kOut : kChanged, bits);
    }
    std::uint64_t output(std::uint32_t stream) {
        return guest.ask(from(stream, read_at(kIova))).translation.address.value;
    }
    // Whether the second stream is served from what the first one brought in.
    bool shared() {
        guest.forget();
        CHECK(output(kStream) == kOut);
        const std::uint64_t second = output(kOtherStream);
        return second == kOut;
    }
};

constexpr std::uint64_t kGlobal = kAp1 | kAf;

struct Case {
    std::string_view rule;
    SteSpec first;
    std::uint64_t asid1;
    SteSpec second;
    std::uint64_t asid2;
    bool shared, shared_global;
    smmuv3::Capabilities caps = {};
    std::uint32_t cr2 = 2;
};

}  // namespace

TEST_CASE("Tags: translations are shared by streams of the same world, VMID and ASID", "[smmu][tags]") {
    const Case cases[] = {
        {"the same", {}, 1, {}, 1, true, true},
        {"another ASID", {}, 1, {}, 2, false, true},
        {"an ASID of another low byte only", {}, 0x101, {}, 1, false, true},
        {"another VMID, though stage 2 is off", {.vmid = 3}, 1, {.vmid = 4}, 1, false, false},
        {"VMIDs do not exist without stage 2 in the unit", {.vmid = 3}, 1, {.vmid = 4}, 1, true, true, {.s2p = 0}},
        {"nested, another VMID", {.config = kNested, .vmid = 3}, 1, {.config = kNested, .vmid = 4}, 1, false, false},
        {"nested, the same", {.config = kNested}, 1, {.config = kNested}, 1, true, true},
        {"EL1 and EL2", {}, 1, {.strw = 2}, 1, false, false},
        {"EL2 has no ASIDs", {.strw = 2}, 1, {.strw = 2}, 2, true, true},
        {"EL2 has no VMIDs", {.strw = 2, .vmid = 3}, 1, {.strw = 2, .vmid = 4}, 1, true, true},
        {"EL2-E2H has ASIDs", {.strw = 2}, 1, {.strw = 2}, 2, false, true, {}, 3},
        {"EL2-E2H has no VMIDs", {.strw = 2, .vmid = 3}, 1, {.strw = 2, .vmid = 4}, 1, true, true, {}, 3},
    };
    for (const Case& c : cases) {
        INFO(c.rule);
        Pair own(c.first, c.asid1, c.second, c.asid2, kPage, c.caps, c.cr2);
        CHECK(own.shared() == c.shared);
        Pair global(c.first, c.asid1, c.second, c.asid2, kGlobal, c.caps, c.cr2);
        CHECK(global.shared() == c.shared_global);
    }
}

TEST_CASE("Tags: stage 2 alone is shared by VMID, and never with stage 1", "[smmu][tags]") {
    Guest guest;
    guest.map(guest.second, kIova, kOut, kS2Page);
    guest.map(guest.low, kIova, kChanged, kGlobal);
    guest.stream(kStream, {.config = kStage2});
    guest.stream(kOtherStream, {});
    guest.stream(7, {.config = kStage2});
    guest.stream(8, {.config = kStage2, .vmid = 4});
    guest.bring_up();
    for (unsigned again = 0; again < 2; ++again) {
        CHECK(guest.ask(from(kStream, read_at(kIova))).translation.address.value == kOut);
        CHECK(guest.ask(from(kOtherStream, read_at(kIova))).translation.address.value == kChanged);
    }
    guest.map(guest.second, kIova, kOut + 0x1000, kS2Page);
    CHECK(guest.ask(from(7, read_at(kIova))).translation.address.value == kOut);
    CHECK(guest.ask(from(8, read_at(kIova))).translation.address.value == kOut + 0x1000);
}

TEST_CASE("Tags: TLBI by ASID spares global entries, by address it does not", "[smmu][tags]") {
    for (const bool global : {false, true}) {
        for (const bool by_address : {false, true}) {
            INFO((global ? "global" : "of an ASID") << (by_address ? ", by address" : ", by ASID"));
            Guest guest;
            guest.stream(kStream);
            const std::uint64_t leaf = guest.map(guest.low, kIova, kOut, global ? kGlobal : kPage);
            guest.bring_up();
            REQUIRE(guest.ask(read_at(kIova)).translation.address.value == kOut);
            guest.poke(leaf, kChanged | (global ? kGlobal : kPage) | 3);
            // Of another ASID or VMID: never.
            guest.put(by_address ? tlbi_nh_va(4, 1, kIova) : tlbi_nh_asid(4, 1));
            guest.submit(global || !by_address ? tlbi_nh_asid(3, 2) : tlbi_nh_va(3, 2, kIova));
            CHECK(guest.ask(read_at(kIova)).translation.address.value == kOut);
            guest.submit(by_address ? tlbi_nh_va(3, global ? 2 : 1, kIova) : tlbi_nh_asid(3, 1));
            const bool gone = !global || by_address;
            CHECK(guest.ask(read_at(kIova)).translation.address.value == (gone ? kChanged : kOut));
        }
    }
}

TEST_CASE("Tags: commands for EL2 and for EL1 do not reach each other", "[smmu][tags]") {
    for (const bool e2h : {false, true}) {
        INFO("E2H " << e2h);
        Pair pair({}, 1, {.strw = 2}, 1, kPage, {}, e2h ? 3 : 2);
        REQUIRE(pair.output(kStream) == kOut);
        REQUIRE(pair.output(kOtherStream) == kChanged);
        pair.guest.poke(pair.leaf[0], 0x1a00000 | kPage | 3);
        pair.guest.poke(pair.leaf[1], 0x1b00000 | kPage | 3);
        pair.guest.submit(tlbi_el2_va(e2h ? 1 : 0, kIova));
        CHECK(pair.output(kStream) == kOut);
        CHECK(pair.output(kOtherStream) == 0x1b00000);
        pair.guest.poke(pair.leaf[1], 0x1c00000 | kPage | 3);
        pair.guest.put(tlbi_nh_va(3, 1, kIova));
        pair.guest.submit(tlbi_nh_all(3));
        CHECK(pair.output(kStream) == 0x1a00000);
        CHECK(pair.output(kOtherStream) == 0x1b00000);
        pair.guest.submit(tlbi_el2_all());
        CHECK(pair.output(kOtherStream) == 0x1c00000);
    }
}

TEST_CASE("Tags: EL2 has one range from 0; EL2-E2H has two halves", "[smmu][tags]") {
    for (const bool e2h : {false, true}) {
        INFO("E2H " << e2h);
        Guest guest;
        guest.cr2 = e2h ? 3 : 2;
        guest.format(guest.high, 12, 0, 48);
        guest.map(guest.low, kIova, kOut, kPage);
        guest.map(guest.high, ~0ull << 48, kChanged, kPage);
        guest.stream(kStream, {.strw = 2});
        guest.set(guest.cd(kStream), 39, 38, 3);  // TBI
        guest.bring_up();
        expect_output(guest, read_at(kIova), kOut);
        expect_output(guest, read_at(0xa5ull << 56 | kIova), kOut);
        if (e2h) expect_output(guest, read_at(~0ull << 48), kChanged);
        if (!e2h) expect_event(guest, read_at(~0ull << 48), {.type = F_TRANSLATION});
        expect_event(guest, read_at(1ull << 55 | kIova), {.type = F_TRANSLATION});
        expect_event(guest, read_at(1ull << 48 | kIova), {.type = F_TRANSLATION});
    }
}

TEST_CASE("Tags: EL2 has no E0PD", "[smmu][tags]") {
    for (const bool e2h : {false, true}) {
        Guest guest;
        guest.cr2 = e2h ? 3 : 2;
        guest.map(guest.low, kIova, kOut, kPage);
        guest.stream(kStream, {.strw = 2});
        guest.set(guest.cd(kStream), 66, 66, 1);
        guest.bring_up();
        if (e2h) expect_event(guest, read_at(kIova), {.type = F_TRANSLATION});
        if (!e2h) expect_output(guest, read_at(kIova), kOut);
    }
}

TEST_CASE("Tags: without Hyp, STRW and E2H mean nothing", "[smmu][tags]") {
    Guest guest({.hyp = 0});
    guest.cr2 = 3;
    guest.stream(kStream, {.strw = 2});
    guest.map(guest.low, kIova, kOut, kAf | kNg);  // not the unprivileged's
    guest.bring_up();
    expect_event(guest, read_at(kIova), {.type = F_PERMISSION});
    expect_output(guest, privileged(read_at(kIova)), kOut);
}
