// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/register_file.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <optional>

namespace {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::RegisterFile;
using iommu::RegisterSpec;
using iommu::RegisterWrite;
using iommu::RO;
using iommu::Rsvd;
using iommu::RW;
using iommu::RW1C;
using iommu::spec_at;
using iommu::spec_of;
using iommu::Value;
using iommu::WO;

struct CTL {
    static constexpr std::string_view name = "CTL";
    static constexpr std::uint16_t offset = 0x010;
    using KEEP = Field<"KEEP", 7, 0>;
    using STATE = Field<"STATE", 15, 8, RO>;
    using EVENT = Field<"EVENT", 23, 16, RW1C>;
    using GO = Field<"GO", 24, 24, WO>;
    using CODE = Field<"CODE", 27, 25, WO>;
    using SOFT = Field<"SOFT", 29, 28, Ign>;
    using layout = Layout<std::uint32_t, KEEP, STATE, EVENT, GO, CODE, SOFT, Field<"", 31, 30, Rsvd>>;
};

struct WIDE {
    static constexpr std::string_view name = "WIDE";
    static constexpr std::uint16_t offset = 0x020;
    using KEEP = Field<"KEEP", 15, 0>;
    using STATE = Field<"STATE", 31, 16, RO>;
    using EVENT = Field<"EVENT", 47, 32, RW1C>;
    using HIGH = Field<"HIGH", 55, 48>;
    using CODE = Field<"CODE", 61, 56, WO>;
    using layout = Layout<std::uint64_t, KEEP, STATE, EVENT, HIGH, CODE, Field<"", 63, 62, Rsvd>>;
};

struct PLAIN {
    static constexpr std::string_view name = "PLAIN";
    using ALL = Field<"ALL", 31, 0>;
    using layout = Layout<std::uint32_t, ALL>;
};

struct LAST {
    static constexpr std::string_view name = "LAST";
    static constexpr std::uint16_t offset = 0xff8;
    using ALL = Field<"ALL", 63, 0>;
    using layout = Layout<std::uint64_t, ALL>;
};

// 0x030 and 0x034 are a pair; 0x044 stands alone in the upper half of its 8 bytes.
RegisterFile make_file() {
    return RegisterFile({spec_of<CTL>(0x0030a511), spec_of<WIDE>(0x0a0b0c0d0e0f1011), spec_at<PLAIN>(0x030, 0x11111111),
                         spec_at<PLAIN>(0x034, 0x22222222), spec_at<PLAIN>(0x044, 0x44444444), spec_of<LAST>()});
}

TEST_CASE("RegisterFile: after reset each register holds its reset value") {
    RegisterFile file = make_file();
    CHECK(file.get<CTL>().raw() == 0x0030a511);
    CHECK(file.get<WIDE>().raw() == 0x0a0b0c0d0e0f1011);
    CHECK(file.get<PLAIN>(0x034).raw() == 0x22222222);
    file.write(0x010, 4, 0xffffffff);
    file.set(Value<WIDE>{0});
    file.write(0x034, 4, 7);
    file.reset();
    CHECK(file.get<CTL>().raw() == 0x0030a511);
    CHECK(file.get<WIDE>().raw() == 0x0a0b0c0d0e0f1011);
    CHECK(file.get<PLAIN>(0x034).raw() == 0x22222222);
}

TEST_CASE("RegisterFile: a 64-bit register is read whole and by halves, without its write-only bits") {
    const RegisterFile file = make_file();
    CHECK(file.read(0x020, 8) == 0x000b0c0d0e0f1011);
    CHECK(file.read(0x020, 4) == 0x0e0f1011);
    CHECK(file.read(0x024, 4) == 0x000b0c0d);
}

TEST_CASE("RegisterFile: a read of 8 bytes joins two 32-bit registers, low one first") {
    const RegisterFile file = make_file();
    CHECK(file.read(0x030, 8) == 0x2222222211111111);
    CHECK(file.read(0x040, 8) == 0x4444444400000000);
    CHECK(file.read(0x010, 8) == 0x0030a511);
}

TEST_CASE("RegisterFile: exactly the 8-byte accesses that do not meet one 64-bit register split") {
    const RegisterFile file = make_file();
    CHECK(file.splits(0x010, 8));
    CHECK(file.splits(0x030, 8));
    CHECK(file.splits(0x040, 8));
    CHECK(file.splits(0x800, 8));
    CHECK_FALSE(file.splits(0x020, 8));
    CHECK_FALSE(file.splits(0xff8, 8));
    CHECK_FALSE(file.splits(0x030, 4));
    CHECK_FALSE(file.splits(0x034, 8));
    CHECK_FALSE(file.splits(0x1000, 8));
}

TEST_CASE("RegisterFile: other sizes and misaligned accesses read 0 and change nothing") {
    RegisterFile file = make_file();
    struct Bad {
        std::uint64_t offset;
        unsigned size;
    };
    const auto bad = GENERATE(Bad{0x020, 1}, Bad{0x020, 2}, Bad{0x020, 0}, Bad{0x020, 3}, Bad{0x020, 16}, Bad{0x021, 4},
                              Bad{0x022, 4}, Bad{0x024, 8}, Bad{0x01c, 8}, Bad{0x034, 8});
    INFO("offset " << bad.offset << " size " << bad.size);
    CHECK(file.read(bad.offset, bad.size) == 0);
    CHECK_FALSE(file.write(bad.offset, bad.size, 0xffffffffffffffff));
    CHECK(file.get<WIDE>().raw() == 0x0a0b0c0d0e0f1011);
    CHECK(file.get<PLAIN>(0x034).raw() == 0x22222222);
}

TEST_CASE("RegisterFile: the last 8 bytes of the page are registers, and nothing behind them is") {
    RegisterFile file = make_file();
    REQUIRE(file.write(0xff8, 8, 0xfedcba9876543210));
    CHECK(file.read(0xff8, 8) == 0xfedcba9876543210);
    CHECK(file.read(0xffc, 4) == 0xfedcba98);
    for (const std::uint64_t offset :
         {std::uint64_t{0x1000}, std::uint64_t{0x1020}, std::uint64_t{0xfffffffffffffff8}}) {
        INFO("offset " << offset);
        CHECK(file.read(offset, 4) == 0);
        CHECK(file.read(offset, 8) == 0);
        CHECK_FALSE(file.write(offset, 4, 1));
        CHECK_FALSE(file.write(offset, 8, 1));
    }
    CHECK(file.get<WIDE>().raw() == 0x0a0b0c0d0e0f1011);
}

TEST_CASE("RegisterFile: a frame ends where it was told to") {
    RegisterFile large({spec_at<LAST>(0x20018), spec_at<PLAIN>(0x20010, 5)}, 0x20020);
    REQUIRE(large.write(0x20018, 8, 0xfedcba9876543210));
    CHECK(large.read(0x2001c, 4) == 0xfedcba98);
    CHECK(large.read(0x20010, 8) == 5);
    CHECK(large.read(0x20020, 8) == 0);
    CHECK_FALSE(large.write(0x20020, 4, 1));
    RegisterFile odd({spec_at<PLAIN>(0, 6), spec_at<PLAIN>(4, 7), spec_at<PLAIN>(8, 8)}, 12);
    CHECK(odd.read(8, 8) == 8);
    CHECK(odd.read(12, 4) == 0);
}

TEST_CASE("RegisterFile: where no register is, reads give 0 and writes are nothing") {
    RegisterFile file = make_file();
    CHECK(file.read(0x040, 4) == 0);
    CHECK_FALSE(file.write(0x040, 4, 0xffffffff));
    CHECK(file.read(0x040, 4) == 0);
    CHECK(file.get<PLAIN>(0x040).raw() == 0);
    file.set(Value<PLAIN>{9}, 0x040);
    CHECK(file.get<PLAIN>(0x040).raw() == 0);
    CHECK(file.get<PLAIN>(0x044).raw() == 0x44444444);
}

TEST_CASE("RegisterFile: a write keeps RW bits, leaves RO bits, clears RW1C bits by one, hides WO bits") {
    RegisterFile file = make_file();
    file.set(Value<CTL>{0x00ffa500});
    REQUIRE(file.write(0x010, 4, 0x0b0f5a3c));
    CHECK(file.read(0x010, 4) == 0x00f0a53c);
    CHECK(file.get<CTL>().raw() == 0x0bf0a53c);
}

TEST_CASE("RegisterFile: a written half keeps the other, of which RW1C bits are not cleared") {
    RegisterFile file = make_file();
    file.set(Value<WIDE>{0x12ab56789abcdef0});
    REQUIRE(file.write(0x020, 4, 0xffffffffffff1234));
    CHECK(file.get<WIDE>().raw() == 0x12ab56789abc1234);
    REQUIRE(file.write(0x024, 4, 0x00000000005a5000));
    CHECK(file.get<WIDE>().raw() == 0x005a06789abc1234);
}

TEST_CASE("RegisterFile: a write tells what was before, what is after, and which bytes were written") {
    RegisterFile file = make_file();
    file.set(Value<WIDE>{0x12ab56789abcdef0});
    const auto low = file.write(0x020, 4, 0xffffffff);
    REQUIRE(low);
    CHECK(low->offset == 0x020);
    CHECK(low->before == 0x12ab56789abcdef0);
    CHECK(low->after == 0x12ab56789abcffff);
    CHECK(low->written == 0x00000000ffffffff);
    CHECK(low->lanes == 0x00000000ffffffff);

    const auto high = file.write(0x024, 4, 0xc1230001);
    REQUIRE(high);
    CHECK(high->offset == 0x020);
    CHECK(high->before == 0x12ab56789abcffff);
    CHECK(high->after == 0x012356789abcffff);
    CHECK(high->written == 0xc123000100000000);
    CHECK(high->lanes == 0xffffffff00000000);
    CHECK(high->as<WIDE>().get<WIDE::HIGH>() == 0x23);

    const auto whole = file.write(0x020, 8, 0);
    REQUIRE(whole);
    CHECK(whole->lanes == 0xffffffffffffffff);
    CHECK(whole->written == 0);
    CHECK(whole->after == 0x000056789abc0000);
}

TEST_CASE("RegisterFile: a write of 32 bits tells nothing of the bits above") {
    RegisterFile file = make_file();
    const auto write = file.write(0x034, 4, 0xffffffff00000005);
    REQUIRE(write);
    CHECK(write->offset == 0x034);
    CHECK(write->written == 0x5);
    CHECK(write->lanes == 0xffffffff);
    CHECK(write->after == 0x5);
    CHECK(file.get<PLAIN>(0x030).raw() == 0x11111111);
}

TEST_CASE("RegisterFile: a one is written where the access wrote it, not where the register holds it") {
    RegisterFile file = make_file();
    const auto set = file.write(0x010, 4, 0x01000000);
    REQUIRE(set);
    CHECK(set->wrote_one<CTL, CTL::GO>());
    const auto clear = file.write(0x010, 4, 0);
    REQUIRE(clear);
    CHECK_FALSE(clear->wrote_one<CTL, CTL::GO>());
}

TEST_CASE("RegisterFile: the unit's own view has no access rules") {
    RegisterFile file = make_file();
    file.set(Value<CTL>{0xffffffff});
    CHECK(file.get<CTL>().raw() == 0xffffffff);
    file.set(file.get<CTL>().with<CTL::STATE>(0).with<CTL::EVENT>(0));
    CHECK(file.get<CTL>().raw() == 0xff0000ff);
}

TEST_CASE("RegisterFile: the spec of a register is found by its offset") {
    const RegisterFile file = make_file();
    CHECK(file.spec(0x020).name == "WIDE");
    CHECK(file.spec(0x034).reset == 0x22222222);
}

TEST_CASE("RegisterFile: saved values come back in the order of the specs") {
    RegisterFile file = make_file();
    REQUIRE(file.specs().size() == 6);
    CHECK(file.specs()[1].name == "WIDE");
    file.write(0x030, 4, 0x1234);
    const std::vector<std::uint64_t> saved(file.values().begin(), file.values().end());
    CHECK(saved == std::vector<std::uint64_t>{0x0030a511, 0x0a0b0c0d0e0f1011, 0x1234, 0x22222222, 0x44444444, 0});
    RegisterFile other = make_file();
    other.restore(saved);
    CHECK(other.read(0x030, 4) == 0x1234);
    CHECK(other.get<WIDE>().raw() == 0x0a0b0c0d0e0f1011);
}

// What software may do to each bit, typed by hand.
struct Rules {
    std::uint64_t offset;
    unsigned size;
    std::uint64_t rw;
    std::uint64_t rw1c;
    std::uint64_t wo;
};
constexpr Rules kRules[] = {
    {0x010, 4, 0x000000ff, 0x00ff0000, 0x0f000000},
    {0x020, 8, 0x00ff00000000ffff, 0x0000ffff00000000, 0x3f00000000000000},
    {0x030, 4, 0xffffffff, 0, 0},
    {0x044, 4, 0xffffffff, 0, 0},
    {0xff8, 8, 0xffffffffffffffff, 0, 0},
};

// Writes a single 1 (or, `inverted`, a single 0) with an access of `size` to a register that was `before`.
void walk_one(const Rules& rules, std::uint64_t before, unsigned bit, unsigned size, bool inverted) {
    RegisterFile file = make_file();
    const std::uint64_t all = rules.size == 8 ? 0xffffffffffffffff : 0xffffffff;
    for (std::size_t i = 0; i < file.specs().size(); ++i) {
        if (file.specs()[i].offset != rules.offset) continue;
        std::vector<std::uint64_t> values(file.values().begin(), file.values().end());
        values[i] = before & all;
        file.restore(values);
    }
    const unsigned at = size == 8 ? 0 : bit / 32 * 4;
    const std::uint64_t lanes = (size == 8 ? 0xffffffffffffffff : 0xffffffff) << (8 * at);
    const std::uint64_t value = inverted ? ~(1ull << bit) : 1ull << bit;
    REQUIRE(file.write(rules.offset + at, size, value >> (8 * at)));
    std::uint64_t expected = before & all;
    const std::uint64_t stored = (rules.rw | rules.wo) & lanes;
    expected = (expected & ~stored) | (value & stored);
    expected &= ~(value & rules.rw1c & lanes);
    INFO("offset " << rules.offset << " bit " << bit << " size " << size << " inverted " << inverted);
    CHECK(file.read(rules.offset, rules.size) == (expected & ~rules.wo));
}

TEST_CASE("RegisterFile: a walking one and a walking zero meet each bit's rule, whole and by halves") {
    for (const Rules& rules : kRules) {
        for (unsigned bit = 0; bit < 8 * rules.size; ++bit) {
            for (const std::uint64_t before : {std::uint64_t{0}, ~std::uint64_t{0}}) {
                for (unsigned size = 4; size <= rules.size; size += 4) {
                    walk_one(rules, before, bit, size, false);
                    walk_one(rules, before, bit, size, true);
                }
            }
        }
    }
}

}  // namespace
