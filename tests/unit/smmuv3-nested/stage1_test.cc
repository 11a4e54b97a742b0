// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stage 1: which addresses it takes, where walks start, which pages and blocks there are, which outputs are too large.
// [SMMU 3.4, 5.4; ARM D8.2, D8.3]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

constexpr std::uint64_t kOut = 0x1800000;
constexpr Caps kDs{.oas = 6, .ds = 1, .vax = 1};
constexpr Caps kVax{.oas = 6, .vax = 1};

// Where a walk starts: granule, TxSZ, level.
struct Start {
    unsigned granule_log2;
    unsigned txsz;
    int level;
    Caps caps = {};
    bool wide = false;
};
// Both ends of every level's range. [ARM D8.2]
constexpr Start kStarts[] = {
    {12, 16, 0},
    {12, 24, 0},
    {12, 25, 1},
    {12, 33, 1},
    {12, 34, 2},
    {12, 42, 2},
    {12, 43, 3},
    {12, 48, 3},
    {14, 16, 0},
    {14, 17, 1},
    {14, 27, 1},
    {14, 28, 2},
    {14, 38, 2},
    {14, 39, 3},
    {14, 48, 3},
    {16, 16, 1},
    {16, 21, 1},
    {16, 22, 2},
    {16, 34, 2},
    {16, 35, 3},
    {16, 47, 3},
    {12, 12, -1, kDs, true},
    {12, 15, -1, kDs, true},
    {12, 16, 0, kDs, true},
    {14, 12, 0, kDs, true},
    {16, 12, 1, kVax, true},
    {16, 15, 1, kVax, true},
};

void build(Guest& guest, const CdSpec& cd = {}) {
    guest.stream(kStream, {}, cd);
    guest.bring_up();
}
std::uint64_t all_ones_above(unsigned bit) { return ~0ull << bit; }

}  // namespace

// The last address of the range and the first one behind it; of TTB1 the first and the one below.
TEST_CASE("Stage 1: every granule and size takes its range, of both halves, and no more", "[smmu][stage1]") {
    for (const Start& start : kStarts) {
        const unsigned bits = 64 - start.txsz;
        INFO("granule " << start.granule_log2 << ", TxSZ " << start.txsz);
        Guest guest(start.caps);
        guest.format(guest.low, start.granule_log2, start.level, bits, start.wide);
        guest.format(guest.high, start.granule_log2, start.level, bits, start.wide);
        const std::uint64_t page = 1ull << start.granule_log2;
        const std::uint64_t last = (1ull << bits) - page, first = all_ones_above(bits);
        guest.map(guest.low, last, kOut, kPage);
        guest.map(guest.high, first, kOut + 0x10000, kPage);
        build(guest);
        CHECK(expect_output(guest, read_at(last + 0x123), kOut + 0x123).page_log2 == start.granule_log2);
        CHECK(expect_output(guest, read_at(first + 0x123), kOut + 0x10123).page_log2 == start.granule_log2);
        expect_event(guest, read_at(1ull << bits), {.type = F_TRANSLATION});
        expect_event(guest, read_at(first - 1), {.type = F_TRANSLATION});
    }
}

TEST_CASE("Stage 1: the bits above the range repeat bit 55, each of them", "[smmu][stage1]") {
    Guest guest;
    guest.format(guest.high, 12, 1, 39);
    guest.format(guest.low, 12, 1, 39);
    guest.map(guest.low, 0x4000, kOut, kPage);
    guest.map(guest.high, all_ones_above(39), kOut + 0x1000, kPage);
    build(guest);
    expect_output(guest, read_at(0x4000), kOut);
    expect_output(guest, read_at(all_ones_above(39)), kOut + 0x1000);
    for (unsigned bit = 39; bit < 64; ++bit) {
        INFO("bit " << bit);
        expect_event(guest, read_at(0x4000 ^ 1ull << bit), {.type = F_TRANSLATION});
        expect_event(guest, read_at(all_ones_above(39) ^ 1ull << bit), {.type = F_TRANSLATION});
    }
}

