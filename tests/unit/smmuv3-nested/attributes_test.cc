// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a transaction is taken for: privilege, instruction or data, read or write; before and after the STE's overrides.
// [SMMU 5.2 PRIVCFG, INSTCFG; 13.1.1, 13.1.4]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;

void set_overrides(Guest& guest, unsigned privcfg, unsigned instcfg) {
    guest.set(guest.ste(kStream), 113, 112, privcfg);
    guest.set(guest.ste(kStream), 115, 114, instcfg);
}

void build(Guest& guest, std::uint64_t bits) {
    guest.stream(kStream);
    guest.map(guest.low, kIova, kOut, bits);
    guest.bring_up();
}

}  // namespace

TEST_CASE("Attributes: PRIVCFG decides who asks", "[smmu][attributes]") {
    struct Case {
        unsigned privcfg;
        bool user, supervisor;  // the page, which is the supervisor's, is reached
    };
    const Case cases[] = {{0, false, true}, {1, false, true}, {2, false, false}, {3, true, true}};
    for (const Case& c : cases) {
        INFO("PRIVCFG " << c.privcfg);
        Guest guest;
        build(guest, kAf | kNg);
        set_overrides(guest, c.privcfg, 0);
        if (c.user) expect_output(guest, write_at(kIova), kOut);
        if (c.supervisor) expect_output(guest, privileged(write_at(kIova)), kOut);
        if (!c.user) expect_event(guest, write_at(kIova), {.type = F_PERMISSION});
        // The record has what the STE made of it.
        if (!c.supervisor) expect_event(guest, privileged(write_at(kIova)), {.type = F_PERMISSION, .pnu = false});
        expect_event(guest, read_at(0x9000), {.type = F_TRANSLATION, .pnu = c.privcfg == 3});
    }
}

TEST_CASE("Attributes: INSTCFG decides whether a read is an instruction's", "[smmu][attributes]") {
    struct Case {
        unsigned instcfg;
        bool data, instruction;  // the page, which forbids execution, is reached
    };
    const Case cases[] = {{0, true, false}, {1, true, false}, {2, true, true}, {3, false, false}};
    for (const Case& c : cases) {
        INFO("INSTCFG " << c.instcfg);
        Guest guest;
        build(guest, kPage | kUxn);
        set_overrides(guest, 0, c.instcfg);
        if (c.data) expect_output(guest, read_at(kIova), kOut);
        if (c.instruction) expect_output(guest, executing(read_at(kIova)), kOut);
        if (!c.data) expect_event(guest, read_at(kIova), {.type = F_PERMISSION, .ind = true});
        if (!c.instruction) expect_event(guest, executing(read_at(kIova)), {.type = F_PERMISSION, .ind = true});
        // Writes and atomics are always data.
        expect_output(guest, write_at(kIova), kOut);
        expect_output(guest, executing(write_at(kIova)), kOut);
        expect_output(guest, executing(atomic_at(kIova)), kOut);
        expect_event(guest, executing(write_at(0x9000)), {.type = F_TRANSLATION, .ind = false});
        expect_event(guest, executing(read_at(0x9000)), {.type = F_TRANSLATION, .ind = c.instcfg != 2});
    }
}

TEST_CASE("Attributes: without ATTR_PERMS_OVR the overrides do not count", "[smmu][attributes]") {
    Guest guest({.attr_perms_ovr = 0});
    build(guest, kAf | kNg | kUxn);
    set_overrides(guest, 3, 3);
    expect_event(guest, read_at(kIova), {.type = F_PERMISSION});
    expect_output(guest, privileged(read_at(kIova)), kOut);
}

TEST_CASE("Attributes: a cached translation serves only whom it was made for", "[smmu][attributes]") {
    Guest guest;
    build(guest, kAf | kNg | kUxn | kPxn);
    REQUIRE(guest.ask(privileged(read_at(kIova))).outcome == iommu::Outcome::Translated);
    CHECK(guest.ask(read_at(kIova)).reason == F_PERMISSION);
    CHECK(guest.ask(privileged(executing(read_at(kIova)))).reason == F_PERMISSION);
    CHECK(guest.ask(privileged(read_at(kIova))).outcome == iommu::Outcome::Translated);
}

