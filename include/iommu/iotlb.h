// SPDX-License-Identifier: GPL-2.0-or-later
//
// Iotlb: the cache of finished translations.
//
// Entries are tagged with domain, space, kind and privilege and live in sets of four, a line of memory each; a lookup
// probes one set for each page size in use. A full set replaces in turn, after entries that are no longer valid: the
// cache is never emptied for being full.
//
// An entry is two words: `what` (output and rights), and `where` (page, its size), both with a part of the number that
// stands for its tag (tag_numbers.h). `where` is stored xored with a hash of `what` whose key nobody knows: words of
// two entries do not fit together, so a reader needs no lock, no sequence number and no second look to know that it has
// a whole one. (That two do by chance has a probability of about 2^-45, where a reader was between the stores at all.)
//
// A hit takes no lock, allocates nothing and writes nothing. Fills and page invalidations take one mutex; invalidations
// of everything, a domain or a space count up a generation and touch no entry. A range is looked for in the sets that
// can hold it; when it could be in more than kMaxProbes sets, its domain or space is dropped instead. So no command's
// cost depends on how many pages it names.
//
// An invalidation must not be undone by a walk that began before it. `open()` gives a ticket before the first table is
// read; `fill` does nothing when anything was invalidated since. A translation found by such a walk may still be used
// once: the request was there before the invalidation was.
//
// Not here: which right an access needs, and which command invalidates what.
#ifndef IOMMU_IOTLB_H
#define IOMMU_IOTLB_H

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <mutex>
#include <optional>

#include "iommu/big_array.h"
#include "iommu/generations.h"
#include "iommu/request.h"
#include "iommu/tag_numbers.h"

namespace iommu {

// What a look-up needs of a tag, worked out once. Valid as long as the Iotlb it is of.
class TlbView {
    friend class Iotlb;
    TlbTag tag_;
    std::uint32_t mix_ = 0;
    TagNumber number_;
    std::uint64_t stamp_ = 0;  // until it moves, the number is the tag's
    const Generation* domain_ = nullptr;
    const Generation* space_ = nullptr;

  public:
    [[nodiscard]] const TlbTag& tag() const { return tag_; }
};

// Which entries' kinds a command reaches.
enum class TlbReach : std::uint8_t {
    SecondOnly,  // entries made by the second stage alone
    FirstSide,   // entries in which a first stage took part
    All,
};

// Whether an invalidation of pages also reaches the tables above them.
enum class Tables : std::uint8_t { Drop, Keep };

class Iotlb {
  public:
    static constexpr std::uint32_t kWays = 4;
    static constexpr std::uint64_t kMaxProbes = 1024;

    struct Ticket {
        std::uint64_t epoch = 0;
    };

    // `entries`: a power of two, at least 64. `versions`: fewer for a test (tag_numbers.h).
    explicit Iotlb(std::uint32_t entries, std::uint32_t versions = TagNumbers::kVersions);

    [[nodiscard]] TlbView view(const TlbTag& tag) const;
    // Brings the view up to date when what it was worked out from was invalidated.
    [[nodiscard]] std::optional<Translation> find(TlbView& view, Iova iova) const;
    [[nodiscard]] std::optional<Translation> find(const TlbTag& tag, Iova iova) const {
        TlbView once = view(tag);
        return find(once, iova);
    }

    // For a view that found nothing, or less than was asked for: its tag may have lost the view's number to others
    // since, and be filled under another one. To be called before the walk.
    void renew(TlbView& view) const {
        if (!numbers_.holds(view.number_)) view = this->view(view.tag_);
    }

    // Counts the invalidations, each once it is carried out. What was found while it stood still is what is here.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
    [[nodiscard]] Ticket open() const { return {epoch()}; }
    // Keeps the translation for the block of 2^page_log2 bytes around `iova`, unless something was invalidated since.
    // Output addresses have 52 bits, input addresses 58 of which the topmost is repeated: others are not kept.
    void fill(Ticket ticket, const TlbTag& tag, Iova iova, const Translation& translation);

    void invalidate_all();
    void invalidate_domain(DomainTag domain, TlbReach reach);
    void invalidate_space(DomainTag domain, SpaceTag space);
    // Entries of the domain that overlap the range: those made by the second stage alone, in every space.
    void invalidate_second_range(DomainTag domain, const IovaRange& range, Tables tables = Tables::Drop);
    // Entries of one space, and global ones, that overlap the range and in which a first stage took part.
    void invalidate_first_range(DomainTag domain, SpaceTag space, const IovaRange& range, Tables tables = Tables::Drop);

