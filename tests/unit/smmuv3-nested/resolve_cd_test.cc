// SPDX-License-Identifier: GPL-2.0-or-later
//
// From an STE to its CD: descriptors of the first level, alignment, reads that fail; alone and under stage 2.
// [SMMU 3.3.3, 5.3, 7.3.9, 7.3.11]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;

void build(Guest& guest, const SteSpec& spec) {
    guest.identity_second();
    guest.stream(kStream, spec);
    guest.map(guest.low, kIova, kOut, kPage);
    guest.bring_up();
}

iommu::Request substream(std::uint32_t value) { return with_substream(read_at(kIova), value); }

// S1ContextPtr, which has room below it for the bits that say other things.
void set_context(Guest& guest, std::uint64_t address) { guest.set(guest.ste(kStream), 55, 6, address >> 6); }

}  // namespace

TEST_CASE("CD: one that cannot be read is F_CD_FETCH, with its address", "[smmu][resolve]") {
    for (const unsigned config : {kStage1, kNested}) {
        INFO("Config " << config);
        Guest guest;
        build(guest, {.config = config, .s1cdmax = 3});
        guest.map(guest.second, kNoRam, kNoRam, kS2Page, 1);
        set_context(guest, kNoRam);
        expect_event(guest, substream(2), {.type = F_CD_FETCH, .fetch_address = kNoRam + 2 * 64});
    }
}

// The event has the address in memory, not the intermediate one.
TEST_CASE("CD: under stage 2 F_CD_FETCH tells where the CD was looked for", "[smmu][resolve]") {
    Guest guest;
    build(guest, {.config = kNested});
    guest.map(guest.second, 0x60000000, kNoRam, kS2Page);
    set_context(guest, 0x60000040);
    expect_event(guest, read_at(kIova), {.type = F_CD_FETCH, .fetch_address = kNoRam + 0x40});
}

TEST_CASE("CD: a first-level table that cannot be read is F_CD_FETCH, with its address", "[smmu][resolve]") {
    for (const unsigned s1fmt : {1u, 2u}) {
        INFO("S1Fmt " << s1fmt);
        Guest guest;
        build(guest, {.s1fmt = s1fmt, .s1cdmax = 12});
        set_context(guest, kNoRam);
        const std::uint64_t index = s1fmt == 1 ? 2048 / 64 : 2048 / 1024;
        expect_event(guest, substream(2048), {.type = F_CD_FETCH, .fetch_address = kNoRam + 8 * index});
    }
}

TEST_CASE("CD: a leaf that cannot be read is F_CD_FETCH, with its address", "[smmu][resolve]") {
    Guest guest;
    build(guest, {.s1fmt = 1, .s1cdmax = 12});
    guest.poke(guest.l1cd(kStream, 64), kNoRam | 1);
    expect_event(guest, substream(67), {.type = F_CD_FETCH, .fetch_address = kNoRam + 3 * 64});
}

TEST_CASE("CD: a first-level descriptor that is not valid is C_BAD_SUBSTREAMID", "[smmu][resolve]") {
    for (const unsigned s1fmt : {1u, 2u}) {
        INFO("S1Fmt " << s1fmt);
        Guest guest;
        build(guest, {.s1fmt = s1fmt, .s1cdmax = 12, .s1dss = 2});
        const std::uint64_t level1 = guest.l1cd(kStream, 0);
        expect_output(guest, read_at(kIova), kOut);
        guest.poke(level1, guest.peek(level1) & ~1ull);
        expect_event(guest, substream(1), {.type = C_BAD_SUBSTREAMID});
        expect_event(guest, read_at(kIova), {.type = C_BAD_SUBSTREAMID});
    }
}

TEST_CASE("CD: L2Ptr is within the output size", "[smmu][resolve]") {
    for (const unsigned config : {kStage1, kNested}) {
        INFO("Config " << config);
        Guest guest({.oas = 4});
        guest.format(guest.second, 12, 0, 44);
        build(guest, {.config = config, .s1fmt = 1, .s1cdmax = 12});
        guest.poke(guest.l1cd(kStream, 64), 1ull << 44 | 1);
        expect_event(guest, substream(64), {.type = C_BAD_SUBSTREAMID});
        guest.poke(guest.l1cd(kStream, 64), 1ull << 43 | 1);
        if (config == kStage1) expect_event(guest, substream(64), {.type = F_CD_FETCH, .fetch_address = 1ull << 43});
        if (config == kNested) {
            expect_event(guest, substream(64),
                         {.type = F_TRANSLATION, .s2 = true, .input_class = kClassCd, .ipa = 1ull << 43});
        }
    }
}

