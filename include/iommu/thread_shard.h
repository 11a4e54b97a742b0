// SPDX-License-Identifier: GPL-2.0-or-later
//
// thread_shard: a small number for each thread, so that what all threads write can be kept apart by it.
//
// A thread that asks gets a number of its own for as long as it lives, and a later thread may get it then: what one has
// written is seen by the next. While all are taken, be their threads idle or not, new ones share the last one.
#ifndef IOMMU_THREAD_SHARD_H
#define IOMMU_THREAD_SHARD_H

namespace iommu {

inline constexpr unsigned kShards = 64;
inline constexpr unsigned kSharedShard = kShards - 1;

namespace detail {
// Statically placed even in an object that is loaded at run time: four bytes, found without a call. 0: not yet.
[[gnu::tls_model("initial-exec")]] extern thread_local constinit unsigned thread_shard_plus_1;
void assign_shard();
}  // namespace detail

[[nodiscard]] inline unsigned thread_shard() {
    if (detail::thread_shard_plus_1 == 0) [[unlikely]]
        detail::assign_shard();
    return detail::thread_shard_plus_1 - 1;
}

// Whether a thread may find what one that ended has left: it does not have to come by all that a first request does.
[[nodiscard]] bool shards_were_inherited();

}  // namespace iommu

#endif  // IOMMU_THREAD_SHARD_H
