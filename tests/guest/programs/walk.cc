// SPDX-License-Identifier: GPL-2.0-or-later
// walk: paging, nest parent and nested translation through iommufd, with data that is checked.
#include <vector>

#include "suites.h"
#include "walk_steps.h"

namespace guest {

Suite walk_suite() {
    static const std::vector<Step> steps = [] {
        std::vector<Step> all;
        for (const auto part : {walk_capability_steps(), walk_paging_steps(), walk_nested_steps(), walk_stale_steps(),
                                walk_parent_steps(), walk_fault_steps(), walk_event_steps(), walk_refusal_steps()})
            all.insert(all.end(), part.begin(), part.end());
        return all;
    }();
    return {"walk", nullptr, steps};
}

}  // namespace guest
