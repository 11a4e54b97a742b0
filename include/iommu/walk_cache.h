// SPDX-License-Identifier: GPL-2.0-or-later
//
// WalkCache: where the tables of the last level are.
//
// A walk that succeeded leaves the address of the table that its page's entry is in, with the rights that the entries
// above it grant. The next walk to an address that this table covers begins there: it reads one entry instead of all.
// Of a nested first stage the table's place in memory is kept, too, so that its own walk through the second stage is
// left out: what VT-d calls paging-structure caches. [VTD 5.10 s6.2.4, s6.2.5; SMMU G.b s3.21.1]
//
// What is found here never decides a fault: a walk that does not succeed from a kept table is done again from the root.
// A table is kept once the accessed bits above it are set.
//
// Nothing is ever searched to be dropped. An entry keeps the stamp (generations.h) of everything it belongs to, as it
// was *before* the configuration was looked for and the walk read its first table: an invalidation during the walk
// makes it void before it is here. What drops translations of a domain or space drops its tables; an invalidation of
// pages does unless software says that it changed leaves only; one of configurations drops all. Entries name the root
// they were found from and how its tables are read (`shape`), so two sets of tables under one tag never mix.
//
// Threads: `find` takes no lock, `keep` does.
#ifndef IOMMU_WALK_CACHE_H
#define IOMMU_WALK_CACHE_H

#include <mutex>
#include <optional>

#include "iommu/big_array.h"
#include "iommu/iotlb.h"
#include "iommu/seqlock.h"

namespace iommu {

// A table whose entries are leaves of the smallest pages.
struct KeptTable {
    std::uint64_t slot = 0;    // its address, in the space that the stage's tables are in
    Pa at;                     // where that is in memory
    std::uint64_t grants = 0;  // of the entries above it
};

// One stage of one configuration.
struct WalkOrigin {
    DomainTag domain;
    SpaceTag space;
    TlbKind kind = TlbKind::First;
    std::uint64_t root = 0;
    std::uint64_t second_root = 0;  // of the stage that the tables are found through; nested only
    std::uint64_t shape = 0;        // how the tables are read: the unit's own encoding, equal when everything is
    unsigned span_log2 = 21;        // bytes that one table of the last level covers
    std::uint64_t configs = 0;      // epoch of the configurations, before this one was looked for
};

class WalkCache {
  public:
    static constexpr std::size_t kEntries = 2048;  // 4 GiB in pages of 4 KiB

    // What is asked for, under what there was when it was asked.
    class Key {
        friend class WalkCache;
        std::uint64_t input_ = 0;  // above the span; the kind in the lowest bits
        std::uint64_t tags_ = 0;
        std::uint64_t root_ = 0;
        std::uint64_t second_root_ = 0;
        std::uint64_t shape_ = 0;
        std::uint64_t configs_ = 0;  // apart from the stamp: the two are not taken at one moment
        std::uint64_t stamp_ = 0;

      public:
        friend bool operator==(const Key&, const Key&) = default;
    };

    explicit WalkCache(const Iotlb& iotlb) : iotlb_(iotlb), entries_(kEntries) {}

    // Before the first table is read. Of numbers that only grow the sum is the same when none has; an entry that was
    // never kept has stamp 0.
    [[nodiscard]] Key key(const WalkOrigin& origin, std::uint64_t input) const {
        // The second stage's tables are the same for every space of the domain.
        const SpaceTag space = origin.kind == TlbKind::Second ? SpaceTag::none() : origin.space;
        Key key;
        key.input_ = (input >> origin.span_log2) << 2 | static_cast<std::uint64_t>(origin.kind);
        key.tags_ = std::uint64_t{space.value} << 32 | origin.domain.value;
        key.root_ = origin.root;
        key.second_root_ = origin.second_root;
        key.shape_ = origin.shape;
        key.configs_ = origin.configs;
        key.stamp_ = 1 + iotlb_.tables_stamp(origin.domain, space, origin.kind);
        return key;
    }
    [[nodiscard]] std::optional<KeptTable> find(const Key& key) const;
    void keep(const Key& key, const KeptTable& table);

  private:
    struct Entry {
        Key key;
        KeptTable table;
    };
    [[nodiscard]] static std::size_t index_of(const Key& key);

    const Iotlb& iotlb_;
    BigArray<Seqlocked<Entry>> entries_;
    std::mutex writer_;
};

}  // namespace iommu

#endif  // IOMMU_WALK_CACHE_H
