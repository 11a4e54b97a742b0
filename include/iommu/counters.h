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

namespace iommu {

// Names of the counters that every translation moves.
enum class Count : std::uint8_t { Hits, Misses, Faults, kNumber };

class TranslationCounters {
  public:
    void add(Count count) {
        const unsigned shard = thread_shard();
        std::atomic<std::uint64_t>& counter = shards_[shard].counts[static_cast<unsigned>(count)];
        if (shard == kShared) {
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
    static constexpr unsigned kShards = 32;
    static constexpr unsigned kShared = kShards - 1;
    struct alignas(64) Shard {
        std::array<std::atomic<std::uint64_t>, static_cast<unsigned>(Count::kNumber)> counts{};
    };

    // The first threads of the process get shards of their own for as long as the process lives. 0: not yet.
    static unsigned thread_shard() {
        if (thread_shard_plus_1_ == 0) [[unlikely]]
            assign_shard();
        return thread_shard_plus_1_ - 1;
    }
    static void assign_shard();
    // Statically placed even in an object that is loaded at run time: four bytes, found without a call.
    [[gnu::tls_model("initial-exec")]] static thread_local constinit unsigned thread_shard_plus_1_;

    std::array<Shard, kShards> shards_{};
};

}  // namespace iommu

#endif  // IOMMU_COUNTERS_H
