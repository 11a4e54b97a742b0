// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "pasid.h"
#include "steps.h"

namespace guest {
namespace {

constexpr unsigned kExtended = 0x100;
constexpr std::uint16_t kPasidCapability = 0x1b;

std::uint32_t word_at(const std::string& config, std::size_t offset) {
    std::uint32_t word = 0;
    check(offset + sizeof word <= config.size(), "configuration space ends at " + hex(config.size()));
    std::memcpy(&word, config.data() + offset, sizeof word);
    return word;
}

}  // namespace

PasidCapability pasid_capability(const PciFunction& function) {
    const Fd file = open_file(function.folder() + "/config", O_RDONLY);
    std::string config(4096, '\0');
    check(pread(file.number(), config.data(), config.size(), 0) == static_cast<ssize_t>(config.size()),
          "configuration space cannot be read");
    for (unsigned at = kExtended; at >= kExtended;) {
        const std::uint32_t header = word_at(config, at);
        if ((header & 0xffff) == kPasidCapability) {
            const std::uint32_t capability = word_at(config, at + 4);
            return {
                .width = capability >> 8 & 0x1f, .execute = (capability & 2) != 0, .privileged = (capability & 4) != 0};
        }
        at = header >> 20;
    }
    return {};
}

unsigned unit_pasid_width(Iommufd& iommu, const Device& device) {
    if (unit_kind() == UnitKind::Vtd) {
        // ECAP.PASID, and ECAP.PSS, which is the width less one.
        iommu_hw_info_vtd data = {};
        iommu.hw_info(device.id(), &data, sizeof data);
        return (data.ecap_reg >> 40 & 1) == 0 ? 0 : static_cast<unsigned>(data.ecap_reg >> 35 & 0x1f) + 1;
    }
    // IDR1.SSIDSIZE
    iommu_hw_info_arm_smmuv3 data = {};
    iommu.hw_info(device.id(), &data, sizeof data);
    return data.idr[1] >> 6 & 0x1f;
}

void check_invalidated(const Endpoint& endpoint, std::uint32_t pasid, std::uint32_t before) {
    check(endpoint.get(AE_INVALIDATES_PASID) > before, "the device was not told to forget PASID " + hex(pasid));
    check_equal(endpoint.get(AE_LAST_INVALIDATE) & (AE_LAST_INVALIDATE_PASID_VALID | AE_LAST_INVALIDATE_PASID),
                AE_LAST_INVALIDATE_PASID_VALID | pasid, "the PASID of the last Invalidate Request");
}

}  // namespace guest
