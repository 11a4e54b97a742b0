// SPDX-License-Identifier: GPL-2.0-or-later
//
// Nested translation: two stages give one address, size and set of rights; where each fault belongs. [SMMU 3.3, 7.3]
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test::smmu;
using iommu::Rights;

namespace {

constexpr std::uint64_t kIova = 0x1234'4040'4000;
// The page's intermediate and physical address.
constexpr std::uint64_t kIpa = 0x80'8000'0000;
constexpr std::uint64_t kPa = 0x12'4000'0000;

// Stage-1 tables are reached through the lowest 32 MiB.
void build(Guest& guest, const SteSpec& spec = {.config = kNested}, const CdSpec& cd = {}) {
    guest.identity_second();
    guest.stream(kStream, spec, cd);
    guest.map(guest.low, kIova, kIpa, kPage);
    guest.map(guest.second, kIpa, kPa, kS2Page);
    guest.bring_up();
}

// Another place for the CD, or for the table that holds stage 1's descriptor of a level. Returns that place's leaf.
constexpr std::uint64_t kMoved = 0x60'0000'0000;
std::uint64_t move_cd(Guest& guest, std::uint64_t bits = kS2Page) {
    const std::uint64_t cd = guest.cd(kStream);
    guest.set(guest.ste(kStream), 55, 6, kMoved >> 6);
    return guest.map(guest.second, kMoved, cd & ~0xfffull, bits);
}
std::uint64_t move_table(Guest& guest, int level, std::uint64_t bits = kS2Page) {
    const std::uint64_t table = guest.entry(guest.low, kIova, level) & ~0xfffull;
    if (level == 0) guest.set(guest.cd(kStream), 115, 68, kMoved >> 4);
    if (level > 0) guest.poke(guest.entry(guest.low, kIova, level - 1), kMoved | 3);
    return guest.map(guest.second, kMoved, table, bits);
}

// What a stage-2 descriptor can be refused for.
struct Refusal {
    unsigned type;
    std::uint64_t leaf;  // the descriptor's type bits included
};
constexpr Refusal kRefusals[] = {
    {F_TRANSLATION, 0},
    {F_ADDR_SIZE, 1ull << 44 | kS2Page | 3},
    {F_ACCESS, kPa | kS2R | kS2W | kS2Normal | 3},
    {F_PERMISSION, kPa | kS2W | kS2Normal | kAf | 3},
};

}  // namespace

TEST_CASE("Nested: every pair of page sizes gives the smaller, and the right address", "[smmu][nested]") {
    for (const int first : {1, 2, 3}) {
        for (const int second : {1, 2, 3}) {
            INFO("stage 1 level " << first << ", stage 2 level " << second);
            const unsigned first_log2 = 12 + 9 * static_cast<unsigned>(3 - first);
            const unsigned second_log2 = 12 + 9 * static_cast<unsigned>(3 - second);
            const std::uint64_t in_first = kIova & ((1ull << first_log2) - 1);
            const std::uint64_t ipa = kIpa + in_first;
            Guest guest;
            guest.identity_second();
            guest.stream(kStream, {.config = kNested});
            guest.map(guest.low, kIova & ~((1ull << first_log2) - 1), kIpa, kPage, first);
            guest.map(guest.second, ipa & ~((1ull << second_log2) - 1), kPa, kS2Page, second);
            guest.bring_up();
            for (const std::uint64_t offset : {0x0ull, 0x123ull, 0xfffull}) {
                const std::uint64_t pa = kPa + ((ipa + offset) & ((1ull << second_log2) - 1));
                const auto got = expect_output(guest, atomic_at(kIova + offset), pa);
                CHECK(got.page_log2 == std::min(first_log2, second_log2));
                CHECK(got.rights == Rights::ReadWrite);
            }
        }
    }
}

TEST_CASE("Nested: the granules of the stages are independent", "[smmu][nested]") {
    struct Granule {
        unsigned log2;
        int first_start, second_start;
    };
    constexpr Granule granules[] = {{12, 0, 0}, {14, 0, 1}, {16, 1, 1}};
    for (const Granule& first : granules) {
        for (const Granule& second : granules) {
            INFO("stage 1 " << first.log2 << ", stage 2 " << second.log2);
            Guest guest;
            guest.format(guest.low, first.log2, first.first_start, 48);
            guest.format(guest.second, second.log2, second.second_start, 48);
            guest.identity_second();
            guest.stream(kStream, {.config = kNested});
            guest.map(guest.low, 0x40010000, kIpa, kPage);
            guest.map(guest.second, kIpa, kPa, kS2Page);
            guest.bring_up();
            CHECK(expect_output(guest, read_at(0x40010123), kPa + 0x123).page_log2 ==
                  std::min(first.log2, second.log2));
        }
    }
}

