// SPDX-License-Identifier: GPL-2.0-or-later
//
// translate: from a request and its Config to an address, or to the condition that stops it. [VTD 5.10 s3.6-3.8, s3.14]
//
// `find` reads tables and changes nothing; the accessed and dirty bits it wants are in `Found::marks`, to be applied
// when nothing else stands in the way. The caller repeats `find` when applying says that an entry changed meanwhile.
#ifndef VTD_NESTED_TRANSLATE_H
#define VTD_NESTED_TRANSLATE_H

#include <bit>

#include "iommu/iotlb.h"
#include "iommu/near_walk.h"
#include "vtd-nested/stages.h"

namespace vtd {

using iommu::Iova;
using iommu::Marks;
using iommu::Path;
using iommu::TlbTag;
using iommu::WalkFault;

// Requests to, and translations into, 0xFEE0_0000..0xFEEF_FFFF are interrupts. [VTD 5.10 s3.15]
inline constexpr std::uint64_t kInterruptRange = 0xfee00000;
inline constexpr unsigned kInterruptRangeLog2 = 20;
[[nodiscard]] constexpr bool in_interrupt_range(std::uint64_t address) {
    return address >> kInterruptRangeLog2 == kInterruptRange >> kInterruptRangeLog2;
}
// log2 of the largest naturally aligned block around the address that does not touch the interrupt range.
// The address itself must not be in it.
[[nodiscard]] constexpr unsigned block_beside_interrupts(std::uint64_t address) {
    const std::uint64_t difference = (address ^ kInterruptRange) >> kInterruptRangeLog2;
    return kInterruptRangeLog2 + static_cast<unsigned>(std::bit_width(difference)) - 1;
}

// The page that a request reaches.
struct Page {
    Path path;
    bool snoop =
        false;  // accesses to it are snooped whatever the device says: PGSNP, or SNP of the second stage's leaf
};

// As it is cached, and as it is answered.
[[nodiscard]] constexpr iommu::Translation to_translation(const Path& path) {
    return {path.address, path.page_log2, path.usable, path.in_pieces};
}

struct Found {
    Page page;
    Marks marks;
};

// Whose rights count: the request's with a PASID, the context entry's without.
[[nodiscard]] constexpr Privilege effective_privilege(const Request& request, const Route& route) {
    if (request.pasid) return request.privilege;
    return route.rid_supervisor ? Privilege::Supervisor : Privilege::User;
}

// Checks that depend on the request and the decoded entry, but on no table below it. `plain`: nothing to check.
[[nodiscard]] constexpr bool plain(const Request& request, const Route& route) {
    return request.execute == iommu::Execute::No &&
           (effective_privilege(request, route) == Privilege::User || route.supervisor_allowed);
}
[[nodiscard]] Result<iommu::Done, Fault> check_request(const Request& request, const Config& config,
                                                       const Capabilities& capabilities);

// What `find` may begin with, and leave: the tables of earlier walks. `configs` is the epoch of the configurations
// before the Config was looked for. Without a cache every walk is from the root.
struct Near {
    iommu::WalkCache* cache = nullptr;
    std::uint64_t configs = 0;
};

[[nodiscard]] Result<Found, Fault> find(const Request& request, const Config& config, const StageLimits& limits,
                                        const GuestMemory& memory, const Near& near);

// The condition for a fault of a walk, or of applying its marks.
[[nodiscard]] Fault to_fault(const WalkFault& fault, const Config& config, const Request& request);

// The tag under which the request's translation is cached.
[[nodiscard]] constexpr TlbTag tlb_tag(const Request& request, const Route& route) {
    TlbTag tag{.domain = route.domain, .space = route.space, .privilege = effective_privilege(request, route)};
    switch (route.translate) {
        case Translate::FirstStage: tag.kind = iommu::TlbKind::First; break;
        case Translate::Nested: tag.kind = iommu::TlbKind::Nested; break;
        case Translate::PassThrough:
        case Translate::SecondStage: tag.kind = iommu::TlbKind::Second; break;
    }
    return tag;
}

}  // namespace vtd

#endif  // VTD_NESTED_TRANSLATE_H
