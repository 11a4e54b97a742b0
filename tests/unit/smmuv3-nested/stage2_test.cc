// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stage 2 alone: which shapes are legal, which addresses it takes, where walks start, which rights pages have.
// [SMMU 5.2; ARM D8.2, VTCR_EL2]
#include <catch2/catch_test_macros.hpp>
#include <string_view>

#include "expect.h"

using namespace test::smmu;
using Caps = smmuv3::Capabilities;

namespace {

constexpr std::uint64_t kOut = 0x1800000;
constexpr Caps kDs{.oas = 6, .ds = 1, .vax = 1};
constexpr Caps k52{.oas = 6};

// S2SL0 (with S2SL0_2 as bit 2) and the S2T0SZ that go with it: from 16 tables side by side to the smallest table.
struct Shape {
    unsigned s2tg, sl0;
    unsigned first, last;
};
// Of a unit with 48 bits and small tables.
constexpr Shape kShapes[] = {
    {0, 2, 16, 24}, {0, 1, 21, 33}, {0, 0, 30, 42}, {0, 3, 39, 48},  // 4K
    {2, 2, 16, 27}, {2, 1, 24, 38}, {2, 0, 35, 48},                  // 16K
    {1, 2, 16, 21}, {1, 1, 18, 34}, {1, 0, 31, 47},                  // 64K
};
// Without small tables.
constexpr Shape kLargeShapes[] = {
    {0, 2, 16, 24}, {0, 1, 21, 33}, {0, 0, 30, 39},  //
    {2, 2, 16, 27}, {2, 1, 24, 38}, {2, 0, 35, 39},  //
    {1, 2, 16, 21}, {1, 1, 18, 34}, {1, 0, 31, 39},
};
// Of a unit with 52 bits, and S2DS=1.
constexpr Shape kWideShapes[] = {
    {0, 4, 12, 15}, {0, 2, 12, 24}, {0, 1, 21, 33}, {0, 0, 30, 42}, {0, 3, 39, 48},  //
    {2, 3, 12, 16}, {2, 2, 13, 27}, {2, 1, 24, 38}, {2, 0, 35, 48},                  //
    {1, 2, 12, 21}, {1, 1, 18, 34}, {1, 0, 31, 47},
};

// Every combination of S2TG, S2SL0 and S2T0SZ is legal exactly if it is in the list.
template <std::size_t N>
void check_shapes(const Caps& caps, const Shape (&shapes)[N], bool ds) {
    Guest guest(caps);
    const std::uint64_t ste = guest.stream(kStream, {.config = kStage2});
    guest.set(ste, 195, 195, ds);
    guest.set(ste, 247, 196, 0);
    guest.bring_up();
    for (unsigned s2tg = 0; s2tg < 3; ++s2tg) {
        for (unsigned sl0 = 0; sl0 < (ds ? 8u : 4u); ++sl0) {
            for (unsigned size = 0; size < 64; ++size) {
                // S2SL0_2 is reserved but for 4K.
                if (sl0 >= 4 && s2tg != 0) continue;
                bool legal = false;
                for (const Shape& shape : shapes) {
                    legal |= shape.s2tg == s2tg && shape.sl0 == sl0 && size >= shape.first && size <= shape.last;
                }
                guest.set(ste, 165, 160, size);
                guest.set(ste, 167, 166, sl0 & 3);
                guest.set(ste, 194, 194, sl0 >> 2);
                guest.set(ste, 175, 174, s2tg);
                guest.forget();
                const bool refused = guest.ask(read_at(0)).reason == C_BAD_STE;
                guest.take_events();
                INFO("S2TG " << s2tg << ", S2SL0 " << sl0 << ", S2T0SZ " << size << (ds ? ", S2DS" : ""));
                CHECK(refused == !legal);
            }
        }
    }
}

void build(Guest& guest, const SteSpec& spec = {.config = kStage2}) {
    guest.stream(kStream, spec);
    guest.bring_up();
}

// Asks for each access and wants exactly those of `allowed`: R W X unprivileged, r w x privileged.
void expect_rights(Guest& guest, std::uint64_t ipa, std::string_view allowed) {
    struct Ask {
        char letter;
        iommu::Request request;
    };
    const Ask asks[] = {{'R', read_at(ipa)},
                        {'W', write_at(ipa)},
                        {'X', executing(read_at(ipa))},
                        {'r', privileged(read_at(ipa))},
                        {'w', privileged(write_at(ipa))},
                        {'x', privileged(executing(read_at(ipa)))}};
    for (const Ask& ask : asks) {
        INFO("allowed " << allowed << ", asked " << ask.letter);
        const bool may = allowed.find(ask.letter) != std::string_view::npos;
        if (may) expect_output(guest, ask.request, kOut);
        if (!may) expect_event(guest, ask.request, {.type = F_PERMISSION, .s2 = true, .ipa = ipa});
    }
}

}  // namespace

