// SPDX-License-Identifier: GPL-2.0-or-later
//
// TagNumbers: a small number for each tag under which the IOTLB keeps entries.
//
// A tag and the generations it belongs to are 24 bytes, the same ones in thousands of entries. Here they are kept once,
// in one of 4096 places, and an entry has the place's number (12 bits) and its version (22 bits). A tag that was
// invalidated by counting up a generation gets another version when it is filled again, so that what was kept under the
// old one is found by nobody. So does a tag that comes to a place of another one.
//
// Four places are open to a tag. While all four are others', and in use, it gets none: only each 256th time that this
// happens somebody loses a place. If it were each time, five tags in turn would lose what is kept for all of them again
// and again; so four find everything, and one nothing.
//
// When all versions have been used, `give` has none left until `restart`; whoever restarts must first have removed
// every entry, and moved a generation that all tags belong to.
//
// Threads: `find` from any, without a lock; the others under the IOTLB's lock.
#ifndef IOMMU_TAG_NUMBERS_H
#define IOMMU_TAG_NUMBERS_H

#include <cstdint>
#include <functional>
#include <optional>

#include "iommu/big_array.h"
#include "iommu/ids.h"
#include "iommu/request.h"
#include "iommu/seqlock.h"

namespace iommu {

// Through which stages an entry was found: what decides which invalidations reach it.
enum class TlbKind : std::uint8_t { First, Second, Nested };

struct TlbTag {
    DomainTag domain;
    SpaceTag space;
    TlbKind kind = TlbKind::First;
    Privilege privilege = Privilege::User;
    Execute execute = Execute::No;
    friend constexpr bool operator==(const TlbTag&, const TlbTag&) = default;
};

struct TagNumber {
    std::uint32_t place = 0;
    std::uint32_t version = 0;  // 0: no number
    friend constexpr bool operator==(const TagNumber&, const TagNumber&) = default;
};

class TagNumbers {
  public:
    static constexpr unsigned kPlaceBits = 12;
    static constexpr unsigned kVersionBits = 22;
    static constexpr std::uint32_t kVersions = (1u << kVersionBits) - 1;  // 1 and up
    static constexpr std::uint32_t kPatience = 256;

    // `versions`: how many there are, at most kVersions; fewer for a test.
    explicit TagNumbers(std::uint32_t versions = kVersions) : versions_(versions), held_(1u << kPlaceBits) {}

    // What the tag's entries have, as long as its generations add up to `stamp`.
    [[nodiscard]] TagNumber find(const TlbTag& tag, std::uint64_t stamp) const;

    struct Held {
        TlbTag tag;
        std::uint64_t stamp = 0;
    };
    // Whether the stamp is still the tag's.
    using InUse = std::function<bool(const Held&)>;

    // The same, and a new one if there is none. No number when its places are taken, or the versions used up.
    [[nodiscard]] TagNumber give(const TlbTag& tag, std::uint64_t stamp, const InUse& in_use);
    [[nodiscard]] bool used_up() const { return used_ == versions_; }
    // How many versions have been given out; the next one is higher.
    [[nodiscard]] std::uint32_t used() const { return used_; }
    void restart();

    // Whether the number is still its tag's.
    [[nodiscard]] bool holds(TagNumber number) const {
        const auto rest = held_[number.place].try_load<std::uint64_t>();
        return number.version != 0 && rest && version_of(*rest) == number.version;
    }
    // Whose the number is. Nothing when its place has another version now: it may still be in use, but nobody knows
    // for which tag.
    [[nodiscard]] std::optional<Held> holder(TagNumber number) const;

  private:
    static constexpr std::uint32_t kWays = 4;
    static constexpr unsigned kVersionShift = 32;  // of `rest`
    struct Place {
        std::uint64_t rest = 0;  // of the tag, and the version
        std::uint64_t name = 0;  // domain and space
        std::uint64_t stamp = 0;
    };
    [[nodiscard]] static std::uint32_t version_of(std::uint64_t rest) {
        return static_cast<std::uint32_t>(rest >> kVersionShift);
    }
    [[nodiscard]] static Place place_for(const TlbTag& tag, std::uint32_t version, std::uint64_t stamp);
    [[nodiscard]] static std::uint32_t first_place(const TlbTag& tag);
    [[nodiscard]] std::optional<std::uint32_t> place_to_take(const TlbTag& tag, const InUse& in_use);
    [[nodiscard]] static Held held_by(const Place& place);
    [[nodiscard]] Place load(std::uint32_t place) const { return held_[place].try_load().value_or(Place{}); }

    std::uint32_t versions_;
    std::uint32_t used_ = 0;
    std::uint32_t refused_ = 0;
    struct {
        TlbTag tag;
        std::uint64_t stamp = 0;
        TagNumber number;
    } last_;  // that was given
    BigArray<Seqlocked<Place>> held_;
};

}  // namespace iommu

#endif  // IOMMU_TAG_NUMBERS_H
