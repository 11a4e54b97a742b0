// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each invalidation of the IOTLB drops what it names and keeps the rest.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <vector>

#include "iommu/iotlb.h"
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
using iommu::TlbTag;

constexpr std::uint64_t kTop = 0xffffffffffffffff;

// Who uses an entry, besides where it belongs.
struct Use {
    Privilege privilege = Privilege::User;
    Execute execute = Execute::No;
};

// One page under every kind, two domains, two spaces. Not every use at once: a set holds four.
std::vector<TlbTag> all_tags(const Use& use) {
    std::vector<TlbTag> tags;
    for (const std::uint32_t domain : {7u, 8u}) {
        for (const std::uint32_t space : {2u, 3u}) {
            for (const TlbKind kind : {TlbKind::First, TlbKind::Second, TlbKind::Nested})
                tags.push_back(tlb_tag(domain, space, kind, use.privilege, use.execute));
        }
    }
    return tags;
}

// Invalidates in a cache that holds all_tags() and checks that exactly those for which `dropped` says so have gone.
template <class Invalidate, class Dropped>
void check_dropped(Invalidate invalidate, Dropped dropped) {
    for (const Use& use : {Use{}, Use{.privilege = Privilege::Supervisor}, Use{.execute = Execute::Yes}}) {
        Iotlb tlb(1024);
        for (const TlbTag& tag : all_tags(use))
            put(tlb, tag, 0x4000);
        for (const TlbTag& tag : all_tags(use))
            REQUIRE(has(tlb, tag, 0x4000));
        invalidate(tlb);
        for (const TlbTag& tag : all_tags(use)) {
            INFO("domain " << tag.domain.value << " space " << tag.space.value << " kind " << static_cast<int>(tag.kind)
                           << " privilege " << static_cast<int>(tag.privilege) << " execute "
                           << static_cast<int>(tag.execute));
            CHECK(has(tlb, tag, 0x4000) == !dropped(tag));
        }
    }
}

TEST_CASE("Iotlb: invalidate_all drops every entry") {
    check_dropped([](Iotlb& tlb) { tlb.invalidate_all(); }, [](const TlbTag&) { return true; });
}

TEST_CASE("Iotlb: invalidate_domain drops the kinds it reaches, in every space of that domain") {
    SECTION("all kinds") {
        check_dropped([](Iotlb& tlb) { tlb.invalidate_domain(DomainTag{7}, TlbReach::All); },
                      [](const TlbTag& tag) { return tag.domain.value == 7; });
    }
    SECTION("second stage alone") {
        check_dropped([](Iotlb& tlb) { tlb.invalidate_domain(DomainTag{7}, TlbReach::SecondOnly); },
                      [](const TlbTag& tag) { return tag.domain.value == 7 && tag.kind == TlbKind::Second; });
    }
    SECTION("where a first stage took part") {
        check_dropped([](Iotlb& tlb) { tlb.invalidate_domain(DomainTag{7}, TlbReach::FirstSide); },
                      [](const TlbTag& tag) { return tag.domain.value == 7 && tag.kind != TlbKind::Second; });
    }
}

TEST_CASE("Iotlb: invalidate_space drops one space of one domain") {
    check_dropped([](Iotlb& tlb) { tlb.invalidate_space(DomainTag{7}, SpaceTag{3}); },
                  [](const TlbTag& tag) { return tag.domain.value == 7 && tag.space.value == 3; });
}

TEST_CASE("Iotlb: a second-stage range drops second-stage entries of the domain in every space") {
    check_dropped([](Iotlb& tlb) { tlb.invalidate_second_range(DomainTag{7}, iovas(0x4000, 0x4fff)); },
                  [](const TlbTag& tag) { return tag.domain.value == 7 && tag.kind == TlbKind::Second; });
}

