// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a StreamID to its STE: limits of both kinds of stream table, and reads that fail. [SMMU 3.3.1, 3.3.2, 5.1]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

// The stream passes with its own address.
void expect_bypass(Guest& guest, std::uint32_t stream) {
    INFO("StreamID " << stream);
    expect_output(guest, from(stream, read_at(0x4000)), 0x4000);
}

void expect_bad_stream(Guest& guest, std::uint32_t stream) {
    INFO("StreamID " << stream);
    expect_event(guest, from(stream, read_at(0x4000)), {.type = C_BAD_STREAMID});
    expect_event(guest, with_substream(from(stream, write_at(0x4000)), 9), {.type = C_BAD_STREAMID});
}

void set_span(Guest& guest, std::uint32_t stream, std::uint64_t span) { guest.set(guest.l1std(stream), 4, 0, span); }

}  // namespace

TEST_CASE("STE: a linear table has 2^LOG2SIZE streams", "[smmu][resolve]") {
    for (const unsigned log2size : {0u, 3u, 6u, 9u}) {
        Guest guest;
        guest.linear_stream_table(log2size);
        const std::uint32_t last = (1u << log2size) - 1;
        guest.stream(last, {.config = kBypass});
        guest.bring_up();
        INFO("LOG2SIZE " << log2size);
        expect_bypass(guest, last);
        expect_bad_stream(guest, last + 1);
        expect_bad_stream(guest, 0xffffffff);
    }
}

TEST_CASE("STE: SIDSIZE caps LOG2SIZE", "[smmu][resolve]") {
    Guest guest({.sidsize = 4});
    guest.linear_stream_table(8);
    guest.stream(15, {.config = kBypass});
    guest.stream(16, {.config = kBypass});
    guest.bring_up();
    CHECK((guest.r32(kStrtabBaseCfg) & 63) == 8);
    expect_bypass(guest, 15);
    expect_bad_stream(guest, 16);
}

TEST_CASE("STE: the table's base is aligned to its size", "[smmu][resolve]") {
    Guest guest;
    guest.linear_stream_table(8);
    const std::uint64_t ste = guest.stream(kStream, {.config = kBypass});
    guest.bring_up();
    guest.set_cr0(kCmdqEn | kEventqEn);
    guest.w64(kStrtabBase, (ste & ~0x3fffull) | 0x3fc0);
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    expect_bypass(guest, kStream);
}

TEST_CASE("STE: without RECINVSID an unknown stream is aborted and nobody is told", "[smmu][resolve]") {
    Guest guest;
    guest.cr2 = 0;
    guest.bring_up();
    expect_silent(guest, from(64, read_at(0x4000)));
    Guest two_level;
    two_level.cr2 = 0;
    two_level.two_level_stream_table(10, 6);
    two_level.bring_up();
    expect_silent(two_level, from(5, read_at(0x4000)));
    expect_silent(two_level, from(1024, read_at(0x4000)));
}

TEST_CASE("STE: a two-level table splits the StreamID at SPLIT", "[smmu][resolve]") {
    for (const unsigned split : {6u, 8u, 10u}) {
        Guest guest;
        guest.two_level_stream_table(14, split);
        const std::uint32_t second = 1u << split;
        for (const std::uint32_t stream : {0u, second - 1, second, 3 * second + 2, 0x3fffu})
            guest.stream(stream, {.config = kBypass});
        guest.bring_up();
        INFO("SPLIT " << split);
        for (const std::uint32_t stream : {0u, second - 1, second, 3 * second + 2, 0x3fffu})
            expect_bypass(guest, stream);
        expect_event(guest, from(1, read_at(0x4000)), {.type = C_BAD_STE});  // V=0
        expect_bad_stream(guest, 2 * second);                                // Span=0
        expect_bad_stream(guest, 0x4000);
    }
}

TEST_CASE("STE: other values of SPLIT act as 6", "[smmu][resolve]") {
    for (const unsigned split : {0u, 5u, 7u, 9u, 11u, 31u}) {
        Guest guest;
        guest.two_level_stream_table(14, 6);
        guest.stream(0x81, {.config = kBypass});
        guest.bring_up();
        guest.set_cr0(kCmdqEn | kEventqEn);
        guest.w32(kStrtabBaseCfg, 1u << 16 | split << 6 | 14);
        guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
        INFO("SPLIT " << split);
        expect_bypass(guest, 0x81);
    }
}

