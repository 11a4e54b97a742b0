// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the IOTLB finds, what it tells apart, what it replaces.
#include "iommu/iotlb.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <functional>

#include "crowded_tags.h"
#include "iotlb_check.h"

namespace {

using namespace test;
using iommu::DomainTag;
using iommu::Execute;
using iommu::Iotlb;
using iommu::Iova;
using iommu::IovaRange;
using iommu::Pa;
using iommu::Privilege;
using iommu::Rights;
using iommu::SpaceTag;
using iommu::TlbKind;
using iommu::TlbReach;

constexpr std::uint64_t kTop = 0xffffffffffffffff;

TEST_CASE("Iotlb: an empty one knows nothing") {
    const Iotlb tlb(64);
    CHECK_FALSE(has(tlb, first(0, 0), 0));
    CHECK_FALSE(has(tlb, second(0), 0));
    CHECK(tlb.entries() == 64);
    CHECK(Iotlb(65536).entries() == 65536);
}

TEST_CASE("Iotlb: a hit gives the page's address with the offset asked for, its size and its rights") {
    Iotlb tlb(64);
    put(tlb, first(7, 3), 0x4123, 0x1800123, 12, Rights::Read);
    const auto found = tlb.find(first(7, 3), Iova{0x4456});
    REQUIRE(found);
    CHECK(found->address == Pa{0x1800456});
    CHECK(found->page_log2 == 12);
    CHECK(found->rights == Rights::Read);
}

TEST_CASE("Iotlb: each combination of rights is kept") {
    Iotlb tlb(64);
    const auto rights = GENERATE(Rights::None, Rights::Read, Rights::Write, Rights::ReadWrite);
    put(tlb, first(7, 3), 0x4000, 0xffffffffff000, 12, rights);
    const auto found = tlb.find(first(7, 3), Iova{0x4000});
    REQUIRE(found);
    CHECK(found->rights == rights);
    CHECK(found->address == Pa{0xffffffffff000});
}

TEST_CASE("Iotlb: an entry answers for its own domain, space, kind, privilege and use only") {
    Iotlb tlb(1024);
    put(tlb, nested(7, 3), 0x4000);
    CHECK(has(tlb, nested(7, 3), 0x4000));
    CHECK_FALSE(has(tlb, nested(8, 3), 0x4000));
    CHECK_FALSE(has(tlb, nested(0x10007, 3), 0x4000));
    CHECK_FALSE(has(tlb, nested(0x80000007, 3), 0x4000));
    CHECK_FALSE(has(tlb, nested(7, 0x80000003), 0x4000));
    CHECK_FALSE(has(tlb, nested(7, 4), 0x4000));
    CHECK_FALSE(has(tlb, nested(7, 0x80003), 0x4000));
    CHECK_FALSE(has(tlb, tlb_tag(7, SpaceTag::none().value, TlbKind::Nested), 0x4000));
    CHECK_FALSE(has(tlb, first(7, 3), 0x4000));
    CHECK_FALSE(has(tlb, second(7, 3), 0x4000));
    CHECK_FALSE(has(tlb, tlb_tag(7, 3, TlbKind::Nested, Privilege::Supervisor), 0x4000));
    CHECK_FALSE(has(tlb, tlb_tag(7, 3, TlbKind::Nested, Privilege::User, Execute::Yes), 0x4000));
}

TEST_CASE("Iotlb: second-stage entries of two spaces are told apart") {
    Iotlb tlb(64);
    put(tlb, second(7, 1), 0x4000, 0x1000000);
    put(tlb, second(7, 2), 0x4000, 0x2000000);
    CHECK(tlb.find(second(7, 1), Iova{0x4000})->address == Pa{0x1000000});
    CHECK(tlb.find(second(7, 2), Iova{0x4000})->address == Pa{0x2000000});
}

TEST_CASE("Iotlb: entries that differ in one tag do not replace each other") {
    Iotlb tlb(1024);
    const auto user = first(7, 3);
    const auto fetch = tlb_tag(7, 3, TlbKind::First, Privilege::User, Execute::Yes);
    const auto supervisor = tlb_tag(7, 3, TlbKind::First, Privilege::Supervisor);
    put(tlb, user, 0x4000, 0x1000000);
    put(tlb, supervisor, 0x4000, 0x2000000);
    put(tlb, nested(7, 3), 0x4000, 0x3000000);
    put(tlb, fetch, 0x4000, 0x4000000);
    CHECK(tlb.find(user, Iova{0x4000})->address == Pa{0x1000000});
    CHECK(tlb.find(supervisor, Iova{0x4000})->address == Pa{0x2000000});
    CHECK(tlb.find(nested(7, 3), Iova{0x4000})->address == Pa{0x3000000});
    CHECK(tlb.find(fetch, Iova{0x4000})->address == Pa{0x4000000});
}

TEST_CASE("Iotlb: a page of each size answers from its first to its last byte") {
    const auto log2 = GENERATE(range(12u, 57u));  // two of the last fit into an input address
    INFO("page_log2 " << log2);
    const std::uint64_t size = std::uint64_t{1} << log2;
    const std::uint64_t base = log2 == 56 ? 0 : size;
    const std::uint64_t output = log2 < 50 ? size * 4 : 0;  // addresses in memory have 52 bits
    Iotlb tlb(64);
    put(tlb, first(7, 3), base + size / 2 + 0x123, output + size / 2 + 0x123, log2);
    CHECK(has(tlb, first(7, 3), base));
    CHECK(has(tlb, first(7, 3), base + size - 1));
    CHECK_FALSE(has(tlb, first(7, 3), base - 1));
    CHECK_FALSE(has(tlb, first(7, 3), base + size));
    const auto found = tlb.find(first(7, 3), Iova{base + size - 1});
    REQUIRE(found);
    CHECK(found->page_log2 == log2);
    CHECK(found->address == Pa{output + size - 1});
}

TEST_CASE("Iotlb: the last page that 52 bits can name is kept; one that they cannot is not") {
    Iotlb tlb(64);
    put(tlb, first(7, 3), 0x4000, 0xffffffffff000);
    put(tlb, first(7, 3), 0x5000, 0x10000000000000);
    REQUIRE(has(tlb, first(7, 3), 0x4000));
    CHECK(tlb.find(first(7, 3), Iova{0x4fff})->address == Pa{0xfffffffffffff});
    CHECK_FALSE(has(tlb, first(7, 3), 0x5000));
}

// Of an input address bits 57:0 are kept; those above have to be like bit 57.
TEST_CASE("Iotlb: input addresses of 58 bits with their sign are kept; others are not, and are nobody else's") {
    const auto kept = GENERATE(std::uint64_t{0x1ffffffffffe000}, std::uint64_t{0xfe00000000001000});
    const auto not_kept = GENERATE(std::uint64_t{0x200000000001000}, std::uint64_t{0x400000000001000},
                                   std::uint64_t{0x8000000000001000}, std::uint64_t{0xfdfffffffffff000});
    Iotlb tlb(64);
    put(tlb, first(7, 3), kept, 0x5000);
    put(tlb, first(7, 3), not_kept, 0x6000);
    REQUIRE(has(tlb, first(7, 3), kept));
    CHECK(tlb.find(first(7, 3), Iova{kept})->address == Pa{0x5000});
    CHECK_FALSE(has(tlb, first(7, 3), not_kept));
    // Its low bits are those of a page that is kept.
    put(tlb, first(7, 3), 0x1000, 0x7000);
    CHECK_FALSE(has(tlb, first(7, 3), not_kept));
    CHECK_FALSE(has(tlb, first(7, 3), 0x8000000000001000));
}

TEST_CASE("Iotlb: the topmost page is a page like others") {
    Iotlb tlb(64);
    put(tlb, first(7, 3), kTop, 0x5fff);
    put(tlb, first(7, 3), 0xffffffffffc00000, 0x600000, 21);
    CHECK(tlb.find(first(7, 3), Iova{0xfffffffffffff008})->address == Pa{0x5008});
    CHECK_FALSE(has(tlb, first(7, 3), 0xffffffffffffe000));
    CHECK(tlb.find(first(7, 3), Iova{0xffffffffffdfffff})->address == Pa{0x7fffff});
    CHECK_FALSE(has(tlb, first(7, 3), 0xffffffffffe00000));
}

TEST_CASE("Iotlb: pages of several sizes live side by side") {
    Iotlb tlb(64);
    put(tlb, first(7, 3), 0x1000, 0x8000000, 12);
    put(tlb, first(7, 3), 0x200000, 0x9000000, 21);
    put(tlb, first(7, 3), 0x40000000, 0x80000000, 30);
    CHECK(tlb.find(first(7, 3), Iova{0x1fff})->address == Pa{0x8000fff});
    CHECK(tlb.find(first(7, 3), Iova{0x3fffff})->address == Pa{0x91fffff});
    CHECK(tlb.find(first(7, 3), Iova{0x7fffffff})->address == Pa{0xbfffffff});
    CHECK_FALSE(has(tlb, first(7, 3), 0x2000));
    CHECK_FALSE(has(tlb, first(7, 3), 0x400000));
}

TEST_CASE("Iotlb: a page that is filled again gives what was filled last, and takes no second place") {
    Iotlb tlb(64);
    // Four pages of one set: 16 sets, so page numbers 16 apart.
    for (std::uint64_t page = 0; page < 4; ++page)
        put(tlb, first(7, 3), page << 16);
    for (std::uint64_t times = 1; times <= 8; ++times)
        put(tlb, first(7, 3), 0x20000, times << 12, 12, Rights::Read);
    CHECK(tlb.find(first(7, 3), Iova{0x20000})->address == Pa{0x8000});
    CHECK(tlb.find(first(7, 3), Iova{0x20000})->rights == Rights::Read);
    CHECK(has(tlb, first(7, 3), 0));
    CHECK(has(tlb, first(7, 3), 0x10000));
    CHECK(has(tlb, first(7, 3), 0x30000));
}

TEST_CASE("Iotlb: a full cache replaces single entries and is never emptied") {
    Iotlb tlb(256);
    for (std::uint64_t page = 0; page < 256; ++page)
        put(tlb, first(7, 3), page << 12);
    for (std::uint64_t page = 256; page < 4096; ++page) {
        put(tlb, first(7, 3), page << 12);
        REQUIRE(has(tlb, first(7, 3), page << 12));
    }
    unsigned found = 0;
    for (std::uint64_t page = 0; page < 4096; ++page)
        found += has(tlb, first(7, 3), page << 12);
    CHECK(found == 256);
}

TEST_CASE("Iotlb: the pages in use now push out those that were in use before") {
    Iotlb tlb(256);
    for (std::uint64_t page = 0; page < 256; ++page)
        put(tlb, first(7, 3), page << 12);
    for (std::uint64_t page = 256; page < 512; ++page)
        put(tlb, first(7, 3), page << 12);
    unsigned found = 0;
    for (std::uint64_t page = 256; page < 512; ++page)
        found += has(tlb, first(7, 3), page << 12);
    CHECK(found == 256);
}

// Second-stage entries of a domain meet in one set whatever their space: four of them fill it.
TEST_CASE("Iotlb: entries that are not valid any more are replaced before those that are") {
    Iotlb tlb(64);
    put(tlb, second(7, 1), 0x00000);
    put(tlb, second(7, 2), 0x00000);
    put(tlb, second(7, 1), 0x10000);
    put(tlb, second(7, 2), 0x10000);
    tlb.invalidate_space(DomainTag{7}, SpaceTag{1});
    put(tlb, second(7, 2), 0x20000);
    put(tlb, second(7, 2), 0x30000);
    CHECK(has(tlb, second(7, 2), 0x00000));
    CHECK(has(tlb, second(7, 2), 0x10000));
    CHECK(has(tlb, second(7, 2), 0x20000));
    CHECK(has(tlb, second(7, 2), 0x30000));
}

TEST_CASE("Iotlb: the place of a page that a range dropped is used before any other") {
    Iotlb tlb(64);
    for (std::uint64_t page = 0; page < 4; ++page)
        put(tlb, first(7, 3), page << 16);
    tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0x20000, 0x20fff));
    put(tlb, first(7, 3), 0x40000);
    CHECK(has(tlb, first(7, 3), 0x00000));
    CHECK(has(tlb, first(7, 3), 0x10000));
    CHECK(has(tlb, first(7, 3), 0x30000));
    CHECK(has(tlb, first(7, 3), 0x40000));
}

