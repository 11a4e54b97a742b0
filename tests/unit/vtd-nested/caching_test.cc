// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is found again without a walk.
#include <catch2/catch_test_macros.hpp>

#include "crowded_tags.h"
#include "vtd_guest.h"

using namespace test;

namespace {

constexpr std::uint64_t kOut = 0x1800000;

// A device with PASIDs that take the number of the first one's tag from each other.
class Crowd {
  public:
    Crowd() {
        guest.scalable_device(kDevice, {.pgtt = 1, .did = 7});
        for (const std::uint32_t pasid : pasids)
            guest.add_pasid(kDevice, pasid, {.pgtt = 1, .did = 7});
        for (const std::uint64_t iova : {0x4000, 0x5000, 0x6000})
            guest.map_first(iova, kOut + iova, kP | kRW | kUS);  // not dirty: not writable at once
        guest.enable(kTtmScalable);
        REQUIRE(guest.read(kDevice, pasids[0], 0x4000).translation.address.value == kOut + 0x4000);
        for (const std::uint32_t pasid : pasids)
            REQUIRE(guest.read(kDevice, pasid, 0x4000).translation.address.value == kOut + 0x4000);
    }
    std::uint64_t misses() { return guest.unit.counters().misses; }

    const std::vector<std::uint32_t> pasids = crowded_spaces(iommu::DomainTag{7}, 6);
    Guest guest;
};

}  // namespace

TEST_CASE("Caching: a PASID whose tag lost its number to others finds what it uses from then on") {
    Crowd crowd;
    const std::uint32_t pasid = crowd.pasids[0];
    for (const std::uint64_t iova : {0x5000, 0x6000})
        REQUIRE(crowd.guest.read(kDevice, pasid, iova).translation.address.value == kOut + iova);
    const std::uint64_t before = crowd.misses();
    for (const std::uint64_t iova : {0x5000, 0x6000})
        CHECK(crowd.guest.read(kDevice, pasid, iova).translation.address.value == kOut + iova);
    CHECK(crowd.misses() == before);
}

TEST_CASE("Caching: a PASID whose tag lost its number to others finds that a page became writable") {
    Crowd crowd;
    const std::uint32_t pasid = crowd.pasids[0];
    REQUIRE(crowd.guest.write(kDevice, pasid, 0x4000).translation.address.value == kOut + 0x4000);
    const std::uint64_t before = crowd.misses();
    CHECK(crowd.guest.write(kDevice, pasid, 0x4000).translation.address.value == kOut + 0x4000);
    CHECK(crowd.misses() == before);
}
