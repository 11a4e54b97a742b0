// SPDX-License-Identifier: GPL-2.0-or-later
//
// spec_layout_check: the check of layouts under the names that the tests of this unit use.
#ifndef VTD_NESTED_TESTS_SPEC_LAYOUT_CHECK_H
#define VTD_NESTED_TESTS_SPEC_LAYOUT_CHECK_H

#include "layout_check.h"

namespace vtd::test {

using namespace iommu::test;

using iommu::Ign;
using iommu::RO;
using iommu::Rsvd;
using iommu::RW;
using iommu::RW1C;
using iommu::Value;
using iommu::WO;

}  // namespace vtd::test

#endif  // VTD_NESTED_TESTS_SPEC_LAYOUT_CHECK_H
