// SPDX-License-Identifier: GPL-2.0-or-later
//
// Numbers for tags: that each tag has its own, that an old one is nobody's, and what happens when they run out.
#include "iommu/tag_numbers.h"

#include <catch2/catch_test_macros.hpp>
#include <set>
#include <vector>

#include "crowded_tags.h"
#include "iotlb_check.h"

namespace {

using namespace test;
using iommu::Execute;
using iommu::Privilege;
using iommu::TagNumber;
using iommu::TagNumbers;
using iommu::TlbKind;

bool all_stay(const TagNumbers::Held&) { return true; }

TEST_CASE("TagNumbers: a tag that was given none has none; one that was has it as long as its stamp stays") {
    TagNumbers numbers;
    CHECK(numbers.find(first(7, 3), 0).version == 0);
    const TagNumber number = numbers.give(first(7, 3), 5, all_stay);
    CHECK(number.version == 1);
    CHECK(numbers.find(first(7, 3), 5) == number);
    CHECK(numbers.find(first(7, 3), 6).version == 0);
    CHECK(numbers.give(first(7, 3), 5, all_stay) == number);
    CHECK(numbers.used() == 1);
}

TEST_CASE("TagNumbers: tags that differ in anything have different numbers") {
    TagNumbers numbers;
    std::set<std::uint32_t> versions;
    unsigned tags = 0;
    for (const auto kind : {TlbKind::First, TlbKind::Second, TlbKind::Nested}) {
        for (const auto privilege : {Privilege::User, Privilege::Supervisor}) {
            for (const auto execute : {Execute::No, Execute::Yes}) {
                for (const auto domain : {7u, 8u}) {
                    const auto tag = tlb_tag(domain, 3, kind, privilege, execute);
                    versions.insert(numbers.give(tag, 1, all_stay).version);
                    ++tags;
                    const auto holder = numbers.holder(numbers.find(tag, 1));
                    REQUIRE(holder);
                    CHECK(holder->tag == tag);
                    CHECK(holder->stamp == 1);
                }
            }
        }
    }
    CHECK(versions.size() == tags);
    CHECK_FALSE(numbers.find(first(7, 4), 1).version != 0);
}

TEST_CASE("TagNumbers: a tag's next number is in the same place, and nobody holds the one before") {
    TagNumbers numbers;
    const TagNumber old = numbers.give(first(7, 3), 1, all_stay);
    const TagNumber now = numbers.give(first(7, 3), 2, all_stay);
    CHECK(now.place == old.place);
    CHECK(now.version == 2);
    CHECK_FALSE(numbers.holder(old));
    CHECK(numbers.holder(now));
    CHECK_FALSE(numbers.holder({}));
    CHECK_FALSE(numbers.holder({old.place, 0}));
}

// Tags that have their places beside each other, one more than there are.
std::vector<std::uint32_t> five_spaces() { return crowded_spaces(iommu::DomainTag{7}, 5); }

TEST_CASE("TagNumbers: of more tags than there are places for, seldom one loses its number: who has had it longest") {
    TagNumbers numbers;
    const auto spaces = five_spaces();
    std::vector<TagNumber> given;
    for (unsigned i = 0; i < 4; ++i)
        given.push_back(numbers.give(first(7, spaces[i]), 1, all_stay));
    for (std::uint32_t refused = 1; refused < TagNumbers::kPatience; ++refused)
        REQUIRE(numbers.give(first(7, spaces[4]), 1, all_stay).version == 0);
    CHECK(numbers.used() == 4);
    for (const TagNumber& number : given)
        CHECK(numbers.holder(number));
    CHECK(numbers.give(first(7, spaces[4]), 1, all_stay) == TagNumber{given[0].place, 5});
    CHECK_FALSE(numbers.holder(given[0]));
    CHECK(numbers.holder(given[1]));
}

TEST_CASE("TagNumbers: a place whose tag was invalidated is taken at once") {
    TagNumbers numbers;
    const auto spaces = five_spaces();
    for (unsigned i = 0; i < 4; ++i)
        (void)numbers.give(first(7, spaces[i]), 1, all_stay);
    const TagNumber third = numbers.find(first(7, spaces[2]), 1);
    const auto all_but_third = [&](const TagNumbers::Held& held) {
        CHECK(held.stamp == 1);
        return held.tag != first(7, spaces[2]);
    };
    CHECK(numbers.give(first(7, spaces[4]), 1, all_but_third).place == third.place);
    CHECK(numbers.find(first(7, spaces[0]), 1).version == 1);
}

TEST_CASE("TagNumbers: when the versions are used up there is none, until they begin anew") {
    TagNumbers numbers(2);
    CHECK(numbers.give(first(7, 1), 1, all_stay).version == 1);
    CHECK(numbers.give(first(7, 2), 1, all_stay).version == 2);
    CHECK(numbers.give(first(7, 3), 1, all_stay).version == 0);
    CHECK(numbers.give(first(7, 1), 1, all_stay).version == 1);
    numbers.restart();
    CHECK(numbers.find(first(7, 1), 1).version == 0);
    CHECK(numbers.used() == 0);
    CHECK(numbers.give(first(7, 2), 1, all_stay).version == 1);
}

}  // namespace
