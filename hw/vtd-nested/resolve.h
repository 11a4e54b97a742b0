// SPDX-License-Identifier: GPL-2.0-or-later
//
// resolve: from a requester (and its PASID) to the decoded entry that says how it is translated.
//
// Legacy mode: root entry, context entry. Scalable mode: half a root entry, context entry, PASID directory, PASID
// table. Every reserved bit and every field that this unit lacks the capability for is checked here, once; what follows
// works with values that cannot be wrong. [VTD 5.10 s3.4, s9.1-9.6]
#ifndef VTD_NESTED_RESOLVE_H
#define VTD_NESTED_RESOLVE_H

#include <array>
#include <cstdint>
#include <optional>

#include "iommu/guest_memory.h"
#include "iommu/request.h"
#include "iommu/walk.h"
#include "vtd-nested/capabilities.h"
#include "vtd-nested/fault.h"

namespace vtd {

using iommu::DomainTag;
using iommu::GuestMemory;
using iommu::Pa;
using iommu::Pasid;
using iommu::Privilege;
using iommu::Request;
using iommu::SpaceTag;

// RTADDR as GCMD.SRTP latched it.
struct LatchedRoot {
    Pa table;
    TranslationTableMode mode = TranslationTableMode::Legacy;
};

enum class Translate : std::uint8_t { PassThrough, FirstStage, SecondStage, Nested };

// What a request needs of its Config when its translation is cached: two words, read alone on the hit path.
struct Route {
    SpaceTag space;
    DomainTag domain;
    Translate translate = Translate::PassThrough;
    bool supervisor_allowed = false;  // SRE
    bool rid_supervisor = false;      // requests without PASID are privileged: RID_PRIV
    std::array<std::uint8_t, 5> pad{};
};
static_assert(sizeof(Route) == 16);

// A decoded context entry (legacy) or PASID-table entry (scalable). Trivially copyable: it is cached.
struct Config {
    Route route;
    std::uint64_t first_root = 0;   // FSPTPTR
    std::uint64_t second_root = 0;  // SSPTPTR
    TranslationTableMode mode = TranslationTableMode::Legacy;
    std::uint8_t first_levels = 4;
    std::uint8_t second_levels = 4;
    std::uint8_t second_width = 48;  // input bits of the second stage: min(MGAW, AW)
    bool write_protect = false;      // WPE
    bool extended_accessed = false;  // EAFE
    bool second_dirty = false;       // SSADE
    bool walk_snooped = true;        // PWSNP
    bool fault_disabled = false;     // FPD, or-ed over the entries read
    bool device_tlb = false;         // DTE, or TT=01: translation requests and translated requests are allowed
    bool page_snoop = false;         // PGSNP
    std::array<std::uint8_t, 5> pad{};
};
static_assert(sizeof(Config) % 8 == 0);

// The Config for the request, or the condition that stops it.
[[nodiscard]] iommu::Result<Config, Fault> resolve(const Request& request, const LatchedRoot& root,
                                                   const Capabilities& capabilities, const GuestMemory& memory);

// A translated request needs no more than the context entry's leave. Returns what FPD says there. [VTD 5.10 s4.2.5]
[[nodiscard]] iommu::Result<FaultProcessing, Fault> resolve_translated(const Request& request, const LatchedRoot& root,
                                                                       const Capabilities& capabilities,
                                                                       const GuestMemory& memory);

// Whether the unit can work in the mode at all. [VTD 5.10 s11.4.5]
[[nodiscard]] bool mode_supported(TranslationTableMode mode, const Capabilities& capabilities);

}  // namespace vtd

#endif  // VTD_NESTED_RESOLVE_H
