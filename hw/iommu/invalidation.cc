// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/invalidation.h"

namespace iommu {

namespace {

void drop_of_domain(const TlbDrop& what, DomainTag domain, Iotlb& iotlb) {
    switch (what.scope) {
        case TlbDrop::Scope::None:
        case TlbDrop::Scope::All: return;
        case TlbDrop::Scope::Domain: return iotlb.invalidate_domain(domain, TlbReach::All);
        case TlbDrop::Scope::DomainFirst: return iotlb.invalidate_domain(domain, TlbReach::FirstSide);
        case TlbDrop::Scope::Space: return iotlb.invalidate_space(domain, what.space);
        case TlbDrop::Scope::SecondRange:
            // An entry made through a first stage is tagged with the first stage's address: it cannot be matched.
            iotlb.invalidate_domain(domain, TlbReach::FirstSide);
            return iotlb.invalidate_second_range(domain, what.range, what.tables);
        case TlbDrop::Scope::SecondOnly: return iotlb.invalidate_second_range(domain, what.range, what.tables);
        case TlbDrop::Scope::FirstRange:
            return iotlb.invalidate_first_range(domain, what.space, what.range, what.tables);
    }
}

}  // namespace

void drop(const TlbDrop& what, Iotlb& iotlb) {
    if (what.scope == TlbDrop::Scope::All) return iotlb.invalidate_all();
    const std::uint32_t ignored = what.ignored_bits & 15;
    std::uint32_t bits = ignored;
    for (;;) {  // at most sixteen domains
        drop_of_domain(what, DomainTag{(what.domain.value & ~ignored) | bits}, iotlb);
        if (bits == 0) return;
        bits = (bits - 1) & ignored;
    }
}

}  // namespace iommu
