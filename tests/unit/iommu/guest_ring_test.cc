// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/guest_ring.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using iommu::GuestRing;
using iommu::Pa;
using iommu::WrapRing;

// 128 entries of 32 bytes: one page.
constexpr GuestRing kPage{.base = Pa{0x7000}, .entry_log2 = 5, .entries_log2 = 7};

TEST_CASE("GuestRing: its size is entries times entry size") {
    CHECK(kPage.bytes() == 4096);
    CHECK(GuestRing{.base = {}, .entry_log2 = 4, .entries_log2 = 15}.bytes() == 0x80000);
    CHECK(GuestRing{.base = {}, .entry_log2 = 5, .entries_log2 = 30}.bytes() == 0x800000000);
}

TEST_CASE("GuestRing: positions inside are those below its size") {
    CHECK(kPage.contains(0));
    CHECK(kPage.contains(4095));
    CHECK_FALSE(kPage.contains(4096));
    CHECK_FALSE(kPage.contains(0xffffffffffffffff));
}

TEST_CASE("GuestRing: a position is aligned when it is an entry's first byte") {
    CHECK(kPage.aligned(0));
    CHECK(kPage.aligned(0x20));
    CHECK_FALSE(kPage.aligned(0x10));
    CHECK_FALSE(kPage.aligned(0x1f));
    CHECK(GuestRing{.base = {}, .entry_log2 = 4, .entries_log2 = 8}.aligned(0x10));
}

TEST_CASE("GuestRing: an entry is at its position behind the base") {
    CHECK(kPage.at(0) == Pa{0x7000});
    CHECK(kPage.at(0xfe0) == Pa{0x7fe0});
}

TEST_CASE("GuestRing: no position leads out of the ring") {
    CHECK(kPage.at(0x1000) == Pa{0x7000});
    CHECK(kPage.at(0x1fe0) == Pa{0x7fe0});
    CHECK(kPage.at(0xffffffffffffffe0) == Pa{0x7fe0});
}

TEST_CASE("GuestRing: after the last entry comes the first") {
    CHECK(kPage.next(0) == 0x20);
    CHECK(kPage.next(0xfc0) == 0xfe0);
    CHECK(kPage.next(0xfe0) == 0);
}

TEST_CASE("GuestRing: going on visits each entry once") {
    std::uint64_t position = 0;
    for (unsigned entry = 0; entry < 127; ++entry) {
        position = kPage.next(position);
        REQUIRE(position == 32 * (entry + 1));
    }
    CHECK(kPage.next(position) == 0);
}

TEST_CASE("GuestRing: it is full with one entry unused, and not when empty") {
    CHECK_FALSE(kPage.full(0, 0));
    CHECK_FALSE(kPage.full(0, 0xfc0));
    CHECK(kPage.full(0, 0xfe0));
    CHECK(kPage.full(0x40, 0x20));
    CHECK_FALSE(kPage.full(0x40, 0x40));
    CHECK_FALSE(kPage.full(0x20, 0x40));
}

// Eight entries of 16 bytes; positions are 0 to 7 and, the next time round, 8 to 15.
constexpr WrapRing kEight{.base = Pa{0x7000}, .entry_log2 = 4, .entries_log2 = 3};

TEST_CASE("WrapRing: an entry is at its index, whatever the wrap bit") {
    CHECK(kEight.at(0) == Pa{0x7000});
    CHECK(kEight.at(7) == Pa{0x7070});
    CHECK(kEight.at(8) == Pa{0x7000});
    CHECK(kEight.at(15) == Pa{0x7070});
    CHECK(kEight.at(0xfffffff7) == Pa{0x7070});
}

TEST_CASE("WrapRing: the wrap bit turns when the index comes round") {
    CHECK(kEight.mask() == 0xf);
    CHECK(kEight.next(0) == 1);
    CHECK(kEight.next(7) == 8);
    CHECK(kEight.next(15) == 0);
}

TEST_CASE("WrapRing: equal positions are empty, equal indexes with another wrap are full") {
    CHECK(kEight.empty(3, 3));
    CHECK_FALSE(kEight.full(3, 3));
    CHECK(kEight.full(11, 3));
    CHECK(kEight.full(3, 11));
    CHECK_FALSE(kEight.empty(11, 3));
    CHECK_FALSE(kEight.full(10, 3));
    CHECK_FALSE(kEight.empty(4, 3));
}

TEST_CASE("WrapRing: it is full after as many entries as it has") {
    std::uint32_t producer = 5;
    for (unsigned entry = 0; entry < 8; ++entry) {
        REQUIRE_FALSE(kEight.full(producer, 5));
        producer = kEight.next(producer);
        REQUIRE_FALSE(kEight.empty(producer, 5));
    }
    CHECK(kEight.full(producer, 5));
}

TEST_CASE("WrapRing: bits above the wrap bit do not count") {
    CHECK(kEight.empty(0x13, 3));
    CHECK(kEight.full(0x1b, 3));
    CHECK(kEight.next(0x17) == 8);
}

TEST_CASE("WrapRing: the largest and the smallest ring") {
    constexpr WrapRing largest{.base = Pa{0}, .entry_log2 = 4, .entries_log2 = 19};
    CHECK(largest.mask() == 0xfffff);
    CHECK(largest.at(0x7ffff) == Pa{0x7ffff0});
    CHECK(largest.full(0x80000, 0));
    constexpr WrapRing single{.base = Pa{0x7000}, .entry_log2 = 4, .entries_log2 = 0};
    CHECK(single.next(0) == 1);
    CHECK(single.next(1) == 0);
    CHECK(single.at(1) == Pa{0x7000});
    CHECK(single.full(1, 0));
}

}  // namespace
