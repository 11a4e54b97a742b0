// SPDX-License-Identifier: GPL-2.0-or-later
//
// config_space: the control and status registers of the capabilities that the endpoint listens to.
#ifndef ATS_ENDPOINT_SPEC_CONFIG_SPACE_H
#define ATS_ENDPOINT_SPEC_CONFIG_SPACE_H

#include <cstdint>
#include <string_view>

#include "iommu/bits.h"

namespace endpoint {

// ATS Extended Capability: Control in the upper half. [PCIe 6.0 s10.5.1]
struct ATS_CAPABILITY {
    static constexpr std::string_view name = "ATS_CAPABILITY";
    using QUEUE_DEPTH = iommu::Field<"QUEUE_DEPTH", 4, 0, iommu::RO>;
    using PAGE_ALIGNED = iommu::Field<"PAGE_ALIGNED", 5, 5, iommu::RO>;
    using STU = iommu::Field<"STU", 20, 16>;
    using E = iommu::Field<"E", 31, 31>;
    using layout = iommu::Layout<std::uint32_t, QUEUE_DEPTH, PAGE_ALIGNED, iommu::Field<"", 15, 6, iommu::Rsvd>, STU,
                                 iommu::Field<"", 30, 21, iommu::Rsvd>, E>;
};

// PASID Extended Capability: Control in the upper half. [PCIe 6.0 s7.8.9]
struct PASID_CAPABILITY {
    static constexpr std::string_view name = "PASID_CAPABILITY";
    using EXEC = iommu::Field<"EXEC", 1, 1, iommu::RO>;
    using PRIV = iommu::Field<"PRIV", 2, 2, iommu::RO>;
    using WIDTH = iommu::Field<"WIDTH", 12, 8, iommu::RO>;
    using ENABLE = iommu::Field<"ENABLE", 16, 16>;
    using EXEC_ENABLE = iommu::Field<"EXEC_ENABLE", 17, 17>;
    using PRIV_ENABLE = iommu::Field<"PRIV_ENABLE", 18, 18>;
    using layout = iommu::Layout<std::uint32_t, iommu::Field<"", 0, 0, iommu::Rsvd>, EXEC, PRIV,
                                 iommu::Field<"", 7, 3, iommu::Rsvd>, WIDTH, iommu::Field<"", 15, 13, iommu::Rsvd>,
                                 ENABLE, EXEC_ENABLE, PRIV_ENABLE, iommu::Field<"", 31, 19, iommu::Rsvd>>;
};

// Page Request Extended Capability: Control, and Status in the upper half. [PCIe 6.0 s10.5.2]
struct PRI_CONTROL {
    static constexpr std::string_view name = "PRI_CONTROL";
    using E = iommu::Field<"E", 0, 0>;
    using R = iommu::Field<"R", 1, 1, iommu::WO>;
    using RF = iommu::Field<"RF", 16, 16, iommu::RW1C>;
    using UPRGI = iommu::Field<"UPRGI", 17, 17, iommu::RW1C>;
    using S = iommu::Field<"S", 24, 24, iommu::RO>;
    using PASID_REQUIRED = iommu::Field<"PASID_REQUIRED", 31, 31, iommu::RO>;
    using layout =
        iommu::Layout<std::uint32_t, E, R, iommu::Field<"", 15, 2, iommu::Rsvd>, RF, UPRGI,
                      iommu::Field<"", 23, 18, iommu::Rsvd>, S, iommu::Field<"", 30, 25, iommu::Rsvd>, PASID_REQUIRED>;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_SPEC_CONFIG_SPACE_H