TEST_CASE("Stage 1: TBI ignores the top byte of its half, and the record still has it", "[smmu][stage1]") {
    for (const unsigned tbi : {0u, 1u, 2u, 3u}) {
        INFO("TBI1:TBI0 " << tbi);
        Guest guest;
        guest.format(guest.high, 12, 0, 48);
        guest.map(guest.low, 0x4000, kOut, kPage);
        guest.map(guest.high, all_ones_above(48), kOut + 0x1000, kPage);
        guest.stream(kStream);
        guest.set(guest.cd(kStream), 39, 38, tbi);
        guest.bring_up();
        for (const std::uint64_t top : {0x00ull, 0x01ull, 0x80ull, 0xa5ull, 0xffull}) {
            const std::uint64_t low = top << 56 | 0x4000, high = top << 56 | 0x00ff000000000000;
            if (top == 0 || (tbi & 1) != 0) expect_output(guest, read_at(low), kOut);
            if (top != 0 && (tbi & 1) == 0) expect_event(guest, read_at(low), {.type = F_TRANSLATION});
            if (top == 0xff || (tbi & 2) != 0) expect_output(guest, read_at(high), kOut + 0x1000);
            if (top != 0xff && (tbi & 2) == 0) expect_event(guest, read_at(high), {.type = F_TRANSLATION});
            expect_event(guest, read_at(low + 0x1000), {.type = F_TRANSLATION});
        }
        // Bits below the top byte still count.
        expect_event(guest, read_at(0x4000 | 1ull << 48), {.type = F_TRANSLATION});
        expect_event(guest, read_at(0x4000 | 1ull << 54), {.type = F_TRANSLATION});
    }
}

TEST_CASE("Stage 1: aliases under TBI share a cached translation", "[smmu][stage1]") {
    Guest guest;
    guest.map(guest.low, 0x4000, kOut, kPage);
    guest.stream(kStream);
    guest.set(guest.cd(kStream), 38, 38, 1);
    guest.bring_up();
    REQUIRE(guest.ask(read_at(0x4000)).translation.address.value == kOut);
    CHECK(guest.ask(read_at(0x5a00000000004010)).translation.address.value == kOut + 0x10);
    CHECK(guest.unit.counters().hits == 1);
}

TEST_CASE("Stage 1: EPD closes a half", "[smmu][stage1]") {
    for (const unsigned epd : {0u, 1u, 2u, 3u}) {
        INFO("EPD1:EPD0 " << epd);
        Guest guest;
        guest.format(guest.high, 12, 0, 48);
        guest.map(guest.low, 0x4000, kOut, kPage);
        guest.map(guest.high, all_ones_above(48), kOut + 0x1000, kPage);
        guest.stream(kStream);
        guest.set(guest.cd(kStream), 14, 14, epd & 1);
        guest.set(guest.cd(kStream), 30, 30, epd >> 1);
        guest.bring_up();
        if ((epd & 1) == 0) expect_output(guest, read_at(0x4000), kOut);
        if ((epd & 1) != 0) expect_event(guest, read_at(0x4000), {.type = F_TRANSLATION});
        if (epd < 2) expect_output(guest, read_at(all_ones_above(48)), kOut + 0x1000);
        if (epd >= 2) expect_event(guest, read_at(all_ones_above(48)), {.type = F_TRANSLATION});
    }
}

