// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd-nested/registers.h"

#include "iommu/address.h"
#include "vtd-nested/spec/page_request.h"

namespace vtd {

using iommu::RegisterFile;
using iommu::RegisterSpec;
using iommu::spec_at;
using iommu::spec_of;

namespace {

// Software may not change these bits on this unit.
RegisterSpec without(RegisterSpec spec, std::uint64_t bits) {
    spec.rw &= ~bits;
    spec.rw1c &= ~bits;
    return spec;
}

// Sticky invalidation queue registers and the completion event. [VTD 5.10 s11.4.9]
void add_queue(std::vector<RegisterSpec>& specs) {
    specs.push_back(spec_of<IQH>());
    specs.push_back(spec_of<IQT>());
    specs.push_back(spec_of<IQA>());
    specs.push_back(spec_of<ICS>());
    specs.push_back(spec_of<IECTL>(IECTL::IM::mask));
    specs.push_back(spec_of<IEDATA>());
    specs.push_back(spec_of<IEADDR>());
    specs.push_back(spec_of<IEUADDR>());
    specs.push_back(spec_of<IQERCD>());
}

// The page request queue and its event. [VTD 5.10 s11.4.11]
void add_page_requests(std::vector<RegisterSpec>& specs) {
    specs.push_back(spec_of<PQH>());
    specs.push_back(spec_of<PQT>());
    specs.push_back(spec_of<PQA>());
    specs.push_back(spec_of<PRS>());
    specs.push_back(spec_of<PECTL>(PECTL::IM::mask));
    specs.push_back(spec_of<PEDATA>());
    specs.push_back(spec_of<PEADDR>());
    specs.push_back(spec_of<PEUADDR>());
}

void add_protected_regions(std::vector<RegisterSpec>& specs, const Capabilities& capabilities) {
    if (capabilities.plmr == 0 && capabilities.phmr == 0) return;
    specs.push_back(spec_of<PMEN>());
    if (capabilities.plmr != 0) {
        specs.push_back(spec_of<PLMBASE>());
        specs.push_back(spec_of<PLMLIMIT>());
    }
    if (capabilities.phmr != 0) {
        // Bits at or above the host address width are not implemented.
        const std::uint64_t beyond = iommu::bit_range(63, capabilities.haw);
        specs.push_back(without(spec_of<PHMBASE>(), beyond));
        specs.push_back(without(spec_of<PHMLIMIT>(), beyond));
    }
}

}  // namespace

std::vector<RegisterSpec> register_specs(const Capabilities& capabilities) {
    std::vector<RegisterSpec> specs;
    specs.push_back(spec_of<VER>(ver_register(capabilities).raw()));
    specs.push_back(spec_of<CAP>(cap_register(capabilities).raw()));
    specs.push_back(spec_of<ECAP>(ecap_register(capabilities).raw()));
    specs.push_back(spec_of<GCMD>());
    specs.push_back(spec_of<GSTS>());
    // SSIRWE is reserved: ECAP.SSIRWS is not offered.
    specs.push_back(without(spec_of<RTADDR>(), RTADDR::SSIRWE::mask));
    specs.push_back(spec_of<CCMD>());
    // Without device-TLBs there is neither ICE nor ITE, without a queue no IQE.
    const std::uint64_t no_device_tlbs = capabilities.dt != 0 ? 0 : FSTS::ICE::mask | FSTS::ITE::mask;
    const std::uint64_t no_queue = capabilities.qi != 0 ? 0 : FSTS::IQE::mask;
    specs.push_back(without(spec_of<FSTS>(), no_device_tlbs | no_queue));
    specs.push_back(spec_of<FECTL>(FECTL::IM::mask));
    specs.push_back(spec_of<FEDATA>());
    specs.push_back(spec_of<FEADDR>());
    specs.push_back(spec_of<FEUADDR>());
    add_protected_regions(specs, capabilities);
    if (capabilities.qi != 0) add_queue(specs);
    if (capabilities.prs != 0) add_page_requests(specs);
    specs.push_back(spec_at<IVA>(kIvaOffset + IVA::relative_offset));
    specs.push_back(spec_at<IOTLB_REG>(kIvaOffset + IOTLB_REG::relative_offset));
    for (unsigned index = 0; index <= capabilities.nfr; ++index) {
        const unsigned at = kFrcdOffset + 16 * index;
        specs.push_back(spec_at<FRCD_LO>(static_cast<std::uint16_t>(at + FRCD_LO::relative_offset)));
        specs.push_back(spec_at<FRCD_HI>(static_cast<std::uint16_t>(at + FRCD_HI::relative_offset)));
    }
    return specs;
}

// The low bits that the registers do not have count as 0 in a base and as 1 in a limit, so equal base and limit are one
// granule, not nothing.
ProtectedRegions ProtectedRegions::read(const RegisterFile& registers, const Capabilities& capabilities) {
    ProtectedRegions regions;
    if (capabilities.plmr != 0) {
        regions.low.first = registers.get<PLMBASE>().in_place<PLMBASE::PLMB>();
        regions.low.last = registers.get<PLMLIMIT>().in_place<PLMLIMIT::PLML>() | iommu::low_bits(PLMLIMIT::PLML::low);
    }
    if (capabilities.phmr != 0) {
        regions.high.first = registers.get<PHMBASE>().in_place<PHMBASE::PHMB>();
        regions.high.last = registers.get<PHMLIMIT>().in_place<PHMLIMIT::PHML>() | iommu::low_bits(PHMLIMIT::PHML::low);
    }
    return regions;
}

bool ProtectedRegions::contain(std::uint64_t address) const {
    const auto inside = [address](const Region& region) { return address >= region.first && address <= region.last; };
    return inside(low) || inside(high);
}

}  // namespace vtd