// Fills from a walk that began before the invalidation.
void drop_after_open(const std::function<void(Iotlb&)>& invalidate, const iommu::TlbTag& tag) {
    Iotlb tlb(64);
    const auto early = tlb.open();
    invalidate(tlb);
    tlb.fill(early, tag, Iova{0x4000}, {.address = Pa{0x1000}, .page_log2 = 12, .rights = Rights::Read});
    CHECK_FALSE(has(tlb, tag, 0x4000));
    const auto late = tlb.open();
    tlb.fill(late, tag, Iova{0x4000}, {.address = Pa{0x2000}, .page_log2 = 12, .rights = Rights::Read});
    CHECK(has(tlb, tag, 0x4000));
}

TEST_CASE("Iotlb: a walk that began before an invalidation is not kept after it") {
    SECTION("everything") {
        drop_after_open([](Iotlb& tlb) { tlb.invalidate_all(); }, first(7, 3));
    }
    SECTION("domain, first side") {
        drop_after_open([](Iotlb& tlb) { tlb.invalidate_domain(DomainTag{7}, TlbReach::FirstSide); }, first(7, 3));
    }
    SECTION("domain, second only") {
        drop_after_open([](Iotlb& tlb) { tlb.invalidate_domain(DomainTag{7}, TlbReach::SecondOnly); }, second(7));
    }
    SECTION("domain, all") {
        drop_after_open([](Iotlb& tlb) { tlb.invalidate_domain(DomainTag{7}, TlbReach::All); }, nested(7, 3));
    }
    SECTION("space") {
        drop_after_open([](Iotlb& tlb) { tlb.invalidate_space(DomainTag{7}, SpaceTag{3}); }, first(7, 3));
    }
    SECTION("second-stage range") {
        drop_after_open([](Iotlb& tlb) { tlb.invalidate_second_range(DomainTag{7}, iovas(0x4000, 0x4fff)); },
                        second(7));
    }
    SECTION("first-stage range") {
        drop_after_open(
            [](Iotlb& tlb) { tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0x4000, 0x4fff)); },
            first(7, 3));
    }
    SECTION("something outside this cache") {
        drop_after_open([](Iotlb& tlb) { tlb.void_tickets(); }, first(7, 3));
    }
}

