// SPDX-License-Identifier: GPL-2.0-or-later
//
// ste: stream table entries of both levels. [SMMU G.b s5.1, s5.2]
//
// Positions count from bit 0 of the whole entry, as the manual prints them. Bits that the manual reserves are ignored
// here, which it allows, and so are the fields of the other security states (S2NSW, S_S2TTB, MECID ...) and of MPAM
// (PARTID, PMG). S1ContextPtr, S2TTB and VMSPtr stand at their address bits: in_place() is the address. Which fields
// count under which Config, and which values are ILLEGAL, is for the reader of the entry.
#ifndef SMMUV3_NESTED_SPEC_STE_H
#define SMMUV3_NESTED_SPEC_STE_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace smmuv3 {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::Words;

// Level 1 stream table descriptor. [SMMU G.b s5.1]
struct L1STD {
    static constexpr std::string_view name = "L1STD";
    using Span = Field<"Span", 4, 0>;  // 0: invalid; 1-11: 2^(Span-1) entries; above: as 0
    using L2Ptr = Field<"L2Ptr", 55, 6>;
    using layout = Layout<std::uint64_t, Span, Field<"", 5, 5, Ign>, L2Ptr, Field<"", 63, 56, Ign>>;

    // log2 of the entries in the table at L2Ptr, of a Span between 1 and this limit.
    static constexpr unsigned max_span = 11;
    [[nodiscard]] static constexpr bool defined_span(std::uint64_t span) { return span >= 1 && span <= max_span; }
};

// Values of STE::Config. 1, 2 and 3 behave as Abort.
enum class StreamConfig : std::uint8_t { Abort = 0, Bypass = 4, Stage1 = 5, Stage2 = 6, Nested = 7 };

// Values of STE::S1Fmt. 3 behaves as Linear.
enum class CdTableFormat : std::uint8_t { Linear = 0, TwoLevel4K = 1, TwoLevel64K = 2 };

// Values of STE::S1DSS: what happens without a SubstreamID. 3 behaves as Terminate.
enum class DefaultSubstream : std::uint8_t { Terminate = 0, BypassStage1 = 1, Substream0 = 2 };

// Values of STE::EATS. FullWithDpt behaves as Off without IDR3.DPT.
enum class AtsMode : std::uint8_t { Off = 0, Full = 1, SplitStage = 2, FullWithDpt = 3 };

// Values of STE::STRW in a Non-secure entry. EL2 is EL2-E2H when CR2.E2H=1.
enum class StreamWorldSelect : std::uint8_t { EL1 = 0, Reserved1 = 1, EL2 = 2, Reserved3 = 3 };

