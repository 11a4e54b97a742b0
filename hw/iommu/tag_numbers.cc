// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/tag_numbers.h"

namespace iommu {

namespace {

constexpr unsigned kKindShift = 0;  // 2 bits
constexpr unsigned kPrivilegeShift = 2;
constexpr unsigned kExecuteShift = 3;
constexpr std::uint64_t kTagMask = 15;  // of `rest`: what is not the version

}  // namespace

TagNumbers::Place TagNumbers::place_for(const TlbTag& tag, std::uint32_t version, std::uint64_t stamp) {
    return {.rest = std::uint64_t{version} << kVersionShift | static_cast<std::uint64_t>(tag.kind) << kKindShift |
                    static_cast<std::uint64_t>(tag.privilege) << kPrivilegeShift |
                    static_cast<std::uint64_t>(tag.execute) << kExecuteShift,
            .name = std::uint64_t{tag.space.value} << 32 | tag.domain.value,
            .stamp = stamp};
}

// The first of the places that the tag may have.
std::uint32_t TagNumbers::first_place(const TlbTag& tag) {
    const Place place = place_for(tag, 0, 0);
    const std::uint64_t mixed = (place.name ^ place.rest << 28) * 0x9e3779b97f4a7c15u;  // the golden ratio
    return static_cast<std::uint32_t>(mixed >> (64 - kPlaceBits)) & ~(kWays - 1);
}

TagNumber TagNumbers::find(const TlbTag& tag, std::uint64_t stamp) const {
    const Place wanted = place_for(tag, 0, stamp);
    const std::uint32_t first = first_place(tag);
    for (std::uint32_t place = first; place < first + kWays; ++place) {
        const Place held = load(place);
        if (held.name != wanted.name || (held.rest & kTagMask) != wanted.rest || held.stamp != stamp) continue;
        return {place, version_of(held.rest)};
    }
    return {};
}

TagNumber TagNumbers::give(const TlbTag& tag, std::uint64_t stamp, const InUse& in_use) {
    if (last_.number.version != 0 && last_.stamp == stamp && last_.tag == tag) return last_.number;
    TagNumber number = find(tag, stamp);
    if (number.version == 0) {
        if (used_up()) return {};
        const auto place = place_to_take(tag, in_use);
        if (!place) return {};
        number = {*place, ++used_};
        held_[*place].store(place_for(tag, number.version, stamp));
    }
    last_ = {tag, stamp, number};
    return number;
}

// The tag's own place first, then one that is not in use, then, seldom, the one whose version is oldest.
std::optional<std::uint32_t> TagNumbers::place_to_take(const TlbTag& tag, const InUse& in_use) {
    const Place wanted = place_for(tag, 0, 0);
    const std::uint32_t first = first_place(tag);
    std::uint32_t oldest = first;
    std::optional<std::uint32_t> idle;
    for (std::uint32_t place = first; place < first + kWays; ++place) {
        const Place held = load(place);
        const bool taken = version_of(held.rest) != 0;
        if (taken && held.name == wanted.name && (held.rest & kTagMask) == wanted.rest) return place;
        if (!idle && !(taken && in_use(held_by(held)))) idle = place;
        if (version_of(held.rest) < version_of(load(oldest).rest)) oldest = place;
    }
    if (idle) return idle;
    return ++refused_ % kPatience == 0 ? std::optional(oldest) : std::nullopt;
}

void TagNumbers::restart() {
    for (std::uint32_t place = 0; place < 1u << kPlaceBits; ++place)
        held_[place].store(Place{});
    used_ = 0;
    last_ = {};
}

TagNumbers::Held TagNumbers::held_by(const Place& place) {
    return {.tag = {.domain = DomainTag{static_cast<std::uint32_t>(place.name)},
                    .space = SpaceTag{static_cast<std::uint32_t>(place.name >> 32)},
                    .kind = static_cast<TlbKind>(place.rest >> kKindShift & 3),
                    .privilege = static_cast<Privilege>(place.rest >> kPrivilegeShift & 1),
                    .execute = static_cast<Execute>(place.rest >> kExecuteShift & 1)},
            .stamp = place.stamp};
}

std::optional<TagNumbers::Held> TagNumbers::holder(TagNumber number) const {
    if (!holds(number)) return std::nullopt;
    return held_by(load(number.place));
}

}  // namespace iommu
