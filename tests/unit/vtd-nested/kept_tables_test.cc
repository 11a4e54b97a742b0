// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables of the last level that earlier walks left: what uses them, what drops them, and that no fault comes from them.
// [VTD 5.10 s6.2.4, s6.2.5, s6.5.2.3, s6.5.2.4]
//
// The entry that points to the table is changed behind the unit's back, to a table with other pages; a page of it that
// is not in the IOTLB tells which of the two the unit goes by.
#include <catch2/catch_test_macros.hpp>

#include "expect.h"

using namespace test;

namespace {

constexpr std::uint64_t kIova = 0x10'0000'0000;   // the page by which the table is found
constexpr std::uint64_t kOther = kIova + 0x1000;  // the page that is asked for after that
constexpr std::uint64_t kOld = 0x1400000;
constexpr std::uint64_t kNew = 0x1600000;
constexpr std::uint64_t kFsBits = kP | kRW | kUS | kA | kD;
constexpr std::uint64_t kDid = 7;

class Scene {
  public:
    // `pgtt`: 0 is legacy mode.
    explicit Scene(unsigned pgtt) : first_(pgtt == 1 || pgtt == 3) {
        if (pgtt == 0) {
            guest.legacy_device(kDevice, kDid);
        } else {
            guest.scalable_device(kDevice, {.pgtt = pgtt, .did = kDid});
        }
        if (pgtt == 3) guest.identity_second();
        for (const std::uint64_t iova : {kIova, kOther, kOther + 0x1000})
            first_ ? guest.map_first(iova, kOld, kFsBits) : guest.map_second(iova, kOld, kR | kW);
        table_ = guest.alloc_page();
        for (std::uint64_t index = 0; index < 512; ++index)
            guest.poke(table_ + 8 * index, kNew | (first_ ? kFsBits : kR | kW));
        guest.enable_queue(pgtt != 0);
        guest.enable(pgtt == 0 ? kTtmLegacy : kTtmScalable);
        // The first walk sets the accessed bits above the table; the second finds nothing to set, and keeps it.
        REQUIRE(where(kOther + 0x1000) == kOld);
        REQUIRE(where(kIova) == kOld);
        const std::uint64_t pointer = first_ ? guest.first_entry(kIova, 2) : guest.second_entry(kIova, 2);
        guest.poke(pointer, table_ | (guest.peek(pointer) & 0xfff));
    }
    std::uint64_t where(std::uint64_t iova) { return guest.read(kDevice, iova).translation.address.value; }
    // The page that the unit goes to after the command.
    std::uint64_t after(const Words4& command) {
        guest.submit(command);
        REQUIRE(guest.r32(kFsts) == 0);
        return where(kOther);
    }

    Guest guest;

  private:
    bool first_;
    std::uint64_t table_ = 0;
};

}  // namespace

TEST_CASE("Kept tables: the next page of a table is found in it, in every mode") {
    for (const unsigned pgtt : {0u, 1u, 2u, 3u}) {
        INFO("PGTT " << pgtt);
        CHECK(Scene(pgtt).where(kOther) == kOld);
    }
}

TEST_CASE("Kept tables: invalidating pages drops them unless IH says that leaves alone were changed") {
    for (const bool hint : {false, true}) {
        const std::uint64_t expected = hint ? kOld : kNew;
        INFO("IH " << hint);
        CHECK(Scene(0).after(iotlb(3, kDid, kOther, 0, hint)) == expected);
        CHECK(Scene(1).after(pasid_iotlb(3, kDid, 0, kOther, 0, hint)) == expected);
        CHECK(Scene(2).after(iotlb(3, kDid, kOther, 0, hint)) == expected);
        CHECK(Scene(3).after(pasid_iotlb(3, kDid, 0, kOther, 0, hint)) == expected);
    }
}

TEST_CASE("Kept tables: a first stage's place under a second stage goes with any page of that second stage") {
    CHECK(Scene(3).after(iotlb(3, kDid, 0x123000, 0, true)) == kNew);
}

TEST_CASE("Kept tables: they go with their PASID, their domain, and everything") {
    for (const unsigned pgtt : {1u, 3u})
        CHECK(Scene(pgtt).after(pasid_iotlb(2, kDid, 0)) == kNew);
    for (const unsigned pgtt : {0u, 1u, 2u, 3u}) {
        CHECK(Scene(pgtt).after(iotlb(2, kDid)) == kNew);
        CHECK(Scene(pgtt).after(iotlb(1)) == kNew);
    }
}

TEST_CASE("Kept tables: those of another domain or PASID stay") {
    for (const unsigned pgtt : {1u, 3u}) {
        CHECK(Scene(pgtt).after(pasid_iotlb(2, kDid, 1)) == kOld);
        CHECK(Scene(pgtt).after(pasid_iotlb(3, kDid, 1, kOther)) == kOld);
    }
    for (const unsigned pgtt : {0u, 1u, 2u, 3u})
        CHECK(Scene(pgtt).after(iotlb(2, kDid + 1)) == kOld);
}

TEST_CASE("Kept tables: a change of configurations drops them all") {
    for (const unsigned pgtt : {1u, 2u, 3u})
        CHECK(Scene(pgtt).after(pasid_cache(3)) == kNew);
    CHECK(Scene(0).after(context_cache(1)) == kNew);
}

TEST_CASE("Kept tables: what they do not allow is looked for from the root") {
    for (const unsigned pgtt : {0u, 1u, 2u, 3u}) {
        INFO("PGTT " << pgtt);
        Scene scene(pgtt);
        // Not present in the table that is kept, but in the one that is in force.
        CHECK(scene.where(kIova + 0x100000) == kNew);
        CHECK(scene.guest.take_fault() == 0);
    }
}

TEST_CASE("Kept tables: an accessed bit below a second stage is set by a walk from the root") {
    Guest guest;
    guest.scalable_device(kDevice, {.pgtt = 3, .did = kDid, .ssade = true});
    guest.identity_second();
    guest.map_first(kIova, kOld, kP | kRW | kUS);
    const std::uint64_t leaf = guest.map_first(kOther, kOld, kP | kRW | kUS);
    guest.enable(kTtmScalable);
    for (int i = 0; i < 2; ++i)
        REQUIRE(guest.read(kDevice, kIova).outcome == iommu::Outcome::Translated);
    // The page of the table is clean in the second stage until the unit writes to it.
    const std::uint64_t page = guest.second_entry(leaf, 2);
    guest.poke(page, guest.peek(page) & ~kSsD);
    REQUIRE(guest.write(kDevice, kOther).outcome == iommu::Outcome::Translated);
    CHECK((guest.peek(leaf) & (kA | kD)) == (kA | kD));
    CHECK((guest.peek(page) & kSsD) != 0);
}