TEST_CASE("CD: tables are aligned to their size", "[smmu][resolve]") {
    {
        Guest guest;  // linear, 64 CDs: 4 KiB
        build(guest, {.s1cdmax = 6, .s1dss = 2});
        guest.set(guest.ste(kStream), 11, 6, 0x3f);
        expect_output(guest, read_at(kIova), kOut);
    }
    {
        Guest guest;  // 64 descriptors of the first level: 512 bytes
        build(guest, {.s1fmt = 1, .s1cdmax = 12, .s1dss = 2});
        guest.set(guest.ste(kStream), 8, 6, 7);
        expect_output(guest, read_at(kIova), kOut);
        guest.set(guest.ste(kStream), 9, 9, 1);
        expect_event(guest, read_at(kIova), {.type = C_BAD_SUBSTREAMID});
    }
    {
        Guest guest;  // leaves of 64 KiB
        build(guest, {.s1fmt = 2, .s1cdmax = 12, .s1dss = 2});
        guest.poke(guest.l1cd(kStream), guest.peek(guest.l1cd(kStream)) | 0xf000);
        expect_output(guest, read_at(kIova), kOut);
    }
}

TEST_CASE("CD: under stage 2 the table lives where stage 2 maps it", "[smmu][resolve]") {
    Guest guest;
    build(guest, {.config = kNested, .s1fmt = 1, .s1cdmax = 12, .s1dss = 2});
    const std::uint64_t level1 = guest.l1cd(kStream);
    const std::uint64_t leaf = guest.cd(kStream);
    guest.map(guest.second, 0x60000000, level1 & ~0xfffull, kS2Page);
    guest.map(guest.second, 0x60001000, leaf, kS2Page);
    guest.poke(level1, 0x60001000 | 1);
    set_context(guest, 0x60000000 | (level1 & 0xfff));
    expect_output(guest, read_at(kIova), kOut);
}

TEST_CASE("CD: a first level and a leaf that stage 2 refuses are faults of class CD", "[smmu][resolve]") {
    struct Case {
        std::uint64_t bits;
        unsigned type;
    };
    const Case cases[] = {{kS2R | kS2Normal, F_ACCESS}, {kS2W | kS2Normal | kAf, F_PERMISSION}};
    for (const Case& c : cases) {
        Guest guest;
        build(guest, {.config = kNested, .s1fmt = 1, .s1cdmax = 12, .s1dss = 2});
        const std::uint64_t level1 = guest.l1cd(kStream), leaf = guest.cd(kStream);
        guest.map(guest.second, 0x60001000, leaf, c.bits);
        guest.poke(level1, 0x60001000 | 1);
        const Wanted wanted{.type = c.type, .s2 = true, .input_class = kClassCd, .ipa = 0x60001000};
        expect_event(guest, read_at(kIova), wanted);
        expect_event(guest, with_substream(write_at(kIova), 5), wanted);
        guest.map(guest.second, 0x60000000, level1 & ~0xfffull, c.bits);
        set_context(guest, 0x60000000 | (level1 & 0xfff));
        expect_event(guest, read_at(kIova), {.type = c.type, .s2 = true, .input_class = kClassCd, .ipa = 0x60000000});
    }
}

TEST_CASE("CD: a bad one is not kept", "[smmu][resolve]") {
    Guest guest;
    build(guest, {});
    const std::uint64_t cd = guest.cd(kStream);
    guest.set(cd, 31, 31, 0);
    guest.forget();
    CHECK(guest.ask(read_at(kIova)).reason == C_BAD_CD);
    guest.set(cd, 31, 31, 1);
    CHECK(guest.ask(read_at(kIova)).translation.address.value == kOut);
}
