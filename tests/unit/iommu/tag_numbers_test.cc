// SPDX-License-Identifier: GPL-2.0-or-later
//
// Numbers for tags: that each tag has its own, that an old one is nobody's, and what happens when they run out.
#include "iommu/tag_numbers.h"

#include <catch2/catch_test_macros.hpp>
#include <set>

#include "iotlb_check.h"

namespace {

using namespace test;
using iommu::Execute;
using iommu::Privilege;
using iommu::TagNumber;
using iommu::TagNumbers;
using iommu::TlbKind;

TEST_CASE("TagNumbers: a tag that was given none has none; one that was has it as long as its stamp stays") {
    TagNumbers numbers;
    CHECK(numbers.find(first(7, 3), 0).version == 0);
    const TagNumber number = numbers.give(first(7, 3), 5);
    CHECK(number.version == 1);
    CHECK(numbers.find(first(7, 3), 5) == number);
    CHECK(numbers.find(first(7, 3), 6).version == 0);
    CHECK(numbers.give(first(7, 3), 5) == number);
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
                    versions.insert(numbers.give(tag, 1).version);
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
    const TagNumber old = numbers.give(first(7, 3), 1);
    const TagNumber now = numbers.give(first(7, 3), 2);
    CHECK(now.place == old.place);
    CHECK(now.version == 2);
    CHECK_FALSE(numbers.holder(old));
    CHECK(numbers.holder(now));
    CHECK_FALSE(numbers.holder({}));
    CHECK_FALSE(numbers.holder({old.place, 0}));
}

TEST_CASE("TagNumbers: of more tags than there are places for, the one given longest ago loses its number") {
    TagNumbers numbers;
    std::uint32_t space = 0;
    const TagNumber oldest = numbers.give(first(7, 0), 1);
    while (numbers.find(first(7, 0), 1).version != 0)
        (void)numbers.give(first(7, ++space), 1);
    CHECK(space >= 4);
    CHECK_FALSE(numbers.holder(oldest));
    CHECK(numbers.find(first(7, space), 1).place == oldest.place);
    const TagNumber again = numbers.give(first(7, 0), 1);
    CHECK(again.version == space + 2);
}

TEST_CASE("TagNumbers: when the versions are used up there is none, until they begin anew") {
    TagNumbers numbers(2);
    CHECK(numbers.give(first(7, 1), 1).version == 1);
    CHECK(numbers.give(first(7, 2), 1).version == 2);
    CHECK(numbers.give(first(7, 3), 1).version == 0);
    CHECK(numbers.give(first(7, 1), 1).version == 1);
    numbers.restart();
    CHECK(numbers.find(first(7, 1), 1).version == 0);
    CHECK(numbers.used() == 0);
    CHECK(numbers.give(first(7, 2), 1).version == 1);
}

}  // namespace
