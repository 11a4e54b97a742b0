// SPDX-License-Identifier: GPL-2.0-or-later
//
// vmsav8_64: the translation tables of VMSAv8-64: what a descriptor holds and how tables are arranged.
// [ARM DDI 0487 M.a D8.2, D8.3; SMMU G.b s3.4, s5.2, s5.4]
//
// Levels are the manual's: 3 is the level of pages, 0 the highest without 52-bit input, -1 the one above it. A granule
// is told by its log2: 12, 14 or 16. Nothing else may be passed as a granule; tg0_granule_log2() and its siblings tell
// whether a guest's encoding names one.
// One layout for each stage serves table, block and page descriptors of all levels. Descriptors have no reserved bits
// that anyone checks: what is not named is ignored.
// Not here: permissions, memory types, the 128-bit and the AArch32 formats.
#ifndef SMMUV3_NESTED_SPEC_VMSAV8_64_H
#define SMMUV3_NESTED_SPEC_VMSAV8_64_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "iommu/bits.h"

namespace smmuv3 {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;

// What both stages have in common. Table tells a table from a block at the levels above 3; at level 3 it must be 1.
// [ARM D8.3.1]
struct Descriptor {
    static constexpr std::string_view name = "Descriptor";
    using Valid = Field<"Valid", 0, 0>;
    using Table = Field<"Table", 1, 1>;
    using AF = Field<"AF", 10, 10>;
    using DBM = Field<"DBM", 51, 51>;                // leaf
    using Contiguous = Field<"Contiguous", 52, 52>;  // leaf
    using layout = Layout<std::uint64_t, Valid, Table, Field<"", 9, 2, Ign>, AF, Field<"", 50, 11, Ign>, DBM,
                          Contiguous, Field<"", 63, 53, Ign>>;
};

// Stage 1. The fields of a leaf, and from bit 59 up those of a table. SH holds address bits 51:50 with CD.DS; bit 59 of
// a leaf is AttrIndx[3] with CD.AIE. Address bits are read with output_address() and next_table(). [ARM D8.3.1]
struct Stage1Descriptor {
    static constexpr std::string_view name = "Stage1Descriptor";
    using Valid = Field<"Valid", 0, 0>;
    using Table = Field<"Table", 1, 1>;
    using AttrIndx = Field<"AttrIndx", 4, 2>;
    using NS = Field<"NS", 5, 5>;
    using AP_1 = Field<"AP[1]", 6, 6>;  // unprivileged access
    using AP_2 = Field<"AP[2]", 7, 7>;  // no write
    using SH = Field<"SH", 9, 8>;
    using AF = Field<"AF", 10, 10>;
    using nG = Field<"nG", 11, 11>;
    using ADDR = Field<"ADDR", 49, 12>;
    using GP = Field<"GP", 50, 50>;
    using DBM = Field<"DBM", 51, 51>;
    using Contiguous = Field<"Contiguous", 52, 52>;
    using PXN = Field<"PXN", 53, 53>;
    using UXN = Field<"UXN", 54, 54>;  // XN where there is one privilege level
    using PXNTable = Field<"PXNTable", 59, 59>;
    using UXNTable = Field<"UXNTable", 60, 60>;     // XNTable where there is one privilege level
    using APTable_0 = Field<"APTable[0]", 61, 61>;  // no unprivileged access below
    using APTable_1 = Field<"APTable[1]", 62, 62>;  // no write below
    using NSTable = Field<"NSTable", 63, 63>;
    using layout = Layout<std::uint64_t, Valid, Table, AttrIndx, NS, AP_1, AP_2, SH, AF, nG, ADDR, GP, DBM, Contiguous,
                          PXN, UXN, Field<"", 58, 55, Ign>, PXNTable, UXNTable, APTable_0, APTable_1, NSTable>;
};

// Stage 2. The fields of a leaf; a table has an address and, with STE.S2HAFT, AF. SH holds address bits 51:50 with
// STE.S2DS. [ARM D8.3.1]
struct Stage2Descriptor {
    static constexpr std::string_view name = "Stage2Descriptor";
    using Valid = Field<"Valid", 0, 0>;
    using Table = Field<"Table", 1, 1>;
    using MemAttr = Field<"MemAttr", 5, 2>;
    using S2AP_0 = Field<"S2AP[0]", 6, 6>;  // read
    using S2AP_1 = Field<"S2AP[1]", 7, 7>;  // write
    using SH = Field<"SH", 9, 8>;
    using AF = Field<"AF", 10, 10>;
    using ADDR = Field<"ADDR", 49, 12>;
    using DBM = Field<"DBM", 51, 51>;
    using Contiguous = Field<"Contiguous", 52, 52>;
    using XN_0 = Field<"XN[0]", 53, 53>;  // means something only with IDR3.XNX
    using XN_1 = Field<"XN[1]", 54, 54>;
    using AssuredOnly = Field<"AssuredOnly", 58, 58>;
    using layout = Layout<std::uint64_t, Valid, Table, MemAttr, S2AP_0, S2AP_1, SH, AF, Field<"", 11, 11, Ign>, ADDR,
                          Field<"", 50, 50, Ign>, DBM, Contiguous, XN_0, XN_1, Field<"", 57, 55, Ign>, AssuredOnly,
                          Field<"", 63, 59, Ign>>;
};

inline constexpr int last_level = 3;
inline constexpr unsigned descriptor_log2 = 3;

// What decides how the tables of one stage, or of one TTB, are read.
struct TableFormat {
    unsigned granule_log2 = 12;
    bool ds = false;   // CD.DS, or STE.S2DS, where IDR5.DS=1; without effect on 64K tables
    bool lpa = false;  // IDR5.OAS is 52 bits or more; of effect only on 64K tables

