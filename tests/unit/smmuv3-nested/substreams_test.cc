// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which CD a transaction gets, with and without a SubstreamID. [SMMU 3.9.2, 5.2 S1CDMax and S1DSS]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;

namespace {

constexpr std::uint64_t kIova = 0x4000;
constexpr std::uint64_t kOut = 0x1800000;

// Every CD has a table of its own, which maps kIova to the SubstreamID's page.
std::uint64_t page_of(std::uint32_t substream) { return kOut + 0x1000ull * substream; }

void add_cd(Guest& guest, std::uint32_t substream) {
    guest.low.root = guest.alloc();
    guest.map(guest.low, kIova, page_of(substream), kPage);
    guest.write_cd(guest.cd(kStream, substream), {.asid = substream + 1ull});
}

void build(Guest& guest, const SteSpec& spec, std::initializer_list<std::uint32_t> substreams) {
    guest.stream(kStream, spec);
    for (const std::uint32_t substream : substreams)
        add_cd(guest, substream);
    guest.bring_up();
}

void expect_page(Guest& guest, std::uint32_t substream) {
    INFO("SubstreamID " << substream);
    expect_output(guest, with_substream(read_at(kIova), substream), page_of(substream));
}
void expect_bad(Guest& guest, std::uint32_t substream) {
    expect_event(guest, with_substream(write_at(kIova), substream), {.type = C_BAD_SUBSTREAMID});
}

}  // namespace

TEST_CASE("Substreams: S1CDMax=0 has one CD and knows no SubstreamID", "[smmu][substreams]") {
    for (const unsigned s1dss : {0u, 1u, 2u, 3u}) {
        for (const unsigned s1fmt : {0u, 1u, 2u, 3u}) {
            INFO("S1DSS " << s1dss << ", S1Fmt " << s1fmt);
            Guest guest;
            build(guest, {.s1fmt = s1fmt, .s1dss = s1dss}, {0});
            expect_output(guest, read_at(kIova), page_of(0));
            expect_bad(guest, 0);
            expect_bad(guest, 1);
        }
    }
}

TEST_CASE("Substreams: without SSIDSIZE the STE's fields for them do not count", "[smmu][substreams]") {
    Guest guest({.ssidsize = 0});
    build(guest, {}, {0});
    guest.set(guest.ste(kStream), 63, 59, 3);
    guest.set(guest.ste(kStream), 5, 4, 1);
    expect_output(guest, read_at(kIova), page_of(0));
    expect_bad(guest, 0);
}

TEST_CASE("Substreams: there are 2^S1CDMax of them", "[smmu][substreams]") {
    for (const unsigned s1fmt : {0u, 1u, 2u, 3u}) {
        for (const unsigned s1cdmax : {1u, 5u, 6u, 7u, 10u, 11u}) {
            INFO("S1Fmt " << s1fmt << ", S1CDMax " << s1cdmax);
            const std::uint32_t last = (1u << s1cdmax) - 1;
            Guest guest;
            build(guest, {.s1fmt = s1fmt, .s1cdmax = s1cdmax}, {0, 1, last});
            expect_page(guest, 0);
            expect_page(guest, 1);
            expect_page(guest, last);
            expect_bad(guest, last + 1);
            expect_bad(guest, 0xfffff);
        }
    }
}

TEST_CASE("Substreams: leaves of 4K hold 64 CDs, those of 64K 1024", "[smmu][substreams]") {
    Guest small;
    build(small, {.s1fmt = 1, .s1cdmax = 12}, {63, 64, 4095});
    for (const std::uint32_t substream : {63u, 64u, 4095u})
        expect_page(small, substream);
    CHECK(small.l1cd(kStream, 63) + 8 == small.l1cd(kStream, 64));

    Guest large;
    build(large, {.s1fmt = 2, .s1cdmax = 12}, {1023, 1024, 4095});
    for (const std::uint32_t substream : {1023u, 1024u, 4095u})
        expect_page(large, substream);
    CHECK(large.l1cd(kStream, 1023) + 8 == large.l1cd(kStream, 1024));
}

// S1DSS: 0 terminates, 1 bypasses stage 1, 2 uses CD 0; 3 acts as 0.
TEST_CASE("Substreams: S1DSS says what becomes of transactions without one", "[smmu][substreams]") {
    for (const unsigned s1dss : {0u, 3u}) {
        Guest guest;
        build(guest, {.s1cdmax = 2, .s1dss = s1dss}, {0, 1});
        INFO("S1DSS " << s1dss);
        expect_event(guest, read_at(kIova), {.type = F_STREAM_DISABLED});
        expect_page(guest, 0);
        expect_page(guest, 1);
    }
    {
        Guest guest;
        build(guest, {.s1cdmax = 2, .s1dss = 1}, {0, 1});
        CHECK(expect_output(guest, write_at(kIova), kIova).page_log2 == 48);
        expect_page(guest, 0);
        expect_page(guest, 1);
    }
    {
        Guest guest;
        build(guest, {.s1cdmax = 2, .s1dss = 2}, {0, 1});
        expect_output(guest, read_at(kIova), page_of(0));
        expect_event(guest, with_substream(read_at(kIova), 0), {.type = F_STREAM_DISABLED});
        expect_page(guest, 1);
    }
}

TEST_CASE("Substreams: S1DSS=1 fetches no CD, and stays under stage 2", "[smmu][substreams]") {
    Guest guest;
    guest.stream(kStream, {.config = kNested, .s1cdmax = 2, .s1dss = 1});
    guest.set(guest.ste(kStream), 55, 12, kNoRam >> 12);  // the CD table
    guest.map(guest.second, kIova, kOut, kS2Page);
    guest.bring_up();
    expect_output(guest, read_at(kIova), kOut);
    expect_event(guest, read_at(0x9000), {.type = F_TRANSLATION, .s2 = true, .ipa = 0x9000});
    expect_event(guest, with_substream(read_at(kIova), 1),
                 {.type = F_TRANSLATION, .s2 = true, .input_class = kClassCd, .ipa = kNoRam});
}

TEST_CASE("Substreams: a stream without stage 1 knows none", "[smmu][substreams]") {
    for (const unsigned config : {kBypass, kStage2}) {
        Guest guest;
        guest.stream(kStream, {.config = config, .s1cdmax = 4});
        guest.bring_up();
        INFO("Config " << config);
        expect_bad(guest, 0);
        expect_bad(guest, 1);
    }
}

TEST_CASE("Substreams: one that is too large counts before a stream that is closed", "[smmu][substreams]") {
    Guest guest;
    build(guest, {.s1cdmax = 2, .s1dss = 0}, {0});
    expect_bad(guest, 4);
    expect_event(guest, read_at(kIova), {.type = F_STREAM_DISABLED});
}

TEST_CASE("Substreams: translations of two are kept apart", "[smmu][substreams]") {
    Guest guest;
    build(guest, {.s1cdmax = 2, .s1dss = 2}, {0, 1, 2});
    for (const std::uint32_t again : {1u, 2u, 1u, 2u}) {
        const auto reply = guest.ask(with_substream(read_at(kIova), again));
        CHECK(reply.translation.address.value == page_of(again));
    }
    CHECK(guest.ask(read_at(kIova)).translation.address.value == page_of(0));
    CHECK(guest.unit.counters().hits == 2);
}
