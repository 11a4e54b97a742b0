// SPDX-License-Identifier: GPL-2.0-or-later
// Each suite is in the file of its name.
#pragma once

#include "steps.h"

namespace guest {

Suite walk_suite();    // iommufd: paging, nest parent, nested; caches; faults
Suite dirty_suite();   // iommufd: dirty bitmaps
Suite pasid_suite();   // spaces of one device side by side, by PASID
Suite faults_suite();  // pages that user space brings when the device asks
Suite errors_suite();  // devices that do not answer invalidations as they should
Suite sva_suite();     // shared virtual addresses
Suite trace_suite();   // what the kernel says that it told the unit, and what arrived
Suite bench_suite();   // what mapping memory and reading a disk take

}  // namespace guest
