// SPDX-License-Identifier: GPL-2.0-or-later
//
// root_context: root and context entries of both table modes. [VTD 5.10 s9.1-9.4]
//
// Positions count from bit 0 of the whole entry, as the manual prints them. Table pointers are declared up to bit 63
// of their quadword; the bits at or above the host address width are reserved on a given unit, and so are fields whose
// capability it lacks. Those rules need the capabilities and are not here; the bits reserved on every unit are.
#ifndef VTD_NESTED_SPEC_ROOT_CONTEXT_H
#define VTD_NESTED_SPEC_ROOT_CONTEXT_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace vtd {

using iommu::Field;
using iommu::Ign;
using iommu::Layout;
using iommu::Rsvd;
using iommu::Words;

// Root entry: one for each bus. [VTD 5.10 s9.1]
struct LegacyRootEntry {
    static constexpr std::string_view name = "LegacyRootEntry";
    using P = Field<"P", 0, 0>;
    using CTP = Field<"CTP", 63, 12>;
    using layout = Layout<Words<2>, P, Field<"", 11, 1, Rsvd>, CTP, Field<"", 127, 64, Rsvd>>;
};

// Scalable-mode root entry. The lower half serves devices 0-15 of the bus (devfn 0x00-0x7f), the upper half devices
// 16-31. The two halves are separate entries: one is looked at without the other. [VTD 5.10 s9.2]
struct ScalableRootEntry {
    static constexpr std::string_view name = "ScalableRootEntry";
    using LP = Field<"LP", 0, 0>;
    using LCTP = Field<"LCTP", 63, 12>;
    using UP = Field<"UP", 64, 64>;
    using UCTP = Field<"UCTP", 127, 76>;
    using layout = Layout<Words<2>, LP, Field<"", 11, 1, Rsvd>, LCTP, UP, Field<"", 75, 65, Rsvd>, UCTP>;
};

// Values of LegacyContextEntry::TT. [VTD 5.10 s9.3]
enum class TranslationType : std::uint8_t {
    UntranslatedOnly = 0,  // translation and translated requests are blocked
    DeviceTlb = 1,         // all three kinds of request; reserved without ECAP.DT
    PassThrough = 2,       // reserved without ECAP.PT
    Reserved = 3,
};

// Context entry. FPD counts even when P=0. [VTD 5.10 s9.3]
struct LegacyContextEntry {
    static constexpr std::string_view name = "LegacyContextEntry";
    using P = Field<"P", 0, 0>;
    using FPD = Field<"FPD", 1, 1>;
    using TT = Field<"TT", 3, 2>;
    using SSPTPTR = Field<"SSPTPTR", 63, 12>;
    using AW = Field<"AW", 66, 64>;
    using DID = Field<"DID", 87, 72>;
    using layout = Layout<Words<2>, P, FPD, TT, Field<"", 11, 4, Rsvd>, SSPTPTR, AW, Field<"", 70, 67, Ign>,
                          Field<"", 71, 71, Rsvd>, DID, Field<"", 127, 88, Rsvd>>;
};

// Scalable-mode context entry. FPD counts even when P=0. [VTD 5.10 s9.4]
struct ScalableContextEntry {
    static constexpr std::string_view name = "ScalableContextEntry";
    using P = Field<"P", 0, 0>;
    using FPD = Field<"FPD", 1, 1>;
    using DTE = Field<"DTE", 2, 2>;        // reserved without ECAP.DT
    using PASIDE = Field<"PASIDE", 3, 3>;  // reserved without ECAP.PASID
    using PRE = Field<"PRE", 4, 4>;        // reserved without ECAP.PRS
    using HPTE = Field<"HPTE", 5, 5>;      // reserved without ECAP.HPTS
    using EPTR = Field<"EPTR", 6, 6>;      // reserved without ECAP.PTRS
    using PDTS = Field<"PDTS", 11, 9>;     // the directory has 2^(PDTS+7) entries
    using PASIDDIRPTR = Field<"PASIDDIRPTR", 63, 12>;
    using RID_PASID = Field<"RID_PASID", 83, 64>;  // reserved without ECAP.RPS
    using RID_PRIV = Field<"RID_PRIV", 84, 84>;    // reserved without ECAP.RPRIVS
    using layout =
        Layout<Words<4>, P, FPD, DTE, PASIDE, PRE, HPTE, EPTR, Field<"", 8, 7, Rsvd>, PDTS, PASIDDIRPTR, RID_PASID,
               RID_PRIV, Field<"", 127, 85, Rsvd>, Field<"", 191, 128, Rsvd>, Field<"", 255, 192, Rsvd>>;
};

}  // namespace vtd

#endif  // VTD_NESTED_SPEC_ROOT_CONTEXT_H
