// SPDX-License-Identifier: GPL-2.0-or-later
//
// two_stage: a first stage whose tables and pages live in what a second stage maps.
//
// The second stage enters a nested walk only as "where does this table of the first stage live": `SecondStageLocate` is
// the locator that the first stage's walk is given. Then the first stage's page goes through the second stage for the
// access itself, and `combine` takes the smaller page and the common rights.
//
//     Marks marks;
//     const auto path = walk_nested(first, second, query, marks, memory);
//
// Dirty bits: where an access does not set a stage's dirty bit (a read), the write right is left out of what may be
// used without asking again, so that the first write walks and sets it.
#ifndef IOMMU_TWO_STAGE_H
#define IOMMU_TWO_STAGE_H

#include <algorithm>

#include "iommu/walk.h"

namespace iommu {

// A finished path through one stage or both.
struct Path {
    Pa address;  // of the queried byte
    unsigned page_log2 = 12;
    Rights usable = Rights::None;  // may be used from a cache
    bool in_pieces = false;        // the second stage's page is smaller than the first's: this is one of several
};

[[nodiscard]] constexpr Rights usable_rights(const StageLeaf& leaf) {
    return leaf.clean ? leaf.rights & Rights::Read : leaf.rights;
}

[[nodiscard]] constexpr Path single(const StageLeaf& leaf) {
    return {Pa{leaf.output}, leaf.page_log2, usable_rights(leaf), false};
}

[[nodiscard]] constexpr Path combine(const StageLeaf& first, const StageLeaf& second) {
    return {Pa{second.output}, std::min(first.page_log2, second.page_log2),
            usable_rights(first) & usable_rights(second), second.page_log2 < first.page_log2};
}

// The place of an entry of the first stage, by the second stage's leaf.
[[nodiscard]] constexpr Located located(const StageLeaf& leaf) {
    return {.at = Pa{leaf.output}, .writable = covers(leaf.rights, Rights::ReadWrite), .page_mark = leaf.leaf_mark};
}

// Finds first-stage tables through the second stage.
template <class Second>
class SecondStageLocate {
  public:
    SecondStageLocate(const Second& second, Marks& marks, const GuestMemory& memory)
        : second_(second), marks_(marks), memory_(memory) {}

    [[nodiscard]] Result<Located, WalkFault> locate(std::uint64_t slot, Purpose purpose) {
        const WalkQuery query{.input = slot, .access = Access::Read, .purpose = purpose};
        const StageLeaf leaf = TRY(walk(second_, query, IdentityLocate{}, marks_, memory_));
        return located(leaf);
    }

    // An entry on this page is going to be written: the page becomes dirty in the second stage.
    void written(const Located& located) {
        Mark& page = marks_.mark_at(located.page_mark);
        page.update = second_.update(EntryUse::Leaf, page.entry, WalkQuery{.access = Access::Write});
    }

  private:
    const Second& second_;
    Marks& marks_;
    const GuestMemory& memory_;
};

// The first stage alone, or the second alone.
template <class Format>
Result<Path, WalkFault> walk_single(const Format& format, const WalkQuery& query, Marks& marks,
                                    const GuestMemory& memory) {
    const StageLeaf leaf = TRY(walk(format, query, IdentityLocate{}, marks, memory));
    return single(leaf);
}

template <class First, class Second>
Result<Path, WalkFault> walk_nested(const First& first, const Second& second, const WalkQuery& query, Marks& marks,
                                    const GuestMemory& memory) {
    SecondStageLocate<Second> locator(second, marks, memory);
    const StageLeaf page = TRY(walk(first, query, locator, marks, memory));
    WalkQuery access = query;
    access.input = page.output;
    const StageLeaf final = TRY(walk(second, access, IdentityLocate{}, marks, memory));
    return combine(page, final);
}

}  // namespace iommu

#endif  // IOMMU_TWO_STAGE_H
