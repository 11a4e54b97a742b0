// SPDX-License-Identifier: GPL-2.0-or-later
// What a device and its unit say about PASIDs, and what the device saw of their invalidation.
#pragma once

#include <cstdint>

#include "device.h"
#include "endpoint.h"
#include "iommufd.h"
#include "pci.h"

namespace guest {

struct PasidCapability {
    unsigned width = 0;  // 0: there is none
    bool execute = false;
    bool privileged = false;
};

// From configuration space.
PasidCapability pasid_capability(const PciFunction& function);

// How wide PASIDs the device's unit takes; 0: none.
unsigned unit_pasid_width(Iommufd& iommu, const Device& device);

// Fails the step unless the device was told to forget all of the PASID since INVALIDATES_PASID was `before`, and has.
void check_invalidated(const Endpoint& endpoint, std::uint32_t pasid, std::uint32_t before);

}  // namespace guest
