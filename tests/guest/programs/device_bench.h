// SPDX-License-Identifier: GPL-2.0-or-later
// DeviceBench: an ats-endpoint of the machine, held by an iommufd, and accesses of it whose data is checked.
#pragma once

#include <cstdint>
#include <span>

#include "device.h"
#include "endpoint.h"
#include "iommufd.h"

namespace guest {

// A device with its endpoint, attached to nothing yet.
struct Held {
    Held(Iommufd& iommu, unsigned index) : device{endpoint_function(index), iommu} {}

    Device device;
    Endpoint endpoint{device.bar0()};
};

// The machine's first endpoint with an iommufd of its own.
struct DeviceBench {
    Iommufd iommu;
    Held held{iommu, 0};
    Device& device = held.device;
    Endpoint& endpoint = held.endpoint;
};

// Fails the step unless a block written by the device at `address` arrives in `there`, and a block put there comes back
// to it. `seed` makes the data another one.
void exchange(Endpoint& endpoint, std::uint64_t address, std::span<std::uint8_t> there, const How& how = {},
              std::uint64_t seed = 1);

// Fails the step unless a read and a write at `address` end in `code`.
void expect_code(Endpoint& endpoint, std::uint64_t address, unsigned code, const How& how = {});

// Skips the step unless the IOMMU driver switched the endpoint's ATS on.
void need_ats(const Endpoint& endpoint);

}  // namespace guest