TEST_CASE("Iotlb: voiding tickets drops no entry") {
    Iotlb tlb(64);
    put(tlb, first(7, 3), 0x4000);
    tlb.void_tickets();
    CHECK(has(tlb, first(7, 3), 0x4000));
}

TEST_CASE("Iotlb: one ticket may fill until something is invalidated") {
    Iotlb tlb(64);
    const auto ticket = tlb.open();
    tlb.fill(ticket, first(7, 3), Iova{0x1000}, {.address = Pa{0x1000}});
    tlb.fill(ticket, first(7, 3), Iova{0x2000}, {.address = Pa{0x2000}});
    CHECK(has(tlb, first(7, 3), 0x1000));
    CHECK(has(tlb, first(7, 3), 0x2000));
}

// Each invalidation of a tag costs a version when the tag is filled again. Here there are four.
TEST_CASE("Iotlb: when the versions of tags are used up, nothing old is found, and pages are kept as before") {
    Iotlb tlb(64, 4);
    iommu::TlbView idle = tlb.view(first(9, 1));
    put(tlb, first(9, 1), 0x8000, 0x9000);
    CHECK(tlb.find(idle, Iova{0x8000}));  // version 1 from here on
    for (std::uint64_t times = 1; times <= 20; ++times) {
        tlb.invalidate_domain(DomainTag{7}, TlbReach::All);
        REQUIRE_FALSE(has(tlb, first(7, 3), 0x4000));
        put(tlb, first(7, 3), 0x4000, times << 12);
        if (!has(tlb, first(7, 3), 0x4000)) put(tlb, first(7, 3), 0x4000, times << 12);  // it took the last one
        REQUIRE(has(tlb, first(7, 3), 0x4000));
        REQUIRE(tlb.find(first(7, 3), Iova{0x4000})->address == Pa{times << 12});
    }
    CHECK_FALSE(tlb.find(idle, Iova{0x8000}));
    CHECK_FALSE(tlb.find(idle, Iova{0x4000}));
}

