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
        for (std::uint32_t i = 0; i < iommu::TagNumbers::kPatience; ++i)
            (void)guest.read(kDevice, pasids[4], 0x4000);
    }
    std::uint64_t misses() { return guest.unit.counters().misses; }

    const std::vector<std::uint32_t> pasids = crowded_spaces(iommu::DomainTag{7}, 5);
    Guest guest;
};

}  // namespace

// Whose number was taken has to wait for another one, as anybody.
TEST_CASE("Caching: a PASID whose tag lost its number to others finds what it uses once it has another") {
    Crowd crowd;
    const auto misses_of = [&](std::uint64_t iova) {
        const std::uint64_t before = crowd.misses();
        CHECK(crowd.guest.read(kDevice, crowd.pasids[0], iova).translation.address.value == kOut + iova);
        return crowd.misses() - before;
    };
    for (std::uint32_t i = 0; i < iommu::TagNumbers::kPatience; ++i)
        (void)misses_of(0x5000 + (i % 2 << 12));
    CHECK(misses_of(0x5000) + misses_of(0x6000) <= 1);
    CHECK(misses_of(0x5000) + misses_of(0x6000) == 0);
}

TEST_CASE("Caching: a PASID whose tag lost its number to others finds that a page became writable") {
    Crowd crowd;
    const auto write = [&] {
        CHECK(crowd.guest.write(kDevice, crowd.pasids[0], 0x4000).translation.address.value == kOut + 0x4000);
    };
    for (std::uint32_t i = 0; i < iommu::TagNumbers::kPatience; ++i)
        write();
    const std::uint64_t before = crowd.misses();
    write();
    CHECK(crowd.misses() == before);
}
