// SPDX-License-Identifier: GPL-2.0-or-later
//
// page_request: the entries of the PRI queue. [SMMU G.b s8]
#ifndef SMMUV3_NESTED_SPEC_PAGE_REQUEST_H
#define SMMUV3_NESTED_SPEC_PAGE_REQUEST_H

#include <string_view>

#include "iommu/bits.h"

namespace smmuv3 {

using iommu::Field;
using iommu::Layout;
using iommu::Rsvd;
using iommu::Words;

// Without SSV, SubstreamID, X and Priv are 0. PageAddress stands at its address bits: in_place() is the address.
struct PageRequestEntry {
    static constexpr std::string_view name = "PageRequestEntry";
    using StreamID = Field<"StreamID", 31, 0>;
    using SubstreamID = Field<"SubstreamID", 51, 32>;
    using Priv = Field<"Priv", 58, 58>;
    using X = Field<"X", 59, 59>;
    using R = Field<"R", 60, 60>;
    using W = Field<"W", 61, 61>;
    using Last = Field<"Last", 62, 62>;
    using SSV = Field<"SSV", 63, 63>;
    using PRGIndex = Field<"PRGIndex", 72, 64>;
    using PageAddress = Field<"PageAddress", 127, 76>;
    using layout = Layout<Words<2>, StreamID, SubstreamID, Field<"", 57, 52, Rsvd>, Priv, X, R, W, Last, SSV, PRGIndex,
                          Field<"", 75, 73, Rsvd>, PageAddress>;
};

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_SPEC_PAGE_REQUEST_H
