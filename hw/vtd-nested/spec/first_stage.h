// SPDX-License-Identifier: GPL-2.0-or-later
//
// first_stage: the first-stage paging entry of every level. [VTD 5.10 s9.7]
//
// Levels count from the leaf: 1 is the PTE, 2 the PDE, 3 the PDPE, 4 the PML4E, 5 the PML5E. One layout serves them
// all: it names a bit as soon as one level uses it, and what is reserved at some level only is told by the functions.
// Nothing in the layout itself is reserved. XD is not a field: bit 63 is ignored since execute requests went away.
#ifndef VTD_NESTED_SPEC_FIRST_STAGE_H
#define VTD_NESTED_SPEC_FIRST_STAGE_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace vtd {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;

struct FirstStageEntry {
    static constexpr std::string_view name = "FirstStageEntry";
    using P = Field<"P", 0, 0>;
    using R_W = Field<"R/W", 1, 1>;
    using U_S = Field<"U/S", 2, 2>;
    using PWT = Field<"PWT", 3, 3>;  // leaf; ignored elsewhere, and without ECAP.MTS
    using PCD = Field<"PCD", 4, 4>;  // leaf; ignored elsewhere, and without ECAP.MTS
    using A = Field<"A", 5, 5>;
    using D = Field<"D", 6, 6>;          // leaf; ignored elsewhere
    using PS = Field<"PS", 7, 7>;        // levels 2 and 3; PAT (ignored without ECAP.MTS) at level 1, reserved above 3
    using G = Field<"G", 8, 8>;          // leaf; has no effect
    using EA = Field<"EA", 10, 10>;      // ignored with PasidEntry::EAFE = 0
    using ADDR = Field<"ADDR", 51, 12>;  // reserved at or above the host address width
    using layout = Layout<std::uint64_t, P, R_W, U_S, PWT, PCD, A, D, PS, G, Field<"", 9, 9, Ign>, EA,
                          Field<"", 11, 11, Ign>, ADDR, Field<"", 63, 52, Ign>>;

    // Bits of the input address that index one table.
    static constexpr unsigned index_bits = 9;

    // log2 of what one entry of the level covers: 12, 21, 30, 39, 48.
    [[nodiscard]] static constexpr unsigned page_log2(unsigned level) { return 12 + index_bits * (level - 1); }

    // Whether PS=1 can make a leaf of the level. (1-GByte pages also need CAP.FS1GP.)
    [[nodiscard]] static constexpr bool large_page_level(unsigned level) { return level == 2 || level == 3; }

    // Reserved bits of ADDR in a large page of the level. Bit 12 is its PAT. [VTD 5.10 s9.7 tables 36, 38]
    [[nodiscard]] static constexpr std::uint64_t large_page_reserved(unsigned level) {
        if (level == 2) return Field<"", 20, 13>::mask;
        if (level == 3) return Field<"", 29, 13>::mask;
        return 0;
    }

    // Where bit 7 is reserved at every setting. [VTD 5.10 s9.7 tables 34, 35]
    [[nodiscard]] static constexpr std::uint64_t upper_level_reserved(unsigned level) {
        return level >= 4 ? PS::mask : 0;
    }

    // Bits 51:HAW. For a guest-physical ADDR too. [VTD 5.10 s9.7]
    [[nodiscard]] static constexpr std::uint64_t beyond_haw(unsigned haw) {
        return haw > ADDR::high ? 0 : ADDR::mask >> haw << haw;
    }
};

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_FIRST_STAGE_H
