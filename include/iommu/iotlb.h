// SPDX-License-Identifier: GPL-2.0-or-later
//
// Iotlb: the cache of finished translations.
//
// Entries are tagged with domain, space, kind and privilege and live in sets of four; a lookup probes one set for each
// page size in use. A full set replaces in turn, after entries that are no longer valid: the cache is never emptied for
// being full.
//
// A hit takes no lock, allocates nothing and writes nothing: entries are read under sequence numbers. Fills and page
// invalidations take one mutex; invalidations of everything, a domain or a space count up a generation and touch no
// entry. A range is looked for in the sets that can hold it; when it could be in more than kMaxProbes sets, its domain
// or space is dropped instead. So no command's cost depends on how many pages it names.
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

// What a look-up needs of a tag, worked out once. Valid as long as the Iotlb it is of.
class TlbView {
    friend class Iotlb;
    std::uint64_t tags_ = 0;
    std::uint64_t key_bits_ = 0;
    std::uint64_t mix_ = 0;
    const Generation* domain_ = nullptr;
    const Generation* space_ = nullptr;
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

    // `entries`: a power of two, at least 64.
    explicit Iotlb(std::uint32_t entries);

    [[nodiscard]] TlbView view(const TlbTag& tag) const;
    [[nodiscard]] std::optional<Translation> find(const TlbView& view, Iova iova) const;
    [[nodiscard]] std::optional<Translation> find(const TlbTag& tag, Iova iova) const { return find(view(tag), iova); }

    // Counts the invalidations, each once it is carried out. What was found while it stood still is what is here.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
    [[nodiscard]] Ticket open() const { return {epoch()}; }
    // Keeps the translation for the block of 2^page_log2 bytes around `iova`, unless something was invalidated since.
    // Output addresses have 52 bits.
    void fill(Ticket ticket, const TlbTag& tag, Iova iova, const Translation& translation);

    void invalidate_all();
    void invalidate_domain(DomainTag domain, TlbReach reach);
    void invalidate_space(DomainTag domain, SpaceTag space);
    // Entries of the domain that overlap the range: those made by the second stage alone, in every space.
    void invalidate_second_range(DomainTag domain, const IovaRange& range, Tables tables = Tables::Drop);
    // Entries of one space, and global ones, that overlap the range and in which a first stage took part.
    void invalidate_first_range(DomainTag domain, SpaceTag space, const IovaRange& range, Tables tables = Tables::Drop);

    // Of what is kept of the tables that lead to the tag's entries (walk_cache.h): another one after each invalidation
    // that reaches them.
    [[nodiscard]] std::uint64_t tables_stamp(const TlbTag& tag) const;

    // Something that is not in this cache was invalidated: tickets given before are void.
    void void_tickets() { epoch_.fetch_add(1, std::memory_order_acq_rel); }

    // Whether an entry may be here that a first stage gave to all spaces of its domain: its space is SpaceTag::none().
    [[nodiscard]] bool globals_kept() const { return globals_kept_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::uint32_t entries() const { return (set_mask_ + 1) * kWays; }

  private:
    // key: page number in bits 63:12; page_log2, kind, privilege, execute, valid below.
    struct Entry {
        std::uint64_t key = 0;
        std::uint64_t tags = 0;    // space 63:32, domain 31:0
        std::uint64_t output = 0;  // page address in bits 51:12, rights in 1:0
        std::uint64_t stamp = 0;
    };
    // `guarded` is the output with the entry's sequence number in the bits that it does not use, odd while the entry
    // changes: what tells that the entry is whole is in the line of memory that is read anyway.
    struct alignas(32) Slot {
        std::atomic<std::uint64_t> key;
        std::atomic<std::uint64_t> tags;
        std::atomic<std::uint64_t> stamp;
        std::atomic<std::uint64_t> guarded;
    };
    struct alignas(128) Set {
        std::array<Slot, kWays> ways;
    };
    struct RangeMatch {
        TlbReach reach = TlbReach::All;
        DomainTag domain;
        std::optional<SpaceTag> space;
        IovaRange range;
    };

    [[nodiscard]] static std::uint64_t key_of(const TlbView& view, Iova iova, unsigned page_log2);
    [[nodiscard]] static std::uint64_t tags_of(DomainTag domain, SpaceTag space);
    [[nodiscard]] std::uint64_t stamp_of(const TlbView& view) const;
    [[nodiscard]] std::uint32_t set_of(const TlbView& view, Iova iova, unsigned page_log2) const;
    [[nodiscard]] bool probe(std::uint32_t set, std::uint64_t key, std::uint64_t tags, std::uint64_t stamp,
                             std::uint64_t& output) const;
    [[nodiscard]] Entry load(std::uint32_t set, std::uint32_t way) const;
    void store(std::uint32_t set, std::uint32_t way, const Entry& entry);
    [[nodiscard]] std::uint32_t victim(std::uint32_t set, const Entry& next) const;
    [[nodiscard]] std::uint64_t stamp_of(const Entry& entry) const;
    // False when the range could be in too many sets.
    bool drop_range(const RangeMatch& match, const TlbView& view);
    void drop_first_range(DomainTag domain, SpaceTag space, const IovaRange& range);
    void drop_in_set(std::uint32_t set, unsigned page_log2, const RangeMatch& match);

    std::uint32_t set_mask_;
    BigArray<Set> sets_;
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
    bool pieces_kept_ = false;  // since everything was dropped last, as globals_kept_
};

}  // namespace iommu

#endif  // IOMMU_IOTLB_H
