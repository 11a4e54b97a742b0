// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/counters.h"

#include <algorithm>

namespace iommu {

thread_local constinit unsigned TranslationCounters::thread_shard_plus_1_ = 0;

void TranslationCounters::assign_shard() {
    static std::atomic<unsigned> next{0};
    thread_shard_plus_1_ = std::min(next.fetch_add(1, std::memory_order_relaxed), kShared) + 1;
}

}  // namespace iommu
