// SPDX-License-Identifier: GPL-2.0-or-later
//
// counters: numbers that the hit path counts without slowing down.
//
// Each thread counts in a shard of its own, with a plain load and store; reading adds the shards up. Threads beyond the
// number of shards share one and count there with atomic additions, so no count is lost.
#ifndef IOMMU_COUNTERS_H
#define IOMMU_COUNTERS_H

#include <array>
#include <atomic>
#include <cstdint>

#include "iommu/thread_shard.h"

namespace iommu {

// Names of the counters that every translation moves.
enum class Count : std::uint8_t { Hits, Misses, Faults, kNumber };

class TranslationCounters {
  public:
    void add(Count count) {
        const unsigned shard = thread_shard();
        std::atomic<std::uint64_t>& counter = shards_[shard].counts[static_cast<unsigned>(count)];
        if (shard == kSharedShard) {
            counter.fetch_add(1, std::memory_order_relaxed);
        } else {
            counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
    }

    [[nodiscard]] std::uint64_t sum(Count count) const {
        std::uint64_t total = 0;
        for (const Shard& shard : shards_) {
            total += shard.counts[static_cast<unsigned>(count)].load(std::memory_order_relaxed);
        }
        return total;
    }

  private:
    struct alignas(64) Shard {
        std::array<std::atomic<std::uint64_t>, static_cast<unsigned>(Count::kNumber)> counts{};
    };

    std::array<Shard, kShards> shards_{};
};

}  // namespace iommu

#endif  // IOMMU_COUNTERS_H