TEST_CASE("Stage 2: S2TG, S2SL0 and S2T0SZ go together as the manual lists them", "[smmu][stage2]") {
    check_shapes({}, kShapes, false);
    check_shapes({.stt = 0}, kLargeShapes, false);
    check_shapes(kDs, kWideShapes, true);
}

TEST_CASE("Stage 2: the unit's address size bounds the input", "[smmu][stage2]") {
    constexpr Shape k40[] = {{0, 1, 24, 33}, {0, 0, 30, 42}, {0, 3, 39, 48}, {2, 1, 24, 38},
                             {2, 0, 35, 48}, {1, 1, 24, 34}, {1, 0, 31, 47}};
    check_shapes({.oas = 2}, k40, false);
}

TEST_CASE("Stage 2: every shape takes its range and no more, also with tables side by side", "[smmu][stage2]") {
    struct Case {
        unsigned granule_log2;
        int level;
        unsigned txsz;
        Caps caps = {};
        bool wide = false;
    };
    const Case cases[] = {
        {12, 0, 16},
        {12, 0, 24},
        {12, 1, 21},
        {12, 1, 24},
        {12, 1, 25},
        {12, 1, 33},
        {12, 2, 30},
        {12, 2, 34},
        {12, 2, 42},
        {12, 3, 39},
        {12, 3, 48},
        {14, 1, 16},
        {14, 1, 17},
        {14, 1, 27},
        {14, 2, 24},
        {14, 2, 38},
        {14, 3, 35},
        {14, 3, 48},
        {16, 1, 16},
        {16, 1, 21},
        {16, 2, 18},
        {16, 2, 34},
        {16, 3, 31},
        {16, 3, 47},
        {12, -1, 12, kDs, true},
        {12, 0, 12, kDs, true},
        {14, 0, 12, kDs, true},
        {14, 1, 13, kDs, true},
        {16, 1, 12, k52, true},
    };
    for (const Case& c : cases) {
        const unsigned bits = 64 - c.txsz;
        INFO("granule " << c.granule_log2 << ", level " << c.level << ", S2T0SZ " << c.txsz);
        Guest guest(c.caps);
        guest.format(guest.second, c.granule_log2, c.level, bits, c.wide);
        const std::uint64_t last = (1ull << bits) - (1ull << c.granule_log2);
        guest.map(guest.second, last, kOut, kS2Page);
        build(guest);
        CHECK(expect_output(guest, read_at(last + 0x123), kOut + 0x123).page_log2 == c.granule_log2);
        const unsigned ias = c.wide ? 52 : 48;
        const std::uint64_t behind = 1ull << bits;
        // Inside the unit's size it is stage 2 that refuses; beyond it is the stage 1 that is not there.
        if (bits < ias) expect_event(guest, read_at(behind), {.type = F_TRANSLATION, .s2 = true, .ipa = behind});
        if (bits == ias) expect_event(guest, read_at(behind), {.type = F_ADDR_SIZE});
    }
}

TEST_CASE("Stage 2: the first tables are aligned to all of them together", "[smmu][stage2]") {
    Guest guest;
    guest.format(guest.second, 12, 1, 41);  // four tables side by side: 16 KiB
    guest.map(guest.second, 0x4000, kOut, kS2Page);
    build(guest);
    guest.set(guest.ste(kStream), 192 + 13, 192 + 4, 0x3ff);
    expect_output(guest, read_at(0x4000), kOut);
    guest.set(guest.ste(kStream), 192 + 14, 192 + 14, guest.get(guest.ste(kStream), 192 + 14, 192 + 14) ^ 1);
    expect_not(guest, read_at(0x4000), 0);
}

TEST_CASE("Stage 2: blocks exist where the granule has them", "[smmu][stage2]") {
    struct Case {
        unsigned granule_log2;
        int start_level;
        int first_block_level;
    };
    for (const Case& c : {Case{12, 0, 1}, Case{14, 1, 2}, Case{16, 1, 2}}) {
        for (int level = c.start_level; level <= 3; ++level) {
            INFO("granule " << c.granule_log2 << ", level " << level);
            Guest guest;
            guest.format(guest.second, c.granule_log2, c.start_level, 48);
            const unsigned log2 = c.granule_log2 + (c.granule_log2 - 3) * static_cast<unsigned>(3 - level);
            const std::uint64_t out = 1ull << log2 & 0xffff'ffff'ffff;
            const std::uint64_t leaf = guest.map(guest.second, 0, out, kS2Page, level);
            build(guest);
            const bool block = level == 3 || level >= c.first_block_level;
            if (block) CHECK(expect_output(guest, write_at(0x123), out + 0x123).page_log2 == log2);
            if (!block) expect_event(guest, write_at(0x123), {.type = F_TRANSLATION, .s2 = true, .ipa = 0x123});
            guest.set(leaf, 0, 0, 0);
            expect_event(guest, write_at(0x123), {.type = F_TRANSLATION, .s2 = true, .ipa = 0x123});
        }
    }
}

