// SPDX-License-Identifier: GPL-2.0-or-later
//
// FrontCache<Route>: what each thread was answered last for each requester and PASID.
//
// The first thing that a translation looks at. A thread has a table of its own, in which a requester (`Who`) has one
// slot: the block of addresses it was answered last, and how such a requester is translated. Nobody else reads or
// writes the table: no lock, no sequence number, no line of memory that two processors write.
//
// A slot's block counts as long as nothing at all was invalidated since before the answer was looked for: `when` is the
// sum of the epochs of both caches behind it (config_cache.h, iotlb.h), which only grow. Its route counts as long as no
// configuration was invalidated and no gate moved: the sum's part `configs`. A pass-through's block is as large as the
// address space, so it costs no entry anywhere.
//
//     front.recall(who, iova, need, now, find)     // the block; else find(slot), if the slot's route counts
//
// Threads: each has a table, made by `join` on its first request, as far as there are shards (thread_shard.h); the
// others do without. Tables live as long as the unit; a thread may inherit that of one that ended.
//
// Not here: what is looked at next.
#ifndef IOMMU_FRONT_CACHE_H
#define IOMMU_FRONT_CACHE_H

#include <array>
#include <atomic>
#include <memory>
#include <optional>

#include "iommu/iotlb.h"
#include "iommu/thread_shard.h"

namespace iommu {

// Of whom a request is, as far as translations differ by it: requester, PASID, privilege, execute.
struct Who {
    std::uint64_t value = 0;

    [[nodiscard]] static constexpr Who of(std::uint32_t requester, std::uint32_t pasid, bool privileged,
                                          bool executes) {
        return {std::uint64_t{requester} << 32 | std::uint64_t{pasid} << 2 | (privileged ? 2u : 0u) |
                (executes ? 1u : 0u)};
    }
    [[nodiscard]] static constexpr Who of(const Request& request) {
        return of(request.requester.value, request.pasid ? request.pasid->value : kPasidLimit,
                  request.privilege == Privilege::Supervisor, request.execute == Execute::Yes);
    }
    [[nodiscard]] constexpr bool executes() const { return (value & 1) != 0; }
    friend constexpr bool operator==(const Who&, const Who&) = default;
};

// Of the caches behind, at one moment; the configurations' first.
struct Epochs {
    std::uint64_t configs = 0;
    std::uint64_t translations = 0;
    [[nodiscard]] std::uint64_t sum() const { return configs + translations; }
};

// What was not answered by a slot: whether the IOTLB was asked for it.
enum class Looked : std::uint8_t { No, Yes };

template <class Route>
class FrontCache {
  public:
    static constexpr std::size_t kSlots = 512;  // for each thread; a power of two

    // The first line of memory is all that a hit reads.
    struct alignas(64) Slot {
        Who who;
        std::uint64_t when = 0;  // 0: never; epochs begin above
        Iova block;              // any address in it
        std::uint64_t delta = 0;
        std::uint8_t page_log2 = 12;
        Rights rights = Rights::None;
        std::uint64_t configs = ~std::uint64_t{0};  // never
        Route route{};
        TlbView view;

        [[nodiscard]] bool answers(Who asked, Iova iova, Rights need, std::uint64_t now) const {
            return when == now && who == asked && (iova.value ^ block.value) >> page_log2 == 0 && covers(rights, need);
        }
        [[nodiscard]] bool knows_route(Who asked, std::uint64_t now) const { return configs == now && who == asked; }
        [[nodiscard]] Translation translation(Iova iova) const {
            return {.address = Pa{iova.value + delta}, .page_log2 = page_log2, .rights = rights};
        }

        void learn(Who asked, std::uint64_t now, const Route& found, const TlbView& tags) {
            who = asked;
            when = 0;
            configs = now;
            route = found;
            view = tags;
        }
        void forget_block() { when = 0; }
        void remember(std::uint64_t now, Iova iova, const Translation& translation) {
            when = now;
            block = iova;
            delta = translation.address.value - iova.value;
            page_log2 = static_cast<std::uint8_t>(translation.page_log2);
            rights = translation.rights;
        }
    };

    // The slot that `who` has if anybody has it; for this thread alone.
    [[nodiscard]] Slot* slot(Who who) const {
        const unsigned shard = thread_shard();
        Table* table = shard < kTables ? tables_[shard].load(std::memory_order_relaxed) : nullptr;
        return table == nullptr ? nullptr : &(*table)[index_of(who)];
    }

    // What the slot says, or else `find(slot)` by the route that it knows.
    template <class Find>
    [[nodiscard]] std::optional<Translation> recall(Who who, Iova iova, Rights need, Epochs now, Find&& find) const {
        Slot* const own = slot(who);
        if (own == nullptr) return std::nullopt;
        if (own->answers(who, iova, need, now.sum())) return own->translation(iova);
        if (!own->knows_route(who, now.configs)) return std::nullopt;
        return find(*own);
    }

    // Calls with that slot, or with one that is forgotten after the call.
    template <class Call>
    [[nodiscard]] auto with_slot(Who who, Call&& call) const {
        if (Slot* own = slot(who)) return call(*own);
        Slot forgotten;
        return call(forgotten);
    }

    // Gives this thread a table, if it has none and may have one.
    void join() {
        const unsigned shard = thread_shard();
        if (shard >= kTables || tables_[shard].load(std::memory_order_relaxed) != nullptr) return;
        tables_[shard].store(std::make_unique<Table>().release(), std::memory_order_relaxed);
    }

    FrontCache() = default;
    FrontCache(const FrontCache&) = delete;
    FrontCache& operator=(const FrontCache&) = delete;
    ~FrontCache() {
        for (const auto& table : tables_)
            std::unique_ptr<Table>{table.load(std::memory_order_relaxed)}.reset();
    }

  private:
    using Table = std::array<Slot, kSlots>;
    static constexpr unsigned kTables = kSharedShard;  // the threads that share a shard have none

    // Different slots have neighbouring functions, function 0 of neighbouring buses, and neighbouring PASIDs of one
    // requester.
    [[nodiscard]] static std::size_t index_of(Who who) {
        const std::uint64_t requester = who.value >> 32;
        return (requester + (requester >> 8) * 293 + (who.value >> 2 & (kPasidLimit - 1)) * 37 +
                (who.value & 3) * 151) %
               kSlots;
    }

    std::array<std::atomic<Table*>, kTables> tables_{};
};

}  // namespace iommu

#endif  // IOMMU_FRONT_CACHE_H
