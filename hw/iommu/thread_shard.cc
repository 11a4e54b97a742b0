// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/thread_shard.h"

#include <atomic>
#include <bit>
#include <cstdint>

#include "iommu/dma_drain.h"

namespace iommu {

namespace detail {

thread_local constinit unsigned thread_shard_plus_1 = 0;

namespace {

// A bit for each shard that nobody has. Acquire and release, so that who gets one sees what its last owner wrote.
constinit std::atomic<std::uint64_t> free_shards{(std::uint64_t{1} << kSharedShard) - 1};
// A bit for each that a thread gave back.
constinit std::atomic<std::uint64_t> used_shards{0};
constinit Arrivals heirs;

unsigned take_shard() {
    std::uint64_t free = free_shards.load(std::memory_order_relaxed);
    while (free != 0) {
        if (free_shards.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire)) {
            const auto shard = static_cast<unsigned>(std::countr_zero(free));
            if ((used_shards.load(std::memory_order_relaxed) >> shard & 1) != 0) heirs.come();
            return shard;
        }
    }
    return kSharedShard;
}

// Gives the shard back when its thread ends.
struct Lease {
    unsigned shard = take_shard();

    Lease() = default;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
        thread_shard_plus_1 = kSharedShard + 1;  // for what runs later in the thread's end
        if (shard == kSharedShard) return;
        used_shards.fetch_or(std::uint64_t{1} << shard, std::memory_order_relaxed);
        free_shards.fetch_or(std::uint64_t{1} << shard, std::memory_order_release);
    }
};

}  // namespace

void assign_shard() {
    thread_local const Lease lease;
    thread_shard_plus_1 = lease.shard + 1;
}

}  // namespace detail

bool shards_were_inherited() { return detail::heirs.any_for_certain(); }

}  // namespace iommu
