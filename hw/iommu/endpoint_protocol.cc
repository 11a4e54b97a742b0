// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/endpoint_protocol.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace iommu {

std::optional<std::uint8_t> InvalidateTracker::open(RequesterId requester, unsigned limit, std::uint64_t deadline_ns) {
    return open(requester, Throttle{.function = requester, .limit = limit}, deadline_ns);
}

std::optional<std::uint8_t> InvalidateTracker::open(RequesterId requester, const Throttle& throttle,
                                                    std::uint64_t deadline_ns) {
    if (open_.size() >= kMost) return std::nullopt;
    std::uint32_t used = 0;
    unsigned against_limit = 0;
    for (const Open& one : open_) {
        if (one.requester == requester) used |= std::uint32_t{1} << one.itag;
        if (one.function == throttle.function) ++against_limit;
    }
    const auto itag = static_cast<std::uint8_t>(std::countr_one(used));
    if (itag >= kTags || against_limit >= throttle.limit) return std::nullopt;
    open_.push_back({.requester = requester,
                     .itag = itag,
                     .number = opened_++,
                     .deadline_ns = deadline_ns,
                     .function = throttle.function});
    return itag;
}

bool InvalidateTracker::complete(const InvalidateCompletion& completion) {
    std::uint32_t unknown = completion.itag_vector;
    std::erase_if(open_, [&](Open& one) {
        const std::uint32_t bit = std::uint32_t{1} << one.itag;
        if (one.requester != completion.requester || (completion.itag_vector & bit) == 0) return false;
        unknown &= ~bit;
        if (one.answers == 0) one.answers = static_cast<std::uint8_t>(std::clamp(completion.count, 1u, 8u));
        return --one.answers == 0;
    });
    return completion.itag_vector != 0 && unknown == 0;
}

std::vector<RequesterId> InvalidateTracker::expire(std::uint64_t now_ns) {
    std::vector<RequesterId> late;
    for (const Open& one : open_) {
        if (one.deadline_ns <= now_ns) late.push_back(one.requester);
    }
    std::erase_if(open_, [now_ns](const Open& one) { return one.deadline_ns <= now_ns; });
    return late;
}

std::uint64_t InvalidateTracker::deadline_ns() const {
    std::uint64_t next = kNever;
    for (const Open& one : open_)
        next = std::min(next, one.deadline_ns);
    return next;
}

void InvalidateTracker::restore(std::vector<Open> open, std::uint64_t opened) {
    open_ = std::move(open);
    opened_ = opened;
}

}  // namespace iommu
