// SPDX-License-Identifier: GPL-2.0-or-later
//
// translate: from a request and its Config to an address, or to the condition that stops it. [VTD 5.10 s3.6-3.8, s3.14]
//
// `find` reads tables and changes nothing; the accessed and dirty bits it wants are in `Found::marks`, to be applied
// when nothing else stands in the way. The caller repeats `find` when applying says that an entry changed meanwhile.
#ifndef VTD_NESTED_TRANSLATE_H
#define VTD_NESTED_TRANSLATE_H

#include "iommu/iotlb.h"
#include "iommu/two_stage.h"
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
[[nodiscard]] unsigned block_beside_interrupts(std::uint64_t address);

struct Found {
    Path path;
    Marks marks;
};

// Whose rights count: the request's with a PASID, the context entry's without.
[[nodiscard]] Privilege effective_privilege(const Request& request, const Config& config);

// Checks that depend on the request and the decoded entry, but on no table below it.
[[nodiscard]] Result<iommu::Done, Fault> check_request(const Request& request, const Config& config,
                                                       const Capabilities& capabilities);

[[nodiscard]] Result<Found, Fault> find(const Request& request, const Config& config, const StageLimits& limits,
                                        const GuestMemory& memory);

// The condition for a fault of a walk, or of applying its marks.
[[nodiscard]] Fault to_fault(const WalkFault& fault, const Config& config, const Request& request);

// The tag under which the request's translation is cached.
[[nodiscard]] TlbTag tlb_tag(const Request& request, const Config& config);

}  // namespace vtd

#endif  // VTD_NESTED_TRANSLATE_H