// Four tags share the places of a number; a fifth is seldom given one of them.
TEST_CASE("Iotlb: far more tags than there are numbers for are told apart, and ranges reach each") {
    Iotlb tlb(65536);
    constexpr std::uint32_t kTags = 20000;
    unsigned kept = 0;
    for (std::uint32_t tag = 0; tag < kTags; ++tag) {
        put(tlb, first(tag % 100, tag), 0x4000, 0x1000ull * (tag + 1));
        const auto found = tlb.find(first(tag % 100, tag), Iova{0x4000});
        if (found) REQUIRE(found->address == Pa{0x1000ull * (tag + 1)});
    }
    for (std::uint32_t tag = 0; tag < kTags; ++tag) {
        const auto found = tlb.find(first(tag % 100, tag), Iova{0x4000});
        kept += found.has_value();
        if (found) REQUIRE(found->address == Pa{0x1000ull * (tag + 1)});
        tlb.invalidate_first_range(DomainTag{tag % 100}, SpaceTag{tag}, iovas(0x4000, 0x4fff));
        REQUIRE_FALSE(has(tlb, first(tag % 100, tag), 0x4000));
    }
    CHECK(kept > 1000);
}

// Fills under the fifth tag of the places that four have, until the first of them has lost its number.
void take_number_from(Iotlb& tlb, const std::vector<std::uint32_t>& spaces) {
    for (unsigned i = 1; i < 4; ++i)
        put(tlb, first(7, spaces[i]), 0x4000);
    for (std::uint32_t i = 0; i < iommu::TagNumbers::kPatience; ++i) {
        REQUIRE(has(tlb, first(7, spaces[0]), 0x4000));
        put(tlb, first(7, spaces[4]), 0x4000);
    }
    REQUIRE_FALSE(has(tlb, first(7, spaces[0]), 0x4000));
}

