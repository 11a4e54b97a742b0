// SPDX-License-Identifier: GPL-2.0-or-later
//
// translate: from a transaction and its Config to an address, or to the event that stops it. [SMMU G.b s3.4, s3.12,
// s7.3]
//
// `find` reads tables and changes nothing; the flags it wants are in `Found::marks`, to be applied when nothing else
// stands in the way. The caller repeats `find` when applying says that an entry changed meanwhile.
#ifndef SMMUV3_NESTED_TRANSLATE_H
#define SMMUV3_NESTED_TRANSLATE_H

#include "iommu/front_cache.h"
#include "iommu/iotlb.h"
#include "iommu/near_walk.h"
#include "smmuv3-nested/stages.h"

namespace smmuv3 {

using iommu::Execute;
using iommu::Iova;
using iommu::Marks;
using iommu::Path;
using iommu::Privilege;
using iommu::TlbTag;
using iommu::WalkFault;

// The tag of a StreamWorld's entries: VMIDs are told apart in EL1 only.
[[nodiscard]] constexpr DomainTag domain_of(StreamWorld world, std::uint64_t vmid) {
    return DomainTag{static_cast<std::uint32_t>(world) << 16 | static_cast<std::uint32_t>(vmid & 0xffff)};
}

// The transaction's attributes as the STE's overrides leave them; EL2 does not look at the privilege, and does not
// change it. A write is data. [SMMU G.b s5.2 PRIVCFG, INSTCFG; s13.4]
[[nodiscard]] constexpr Privilege effective_privilege(const Request& request, const Route& route) {
    if (route.privcfg == 2) return Privilege::User;
    if (route.privcfg == 3) return Privilege::Supervisor;
    return request.privilege;
}
[[nodiscard]] constexpr Execute effective_execute(const Request& request, const Route& route) {
    if (request.writes() || route.instcfg == 2) return Execute::No;
    if (route.instcfg == 3) return Execute::Yes;
    return request.execute;
}

// Whether its reads are, or may be, instruction fetches.
[[nodiscard]] constexpr bool fetches(iommu::Who who, const Route& route) {
    return who.executes() || route.instcfg == 3;
}
[[nodiscard]] constexpr bool fetches(const Request& request, const Route& route) {
    return fetches(iommu::Who::of(request), route);
}

// The input address as it is looked for in the TLB: an ignored top byte repeats bit 55.
[[nodiscard]] constexpr Iova lookup_address(Iova iova, const Route& route) {
    const bool upper = (iova.value >> 55 & 1) != 0;
    if (!(upper ? route.tbi1 : route.tbi0)) return iova;
    return Iova{(iova.value & iommu::low_bits(56)) | (upper ? iommu::bit_range(63, 56) : 0)};
}

[[nodiscard]] constexpr TlbTag tlb_tag(const Request& request, const Route& route) {
    TlbTag tag{.domain = route.domain,
               .space = route.space,
               .privilege = effective_privilege(request, route),
               .execute = effective_execute(request, route)};
    switch (route.translate) {
        case Translate::Stage1: tag.kind = iommu::TlbKind::First; break;
        case Translate::Nested: tag.kind = iommu::TlbKind::Nested; break;
        case Translate::Stage2:
        case Translate::Bypass:
        case Translate::Abort: tag.kind = iommu::TlbKind::Second; break;
    }
    return tag;
}

struct Found {
    Path path;
    Marks marks;
    bool global = false;  // stage 1 says nG=0
};

// What `find` may begin with, and leave: the tables of earlier walks. `configs` is the epoch of the configurations
// before the Config was looked for. Without a cache every walk is from the root.
struct Near {
    iommu::WalkCache* cache = nullptr;
    std::uint64_t configs = 0;
};

[[nodiscard]] Result<Found, Fault> find(const Request& request, const Config& config, const Capabilities& capabilities,
                                        const GuestMemory& memory, const Near& near = {});

// The place in memory of a CD or L1CD under a second stage. Sets access flags there unless the request is a look.
[[nodiscard]] Result<Pa, Refusal> locate_config(std::uint64_t address, const Request& request, const Config& config,
                                                const Capabilities& capabilities, GuestMemory& memory);

// The event for a fault of a walk, or of applying its marks.
[[nodiscard]] Fault to_fault(const WalkFault& fault, const Config& config, const Request& request);
// Hardware could not update a descriptor, which changed again each time.
[[nodiscard]] Fault unsettled_fault(const Config& config, const Request& request);
// An address that is too large for a stage that does not translate.
[[nodiscard]] Fault address_size_fault(const Config& config, const Request& request);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_TRANSLATE_H
