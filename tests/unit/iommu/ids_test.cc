// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/ids.h"

#include <catch2/catch_test_macros.hpp>
#include <concepts>

namespace {

using iommu::DomainTag;
using iommu::kPasidLimit;
using iommu::Pasid;
using iommu::RequesterId;
using iommu::SpaceTag;

TEST_CASE("RequesterId: bus is bits 15:8, device and function are bits 7:0") {
    CHECK(RequesterId{0xab12}.bus() == 0xab);
    CHECK(RequesterId{0xab12}.devfn() == 0x12);
    CHECK(RequesterId{0xff}.bus() == 0);
    CHECK(RequesterId{0x100}.bus() == 1);
    CHECK(RequesterId{0x100}.devfn() == 0);
    CHECK(RequesterId{0x1000000}.bus() == 0);
}

TEST_CASE("Pasid: 20 bits, so the limit is the first that is not one") { CHECK(kPasidLimit == 0x100000); }

TEST_CASE("SpaceTag: none is no PASID") {
    CHECK(SpaceTag::none() != SpaceTag{0});
    CHECK(SpaceTag::none() != SpaceTag{0xfffff});
    CHECK(SpaceTag::none() == SpaceTag::none());
}

TEST_CASE("Ids: different names of different things do not convert") {
    STATIC_REQUIRE_FALSE(std::convertible_to<Pasid, SpaceTag>);
    STATIC_REQUIRE_FALSE(std::convertible_to<DomainTag, SpaceTag>);
    STATIC_REQUIRE_FALSE(std::convertible_to<RequesterId, Pasid>);
}

}  // namespace
