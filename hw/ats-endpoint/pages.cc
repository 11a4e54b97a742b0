// SPDX-License-Identifier: GPL-2.0-or-later
#include "ats-endpoint/pages.h"

#include <algorithm>
#include <utility>

namespace endpoint {

bool PageGroups::open(const PageGroup& group) {
    if (groups_.size() >= kMost) return false;
    groups_.push_back(group);
    return true;
}

std::optional<PageGroup> PageGroups::take(const iommu::PageGroupResponse& response, PasidCheck check) {
    const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const PageGroup& group) {
        return group.index == response.index && (check == PasidCheck::Off || group.pasid == response.pasid);
    });
    if (found == groups_.end()) return std::nullopt;
    const PageGroup group = *found;
    groups_.erase(found);
    return group;
}

bool PageGroups::knows_index(std::uint16_t index) const {
    return std::any_of(groups_.begin(), groups_.end(),
                       [index](const PageGroup& group) { return group.index == index; });
}

void PageGroups::leave(unsigned channel) {
    for (PageGroup& group : groups_) {
        if (group.channel == channel) group.channel = kNobody;
    }
}

// One that is in use is passed over as long as there is a free one.
std::uint16_t PageGroups::next_index() {
    for (unsigned tried = 0; tried < kIndexes; ++tried) {
        newest_ = static_cast<std::uint16_t>((newest_ + 1u) % kIndexes);
        if (!knows_index(newest_)) break;
    }
    return newest_;
}

unsigned PageGroups::pages() const {
    unsigned pages = 0;
    for (const PageGroup& group : groups_)
        pages += group.pages;
    return pages;
}

void PageGroups::restore(std::vector<PageGroup> groups, std::uint16_t newest) {
    groups_ = std::move(groups);
    newest_ = newest;
}

}  // namespace endpoint