TEST_CASE("Nested: the CD and every table may live anywhere stage 2 maps", "[smmu][nested]") {
    {
        Guest guest;
        build(guest);
        guest.set(guest.cd(kStream), 63, 48, 9);
        move_cd(guest);
        expect_output(guest, write_at(kIova), kPa);
    }
    for (const int level : {0, 1, 2, 3}) {
        INFO("level " << level);
        Guest guest;
        build(guest);
        move_table(guest, level);
        expect_output(guest, write_at(kIova), kPa);
    }
}

TEST_CASE("Nested: rights are those that both stages give", "[smmu][nested]") {
    struct Case {
        std::uint64_t first, second;
        bool read, write;
        bool s2;  // which stage refuses
    };
    const Case cases[] = {
        {kAp1, kS2R | kS2W, true, true, false},
        {kAp1, kS2R, true, false, true},
        {kAp1, kS2W, false, true, true},
        {kAp1, 0, false, false, true},
        {kAp1 | kAp2, kS2R | kS2W, true, false, false},
        {0, kS2R | kS2W, false, false, false},
        {0, 0, false, false, false},
    };
    for (const Case& c : cases) {
        INFO("stage 1 " << c.first << ", stage 2 " << c.second);
        Guest guest;
        build(guest);
        guest.map(guest.low, kIova, kIpa, c.first | kAf);
        guest.map(guest.second, kIpa, kPa, c.second | kS2Normal | kAf);
        const Wanted refused{.type = F_PERMISSION, .s2 = c.s2, .ipa = kIpa};
        if (c.read) expect_output(guest, read_at(kIova), kPa);
        if (!c.read) expect_event(guest, read_at(kIova), refused);
        if (c.write) expect_output(guest, write_at(kIova), kPa);
        if (!c.write) expect_event(guest, write_at(kIova), refused);
    }
}

TEST_CASE("Nested: execution is what both stages allow", "[smmu][nested]") {
    Guest guest;
    build(guest);
    guest.map(guest.low, kIova, kIpa, kAp1 | kAp2 | kAf);
    expect_output(guest, executing(read_at(kIova)), kPa);
    guest.map(guest.second, kIpa, kPa, kS2Page | kS2Xn0 | kS2Xn1);  // not unprivileged
    expect_event(guest, executing(read_at(kIova)), {.type = F_PERMISSION, .s2 = true, .ipa = kIpa});
    expect_output(guest, privileged(executing(read_at(kIova))), kPa);
    guest.map(guest.low, kIova, kIpa, kAp1 | kAp2 | kAf | kPxn);
    expect_event(guest, privileged(executing(read_at(kIova))), {.type = F_PERMISSION});
}

// The record has the address inside the page cut off.
TEST_CASE("Nested: stage 2 refuses the output of stage 1 with class IN", "[smmu][nested]") {
    for (const Refusal& refusal : kRefusals) {
        Guest guest;
        build(guest);
        guest.set(guest.ste(kStream), 178, 176, 4);  // S2PS: 44 bits
        guest.poke(guest.entry(guest.second, kIpa, 3), refusal.leaf);
        expect_event(guest, read_at(kIova + 0x123), {.type = refusal.type, .s2 = true, .ipa = kIpa});
        if (refusal.type != F_PERMISSION) {
            expect_event(guest, with_substream(write_at(kIova + 0x123), 0), {.type = C_BAD_SUBSTREAMID});
            expect_event(guest, write_at(kIova + 0x123), {.type = refusal.type, .s2 = true, .ipa = kIpa});
        }
    }
}

TEST_CASE("Nested: stage 2 refuses the CD with class CD", "[smmu][nested]") {
    for (const Refusal& refusal : kRefusals) {
        Guest guest;
        build(guest);
        guest.set(guest.ste(kStream), 178, 176, 4);
        guest.poke(move_cd(guest), refusal.leaf);
        const Wanted wanted{.type = refusal.type, .s2 = true, .input_class = kClassCd, .ipa = kMoved};
        expect_event(guest, read_at(kIova + 0x123), wanted);
        expect_event(guest, write_at(kIova + 0x123), wanted);
    }
}

TEST_CASE("Nested: stage 2 refuses a table of stage 1 with class TT, as a read", "[smmu][nested]") {
    for (const int level : {0, 1, 2, 3}) {
        for (const Refusal& refusal : kRefusals) {
            INFO("level " << level);
            Guest guest;
            build(guest);
            guest.set(guest.ste(kStream), 178, 176, 4);
            guest.poke(move_table(guest, level), refusal.leaf);
            // TTRnW exists in F_PERMISSION only.
            const Wanted wanted{.type = refusal.type,
                                .s2 = true,
                                .input_class = kClassTt,
                                .ipa = kMoved,
                                .ttrnw = refusal.type == F_PERMISSION};
            expect_event(guest, read_at(kIova), wanted);
            expect_event(guest, write_at(kIova), wanted);
        }
    }
}

