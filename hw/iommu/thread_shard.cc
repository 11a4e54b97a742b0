// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/thread_shard.h"

#include <algorithm>
#include <atomic>

namespace iommu::detail {

thread_local constinit unsigned thread_shard_plus_1 = 0;

void assign_shard() {
    static std::atomic<unsigned> next{0};
    thread_shard_plus_1 = std::min(next.fetch_add(1, std::memory_order_relaxed), kSharedShard) + 1;
}

}  // namespace iommu::detail