    // Whether an address of 52 bits can be told by a descriptor.
    [[nodiscard]] constexpr bool wide() const { return granule_log2 == 16 ? lpa : ds; }
};

// Bits of the input that index one table: 9, 11, 13.
[[nodiscard]] constexpr unsigned index_bits(unsigned granule_log2) { return granule_log2 - descriptor_log2; }

// log2 of what one descriptor of the level covers.
[[nodiscard]] constexpr unsigned entry_log2(unsigned granule_log2, int level) {
    return granule_log2 + index_bits(granule_log2) * static_cast<unsigned>(last_level - level);
}

// Which sizes of input an implementation takes.
struct InputLimits {
    bool small_tables = false;  // IDR3.STT
    unsigned input_bits = 48;   // stage 1: 48 or 52 by IDR5.VAX; stage 2: IAS
};

struct TxszRange {
    unsigned min = 0;
    unsigned max = 0;
    [[nodiscard]] constexpr bool contains(std::uint64_t txsz) const { return txsz >= min && txsz <= max; }
};

// The values of T0SZ, T1SZ and S2T0SZ that do not make a CD or STE ILLEGAL by themselves. [SMMU G.b s5.2, s5.4]
[[nodiscard]] constexpr TxszRange txsz_range(const TableFormat& format, const InputLimits& limits) {
    const bool wide_input = format.granule_log2 == 16 || format.ds;
    const unsigned least = wide_input ? 12 : 16;
    const unsigned implemented = limits.input_bits >= 64 ? 0 : 64 - limits.input_bits;
    const unsigned most_small = format.granule_log2 == 16 ? 47 : 48;
    return {.min = implemented > least ? implemented : least, .max = limits.small_tables ? most_small : 39};
}

// Where a walk of stage 1 starts, of a T0SZ or T1SZ inside txsz_range(). [ARM D8.2]
[[nodiscard]] constexpr int stage1_start_level(unsigned granule_log2, std::uint64_t txsz) {
    const unsigned input_bits = 64 - static_cast<unsigned>(txsz & 63);
    const unsigned resolved = input_bits > granule_log2 ? input_bits - granule_log2 - 1 : 0;
    return last_level - static_cast<int>(resolved / index_bits(granule_log2));
}

// What STE says about where a walk of stage 2 starts.
struct Stage2Shape {
    TableFormat format;
    std::uint64_t S2T0SZ = 0;
    std::uint64_t S2SL0 = 0;
    std::uint64_t S2SL0_2 = 0;  // counts only with 4K and S2DS
};

struct Stage2Start {
    int level = 0;
    unsigned tables = 1;  // how many are concatenated: 1, 2, 4, 8 or 16
    friend constexpr bool operator==(const Stage2Start&, const Stage2Start&) = default;
};

namespace detail {
// The level that S2SL0 names; nothing for an encoding that is reserved here. The highest level of each granule exists
// only where physical addresses are wide enough for it. [ARM D8.2, VTCR_EL2.SL0]
[[nodiscard]] constexpr std::optional<int> stage2_start_level(const Stage2Shape& shape, const InputLimits& limits) {
    const TableFormat& format = shape.format;
    const int sl0 = static_cast<int>(shape.S2SL0 & 3);
    if (format.granule_log2 == 12) {
        if (format.ds && shape.S2SL0_2 != 0) return sl0 == 0 ? std::optional{-1} : std::nullopt;
        if (sl0 == 3) return limits.small_tables ? std::optional{3} : std::nullopt;
        if (sl0 == 2 && limits.input_bits < 44) return std::nullopt;
        return 2 - sl0;
    }
    if (format.granule_log2 == 14) {
        if (format.ds && shape.S2SL0_2 != 0) return std::nullopt;
        if (sl0 == 3 && !format.ds) return std::nullopt;
        if (sl0 == 2 && limits.input_bits < 42) return std::nullopt;
        return last_level - sl0;
    }
    if (sl0 == 3 || (sl0 == 2 && limits.input_bits < 44)) return std::nullopt;
    return last_level - sl0;
}
}  // namespace detail

// Where a walk of stage 2 starts; nothing when S2T0SZ, S2SL0 and S2TG do not fit together, which makes the STE ILLEGAL.
// The input must leave at least one bit to the first table, and at most 16 tables may be put side by side to take what
// is more than one can index. [SMMU G.b s5.2; ARM D8.2]
[[nodiscard]] constexpr std::optional<Stage2Start> stage2_start(const Stage2Shape& shape, const InputLimits& limits) {
    if (!txsz_range(shape.format, limits).contains(shape.S2T0SZ)) return std::nullopt;
    const std::optional<int> level = detail::stage2_start_level(shape, limits);
    if (!level) return std::nullopt;

    const unsigned granule_log2 = shape.format.granule_log2;
    const unsigned input_bits = 64 - static_cast<unsigned>(shape.S2T0SZ & 63);
    const unsigned below = entry_log2(granule_log2, *level);
    if (input_bits <= below) return std::nullopt;
    const unsigned bits = input_bits - below;
    if (bits > index_bits(granule_log2) + 4) return std::nullopt;
    const unsigned concatenated_log2 = bits > index_bits(granule_log2) ? bits - index_bits(granule_log2) : 0;
    return Stage2Start{.level = *level, .tables = 1u << concatenated_log2};
}

// log2 of the bytes that the first table (all that are concatenated) takes, and of its alignment: low bits of TTB0,
// TTB1 and S2TTB below it count as 0. With an effective output size of 52 bits the alignment is at least 64 bytes.
// [SMMU G.b s5.2, s5.4]
[[nodiscard]] constexpr unsigned first_table_log2(unsigned granule_log2, int level, unsigned input_bits) {
    const unsigned below = entry_log2(granule_log2, level);
    return descriptor_log2 + (input_bits > below ? input_bits - below : 0);
}
inline constexpr unsigned wide_output_alignment_log2 = 6;

// Which descriptor of a table below the first the input selects. For the first table the bits above are part of the
// index too: it is input >> entry_log2() of an input that was found in range.
[[nodiscard]] constexpr std::uint64_t table_index(unsigned granule_log2, int level, std::uint64_t input) {
    const std::uint64_t last = (std::uint64_t{1} << index_bits(granule_log2)) - 1;
    return input >> entry_log2(granule_log2, level) & last;
}

// Whether a block descriptor exists at the level; without one it is an invalid descriptor. [ARM D8.3.1]
[[nodiscard]] constexpr bool block_level(const TableFormat& format, int level) {
    switch (format.granule_log2) {
        case 12: return level == 1 || level == 2 || (level == 0 && format.ds);
        case 14: return level == 2 || (level == 1 && format.ds);
        default: return level == 2 || (level == 1 && format.lpa);
    }
}

namespace detail {
// Address bits of a descriptor at and above `low`, put where they belong in an address.
[[nodiscard]] constexpr std::uint64_t descriptor_address(const TableFormat& format, std::uint64_t descriptor,
                                                         unsigned low) {
    const bool in_64k = format.granule_log2 == 16;
    const std::uint64_t above_low = ~std::uint64_t{0} << low;
    if (in_64k) {
        const std::uint64_t top = format.lpa ? (descriptor & Field<"", 15, 12>::mask) << 36 : 0;
        return (descriptor & Field<"", 47, 16>::mask & above_low) | top;
    }
    if (!format.ds) return descriptor & Field<"", 47, 12>::mask & above_low;
    const std::uint64_t top = (descriptor & Field<"", 9, 8>::mask) << 42;
    return (descriptor & Field<"", 49, 12>::mask & above_low) | top;
}
}  // namespace detail

// Where a table descriptor leads. [ARM D8.3.1]
[[nodiscard]] constexpr std::uint64_t next_table(const TableFormat& format, std::uint64_t descriptor) {
    return detail::descriptor_address(format, descriptor, format.granule_log2);
}

// Where the block or page of a leaf at the level begins. [ARM D8.3.1]
[[nodiscard]] constexpr std::uint64_t output_address(const TableFormat& format, std::uint64_t descriptor, int level) {
    return detail::descriptor_address(format, descriptor, entry_log2(format.granule_log2, level));
}

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_VMSAV8_64_H