TEST_CASE("Stage 2: addresses in descriptors are below the output size, S2PS or the unit's", "[smmu][stage2]") {
    constexpr unsigned s2ps_bits[] = {32, 36, 40, 42, 44, 48, 48, 48};
    for (unsigned s2ps = 0; s2ps < 8; ++s2ps) {
        INFO("S2PS " << s2ps);
        const unsigned bits = s2ps_bits[s2ps];
        Guest guest;
        guest.map(guest.second, 0x4000, 1ull << (bits - 1), kS2Page);
        guest.map(guest.second, 0x5000, bits < 48 ? 1ull << bits : kOut, kS2Page);
        guest.stream(kStream, {.config = kStage2});
        guest.set(guest.ste(kStream), 178, 176, s2ps);
        guest.bring_up();
        expect_output(guest, read_at(0x4000), 1ull << (bits - 1));
        if (bits == 48) continue;
        expect_event(guest, read_at(0x5000), {.type = F_ADDR_SIZE, .s2 = true, .ipa = 0x5000});
        const std::uint64_t table = guest.entry(guest.second, 0x4000, 1);
        guest.poke(table, guest.peek(table) | 1ull << bits);
        expect_event(guest, read_at(0x4000), {.type = F_ADDR_SIZE, .s2 = true, .ipa = 0x4000});
    }
}

TEST_CASE("Stage 2: a descriptor that cannot be read is F_WALK_EABT of stage 2, class IN", "[smmu][stage2]") {
    Guest guest;
    guest.map(guest.second, 0x4000, kOut, kS2Page);
    build(guest);
    guest.poke(guest.entry(guest.second, 0x4000, 1), kNoRam | 3);
    expect_event(guest, read_at(0x4000), {.type = F_WALK_EABT, .s2 = true, .ipa = 0, .fetch_address = kNoRam});
}

TEST_CASE("Stage 2 rights: S2AP", "[smmu][stage2]") {
    struct Case {
        std::uint64_t bits;
        std::string_view allowed;
    };
    for (const Case& c : {Case{kS2R | kS2W, "RWXrwx"}, Case{kS2R, "RXrx"}}) {
        Guest guest;
        guest.map(guest.second, 0x4000, kOut, c.bits | kS2Normal | kAf);
        build(guest);
        expect_rights(guest, 0x4000, c.allowed);
    }
    // Without the right to read there is no data read; a write needs none.
    for (const std::uint64_t bits : {kS2W, std::uint64_t{0}}) {
        Guest guest;
        guest.map(guest.second, 0x4000, kOut, bits | kS2Normal | kAf);
        build(guest);
        expect_event(guest, read_at(0x4000), {.type = F_PERMISSION, .s2 = true, .ipa = 0x4000});
        if (bits == 0) expect_event(guest, write_at(0x4000), {.type = F_PERMISSION, .s2 = true, .ipa = 0x4000});
        if (bits != 0) CHECK(expect_output(guest, write_at(0x4000), kOut).rights == iommu::Rights::Write);
    }
}

// XN[1:0] is {54, 53}: 1 no privileged execution, 2 none, 3 no unprivileged; without XNX bit 54 alone forbids all.
TEST_CASE("Stage 2 rights: XN", "[smmu][stage2]") {
    struct Case {
        std::uint64_t xn;
        std::string_view with_xnx, without;
    };
    const Case cases[] = {{0, "RWXrwx", "RWXrwx"},
                          {kS2Xn0, "RWXrw", "RWXrwx"},
                          {kS2Xn1, "RWrw", "RWrw"},
                          {kS2Xn0 | kS2Xn1, "RWrwx", "RWrw"}};
    for (const Case& c : cases) {
        for (const unsigned xnx : {0u, 1u}) {
            INFO("XN " << (c.xn >> 53) << ", XNX " << xnx);
            Guest guest({.xnx = static_cast<std::uint8_t>(xnx)});
            guest.map(guest.second, 0x4000, kOut, kS2Page | c.xn);
            build(guest);
            expect_rights(guest, 0x4000, xnx == 1 ? c.with_xnx : c.without);
        }
    }
}

TEST_CASE("Stage 2: descriptor bits that mean nothing change nothing", "[smmu][stage2]") {
    Guest guest;
    const std::uint64_t leaf = guest.map(guest.second, 0x4000, kOut, kS2Page);
    build(guest);
    const std::uint64_t table = guest.entry(guest.second, 0x4000, 2);
    guest.poke(leaf, guest.peek(leaf) | kContiguous | 0x1full << 59 | 0xfull << 55 | 1ull << 50 | 1u << 11 | 3u << 8);
    guest.poke(table, guest.peek(table) | 0x1full << 59);
    expect_rights(guest, 0x4000, "RWXrwx");
}