// Stream table entry. [SMMU G.b s5.2]
struct STE {
    static constexpr std::string_view name = "STE";
    // Bits 63:0.
    using V = Field<"V", 0, 0>;
    using Config = Field<"Config", 3, 1>;
    using S1Fmt = Field<"S1Fmt", 5, 4>;
    using S1ContextPtr = Field<"S1ContextPtr", 55, 6>;
    using S1CDMax = Field<"S1CDMax", 63, 59>;
    // Bits 127:64.
    using S1DSS = Field<"S1DSS", 65, 64>;
    using S1CIR = Field<"S1CIR", 67, 66>;
    using S1COR = Field<"S1COR", 69, 68>;
    using S1CSH = Field<"S1CSH", 71, 70>;
    using S2HWU59 = Field<"S2HWU59", 72, 72>;
    using S2HWU60 = Field<"S2HWU60", 73, 73>;
    using S2HWU61 = Field<"S2HWU61", 74, 74>;
    using S2HWU62 = Field<"S2HWU62", 75, 75>;
    using DRE = Field<"DRE", 76, 76>;
    using CONT = Field<"CONT", 80, 77>;
    using DCP = Field<"DCP", 81, 81>;
    using PPAR = Field<"PPAR", 82, 82>;
    using MEV = Field<"MEV", 83, 83>;
    using S1PIE = Field<"S1PIE", 88, 88>;
    using S2FWB = Field<"S2FWB", 89, 89>;
    using S1MPAM = Field<"S1MPAM", 90, 90>;
    using S1STALLD = Field<"S1STALLD", 91, 91>;
    using EATS = Field<"EATS", 93, 92>;
    using STRW = Field<"STRW", 95, 94>;
    using MemAttr = Field<"MemAttr", 99, 96>;
    using MTCFG = Field<"MTCFG", 100, 100>;
    using ALLOCCFG = Field<"ALLOCCFG", 104, 101>;
    using SHCFG = Field<"SHCFG", 109, 108>;
    using NSCFG = Field<"NSCFG", 111, 110>;
    using PRIVCFG = Field<"PRIVCFG", 113, 112>;
    using INSTCFG = Field<"INSTCFG", 115, 114>;
    // Bits 191:128.
    using S2VMID = Field<"S2VMID", 143, 128>;
    using S2T0SZ = Field<"S2T0SZ", 165, 160>;
    using S2SL0 = Field<"S2SL0", 167, 166>;
    using S2IR0 = Field<"S2IR0", 169, 168>;
    using S2OR0 = Field<"S2OR0", 171, 170>;
    using S2SH0 = Field<"S2SH0", 173, 172>;
    using S2TG = Field<"S2TG", 175, 174>;
    using S2PS = Field<"S2PS", 178, 176>;
    using S2AA64 = Field<"S2AA64", 179, 179>;
    using S2ENDI = Field<"S2ENDI", 180, 180>;
    using S2AFFD = Field<"S2AFFD", 181, 181>;
    using S2PTW = Field<"S2PTW", 182, 182>;
    using S2HD = Field<"S2HD", 183, 183>;
    using S2HA = Field<"S2HA", 184, 184>;
    using S2S = Field<"S2S", 185, 185>;
    using S2R = Field<"S2R", 186, 186>;
    using S2HAFT = Field<"S2HAFT", 187, 187>;
    using S2PIE = Field<"S2PIE", 188, 188>;
    using S2POE = Field<"S2POE", 189, 189>;
    using DPT_VMATCH = Field<"DPT_VMATCH", 191, 190>;
    // Bits 255:192.
    using S2SL0_2 = Field<"S2SL0_2", 194, 194>;
    using S2DS = Field<"S2DS", 195, 195>;
    using S2TTB = Field<"S2TTB", 247, 196>;  // 247:244 (address 55:52) only for VMSAv9-128
    using S2SKL = Field<"S2SKL", 254, 253>;
    // Bits 383:320.
    using AssuredOnly = Field<"AssuredOnly", 329, 329>;
    using TL0 = Field<"TL0", 330, 330>;
    using TL1 = Field<"TL1", 331, 331>;
    using VMSPtr = Field<"VMSPtr", 375, 332>;
    // Bits 511:448: sixteen fields of four bits, S2POI0 lowest.
    using S2POI = Field<"S2POI", 511, 448>;

    using layout = Layout<Words<8>, V, Config, S1Fmt, S1ContextPtr, Field<"", 58, 56, Ign>, S1CDMax,  // 63:0
                          S1DSS, S1CIR, S1COR, S1CSH, S2HWU59, S2HWU60, S2HWU61, S2HWU62, DRE, CONT, DCP, PPAR, MEV,
                          Field<"", 87, 84, Ign>, S1PIE, S2FWB, S1MPAM, S1STALLD, EATS, STRW, MemAttr, MTCFG, ALLOCCFG,
                          Field<"", 107, 105, Ign>, SHCFG, NSCFG, PRIVCFG, INSTCFG, Field<"", 127, 116, Ign>,  // 127:64
                          S2VMID, Field<"", 159, 144, Ign>, S2T0SZ, S2SL0, S2IR0, S2OR0, S2SH0, S2TG, S2PS, S2AA64,
                          S2ENDI, S2AFFD, S2PTW, S2HD, S2HA, S2S, S2R, S2HAFT, S2PIE, S2POE, DPT_VMATCH,  // 191:128
                          Field<"", 193, 192, Ign>, S2SL0_2, S2DS, S2TTB, Field<"", 252, 248, Ign>, S2SKL,
                          Field<"", 255, 255, Ign>,  // 255:192
                          Field<"", 319, 256, Ign>, Field<"", 328, 320, Ign>, AssuredOnly, TL0, TL1, VMSPtr,
                          Field<"", 383, 376, Ign>,  // 383:320
                          Field<"", 447, 384, Ign>, S2POI>;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_STE_H
