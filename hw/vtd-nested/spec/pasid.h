// SPDX-License-Identifier: GPL-2.0-or-later
//
// pasid: the scalable-mode PASID directory and PASID table entries. [VTD 5.10 s9.5, s9.6]
//
// Positions count from bit 0 of the whole entry, as the manual prints them. Pointers are declared up to bit 63 of their
// quadword. The bits at or above the host address width are not part of them but reserved, also where the pointer is
// ignored; and fields are reserved on a unit that lacks their capability (named at each field). Those rules need the
// capabilities and are not here; the bits reserved on every unit are.
#ifndef VTD_NESTED_SPEC_PASID_H
#define VTD_NESTED_SPEC_PASID_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace vtd {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::Rsvd;
using iommu::Words;

// Scalable-mode PASID directory entry: indexed by PASID[19:6]. FPD counts even when P=0. [VTD 5.10 s9.5]
struct PasidDirEntry {
    static constexpr std::string_view name = "PasidDirEntry";
    using P = Field<"P", 0, 0>;
    using FPD = Field<"FPD", 1, 1>;
    using SMPTBLPTR = Field<"SMPTBLPTR", 63, 12>;
    using layout = Layout<std::uint64_t, P, FPD, Field<"", 11, 2, Rsvd>, SMPTBLPTR>;
};

// Values of PasidEntry::PGTT that are defined; each is reserved without its capability. [VTD 5.10 s9.6]
enum class PasidTranslationType : std::uint8_t {
    FirstStage = 1,   // ECAP.FSTS
    SecondStage = 2,  // ECAP.SSTS
    Nested = 3,       // ECAP.NEST
    PassThrough = 4,  // ECAP.PT
};

// Values of PasidEntry::FSPM that are defined. [VTD 5.10 s9.6]
enum class FirstStagePagingMode : std::uint8_t {
    FourLevel = 0,
    FiveLevel = 1,  // CAP.FS5LP
};

// Scalable-mode PASID table entry: indexed by PASID[5:0]. FPD counts even when P=0. The fields of a stage that PGTT
// does not use are ignored, unless the capability is missing. [VTD 5.10 s9.6]
struct PasidEntry {
    static constexpr std::string_view name = "PasidEntry";
    using P = Field<"P", 0, 0>;
    using FPD = Field<"FPD", 1, 1>;
    using AW = Field<"AW", 4, 2>;  // reserved without ECAP.SSTS
    using PGTT = Field<"PGTT", 8, 6>;
    using SSADE = Field<"SSADE", 9, 9>;          // reserved without ECAP.SSTS and ECAP.SSADS
    using SSPTPTR = Field<"SSPTPTR", 63, 12>;    // reserved without ECAP.SSTS
    using DID = Field<"DID", 79, 64>;            // reserved beyond the width that CAP.ND tells
    using PWSNP = Field<"PWSNP", 87, 87>;        // reserved without ECAP.SMPWCS
    using PGSNP = Field<"PGSNP", 88, 88>;        // reserved without ECAP.SC
    using CD = Field<"CD", 89, 89>;              // reserved without ECAP.MTS
    using EMTE = Field<"EMTE", 90, 90>;          // reserved without ECAP.MTS
    using PAT = Field<"PAT", 127, 96>;           // reserved without ECAP.MTS
    using SRE = Field<"SRE", 128, 128>;          // reserved without ECAP.SRS
    using FSPM = Field<"FSPM", 131, 130>;        // reserved without ECAP.FSTS
    using WPE = Field<"WPE", 132, 132>;          // reserved without ECAP.FSTS
    using EAFE = Field<"EAFE", 135, 135>;        // reserved without ECAP.EAFS
    using FSPTPTR = Field<"FSPTPTR", 191, 140>;  // reserved without ECAP.FSTS; guest-physical when nested
    using HPTSZ = Field<"HPTSZ", 257, 256>;      // this one and the rest: reserved without ECAP.HPTS
    using HPTPFD = Field<"HPTPFD", 258, 258>;
    using HPTPTR = Field<"HPTPTR", 319, 268>;
    using HPTDID = Field<"HPTDID", 335, 320>;
    // clang-format off
    using layout = Layout<Words<8>,
        P, FPD, AW, Field<"", 5, 5, Rsvd>, PGTT, SSADE, Field<"", 11, 10, Rsvd>, SSPTPTR,
        DID, Field<"", 86, 80, Rsvd>, PWSNP, PGSNP, CD, EMTE, Field<"", 95, 91, Rsvd>, PAT,
        SRE, Field<"", 129, 129, Rsvd>, FSPM, WPE, Field<"", 134, 133, Ign>, EAFE, Field<"", 139, 136, Rsvd>, FSPTPTR,
        Field<"", 255, 192, Rsvd>,
        HPTSZ, HPTPFD, Field<"", 267, 259, Rsvd>, HPTPTR,
        HPTDID, Field<"", 383, 336, Rsvd>,
        Field<"", 447, 384, Rsvd>,
        Field<"", 511, 448, Rsvd>>;
    // clang-format on
};

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_PASID_H
