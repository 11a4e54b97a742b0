// SPDX-License-Identifier: GPL-2.0-or-later
//
// iotlb_check: short words for tests that fill an IOTLB and ask what it still knows.
#ifndef TESTS_UNIT_IOMMU_IOTLB_CHECK_H
#define TESTS_UNIT_IOMMU_IOTLB_CHECK_H

#include <cstdint>

#include "iommu/iotlb.h"

namespace test {

constexpr iommu::TlbTag tlb_tag(std::uint32_t domain, std::uint32_t space, iommu::TlbKind kind,
                                iommu::Privilege privilege = iommu::Privilege::User,
                                iommu::Execute execute = iommu::Execute::No) {
    return {.domain = iommu::DomainTag{domain},
            .space = iommu::SpaceTag{space},
            .kind = kind,
            .privilege = privilege,
            .execute = execute};
}
constexpr iommu::TlbTag first(std::uint32_t domain, std::uint32_t space) {
    return tlb_tag(domain, space, iommu::TlbKind::First);
}
constexpr iommu::TlbTag second(std::uint32_t domain, std::uint32_t space = 0) {
    return tlb_tag(domain, space, iommu::TlbKind::Second);
}
constexpr iommu::TlbTag nested(std::uint32_t domain, std::uint32_t space) {
    return tlb_tag(domain, space, iommu::TlbKind::Nested);
}

inline void put(iommu::Iotlb& tlb, const iommu::TlbTag& tag, std::uint64_t iova, std::uint64_t address,
                unsigned page_log2 = 12, iommu::Rights rights = iommu::Rights::ReadWrite) {
    tlb.fill(tlb.open(), tag, iommu::Iova{iova},
             {.address = iommu::Pa{address}, .page_log2 = page_log2, .rights = rights});
}
// To the address itself, as far as addresses in memory go.
inline void put(iommu::Iotlb& tlb, const iommu::TlbTag& tag, std::uint64_t iova) {
    put(tlb, tag, iova, iova & iommu::low_bits(52));
}

inline bool has(const iommu::Iotlb& tlb, const iommu::TlbTag& tag, std::uint64_t iova) {
    return tlb.find(tag, iommu::Iova{iova}).has_value();
}

constexpr iommu::IovaRange iovas(std::uint64_t first_byte, std::uint64_t last_byte) {
    return {iommu::Iova{first_byte}, iommu::Iova{last_byte}};
}

}  // namespace test

#endif  // TESTS_UNIT_IOMMU_IOTLB_CHECK_H
