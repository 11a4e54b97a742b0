// SPDX-License-Identifier: GPL-2.0-or-later
//
// tuning: what a user chooses about a unit that software cannot see in its registers.
#ifndef IOMMU_TUNING_H
#define IOMMU_TUNING_H

#include <cstdint>

namespace iommu {

struct Tuning {
    std::uint32_t iotlb_entries = 65536;  // a power of two, 64 to 1048576
    // How long a device may take to answer an Invalidate Request, in ms; 1 and more. PCIe has 1 minute, + 50 %, - 0 %.
    std::uint32_t invalidate_timeout_ms = 60000;

    [[nodiscard]] std::uint64_t invalidate_timeout_ns() const {
        return std::uint64_t{invalidate_timeout_ms} * 1'000'000;
    }
};

}  // namespace iommu

#endif  // IOMMU_TUNING_H