    // Of what is kept of the tables that lead to such entries (walk_cache.h): another one after each invalidation that
    // reaches them.
    [[nodiscard]] std::uint64_t tables_stamp(DomainTag domain, SpaceTag space, TlbKind kind) const {
        const std::uint64_t name = space_name(domain, space);
        const std::uint64_t others = all_.now() + spaces_.now(name);
        if (kind == TlbKind::Second) return others + second_only_.now(domain.value) + second_tables_.now(domain.value);
        return others + first_side_.now(domain.value) + first_tables_.now(name);
    }

    // Something that is not in this cache was invalidated: tickets given before are void.
    void void_tickets() { epoch_.fetch_add(1, std::memory_order_acq_rel); }

    // Whether an entry may be here that a first stage gave to all spaces of its domain: its space is SpaceTag::none().
    [[nodiscard]] bool globals_kept() const { return globals_kept_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::uint32_t entries() const { return (set_mask_ + 1) * kWays; }

  private:
    struct Entry {
        std::uint64_t where = 0;  // page number in bits 63:18, page_log2 in 17:12, place of the tag's number in 11:0
        std::uint64_t what = 0;   // page address in bits 51:12, rights in 1:0, version of the number in 63:52 and 11:2
    };
    struct Slot {
        std::atomic<std::uint64_t> sealed;
        std::atomic<std::uint64_t> what;
    };
    struct alignas(64) Set {
        std::array<Slot, kWays> ways;
    };
    struct Hit {
        std::uint64_t output = 0;     // page address and rights
        std::uint64_t page_log2 = 0;  // 0: none
    };
    struct RangeMatch {
        TlbReach reach = TlbReach::All;
        DomainTag domain;
        std::optional<SpaceTag> space;
        IovaRange range;
    };

    // Any two values of `what` give hashes that differ in many bits, and in which ones depends on the key.
    [[nodiscard]] std::uint64_t seal(std::uint64_t what) const {
        const std::uint64_t mixed = (what ^ what >> 32) * key_;
        return mixed ^ mixed >> 29;
    }
    [[nodiscard]] std::uint64_t stamp_of(const TlbView& view) const {
        return all_.now() + view.domain_->now() + view.space_->now();
    }
    [[nodiscard]] TlbView unnumbered_view(const TlbTag& tag) const;
    [[nodiscard]] std::uint32_t set_of(const TlbView& view, Iova iova, unsigned page_log2) const {
        return (static_cast<std::uint32_t>(iova.value >> page_log2) + view.mix_) & set_mask_;
    }
    [[nodiscard]] Hit probe(const TlbView& view, Iova iova) const;
    // Under the lock; nobody else changes it.
    [[nodiscard]] Entry load(std::uint32_t set, std::uint32_t way) const {
        const Slot& slot = sets_[set].ways[way];
        const std::uint64_t what = slot.what.load(std::memory_order_relaxed);
        return {.where = slot.sealed.load(std::memory_order_relaxed) ^ seal(what), .what = what};
    }
    void store(std::uint32_t set, std::uint32_t way, const Entry& entry) {
        Slot& slot = sets_[set].ways[way];
        slot.what.store(entry.what, std::memory_order_release);
        slot.sealed.store(entry.where ^ seal(entry.what), std::memory_order_release);
    }
    [[nodiscard]] bool in_use(const TagNumbers::Held& held) const;
    [[nodiscard]] bool is_valid(const Entry& entry) const;
    [[nodiscard]] std::uint32_t victim(std::uint32_t set, const Entry& next);
    [[nodiscard]] TagNumber number_for(const TlbView& view);
    void remove_all();
    // False when the range could be in too many sets.
    bool drop_range(const RangeMatch& match, const TlbView& view);
    void drop_first_range(DomainTag domain, SpaceTag space, const IovaRange& range);
    void drop_pages(const RangeMatch& match, const TlbView& view, unsigned page_log2);
    [[nodiscard]] bool may_be_of(TagNumber number, const RangeMatch& match) const;

    std::uint32_t set_mask_;
    BigArray<Set> sets_;
    TagNumbers numbers_;
    const std::uint64_t key_;                   // of the hash; odd
    std::atomic<std::uint64_t> page_sizes_{0};  // bit n: pages of 2^n bytes were filled
    std::atomic<std::uint64_t> epoch_{1};

    Generation all_;
    GenerationTable second_only_;    // by domain
    GenerationTable first_side_;     // by domain
    GenerationTable spaces_;         // by domain and space
    GenerationTable second_tables_;  // by domain
    GenerationTable first_tables_;   // by domain and space

    std::atomic<bool> globals_kept_{false};

    std::mutex writer_;
    std::uint32_t oldest_ = 0;      // up to this version nothing is valid
    BigArray<std::uint8_t> turns_;  // by set: the way that is replaced next
    bool pieces_kept_ = false;      // since everything was dropped last, as globals_kept_
};

}  // namespace iommu

#endif  // IOMMU_IOTLB_H
