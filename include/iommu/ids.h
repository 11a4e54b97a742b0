// SPDX-License-Identifier: GPL-2.0-or-later
//
// ids: who asks, and under which tags the answer is cached. docs/glossary.md gives each architecture's word.
#ifndef IOMMU_IDS_H
#define IOMMU_IDS_H

#include <compare>
#include <cstdint>

namespace iommu {

// VT-d Source-ID (16 bits), SMMU StreamID (up to 32 bits).
struct RequesterId {
    std::uint32_t value = 0;
    [[nodiscard]] constexpr unsigned bus() const { return (value >> 8) & 0xff; }
    [[nodiscard]] constexpr unsigned devfn() const { return value & 0xff; }
    friend constexpr auto operator<=>(const RequesterId&, const RequesterId&) = default;
};

// VT-d PASID, SMMU SubstreamID: 20 bits.
struct Pasid {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(const Pasid&, const Pasid&) = default;
};
inline constexpr std::uint32_t kPasidLimit = 1u << 20;

// VT-d Domain-ID (16 bits), SMMU VMID (16 bits) and StreamWorld above it.
struct DomainTag {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(const DomainTag&, const DomainTag&) = default;
};

// VT-d PASID as a tag, SMMU ASID. `none` where there is no such tag: VT-d legacy mode, SMMU global entries.
struct SpaceTag {
    std::uint32_t value = 0;
    [[nodiscard]] static constexpr SpaceTag none() { return SpaceTag{kPasidLimit}; }
    friend constexpr auto operator<=>(const SpaceTag&, const SpaceTag&) = default;
};

}  // namespace iommu

#endif  // IOMMU_IDS_H