TEST_CASE("Iotlb: a first-stage range drops entries of the space in which a first stage took part") {
    check_dropped(
        [](Iotlb& tlb) { tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0x4000, 0x4fff)); },
        [](const TlbTag& tag) { return tag.domain.value == 7 && tag.space.value == 3 && tag.kind != TlbKind::Second; });
}

// Space none(): the tag of what a first stage gives to all spaces of its domain.
TEST_CASE("Iotlb: a first-stage range of one space drops global entries of its domain, and only while there are any") {
    Iotlb tlb(1024);
    put(tlb, second(7), 0x4000);
    CHECK_FALSE(tlb.globals_kept());
    for (const std::uint32_t domain : {7u, 8u}) {
        for (const std::uint64_t page : {0x4000, 0x5000})
            put(tlb, TlbTag{.domain = DomainTag{domain}, .space = SpaceTag::none()}, page);
    }
    CHECK(tlb.globals_kept());
    put(tlb, first(7, 2), 0x4000);
    tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0x4000, 0x4fff));
    CHECK_FALSE(has(tlb, TlbTag{.domain = DomainTag{7}, .space = SpaceTag::none()}, 0x4000));
    CHECK(has(tlb, TlbTag{.domain = DomainTag{7}, .space = SpaceTag::none()}, 0x5000));
    CHECK(has(tlb, TlbTag{.domain = DomainTag{8}, .space = SpaceTag::none()}, 0x4000));
    CHECK(has(tlb, first(7, 2), 0x4000));
    CHECK(has(tlb, second(7), 0x4000));
    tlb.invalidate_all();
    CHECK_FALSE(tlb.globals_kept());
}

TEST_CASE("Iotlb: a range beside the page drops nothing") {
    const auto beside = GENERATE(iovas(0x3000, 0x3fff), iovas(0x5000, 0x5fff), iovas(0x104000, 0x104fff));
    check_dropped(
        [&](Iotlb& tlb) {
            tlb.invalidate_second_range(DomainTag{7}, beside);
            tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, beside);
        },
        [](const TlbTag&) { return false; });
}

// The two range invalidations, as one that a test can be told.
struct RangeCase {
    TlbTag tag;
    void invalidate(Iotlb& tlb, const IovaRange& what) const {
        if (tag.kind == TlbKind::Second) {
            tlb.invalidate_second_range(tag.domain, what);
        } else {
            tlb.invalidate_first_range(tag.domain, tag.space, what);
        }
    }
};
const RangeCase kSecond{second(7)}, kFirst{first(7, 3)}, kNested{nested(7, 3)};

TEST_CASE("Iotlb: a range drops its first and its last page and keeps those just outside") {
    const auto stage = GENERATE(kSecond, kFirst, kNested);
    Iotlb tlb(1024);
    for (std::uint64_t page = 0; page < 32; ++page)
        put(tlb, stage.tag, page << 12);
    stage.invalidate(tlb, iovas(0x8000, 0x13fff));
    for (std::uint64_t page = 0; page < 32; ++page) {
        INFO("page " << page);
        CHECK(has(tlb, stage.tag, page << 12) == (page < 8 || page > 0x13));
    }
}

TEST_CASE("Iotlb: a range of single bytes drops the pages they are in") {
    const auto stage = GENERATE(kSecond, kFirst);
    Iotlb tlb(1024);
    for (std::uint64_t page = 0; page < 6; ++page)
        put(tlb, stage.tag, page << 12);
    stage.invalidate(tlb, iovas(0x1fff, 0x1fff));
    stage.invalidate(tlb, iovas(0x3fff, 0x4000));
    CHECK(has(tlb, stage.tag, 0x0000));
    CHECK_FALSE(has(tlb, stage.tag, 0x1000));
    CHECK(has(tlb, stage.tag, 0x2000));
    CHECK_FALSE(has(tlb, stage.tag, 0x3000));
    CHECK_FALSE(has(tlb, stage.tag, 0x4000));
    CHECK(has(tlb, stage.tag, 0x5000));
}