TEST_CASE("Stage 1: E0PD closes a half to unprivileged accesses", "[smmu][stage1]") {
    for (const unsigned offered : {0u, 1u}) {
        for (const unsigned e0pd : {0u, 1u, 2u, 3u}) {
            INFO("IDR3.E0PD " << offered << ", E0PD1:E0PD0 " << e0pd);
            Guest guest({.e0pd = static_cast<std::uint8_t>(offered)});
            guest.format(guest.high, 12, 0, 48);
            guest.map(guest.low, 0x4000, kOut, kPage);
            guest.map(guest.high, all_ones_above(48), kOut + 0x1000, kPage);
            guest.stream(kStream);
            guest.set(guest.cd(kStream), 66, 66, e0pd & 1);
            guest.set(guest.cd(kStream), 130, 130, e0pd >> 1);
            guest.bring_up();
            const std::uint64_t vas[] = {0x4000, all_ones_above(48)};
            for (const unsigned half : {0u, 1u}) {
                const std::uint64_t out = kOut + 0x1000 * half;
                const bool closed = offered == 1 && (e0pd >> half & 1) != 0;
                if (closed) expect_event(guest, read_at(vas[half]), {.type = F_TRANSLATION});
                if (!closed) expect_output(guest, read_at(vas[half]), out);
                expect_output(guest, privileged(read_at(vas[half])), out);
            }
        }
    }
}

TEST_CASE("Stage 1: the first table is aligned to its size, the bits below do not count", "[smmu][stage1]") {
    Guest guest;
    guest.format(guest.low, 12, 1, 35);  // 32 entries: 256 bytes
    guest.map(guest.low, 0x4000, kOut, kPage);
    build(guest);
    guest.set(guest.cd(kStream), 64 + 7, 64 + 4, 0xf);
    expect_output(guest, read_at(0x4000), kOut);
    guest.set(guest.cd(kStream), 64 + 8, 64 + 8, 1);
    expect_event(guest, read_at(0x4000), {.type = F_TRANSLATION});
}

TEST_CASE("Stage 1: descriptors are invalid, tables, blocks or pages, by level", "[smmu][stage1]") {
    struct Case {
        unsigned granule_log2;
        int start_level;
        unsigned input_bits;
        int first_block_level;  // at and below it, down to 2
        Caps caps = {};
        bool wide = false;
    };
    const Case cases[] = {{12, 0, 48, 1},
                          {14, 0, 48, 2},
                          {16, 1, 48, 2},
                          {12, -1, 52, 0, kDs, true},
                          {14, 0, 52, 1, kDs, true},
                          {16, 1, 52, 1, kVax, true}};
    for (const Case& c : cases) {
        for (int level = c.start_level; level <= 3; ++level) {
            INFO("granule " << c.granule_log2 << (c.wide ? ", 52 bits" : "") << ", level " << level);
            Guest guest(c.caps);
            guest.format(guest.low, c.granule_log2, c.start_level, c.input_bits, c.wide);
            const unsigned log2 = c.granule_log2 + (c.granule_log2 - 3) * static_cast<unsigned>(3 - level);
            const std::uint64_t out = 1ull << log2 & 0xffffffffffff;  // an aligned place
            const std::uint64_t leaf = guest.map(guest.low, 0, out, kPage, level);
            build(guest);
            const bool block = level == 3 || (level >= c.first_block_level && level < 3);
            if (block) CHECK(expect_output(guest, read_at(0x123), out + 0x123).page_log2 == log2);
            if (!block) expect_event(guest, read_at(0x123), {.type = F_TRANSLATION});
            for (const unsigned type : {0u, 2u}) {
                guest.set(leaf, 1, 0, type);
                expect_event(guest, read_at(0x123), {.type = F_TRANSLATION});
            }
            if (level == 3) guest.set(leaf, 1, 0, 1);
            if (level == 3) expect_event(guest, read_at(0x123), {.type = F_TRANSLATION});
        }
    }
}

// The low bits of a block's address come from the input, whatever stands there.
TEST_CASE("Stage 1: bits of the address below the size of a block do not count", "[smmu][stage1]") {
    Guest guest;
    const std::uint64_t leaf = guest.map(guest.low, 0x40000000, 0x40000000, kPage, 2);
    build(guest);
    guest.poke(leaf, guest.peek(leaf) | 0x1ff000);
    expect_output(guest, read_at(0x40012345), 0x40012345);
}

