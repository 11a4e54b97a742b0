// SPDX-License-Identifier: GPL-2.0-or-later
//
// The IOTLB against a list of what was filled and not invalidated since, in any order of fills, looks and
// invalidations: nothing is found that the list has not, and what it has is found often enough. With so few versions
// that they run out all the time, and with tags that take their numbers from each other.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <vector>

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
using iommu::TlbTag;
using iommu::Translation;

constexpr unsigned kLargePage = 21;

struct Kept {
    std::size_t tag;  // its place in the list of tags
    IovaRange page;
    Translation translation;
};

class Model {
  public:
    Model(std::uint64_t seed, std::uint32_t entries, std::uint32_t versions) : random_(seed), tlb_(entries, versions) {
        std::vector<std::uint32_t> spaces = crowded_spaces(DomainTag{1}, 6);
        spaces.push_back(SpaceTag::none().value);
        for (const std::uint32_t space : spaces) {
            for (const auto kind : {TlbKind::First, TlbKind::Second, TlbKind::Nested})
                tags_.push_back(tlb_tag(1, space, kind));
        }
        for (const auto privilege : {Privilege::User, Privilege::Supervisor}) {
            for (const auto execute : {Execute::No, Execute::Yes})
                tags_.push_back(tlb_tag(2, 3, TlbKind::First, privilege, execute));
        }
        tags_.push_back(tlb_tag(1 + 4096, spaces[0], TlbKind::First));  // shares the counter of domain 1
        for (const TlbTag& tag : tags_)
            views_.push_back(tlb_.view(tag));
    }

    void step() {
        const unsigned what = any(1000);
        if (what < 300) return fill();
        if (what < 980) return look();
        if (what < 995) return drop_range();
        drop_more();
    }

    std::uint64_t wrong = 0;    // found, but not in the list
    std::uint64_t missing = 0;  // in the list, but not found
    std::uint64_t found = 0;

  private:
    unsigned any(unsigned count) { return static_cast<unsigned>(random_() % count); }
    std::size_t any_tag() { return any(static_cast<unsigned>(tags_.size())); }
    // Few pages, at both ends of the address space and on either side of a large page's border.
    Iova any_iova() {
        const std::uint64_t page = any(24) + (std::uint64_t{1} << (kLargePage - 12)) - 12;
        return Iova{(any(2) == 0 ? 0 : ~std::uint64_t{0} << 40) + (page << 12) + any(4096)};
    }

    void fill() {
        const std::size_t tag = any_tag();
        const Iova iova = any_iova();
        const unsigned log2 = any(4) == 0 ? kLargePage : 12;
        const IovaRange page = IovaRange::aligned(iova, log2);
        // What a walk finds stays the same until software invalidates it.
        const auto known =
            std::ranges::find_if(kept_, [&](const Kept& one) { return one.tag == tag && one.page == page; });
        if (known != kept_.end()) return tlb_.fill(tlb_.open(), tags_[tag], iova, known->translation);
        const Translation translation{.address = Pa{++outputs_ << kLargePage},
                                      .page_log2 = log2,
                                      .rights = static_cast<Rights>(1 + any(3)),
                                      .in_pieces = log2 == 12 && any(500) == 0};
        kept_.push_back({tag, page, translation});
        tlb_.fill(tlb_.open(), tags_[tag], iova, translation);
    }

    void look() {
        const std::size_t tag = any_tag();
        const Iova iova = any_iova();
        if (any(8) == 0) tlb_.renew(views_[tag]);
        const auto seen = any(2) == 0 ? tlb_.find(views_[tag], iova) : tlb_.find(tags_[tag], iova);
        bool has = false, right = false;
        for (const Kept& one : kept_) {
            if (one.tag != tag || !one.page.overlaps({iova, iova})) continue;
            has = true;
            right |= seen && seen->page_log2 == one.translation.page_log2 && seen->rights == one.translation.rights &&
                     seen->address.value == one.translation.address.value + (iova.value - one.page.first.value);
        }
        if (seen && !right) ++wrong;
        if (has) ++(seen ? found : missing);
    }

    // A first stage's large page that is kept in pieces goes with any of its addresses.
    void drop_range() {
        const Iova at = any_iova();
        const IovaRange range{at, Iova{at.value + ((std::uint64_t{1} << any(24)) - 1)}};
        const TlbTag& tag = tags_[any_tag()];
        const bool second = tag.kind == TlbKind::Second;
        if (second) {
            tlb_.invalidate_second_range(tag.domain, range);
        } else {
            tlb_.invalidate_first_range(tag.domain, tag.space, range);
        }
        std::erase_if(kept_, [&](const Kept& one) {
            const TlbTag& its = tags_[one.tag];
            if (its.domain != tag.domain || (its.kind == TlbKind::Second) != second) return false;
            if (!second && its.space != tag.space && its.space != SpaceTag::none()) return false;
            const unsigned log2 = !second && one.translation.in_pieces ? kLargePage : one.translation.page_log2;
            return IovaRange::aligned(one.page.first, log2).overlaps(range);
        });
    }

    void drop_more() {
        const TlbTag tag = tags_[any_tag()];
        const unsigned how = any(16);
        if (how == 0) {
            tlb_.invalidate_all();
            return kept_.clear();
        }
        if (how < 6) {
            tlb_.invalidate_space(tag.domain, tag.space);
            std::erase_if(kept_, [&](const Kept& one) {
                return tags_[one.tag].domain == tag.domain && tags_[one.tag].space == tag.space;
            });
            return;
        }
        const TlbReach reach = how < 9 ? TlbReach::SecondOnly : how < 12 ? TlbReach::FirstSide : TlbReach::All;
        tlb_.invalidate_domain(tag.domain, reach);
        std::erase_if(kept_, [&](const Kept& one) {
            const bool second = tags_[one.tag].kind == TlbKind::Second;
            return tags_[one.tag].domain == tag.domain &&
                   reach != (second ? TlbReach::FirstSide : TlbReach::SecondOnly);
        });
    }

    std::mt19937_64 random_;
    Iotlb tlb_;
    std::vector<TlbTag> tags_;
    std::vector<iommu::TlbView> views_;
    std::vector<Kept> kept_;
    std::uint64_t outputs_ = 0;
};

void expect_as_the_list(std::uint32_t entries, std::uint32_t versions, double least_found) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(entries, versions, seed);
        Model model(seed, entries, versions);
        for (unsigned i = 0; i < 20000; ++i)
            model.step();
        CHECK(model.wrong == 0);
        const auto asked = static_cast<double>(model.found + model.missing);
        CHECK(static_cast<double>(model.found) >= least_found * asked);
    }
}

TEST_CASE("Iotlb: nothing is found but what was filled and not invalidated since") {
    SECTION("with few places") { expect_as_the_list(64, 1u << 20, 0.25); }
    SECTION("with few versions") { expect_as_the_list(1024, 10, 0.03); }
    SECTION("with enough of both") { expect_as_the_list(65536, 1u << 20, 0.5); }
}

}  // namespace
