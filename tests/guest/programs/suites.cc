// SPDX-License-Identifier: GPL-2.0-or-later
// The suites, in the order in which they are told.
#include "suites.h"

#include <array>

namespace guest {

std::span<const Suite> suites() {
    static const std::array all{walk_suite(),   dirty_suite(), pasid_suite(), faults_suite(),
                                errors_suite(), sva_suite(),   trace_suite(), bench_suite()};
    return all;
}

}  // namespace guest