TEST_CASE("Iotlb: a large page goes when any byte of it is in the range") {
    const auto stage = GENERATE(kSecond, kFirst, kNested);
    const auto log2 = GENERATE(21u, 30u, 39u, 48u);
    INFO("page_log2 " << log2);
    const std::uint64_t size = std::uint64_t{1} << log2;
    Iotlb tlb(1024);
    const auto refill = [&] {
        put(tlb, stage.tag, size, size * 5, log2);
        put(tlb, stage.tag, size * 2, size * 6, log2);
        put(tlb, stage.tag, size * 2 + size / 2 + 0x5000, 0x5000);
        REQUIRE(has(tlb, stage.tag, size));
    };
    refill();
    stage.invalidate(tlb, iovas(size + size / 2, size + size / 2 + 0xfff));
    CHECK_FALSE(has(tlb, stage.tag, size));
    CHECK(has(tlb, stage.tag, size * 2));
    refill();
    stage.invalidate(tlb, iovas(size * 2 - 0x1000, size * 2 - 1));
    CHECK_FALSE(has(tlb, stage.tag, size));
    CHECK(has(tlb, stage.tag, size * 2));
    refill();
    stage.invalidate(tlb, iovas(size * 2, size * 2 + 0xfff));
    CHECK(has(tlb, stage.tag, size));
    CHECK_FALSE(has(tlb, stage.tag, size * 2));
    CHECK(has(tlb, stage.tag, size * 2 + size / 2 + 0x5000));
    stage.invalidate(tlb, iovas(size - 0x1000, size - 1));
    CHECK(has(tlb, stage.tag, size));
}

TEST_CASE("Iotlb: a range of the probe limit is dropped page by page, and the next page stays") {
    const auto stage = GENERATE(kSecond, kFirst);
    Iotlb tlb(8192);
    for (std::uint64_t page = 0; page < 1030; ++page)
        put(tlb, stage.tag, page << 12);
    stage.invalidate(tlb, iovas(0x1000, 0x400fff));  // 1024 pages
    CHECK(has(tlb, stage.tag, 0));
    CHECK(has(tlb, stage.tag, 0x401000));
    for (std::uint64_t page = 1; page <= 1024; ++page) {
        INFO("page " << page);
        CHECK_FALSE(has(tlb, stage.tag, page << 12));
    }
}

TEST_CASE("Iotlb: a range too large to be probed drops all that it names and no other domain's or stage's") {
    const auto what = GENERATE(iovas(0x1000, 0x401fff), iovas(0, 0xffffffffff), IovaRange::everything());
    Iotlb tlb(8192);
    for (std::uint64_t page = 1; page <= 0x401; ++page) {
        put(tlb, second(7), page << 12);
        put(tlb, first(7, 3), page << 12);
    }
    put(tlb, second(8), 0x1000);
    put(tlb, first(7, 2), 0x1000);
    put(tlb, first(8, 3), 0x1000);

    tlb.invalidate_second_range(DomainTag{7}, what);
    for (std::uint64_t page = 1; page <= 0x401; ++page) {
        REQUIRE_FALSE(has(tlb, second(7), page << 12));
        REQUIRE(has(tlb, first(7, 3), page << 12));
    }
    tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, what);
    for (std::uint64_t page = 1; page <= 0x401; ++page)
        REQUIRE_FALSE(has(tlb, first(7, 3), page << 12));
    CHECK(has(tlb, second(8), 0x1000));
    CHECK(has(tlb, first(7, 2), 0x1000));
    CHECK(has(tlb, first(8, 3), 0x1000));
}

TEST_CASE("Iotlb: a range that is small in large pages but not in small ones drops both") {
    const auto stage = GENERATE(kSecond, kFirst);
    Iotlb tlb(1024);
    put(tlb, stage.tag, 0x40000000, 0x40000000, 30);
    put(tlb, stage.tag, 0x80001000);
    put(tlb, stage.tag, 0xbffff000);
    stage.invalidate(tlb, iovas(0x40000000, 0xbfffffff));
    CHECK_FALSE(has(tlb, stage.tag, 0x40000000));
    CHECK_FALSE(has(tlb, stage.tag, 0x80001000));
    CHECK_FALSE(has(tlb, stage.tag, 0xbffff000));
}

