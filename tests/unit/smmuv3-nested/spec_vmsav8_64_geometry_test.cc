// SPDX-License-Identifier: GPL-2.0-or-later
//
// How VMSAv8-64 tables are arranged, typed from the manual's tables. [ARM DDI 0487 M.a D8.2; SMMU G.b s5.2, s5.4]
#include "smmuv3-nested/spec/vmsav8_64.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

using namespace smmuv3;

namespace {

constexpr TableFormat k4{.granule_log2 = 12};
constexpr TableFormat k16{.granule_log2 = 14};
constexpr TableFormat k64{.granule_log2 = 16};
constexpr TableFormat k4_ds{.granule_log2 = 12, .ds = true};
constexpr TableFormat k16_ds{.granule_log2 = 14, .ds = true};
constexpr TableFormat k64_ds{.granule_log2 = 16, .ds = true};

constexpr InputLimits bits40{.input_bits = 40};
constexpr InputLimits bits42{.input_bits = 42};
constexpr InputLimits bits44{.input_bits = 44};
constexpr InputLimits bits48{.input_bits = 48};
constexpr InputLimits bits52{.input_bits = 52};
constexpr InputLimits small48{.small_tables = true, .input_bits = 48};

// S2T0SZ from first to last makes this many tables.
struct Span {
    unsigned first = 64;
    unsigned last = 0;
    unsigned tables = 0;
};

struct Stage2Row {
    std::string_view what;
    TableFormat format;
    InputLimits limits;
    unsigned sl0;
    unsigned sl0_2;
    int level;
    std::array<Span, 5> spans{};  // S2T0SZ outside of all is illegal
};

// clang-format off
constexpr Stage2Row stage2_rows[] = {
    {"4K", k4, bits48, 2, 0, 0, {{{16, 24, 1}}}},
    {"4K", k4, bits48, 1, 0, 1, {{{25, 33, 1}, {24, 24, 2}, {23, 23, 4}, {22, 22, 8}, {21, 21, 16}}}},
    {"4K", k4, bits48, 0, 0, 2, {{{34, 39, 1}, {33, 33, 2}, {32, 32, 4}, {31, 31, 8}, {30, 30, 16}}}},
    {"4K, level 3 without small tables", k4, bits48, 3, 0, 3, {}},
    {"4K, small tables", k4, small48, 0, 0, 2, {{{34, 42, 1}, {33, 33, 2}, {32, 32, 4}, {31, 31, 8}, {30, 30, 16}}}},
    {"4K, small tables", k4, small48, 3, 0, 3, {{{43, 48, 1}, {42, 42, 2}, {41, 41, 4}, {40, 40, 8}, {39, 39, 16}}}},
    {"4K, S2SL0_2 without DS", k4, bits48, 0, 1, 2, {{{34, 39, 1}, {33, 33, 2}, {32, 32, 4}, {31, 31, 8}, {30, 30, 16}}}},
    {"4K, DS", k4_ds, bits52, 2, 0, 0, {{{16, 24, 1}, {15, 15, 2}, {14, 14, 4}, {13, 13, 8}, {12, 12, 16}}}},
    {"4K, DS", k4_ds, bits52, 0, 1, -1, {{{12, 15, 1}}}},
    {"4K, DS", k4_ds, bits52, 1, 1, 0, {}},
    {"4K, DS", k4_ds, bits52, 2, 1, 0, {}},
    {"4K, DS", k4_ds, bits52, 3, 1, 0, {}},
    {"4K, DS with 48 bits", k4_ds, bits48, 2, 0, 0, {{{16, 24, 1}}}},
    {"4K, DS with 48 bits", k4_ds, bits48, 0, 1, -1, {}},
    {"4K, 44 bits", k4, bits44, 2, 0, 0, {{{20, 24, 1}}}},
    {"4K, level 0 needs 44 bits", k4, bits42, 2, 0, 0, {}},
    {"4K, 42 bits", k4, bits42, 1, 0, 1, {{{25, 33, 1}, {24, 24, 2}, {23, 23, 4}, {22, 22, 8}}}},
    {"4K, 40 bits", k4, bits40, 1, 0, 1, {{{25, 33, 1}, {24, 24, 2}}}},
    {"16K, level 0 without DS", k16, bits48, 3, 0, 0, {}},
    {"16K", k16, bits48, 2, 0, 1, {{{17, 27, 1}, {16, 16, 2}}}},
    {"16K", k16, bits48, 1, 0, 2, {{{28, 38, 1}, {27, 27, 2}, {26, 26, 4}, {25, 25, 8}, {24, 24, 16}}}},
    {"16K", k16, bits48, 0, 0, 3, {{{39, 39, 1}, {38, 38, 2}, {37, 37, 4}, {36, 36, 8}, {35, 35, 16}}}},
    {"16K, small tables", k16, small48, 0, 0, 3, {{{39, 48, 1}, {38, 38, 2}, {37, 37, 4}, {36, 36, 8}, {35, 35, 16}}}},
    {"16K, DS", k16_ds, bits52, 3, 0, 0, {{{12, 16, 1}}}},
    {"16K, DS", k16_ds, bits52, 2, 0, 1, {{{17, 27, 1}, {16, 16, 2}, {15, 15, 4}, {14, 14, 8}, {13, 13, 16}}}},
    {"16K, S2SL0_2 with DS", k16_ds, bits52, 0, 1, 3, {}},
    {"16K, 42 bits", k16, bits42, 2, 0, 1, {{{22, 27, 1}}}},
    {"16K, level 1 needs 42 bits", k16, bits40, 2, 0, 1, {}},
    {"64K, reserved", k64, bits52, 3, 0, 0, {}},
    {"64K", k64, bits48, 2, 0, 1, {{{16, 21, 1}}}},
    {"64K, 52 bits", k64, bits52, 2, 0, 1, {{{12, 21, 1}}}},
    {"64K", k64, bits48, 1, 0, 2, {{{22, 34, 1}, {21, 21, 2}, {20, 20, 4}, {19, 19, 8}, {18, 18, 16}}}},
    {"64K", k64, bits48, 0, 0, 3, {{{35, 39, 1}, {34, 34, 2}, {33, 33, 4}, {32, 32, 8}, {31, 31, 16}}}},
    {"64K, small tables", k64, small48, 0, 0, 3, {{{35, 47, 1}, {34, 34, 2}, {33, 33, 4}, {32, 32, 8}, {31, 31, 16}}}},
    {"64K, DS counts for nothing", k64_ds, bits48, 2, 1, 1, {{{16, 21, 1}}}},
    {"64K, 44 bits", k64, bits44, 2, 0, 1, {{{20, 21, 1}}}},
    {"64K, level 1 needs 44 bits", k64, bits42, 2, 0, 1, {}},
};
// clang-format on

std::optional<Stage2Start> expected(const Stage2Row& row, unsigned t0sz) {
    for (const Span& span : row.spans) {
        if (t0sz >= span.first && t0sz <= span.last) return Stage2Start{.level = row.level, .tables = span.tables};
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("Stage 2 starts where S2T0SZ, S2SL0 and the granule agree, and nowhere else", "[smmuv3][spec]") {
    for (const Stage2Row& row : stage2_rows) {
        for (unsigned t0sz = 0; t0sz < 64; ++t0sz) {
            INFO(row.what << ", S2SL0=" << row.sl0 << " S2SL0_2=" << row.sl0_2 << " S2T0SZ=" << t0sz);
            const Stage2Shape shape{.format = row.format, .S2T0SZ = t0sz, .S2SL0 = row.sl0, .S2SL0_2 = row.sl0_2};
            CHECK(stage2_start(shape, row.limits) == expected(row, t0sz));
        }
    }
}

TEST_CASE("Stage 1 starts at the level that the size of its input needs", "[smmuv3][spec]") {
    struct {
        unsigned granule_log2, first, last;
        int level;
    } const rows[] = {
        {12, 12, 15, -1}, {12, 16, 24, 0}, {12, 25, 33, 1}, {12, 34, 42, 2}, {12, 43, 48, 3}, {14, 12, 16, 0},
        {14, 17, 27, 1},  {14, 28, 38, 2}, {14, 39, 48, 3}, {16, 12, 21, 1}, {16, 22, 34, 2}, {16, 35, 47, 3},
    };
    for (const auto& row : rows) {
        for (unsigned txsz = row.first; txsz <= row.last; ++txsz) {
            INFO("granule 2^" << row.granule_log2 << ", TxSZ=" << txsz);
            CHECK(stage1_start_level(row.granule_log2, txsz) == row.level);
        }
    }
}

TEST_CASE("TxSZ has a least and a greatest value", "[smmuv3][spec]") {
    constexpr InputLimits small52{.small_tables = true, .input_bits = 52};
    struct {
        std::string_view what;
        TableFormat format;
        InputLimits limits;
        unsigned min, max;
    } const rows[] = {
        {"4K", k4, bits48, 16, 39},
        {"4K, 52 bits without DS", k4, bits52, 16, 39},
        {"4K, DS", k4_ds, bits52, 12, 39},
        {"4K, DS with 48 bits", k4_ds, bits48, 16, 39},
        {"16K", k16, bits48, 16, 39},
        {"16K, DS", k16_ds, bits52, 12, 39},
        {"64K", k64, bits48, 16, 39},
        {"64K, 52 bits", k64, bits52, 12, 39},
        {"4K, small", k4, small48, 16, 48},
        {"16K, small", k16, small48, 16, 48},
        {"64K, small", k64, small52, 12, 47},
        {"4K, 44 bits", k4, bits44, 20, 39},
        {"64K, 40 bits", k64, bits40, 24, 39},
    };
    for (const auto& row : rows) {
        INFO(row.what);
        const TxszRange range = txsz_range(row.format, row.limits);
        CHECK(range.min == row.min);
        CHECK(range.max == row.max);
        CHECK_FALSE(range.contains(row.min - 1));
        CHECK(range.contains(row.min));
        CHECK(range.contains(row.max));
        CHECK_FALSE(range.contains(row.max + 1));
    }
}

TEST_CASE("A descriptor covers the manual's sizes", "[smmuv3][spec]") {
    CHECK(index_bits(12) == 9);
    CHECK(index_bits(14) == 11);
    CHECK(index_bits(16) == 13);
    CHECK(entry_log2(12, 3) == 12);   // 4 KiB
    CHECK(entry_log2(12, 2) == 21);   // 2 MiB
    CHECK(entry_log2(12, 1) == 30);   // 1 GiB
    CHECK(entry_log2(12, 0) == 39);   // 512 GiB
    CHECK(entry_log2(12, -1) == 48);  // 256 TiB
    CHECK(entry_log2(14, 3) == 14);   // 16 KiB
    CHECK(entry_log2(14, 2) == 25);   // 32 MiB
    CHECK(entry_log2(14, 1) == 36);   // 64 GiB
    CHECK(entry_log2(14, 0) == 47);   // 128 TiB
    CHECK(entry_log2(16, 3) == 16);   // 64 KiB
    CHECK(entry_log2(16, 2) == 29);   // 512 MiB
    CHECK(entry_log2(16, 1) == 42);   // 4 TiB
}

TEST_CASE("An index is the level's own bits of the input", "[smmuv3][spec]") {
    constexpr std::uint64_t input = 0x0000'8765'4321'0fff;
    CHECK(table_index(12, 3, input) == 0x10);
    CHECK(table_index(12, 2, input) == 0x19);
    CHECK(table_index(12, 1, input) == 0x195);
    CHECK(table_index(12, 0, input) == 0x10e);
    CHECK(table_index(14, 3, input) == 0x484);
    CHECK(table_index(14, 2, input) == 0x2a1);
    CHECK(table_index(14, 1, input) == 0x76);
    CHECK(table_index(16, 3, input) == 0x321);
    CHECK(table_index(16, 2, input) == 0x1b2a);
    CHECK(table_index(12, 3, 0xffff'ffff'ffff'ffff) == 0x1ff);
    CHECK(table_index(14, 3, 0xffff'ffff'ffff'ffff) == 0x7ff);
    CHECK(table_index(16, 3, 0xffff'ffff'ffff'ffff) == 0x1fff);
}

TEST_CASE("The first table is as large as its part of the input, or as all that are put side by side",
          "[smmuv3][spec]") {
    CHECK(first_table_log2(12, 0, 48) == 12);  // 512 descriptors
    CHECK(first_table_log2(12, 0, 40) == 4);   // 2 descriptors
    CHECK(first_table_log2(12, 1, 43) == 16);  // 16 tables of 4 KiB
    CHECK(first_table_log2(14, 1, 48) == 15);  // 2 tables of 16 KiB
    CHECK(first_table_log2(16, 1, 48) == 9);   // 64 descriptors
    CHECK(first_table_log2(16, 1, 52) == 13);  // 1024 descriptors
    CHECK(wide_output_alignment_log2 == 6);
}
