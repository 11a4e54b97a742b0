// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/walk_cache.h"

namespace iommu {

// Of numbers that only grow the sum is the same when none has. An entry that was never kept has stamp 0.
WalkCache::Key WalkCache::key(const WalkOrigin& origin, std::uint64_t input) const {
    const bool second = origin.kind == TlbKind::Second;
    // The second stage's tables are the same for every space of the domain.
    const TlbTag tag{.domain = origin.domain, .space = second ? SpaceTag::none() : origin.space, .kind = origin.kind};
    Key key;
    key.input_ = (input >> origin.span_log2) << 2 | static_cast<std::uint64_t>(origin.kind);
    key.tags_ = std::uint64_t{tag.space.value} << 32 | tag.domain.value;
    key.root_ = origin.root;
    key.second_root_ = origin.second_root;
    key.shape_ = origin.shape;
    key.configs_ = origin.configs;
    key.stamp_ = 1 + iotlb_.tables_stamp(tag);
    return key;
}

std::size_t WalkCache::index_of(const Key& key) {
    static_assert(kEntries == 1u << 11);
    const std::uint64_t mix = key.input_ + key.tags_ * 0x10001 + key.root_;
    return (mix * 0x9e3779b97f4a7c15u) >> (64 - 11);  // the golden ratio; the product's top bits are the mixed ones
}

std::optional<KeptTable> WalkCache::find(const Key& key) const {
    const auto entry = entries_[index_of(key)].try_load();
    std::optional<KeptTable> table;
    if (entry && entry->key == key) table = entry->table;
    return table;
}

void WalkCache::keep(const Key& key, const KeptTable& table) {
    const std::lock_guard lock(writer_);
    entries_[index_of(key)].store(Entry{key, table});
}

}  // namespace iommu