TEST_CASE("Stage 1: a page's address is below the output size, IPS or the unit's", "[smmu][stage1]") {
    constexpr unsigned ips_bits[] = {32, 36, 40, 42, 44, 48, 48, 48};
    for (unsigned ips = 0; ips < 8; ++ips) {
        for (const unsigned oas : {2u, 5u}) {
            const unsigned bits = std::min(ips_bits[ips], oas == 2 ? 40u : 48u);
            INFO("IPS " << ips << ", OAS " << oas);
            Guest guest({.oas = static_cast<std::uint8_t>(oas)});
            guest.format(guest.second, 12, 1, 39);
            guest.map(guest.low, 0x4000, 1ull << (bits - 1), kPage);
            if (bits < 48) guest.map(guest.low, 0x5000, 1ull << bits, kPage);
            guest.stream(kStream);
            guest.set(guest.cd(kStream), 34, 32, ips);
            guest.bring_up();
            expect_output(guest, read_at(0x4000), 1ull << (bits - 1));
            if (bits < 48) expect_event(guest, read_at(0x5000), {.type = F_ADDR_SIZE});
        }
    }
}

TEST_CASE("Stage 1: a table's address is below the output size, too", "[smmu][stage1]") {
    Guest guest;
    guest.map(guest.low, 0x4000, kOut, kPage);
    guest.stream(kStream);
    guest.set(guest.cd(kStream), 34, 32, 2);  // 40 bits
    guest.bring_up();
    for (const int level : {0, 1, 2}) {
        const std::uint64_t entry = guest.entry(guest.low, 0x4000, level);
        const std::uint64_t table = guest.peek(entry);
        guest.poke(entry, table | 1ull << 40);
        INFO("level " << level);
        expect_event(guest, read_at(0x4000), {.type = F_ADDR_SIZE});
        guest.poke(entry, table | 1ull << 39);
        expect_event(guest, read_at(0x4000),
                     {.type = F_WALK_EABT,
                      .input_class = kClassTt,
                      .fetch_address = (1ull << 39 | (table & 0xfffff000)) + (level == 2 ? 8 * 4 : 0)});
        guest.poke(entry, table);
    }
}

TEST_CASE("Stage 1: 52-bit addresses stand where the granule has them", "[smmu][stage1]") {
    struct Case {
        unsigned granule_log2;
        Caps caps;
        int start;
    };
    const Case cases[] = {{12, kDs, 0}, {14, kDs, 0}, {16, {.oas = 6}, 1}};
    for (const Case& c : cases) {
        INFO("granule " << c.granule_log2);
        Guest guest(c.caps);
        guest.format(guest.low, c.granule_log2, c.start, 48, true);
        const std::uint64_t out = 0xf'a000'0000'0000;
        guest.map(guest.low, 0, out, kPage);
        guest.stream(kStream);
        guest.bring_up();
        expect_output(guest, read_at(0), out);
        guest.set(guest.cd(kStream), 34, 32, 5);  // IPS: 48 bits
        expect_event(guest, read_at(0), {.type = F_ADDR_SIZE});
    }
}

TEST_CASE("Stage 1: a descriptor that cannot be read is F_WALK_EABT, with its address", "[smmu][stage1]") {
    Guest guest;
    guest.map(guest.low, 0x4000, kOut, kPage);
    build(guest);
    for (const int level : {0, 1, 2}) {
        const std::uint64_t entry = guest.entry(guest.low, 0x4000, level);
        const std::uint64_t table = guest.peek(entry);
        guest.poke(entry, kNoRam | 3);
        INFO("below level " << level);
        const std::uint64_t at = kNoRam + (level == 2 ? 8 * 4 : 0);
        expect_event(guest, write_at(0x4000), {.type = F_WALK_EABT, .input_class = kClassTt, .fetch_address = at});
        guest.poke(entry, table);
    }
}
