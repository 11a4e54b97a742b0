// SPDX-License-Identifier: GPL-2.0-or-later
//
// registers: which registers a unit has, given its capabilities. A group whose capability is missing is not there at
// all: it reads 0 and keeps nothing. [VTD 5.10 s11.4]
#ifndef VTD_NESTED_REGISTERS_H
#define VTD_NESTED_REGISTERS_H

#include <vector>

#include "iommu/register_file.h"
#include "vtd-nested/capabilities.h"

namespace vtd {

// One page.
inline constexpr std::uint32_t kRegisterBytes = 0x1000;

[[nodiscard]] std::vector<iommu::RegisterSpec> register_specs(const Capabilities& capabilities);

// The regions that PMEN protects, as inclusive ranges of host addresses. [VTD 5.10 s11.4.8]
struct ProtectedRegions {
    struct Region {
        std::uint64_t first = 1;
        std::uint64_t last = 0;  // below first: off
    };
    Region low;
    Region high;

    [[nodiscard]] static ProtectedRegions read(const iommu::RegisterFile& registers, const Capabilities& capabilities);
    [[nodiscard]] bool contain(std::uint64_t address) const;
};

}  // namespace vtd

#endif  // VTD_NESTED_REGISTERS_H
