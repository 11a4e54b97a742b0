// SPDX-License-Identifier: GPL-2.0-or-later
//
// registers: which registers a unit has, and which bits software may change when. [SMMU G.b s6]
#ifndef SMMUV3_NESTED_REGISTERS_H
#define SMMUV3_NESTED_REGISTERS_H

#include <vector>

#include "iommu/register_file.h"
#include "smmuv3-nested/capabilities.h"
#include "smmuv3-nested/resolve.h"

namespace smmuv3 {

[[nodiscard]] std::vector<iommu::RegisterSpec> register_specs(const Capabilities& capabilities);

// Bits that a write leaves alone in the unit's present state: fields guarded by an enable that is set. [SMMU G.b s6.3]
[[nodiscard]] std::uint64_t guarded_bits(std::uint32_t offset, const iommu::RegisterFile& registers);

// The place of a register that page 0 repeats from page 1; any other offset as it is.
[[nodiscard]] std::uint64_t canonical_offset(std::uint64_t offset);

[[nodiscard]] StreamTable stream_table(const iommu::RegisterFile& registers);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_REGISTERS_H