TEST_CASE("Nested: a stage-2 table that cannot be read is F_WALK_EABT of stage 2, with the class of the walk",
          "[smmu][nested]") {
    const auto break_at = [](Guest& guest, std::uint64_t ipa) {
        guest.poke(guest.entry(guest.second, ipa, 2), kNoRam | 3);
        return kNoRam + 8 * (ipa >> 12 & 511);
    };
    {
        Guest guest;
        build(guest);
        const std::uint64_t at = break_at(guest, kIpa);
        expect_event(guest, read_at(kIova), {.type = F_WALK_EABT, .s2 = true, .ipa = 0, .fetch_address = at});
    }
    {
        Guest guest;
        build(guest);
        move_cd(guest);
        const std::uint64_t at = break_at(guest, kMoved);
        expect_event(guest, read_at(kIova),
                     {.type = F_WALK_EABT, .s2 = true, .input_class = kClassCd, .ipa = 0, .fetch_address = at});
    }
    {
        Guest guest;
        build(guest);
        move_table(guest, 2);
        const std::uint64_t at = break_at(guest, kMoved);
        expect_event(guest, read_at(kIova),
                     {.type = F_WALK_EABT, .s2 = true, .input_class = kClassTt, .ipa = 0, .fetch_address = at});
    }
}

TEST_CASE("Nested: a stage-1 table without memory is F_WALK_EABT of stage 1, with the physical address",
          "[smmu][nested]") {
    Guest guest;
    build(guest);
    guest.poke(move_table(guest, 3), kNoRam | kS2Page | 3);
    const std::uint64_t at = kNoRam + 8 * (kIova >> 12 & 511);
    expect_event(guest, read_at(kIova), {.type = F_WALK_EABT, .input_class = kClassTt, .fetch_address = at});
}

TEST_CASE("Nested: faults of stage 1 come first and are its own", "[smmu][nested]") {
    Guest guest;
    build(guest);
    guest.map(guest.second, kIpa, 0, 0);
    guest.poke(guest.entry(guest.second, kIpa, 3), 0);
    guest.map(guest.low, kIova, kIpa, kAf);
    expect_event(guest, read_at(kIova), {.type = F_PERMISSION});
    guest.map(guest.low, kIova, kIpa, kAp1);
    expect_event(guest, read_at(kIova), {.type = F_ACCESS});
    guest.poke(guest.entry(guest.low, kIova, 3), 0);
    expect_event(guest, read_at(kIova), {.type = F_TRANSLATION});
    expect_event(guest, read_at(1ull << 48), {.type = F_TRANSLATION});
}

TEST_CASE("Nested: an output of stage 1 beyond stage 2's input is a translation fault of stage 2", "[smmu][nested]") {
    Guest guest;
    guest.format(guest.second, 12, 1, 39);
    guest.identity_second();
    guest.stream(kStream, {.config = kNested});
    guest.map(guest.low, kIova, 1ull << 39, kPage);
    guest.map(guest.low, kIova + 0x1000, (1ull << 39) - 0x1000, kPage);
    guest.map(guest.second, (1ull << 39) - 0x1000, kPa, kS2Page);
    guest.bring_up();
    expect_event(guest, read_at(kIova), {.type = F_TRANSLATION, .s2 = true, .ipa = 1ull << 39});
    expect_output(guest, read_at(kIova + 0x1000), kPa);
}

// The whole of a stage-1 block goes, in whatever pieces stage 2 cut it.
TEST_CASE("Nested: one TLBI by address reaches all pieces of a stage-1 block", "[smmu][nested]") {
    Guest guest;
    guest.identity_second();
    guest.stream(kStream, {.config = kNested});
    const std::uint64_t leaf = guest.map(guest.low, 0x40000000, kIpa, kPage, 2);
    for (const std::uint64_t offset : {0x0ull, 0x5000ull, 0x1ff000ull}) {
        guest.map(guest.second, kIpa + offset, kPa + offset, kS2Page);
        guest.map(guest.second, kIpa + 0x200000 + offset, kPa + 0x200000 + offset, kS2Page);
    }
    guest.bring_up();
    for (const std::uint64_t offset : {0x0ull, 0x5000ull, 0x1ff000ull}) {
        REQUIRE(guest.ask(read_at(0x40000000 + offset)).translation.address.value == kPa + offset);
    }
    guest.poke(leaf, (kIpa + 0x200000) | kPage | 1);
    guest.put(tlbi_nh_va(3, 1, 0x40000000));
    guest.submit(cmd_sync());
    for (const std::uint64_t offset : {0x0ull, 0x5000ull, 0x1ff000ull}) {
        CHECK(guest.ask(read_at(0x40000000 + offset)).translation.address.value == kPa + 0x200000 + offset);
    }
}