// A view that was worked out before its tag lost its number to others may still be used to find, so a range has to
// reach what it finds.
TEST_CASE("Iotlb: a range drops what is kept under a number that its tag has lost") {
    const auto spaces = crowded_spaces(DomainTag{7}, 5);
    Iotlb tlb(65536);
    put(tlb, first(7, spaces[0]), 0x4000, 0x5000);
    iommu::TlbView early = tlb.view(first(7, spaces[0]));
    take_number_from(tlb, spaces);
    CHECK(tlb.find(early, Iova{0x4000}));
    tlb.invalidate_first_range(DomainTag{7}, SpaceTag{spaces[0]}, iovas(0x4000, 0x4fff));
    CHECK_FALSE(tlb.find(early, Iova{0x4000}));
}

TEST_CASE("Iotlb: a renewed view finds what its tag got under another number; one that is up to date is left alone") {
    const auto spaces = crowded_spaces(DomainTag{7}, 5);
    Iotlb tlb(65536);
    put(tlb, first(7, spaces[0]), 0x4000);
    iommu::TlbView early = tlb.view(first(7, spaces[0]));
    tlb.renew(early);
    REQUIRE(tlb.find(early, Iova{0x4000}));
    take_number_from(tlb, spaces);
    while (!has(tlb, first(7, spaces[0]), 0x5000))
        put(tlb, first(7, spaces[0]), 0x5000);
    CHECK_FALSE(tlb.find(early, Iova{0x5000}));
    tlb.renew(early);
    CHECK(tlb.find(early, Iova{0x5000}));
}

TEST_CASE("Iotlb: of five tags whose places are beside each other, used in turn, four find what they use") {
    constexpr unsigned kPages = 16, kRounds = 200;
    const auto spaces = crowded_spaces(DomainTag{7}, 5);
    Iotlb tlb(65536);
    unsigned found = 0;
    for (unsigned i = 0; i < kRounds * kPages; ++i) {
        for (const std::uint32_t space : spaces) {
            const std::uint64_t iova = i % kPages << 12;
            if (has(tlb, first(7, space), iova)) {
                ++found;
            } else {
                put(tlb, first(7, space), iova);
            }
        }
    }
    CHECK(found > kRounds * kPages * 5 * 7 / 10);
    // An invalidated one leaves its place at once.
    tlb.invalidate_space(DomainTag{7}, SpaceTag{spaces[1]});
    for (const std::uint32_t space : {spaces[0], spaces[2], spaces[3], spaces[4]}) {
        put(tlb, first(7, space), 0x4000);
        CHECK(has(tlb, first(7, space), 0x4000));
    }
}

}  // namespace
