// SPDX-License-Identifier: GPL-2.0-or-later
//
// cd: context descriptors of both levels, and the encodings of sizes that they share with STEs. [SMMU G.b s5.3, s5.4]
//
// Positions count from bit 0 of the whole descriptor, as the manual prints them. TTB0, TTB1 and L2Ptr stand at their
// address bits: in_place() is the address. Bits that the manual reserves are ignored here, which it allows, and so are
// the fields of the Secure state (NSCFG0, NSCFG1), of MPAM (PARTID, PMG) and of the implementation (AMAIR0, AMAIR1).
// Names are those for VMSAv8-64 tables; the 128-bit format reads HADx as DisCHx and HWUx61, HWUx62 as SKLx.
#ifndef SMMUV3_NESTED_SPEC_CD_H
#define SMMUV3_NESTED_SPEC_CD_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace smmuv3 {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::Words;

// Level 1 context descriptor. L2Ptr[15:12] is reserved with STE.S1Fmt = TwoLevel64K. [SMMU G.b s5.3]
struct L1CD {
    static constexpr std::string_view name = "L1CD";
    using V = Field<"V", 0, 0>;
    using L2Ptr = Field<"L2Ptr", 55, 12>;
    using layout = Layout<std::uint64_t, V, Field<"", 11, 1, Ign>, L2Ptr, Field<"", 63, 56, Ign>>;
};

// Context descriptor. [SMMU G.b s5.4]
struct CD {
    static constexpr std::string_view name = "CD";
    // Bits 63:0.
    using T0SZ = Field<"T0SZ", 5, 0>;
    using TG0 = Field<"TG0", 7, 6>;
    using IR0 = Field<"IR0", 9, 8>;
    using OR0 = Field<"OR0", 11, 10>;
    using SH0 = Field<"SH0", 13, 12>;
    using EPD0 = Field<"EPD0", 14, 14>;
    using ENDI = Field<"ENDI", 15, 15>;
    using T1SZ = Field<"T1SZ", 21, 16>;
    using TG1 = Field<"TG1", 23, 22>;
    using IR1 = Field<"IR1", 25, 24>;
    using OR1 = Field<"OR1", 27, 26>;
    using SH1 = Field<"SH1", 29, 28>;
    using EPD1 = Field<"EPD1", 30, 30>;
    using V = Field<"V", 31, 31>;
    using IPS = Field<"IPS", 34, 32>;
    using AFFD = Field<"AFFD", 35, 35>;
    using WXN = Field<"WXN", 36, 36>;
    using UWXN = Field<"UWXN", 37, 37>;
    using TBI0 = Field<"TBI0", 38, 38>;
    using TBI1 = Field<"TBI1", 39, 39>;
    using PAN = Field<"PAN", 40, 40>;
    using AA64 = Field<"AA64", 41, 41>;
    using HD = Field<"HD", 42, 42>;
    using HA = Field<"HA", 43, 43>;
    using S = Field<"S", 44, 44>;
    using R = Field<"R", 45, 45>;
    using A = Field<"A", 46, 46>;
    using ASET = Field<"ASET", 47, 47>;
    using ASID = Field<"ASID", 63, 48>;
    // Bits 127:64. Address bits 55:52 of TTB0 and TTB1 exist only in the 128-bit format.
    using HAD0 = Field<"HAD0", 65, 65>;
    using E0PD0 = Field<"E0PD0", 66, 66>;
    using HAFT = Field<"HAFT", 67, 67>;
    using TTB0 = Field<"TTB0", 119, 68>;
    using PnCH = Field<"PnCH", 122, 122>;
    using EPAN = Field<"EPAN", 123, 123>;
    using HWU059 = Field<"HWU059", 124, 124>;
    using HWU060 = Field<"HWU060", 125, 125>;
    using HWU061 = Field<"HWU061", 126, 126>;
    using HWU062 = Field<"HWU062", 127, 127>;
    // Bits 191:128.
    using HAD1 = Field<"HAD1", 129, 129>;
    using E0PD1 = Field<"E0PD1", 130, 130>;
    using AIE = Field<"AIE", 131, 131>;
    using TTB1 = Field<"TTB1", 183, 132>;
    using DS = Field<"DS", 186, 186>;
    using PIE = Field<"PIE", 187, 187>;
    using HWU159 = Field<"HWU159", 188, 188>;
    using HWU160 = Field<"HWU160", 189, 189>;
    using HWU161 = Field<"HWU161", 190, 190>;
    using HWU162 = Field<"HWU162", 191, 191>;
    // Bits 255:192: Attr0 to Attr3 from bit 192, Attr4 to Attr7 from bit 224.
    using MAIR0 = Field<"MAIR0", 223, 192>;
    using MAIR1 = Field<"MAIR1", 255, 224>;
    // Bits 431:384 and 495:448: sixteen fields of three bits each, index 0 lowest.
    using PIIU = Field<"PIIU", 431, 384>;
    using PIIP = Field<"PIIP", 495, 448>;

    using layout = Layout<Words<8>, T0SZ, TG0, IR0, OR0, SH0, EPD0, ENDI, T1SZ, TG1, IR1, OR1, SH1, EPD1, V, IPS, AFFD,
                          WXN, UWXN, TBI0, TBI1, PAN, AA64, HD, HA, S, R, A, ASET, ASID,  // 63:0
                          Field<"", 64, 64, Ign>, HAD0, E0PD0, HAFT, TTB0, Field<"", 121, 120, Ign>, PnCH, EPAN, HWU059,
                          HWU060, HWU061, HWU062,  // 127:64
                          Field<"", 128, 128, Ign>, HAD1, E0PD1, AIE, TTB1, Field<"", 185, 184, Ign>, DS, PIE, HWU159,
                          HWU160, HWU161, HWU162,  // 191:128
                          MAIR0, MAIR1, Field<"", 319, 256, Ign>, Field<"", 383, 320, Ign>, PIIU,
                          Field<"", 447, 432, Ign>, PIIP, Field<"", 511, 496, Ign>>;
};

// log2 of the granule that TG0 or S2TG names; 0 when reserved. [SMMU G.b s5.2, s5.4]
[[nodiscard]] constexpr unsigned tg0_granule_log2(std::uint64_t tg) {
    switch (tg) {
        case 0: return 12;
        case 1: return 16;
        case 2: return 14;
        default: return 0;
    }
}

// The same of TG1, which counts differently. [SMMU G.b s5.4]
[[nodiscard]] constexpr unsigned tg1_granule_log2(std::uint64_t tg) {
    switch (tg) {
        case 1: return 14;
        case 2: return 12;
        case 3: return 16;
        default: return 0;
    }
}

[[nodiscard]] constexpr unsigned s2tg_granule_log2(std::uint64_t tg) { return tg0_granule_log2(tg); }

// Bits of an address that IPS, S2PS or IDR5.OAS allows. The last encoding names 56 bits from SMMUv3.4 on and acts as
// 52 before, which the cap to OAS settles: OAS cannot be 7 on a unit that is older. [SMMU G.b s5.2, s5.4, s6.3.6]
[[nodiscard]] constexpr unsigned address_size_bits(std::uint64_t encoding) {
    switch (encoding & 7) {
        case 0: return 32;
        case 1: return 36;
        case 2: return 40;
        case 3: return 42;
        case 4: return 44;
        case 5: return 48;
        case 6: return 52;
        default: return 56;
    }
}

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_CD_H