// Write permission is checked first: RnW is 1 only if the right to read is all that is missing.
TEST_CASE("Attributes: a refused atomic is a write, unless it may write", "[smmu][attributes]") {
    struct Case {
        std::uint64_t s2ap;
        bool rnw;
    };
    const Case cases[] = {{kS2W, true}, {kS2R, false}, {0, false}};
    for (const Case& c : cases) {
        INFO("S2AP " << c.s2ap);
        Guest guest;
        guest.stream(kStream, {.config = kStage2});
        guest.map(guest.second, kIova, kOut, c.s2ap | kS2Normal | kAf);
        guest.bring_up();
        expect_event(guest, atomic_at(kIova), {.type = F_PERMISSION, .s2 = true, .ipa = kIova, .rnw = c.rnw});
    }
}

TEST_CASE("Attributes: writable-clean is writable for an atomic that may not read", "[smmu][attributes]") {
    Guest guest;
    guest.stream(kStream, {.config = kStage2, .s2ha = true, .s2hd = true});
    guest.map(guest.second, kIova, kOut, kDbm | kS2Normal | kAf);
    guest.bring_up();
    expect_event(guest, atomic_at(kIova), {.type = F_PERMISSION, .s2 = true, .ipa = kIova, .rnw = true});
}

TEST_CASE("Attributes: an atomic without any right in stage 1 is a write", "[smmu][attributes]") {
    Guest guest;
    build(guest, kAf | kNg);
    expect_event(guest, atomic_at(kIova), {.type = F_PERMISSION, .rnw = false});
    guest.poke(guest.entry(guest.low, kIova, 3), kOut | kAf | kNg | kAp2 | 3);
    expect_event(guest, atomic_at(kIova), {.type = F_PERMISSION, .rnw = false});
    expect_event(guest, privileged(atomic_at(kIova)), {.type = F_PERMISSION, .rnw = false});
}

TEST_CASE("Attributes: an atomic is a write also where a table may not be read", "[smmu][attributes]") {
    Guest guest;
    guest.identity_second();
    guest.stream(kStream, {.config = kNested});
    guest.map(guest.low, kIova, kOut, kPage);
    const std::uint64_t leaf = guest.entry(guest.low, kIova, 3);
    guest.bring_up();
    guest.map(guest.second, 0, 0, kS2W | kS2Normal | kAf, 2);
    // The CD is in the same 2 MiB.
    expect_event(guest, atomic_at(kIova),
                 {.type = F_PERMISSION, .s2 = true, .input_class = kClassCd, .ipa = guest.cd(kStream), .rnw = false});
    guest.map(guest.second, 0, 0, kS2Page, 2);
    const std::uint64_t moved = 0x3000000;
    guest.map(guest.second, moved, leaf & ~0xfffull, kS2W | kS2Normal | kAf);
    guest.poke(guest.entry(guest.low, kIova, 2), moved | 3);
    expect_event(
        guest, atomic_at(kIova),
        {.type = F_PERMISSION, .s2 = true, .input_class = kClassTt, .ipa = moved, .ttrnw = true, .rnw = false});
}

// The overrides are the STE's, which is known by then.
TEST_CASE("Attributes: the overrides also count where stage 2 does not map the CD", "[smmu][attributes]") {
    for (const unsigned privcfg : {0u, 2u, 3u}) {
        INFO("PRIVCFG " << privcfg);
        Guest guest;
        guest.stream(kStream, {.config = kNested});
        set_overrides(guest, privcfg, 3);
        guest.bring_up();
        const Wanted wanted{
            .type = F_TRANSLATION, .s2 = true, .input_class = kClassCd, .ipa = guest.cd(kStream), .ind = true};
        Wanted user = wanted, supervisor = wanted;
        user.pnu = privcfg == 3;
        supervisor.pnu = privcfg != 2;
        expect_event(guest, read_at(kIova), user);
        expect_event(guest, privileged(read_at(kIova)), supervisor);
    }
}
