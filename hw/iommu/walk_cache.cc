// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/walk_cache.h"

namespace iommu {

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