TEST_CASE("Iotlb: a range may end with the last address") {
    const auto stage = GENERATE(kSecond, kFirst);
    Iotlb tlb(1024);
    put(tlb, stage.tag, 0xffffffffffffd000);
    put(tlb, stage.tag, 0xffffffffffffe000);
    put(tlb, stage.tag, 0xfffffffffffff000);
    put(tlb, stage.tag, 0);
    stage.invalidate(tlb, iovas(0xffffffffffffe000, kTop));
    CHECK(has(tlb, stage.tag, 0xffffffffffffd000));
    CHECK_FALSE(has(tlb, stage.tag, 0xffffffffffffe000));
    CHECK_FALSE(has(tlb, stage.tag, 0xfffffffffffff000));
    CHECK(has(tlb, stage.tag, 0));
}

TEST_CASE("Iotlb: ranges of more pages than there are sets find every page") {
    const auto stage = GENERATE(kSecond, kFirst);
    Iotlb tlb(64);
    for (std::uint64_t page = 0; page < 64; ++page)
        put(tlb, stage.tag, page << 12);
    stage.invalidate(tlb, iovas(0x1000, 0x3efff));
    CHECK(has(tlb, stage.tag, 0));
    CHECK(has(tlb, stage.tag, 0x3f000));
    for (std::uint64_t page = 1; page < 63; ++page)
        REQUIRE_FALSE(has(tlb, stage.tag, page << 12));
}

// Sixteen sets, all of which a range of sixteen pages touches.
TEST_CASE("Iotlb: a range keeps other domains and spaces in the sets that it looks through") {
    Iotlb tlb(64);
    const std::vector<TlbTag> kept = {first(8, 3), nested(7, 2), first(9, 2), second(8, 3), second(8, 2)};
    for (const TlbTag& tag : kept)
        put(tlb, tag, 0x4000);
    tlb.invalidate_second_range(DomainTag{7}, iovas(0, 0xffff));
    tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0, 0xffff));
    for (const TlbTag& tag : kept) {
        INFO("domain " << tag.domain.value << " space " << tag.space.value << " kind " << static_cast<int>(tag.kind));
        CHECK(has(tlb, tag, 0x4000));
    }
}

TEST_CASE("Iotlb: what was dropped can be filled again, with each kind of invalidation") {
    Iotlb tlb(64);
    const auto check_again = [&](std::uint64_t address) {
        REQUIRE_FALSE(has(tlb, first(7, 3), 0x4000));
        put(tlb, first(7, 3), 0x4000, address);
        CHECK(tlb.find(first(7, 3), Iova{0x4000})->address == Pa{address});
    };
    check_again(0x1000);
    tlb.invalidate_all();
    check_again(0x2000);
    tlb.invalidate_domain(DomainTag{7}, TlbReach::FirstSide);
    check_again(0x3000);
    tlb.invalidate_space(DomainTag{7}, SpaceTag{3});
    check_again(0x4000);
    tlb.invalidate_first_range(DomainTag{7}, SpaceTag{3}, iovas(0x4000, 0x4000));
    check_again(0x5000);
}

TEST_CASE("Iotlb: invalidating twice does not bring an entry back") {
    Iotlb tlb(64);
    put(tlb, first(7, 3), 0x4000);
    for (int times = 0; times < 100; ++times) {
        tlb.invalidate_domain(DomainTag{7}, TlbReach::All);
        CHECK_FALSE(has(tlb, first(7, 3), 0x4000));
        tlb.invalidate_space(DomainTag{7}, SpaceTag{3});
        CHECK_FALSE(has(tlb, first(7, 3), 0x4000));
    }
}

}  // namespace
