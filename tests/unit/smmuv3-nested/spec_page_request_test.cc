// SPDX-License-Identifier: GPL-2.0-or-later
//
// Entries of the PRI queue, typed from the manual. [SMMU G.b s8]
#include "smmuv3-nested/spec/page_request.h"

#include <catch2/catch_test_macros.hpp>

#include "layout_check.h"

using namespace iommu;
using namespace iommu::test;
using namespace smmuv3;

TEST_CASE("PageRequestEntry: fields at the manual's bits, the rest reserved", "[smmuv3][spec]") {
    using E = PageRequestEntry;
    check_layout<E>({
        .reserved = {0x03f0'0000'0000'0000, 0x0e00},
        .ignored = {},
        .sample = {0xa805'4321'89ab'cdef, 0x1234'5678'9abc'd155},
        .rows =
            {
                row<E, E::StreamID>("StreamID", 0, 0xffff'ffff, RW, 0x89ab'cdef),
                row<E, E::SubstreamID>("SubstreamID", 0, 0x000f'ffff'0000'0000, RW, 0x5'4321),
                row<E, E::Priv>("Priv", 0, 0x0400'0000'0000'0000, RW, 0x0),
                row<E, E::X>("X", 0, 0x0800'0000'0000'0000, RW, 0x1),
                row<E, E::R>("R", 0, 0x1000'0000'0000'0000, RW, 0x0),
                row<E, E::W>("W", 0, 0x2000'0000'0000'0000, RW, 0x1),
                row<E, E::Last>("Last", 0, 0x4000'0000'0000'0000, RW, 0x0),
                row<E, E::SSV>("SSV", 0, 0x8000'0000'0000'0000, RW, 0x1),
                row<E, E::PRGIndex>("PRGIndex", 1, 0x1ff, RW, 0x155),
                row<E, E::PageAddress>("PageAddress", 1, 0xffff'ffff'ffff'f000, RW, 0x1'2345'6789'abcd),
            },
    });
}
