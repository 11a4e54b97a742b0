// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/invalidation.h"

namespace iommu {

void drop(const TlbDrop& what, Iotlb& iotlb) {
    switch (what.scope) {
        case TlbDrop::Scope::None: return;
        case TlbDrop::Scope::All: return iotlb.invalidate_all();
        case TlbDrop::Scope::Domain: return iotlb.invalidate_domain(what.domain, TlbReach::All);
        case TlbDrop::Scope::Space: return iotlb.invalidate_space(what.domain, what.space);
        case TlbDrop::Scope::SecondRange:
            // An entry made through a first stage is tagged with the first stage's address: it cannot be matched.
            iotlb.invalidate_domain(what.domain, TlbReach::FirstSide);
            return iotlb.invalidate_second_range(what.domain, what.range);
        case TlbDrop::Scope::FirstRange: return iotlb.invalidate_first_range(what.domain, what.space, what.range);
    }
}

}  // namespace iommu
