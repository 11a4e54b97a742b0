// SPDX-License-Identifier: GPL-2.0-or-later
//
// second_stage: the second-stage paging entry of every level. [VTD 5.10 s9.8]
//
// Levels count from the leaf: 1 is the SS-PTE, 2 the SS-PDE, 3 the SS-PDPE, 4 the SS-PML4E, 5 the SS-PML5E. One layout
// serves them all: it names a bit as soon as one level uses it, and what is reserved at some level only is told by the
// functions. Nothing in the layout itself is reserved.
//
// The rights are R and W, or IR and IW when RTADDR.SSIRWE was set; the pair that is not used is ignored, but IW is
// reserved with SSIRWE=0. Reserved bits count only when a right is given.
#ifndef VTD_NESTED_SPEC_SECOND_STAGE_H
#define VTD_NESTED_SPEC_SECOND_STAGE_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace vtd {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;

struct SecondStageEntry {
    static constexpr std::string_view name = "SecondStageEntry";
    using R = Field<"R", 0, 0>;
    using W = Field<"W", 1, 1>;
    using EMT = Field<"EMT", 5, 3>;      // leaf; ignored elsewhere, and with PasidEntry::EMTE = 0
    using IPAT = Field<"IPAT", 6, 6>;    // leaf; ignored elsewhere, and with PasidEntry::EMTE = 0
    using PS = Field<"PS", 7, 7>;        // levels 2 and 3; ignored at level 1, reserved above 3
    using A = Field<"A", 8, 8>;          // ignored with PasidEntry::SSADE = 0
    using D = Field<"D", 9, 9>;          // leaf; ignored elsewhere, and with PasidEntry::SSADE = 0
    using SNP = Field<"SNP", 11, 11>;    // leaf; reserved elsewhere, and without ECAP.SC
    using ADDR = Field<"ADDR", 51, 12>;  // reserved at or above the host address width
    using IR = Field<"IR", 61, 61>;      // ignored with RTADDR.SSIRWE = 0
    using IW = Field<"IW", 62, 62>;      // reserved with RTADDR.SSIRWE = 0
    using layout = Layout<std::uint64_t, R, W, Field<"", 2, 2, Ign>, EMT, IPAT, PS, A, D, Field<"", 10, 10, Ign>, SNP,
                          ADDR, Field<"", 60, 52, Ign>, IR, IW, Field<"", 63, 63, Ign>>;

    // Bits of the input address that index one table.
    static constexpr unsigned index_bits = 9;

    // log2 of what one entry of the level covers: 12, 21, 30, 39, 48.
    [[nodiscard]] static constexpr unsigned page_log2(unsigned level) { return 12 + index_bits * (level - 1); }

    // Whether PS=1 can make a leaf of the level. (Which sizes exist, CAP.SSLPS tells.)
    [[nodiscard]] static constexpr bool large_page_level(unsigned level) { return level == 2 || level == 3; }

    // Reserved bits of ADDR in a large page of the level. [VTD 5.10 s9.8 tables 43, 45]
    [[nodiscard]] static constexpr std::uint64_t large_page_reserved(unsigned level) {
        if (level == 2) return Field<"", 20, 12>::mask;
        if (level == 3) return Field<"", 29, 12>::mask;
        return 0;
    }

    // Where bit 7 is reserved at every setting. [VTD 5.10 s9.8 tables 41, 42]
    [[nodiscard]] static constexpr std::uint64_t upper_level_reserved(unsigned level) {
        return level >= 4 ? PS::mask : 0;
    }

    // Reserved in an entry that refers to another table: bit 11. [VTD 5.10 s9.8 tables 41, 42, 44, 46]
    static constexpr std::uint64_t table_reserved = SNP::mask;

    // Bits 51:HAW. [VTD 5.10 s9.8]
    [[nodiscard]] static constexpr std::uint64_t beyond_haw(unsigned haw) {
        return haw > ADDR::high ? 0 : ADDR::mask >> haw << haw;
    }
};

// The address-width encoding (AW) of context entries and PASID table entries. [VTD 5.10 s9.3, s9.6]
struct AddressWidth {
    // 1, 2, 3; the other values are reserved.
    [[nodiscard]] static constexpr bool defined(std::uint64_t aw) { return aw >= 1 && aw <= 3; }
    // Of a defined AW: 39, 48, 57 bits.
    [[nodiscard]] static constexpr unsigned bits(std::uint64_t aw) { return 30 + 9 * static_cast<unsigned>(aw); }
    // Of a defined AW: 3, 4, 5 levels.
    [[nodiscard]] static constexpr unsigned levels(std::uint64_t aw) { return 2 + static_cast<unsigned>(aw); }
};

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_SECOND_STAGE_H
