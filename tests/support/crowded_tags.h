// SPDX-License-Identifier: GPL-2.0-or-later
//
// crowded_tags: more spaces than may have a number at a time, as their tags share the places of one (tag_numbers.h).
#ifndef TESTS_SUPPORT_CROWDED_TAGS_H
#define TESTS_SUPPORT_CROWDED_TAGS_H

#include <cstdint>
#include <vector>

#include "iommu/tag_numbers.h"

namespace test {

// For numbers that are taken from whoever has them.
inline bool nobody_stays(const iommu::TagNumbers::Held&) { return false; }

// `count` spaces from 1 up whose tags of the first stage would have places beside each other.
inline std::vector<std::uint32_t> crowded_spaces(iommu::DomainTag domain, std::size_t count) {
    constexpr std::uint32_t kBeside = 4;
    iommu::TagNumbers numbers;
    std::vector<std::uint32_t> spaces;
    std::uint32_t places = 0;
    for (std::uint32_t space = 1; spaces.size() < count; ++space) {
        const std::uint32_t place =
            numbers.give({.domain = domain, .space = iommu::SpaceTag{space}}, 1, nobody_stays).place;
        if (spaces.empty()) places = place / kBeside;
        if (place / kBeside == places) spaces.push_back(space);
    }
    return spaces;
}

}  // namespace test

#endif  // TESTS_SUPPORT_CROWDED_TAGS_H