TEST_CASE("STE: Span bounds the second level, and is at most SPLIT+1", "[smmu][resolve]") {
    Guest guest;
    guest.two_level_stream_table(14, 8);
    for (std::uint32_t stream = 0; stream < 256; ++stream)
        guest.stream(stream, {.config = kBypass});
    guest.bring_up();
    for (unsigned span = 1; span <= 9; ++span) {
        INFO("Span " << span);
        set_span(guest, 0, span);
        const std::uint32_t streams = 1u << (span - 1);
        expect_bypass(guest, streams - 1);
        if (streams < 256) expect_bad_stream(guest, streams);
    }
    for (const unsigned span : {0u, 10u, 11u, 12u, 31u}) {
        INFO("Span " << span);
        set_span(guest, 0, span);
        expect_bad_stream(guest, 0);
    }
}

TEST_CASE("STE: Span=11 is the largest, with SPLIT=10", "[smmu][resolve]") {
    Guest guest;
    guest.two_level_stream_table(12, 10);
    guest.stream(1023, {.config = kBypass});
    guest.bring_up();
    CHECK((guest.peek(guest.l1std(0)) & 31) == 11);
    expect_bypass(guest, 1023);
    set_span(guest, 0, 12);
    expect_bad_stream(guest, 0);
}

// The low bits of L2Ptr, below the size of the table, do not count.
TEST_CASE("STE: the second level is aligned to its size", "[smmu][resolve]") {
    Guest guest;
    guest.two_level_stream_table(14, 8);
    guest.stream(3, {.config = kBypass});
    guest.bring_up();
    guest.poke(guest.l1std(0), guest.peek(guest.l1std(0)) | 0x3fc0);
    expect_bypass(guest, 3);
}

TEST_CASE("STE: a two-level table smaller than SPLIT has one level-1 descriptor", "[smmu][resolve]") {
    Guest guest;
    guest.two_level_stream_table(4, 8);
    guest.stream(15, {.config = kBypass});
    guest.bring_up();
    expect_bypass(guest, 15);
    expect_bad_stream(guest, 16);
}

TEST_CASE("STE: without ST_LEVEL the table is linear whatever FMT says", "[smmu][resolve]") {
    Guest guest({.st_level = 0, .sidsize = 6});
    guest.stream(kStream, {.config = kBypass});
    guest.bring_up();
    guest.set_cr0(kCmdqEn | kEventqEn);
    guest.w32(kStrtabBaseCfg, 1u << 16 | 6u << 6 | 6);
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    expect_bypass(guest, kStream);
}

TEST_CASE("STE: a table that cannot be read is F_STE_FETCH, with its address", "[smmu][resolve]") {
    Guest guest;
    guest.bring_up();
    guest.set_cr0(kCmdqEn | kEventqEn);
    guest.w64(kStrtabBase, kNoRam);
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    expect_event(guest, read_at(0x4000), {.type = F_STE_FETCH, .fetch_address = kNoRam + 64 * kStream});
    expect_event(guest, with_substream(read_at(0x4000), 3),
                 {.type = F_STE_FETCH, .fetch_address = kNoRam + 64 * kStream});

    guest.set_cr0(kCmdqEn | kEventqEn);
    guest.w32(kStrtabBaseCfg, 1u << 16 | 6u << 6 | 10);
    guest.set_cr0(kCmdqEn | kEventqEn | kSmmuEn);
    expect_event(guest, from(0x81, read_at(0x4000)), {.type = F_STE_FETCH, .fetch_address = kNoRam + 8 * 2});
}

TEST_CASE("STE: a second level that cannot be read is F_STE_FETCH, with its address", "[smmu][resolve]") {
    Guest guest;
    guest.two_level_stream_table(10, 6);
    guest.poke(guest.l1std(5), kNoRam | 7);
    guest.bring_up();
    expect_event(guest, from(5, read_at(0x4000)), {.type = F_STE_FETCH, .fetch_address = kNoRam + 64 * 5});
}

TEST_CASE("STE: a failed look-up is not kept", "[smmu][resolve]") {
    Guest guest;
    guest.bring_up();
    CHECK(guest.ask(read_at(0x4000)).reason == C_BAD_STE);
    guest.stream(kStream, {.config = kBypass});
    CHECK(guest.ask(read_at(0x4000)).outcome == iommu::Outcome::Translated);
}
